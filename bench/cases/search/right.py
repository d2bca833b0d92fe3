"""Looking things up in order."""


def find(items: list[int], wanted: int) -> int:
    """The first index at which `wanted` stands in the sorted `items`; -1 where it does not."""
    low, high = 0, len(items)
    while low < high:
        middle = (low + high) // 2
        if items[middle] < wanted:
            low = middle + 1
        else:
            high = middle
    return low if low < len(items) and items[low] == wanted else -1


def find_naive(items: list[int], wanted: int) -> int:
    """The same, one by one."""
    for index, item in enumerate(items):
        if item == wanted:
            return index
    return -1
