"""What words begin with."""


def prefix(words: list[str]) -> str:
    """The longest text that all of the words begin with; empty where there is none, or no word."""
    if not words:
        return ""
    first, last = words[0], words[-1]
    length = 0
    while length < min(len(first), len(last)) and first[length] == last[length]:
        length += 1
    return first[:length]
