"""Names for pages."""

import re

WORD = re.compile(r"[a-z0-9]+")


def slug(title: str, limit: int = 40) -> str:
    """Turn a title into a URL slug: lower case, words joined by single hyphens.

    It is cut between words, never inside one, to at most `limit` characters.
    """
    # TODO: punctuation, upper case and the limit
    return title.replace(" ", "-")


def initials(name: str) -> str:
    """Give the first letter of each word, in upper case."""
    letters = ""
    for word in name.split():
        letters = letters + word[0].upper()
    return letters
