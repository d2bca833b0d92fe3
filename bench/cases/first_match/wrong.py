"""Completion of words."""


def first_match(words: list[str], prefix: str) -> str:
    """The first word that begins with `prefix`, or the prefix itself where none does."""
    for word in words:
        if word.startswith(prefix):
            return word
    if words:
        return prefix
