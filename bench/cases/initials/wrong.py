"""Names in short."""


def initials(name: str) -> str:
    """The first letters of the words of any name, in upper case: `ada lovelace` is `AL`; no words, no letters."""
    return "".join(word[0].upper() for word in name.split(" "))
