"""Titles as they stand in an address."""

import re

LONGEST = 24


def slugify(title: str) -> str:
    """Lower case words joined by single hyphens, at most 24 characters, no hyphen at either end.

    A slug is its own slug.
    """
    words = re.sub(r"[^a-z0-9]+", "-", title.lower())
    return words.strip("-")[:LONGEST].strip("-")
