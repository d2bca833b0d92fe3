"""What a device sent, and what of it can be used."""


def sorted_out(lines: list[str]) -> tuple[list[int], list[str]]:
    """The whole numbers among the lines, and the lines that are none, each in the order in which they came. Spaces around a
    number do not matter; one bad line is no reason to lose those after it."""
    numbers: list[int] = []
    others: list[str] = []
    try:
        for line in lines:
            numbers.append(int(line))
    except ValueError:
        others.extend(lines[len(numbers) :])
    return numbers, others
