"""Names for pages."""

import re


def slug(title: str, limit: int = 40) -> str:
    """Turn a title into a URL slug: lower case, words joined by single hyphens.

    It is cut between words, never inside one, to at most `limit` characters.
    """
    text = ""
    for word in re.findall(r"[a-z0-9]+", title.lower()):
        longer = f"{text}-{word}" if text else word
        if len(longer) > limit:
            break
        text = longer
    return text


def initials(name: str) -> str:
    """Give the first letter of each word, in upper case."""
    letters = ""
    for word in name.split():
        letters = letters + word[0].upper()
    return letters
