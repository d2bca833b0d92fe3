"""Which pages a print dialog asks for."""

from __future__ import annotations


def expand(pages: str) -> list[int]:
    """Page numbers from short text: "1-3, 5" gives [1, 2, 3, 5].

    The result is sorted and holds no number twice. A range that runs backwards raises ValueError.
    """
    raise NotImplementedError
