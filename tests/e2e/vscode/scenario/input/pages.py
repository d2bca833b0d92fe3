"""Where pages are kept."""

from slug import slug


def page(title: str) -> str:
    """The name of the file of a page."""
    return slug(title) + ".html"
