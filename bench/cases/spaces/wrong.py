"""White space in running text."""


def normalize_spaces(text: str) -> str:
    """No space at either end and never two in a row; everything else stays. Doing it again changes nothing."""
    text = text.strip(" ")
    return text.replace("  ", " ")
