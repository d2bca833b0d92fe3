"""Text in lines of a limited width."""


def wrapped(text: str, width: int) -> list[str]:
    """The words of the text in lines of at most `width` characters, one space between two words and as many words in a line
    as fit. A word that is longer than that has a line of its own."""
    lines: list[str] = []
    for word in text.split():
        if lines and len(lines[-1]) + 1 + len(word) < width:
            lines[-1] += " " + word
        else:
            lines.append(word)
    return lines
