"""Reading Python source with Python's own parser, which cannot take every text.

Beside a syntax error it raises `ValueError` (a null byte), `RecursionError` (the tree is too deep to walk) and
`MemoryError` (its own stack is full: a file of 20,000 dashes). None of them is a defect of ralphd: the text is not
understood, that is all.
"""

from __future__ import annotations

import ast

from ralphd.core.text import BOM

NOT_UNDERSTOOD: tuple[type[Exception], ...] = (SyntaxError, ValueError, RecursionError, MemoryError)
"""For `except NOT_UNDERSTOOD:` around `parsed` and walks of its trees."""


def parsed(source: str) -> ast.Module:
    """The syntax tree of a file's text. A byte order mark at its beginning is no part of the code, and counts as no column.
    Raises one of `NOT_UNDERSTOOD`."""
    return ast.parse(source.removeprefix(BOM))


def written(node: ast.AST) -> str:
    """The node as source; "" for one that parses and cannot be written: `ast.unparse` calls itself for each level, so a sum
    of 400 numbers is too deep for it, and Python writes no whole number of more than 4300 digits."""
    try:
        return ast.unparse(node)
    except (RecursionError, ValueError):
        return ""
