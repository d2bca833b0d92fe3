"""Names for pages."""

import re

from letters import first_letters

WORD = re.compile(r"[^\W_]+")


def slug(title: str, limit: int = 40) -> str:
    """Turn a title into a URL slug: lower case, words joined by single hyphens.

    It is cut between words, never inside one, to at most `limit` characters.
    """
    text = ""
    for word in WORD.findall(title.lower()):
        longer = f"{text}-{word}" if text else word
        if len(longer) > limit:
            break
        text = longer
    return text


def initials(name: str) -> str:
    """Give the first letter of each word, in upper case."""
    return first_letters(name).upper()
