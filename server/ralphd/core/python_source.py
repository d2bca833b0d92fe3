"""Reading Python source with Python's own parser, which cannot take every text. All of ralphd reads it here.

Beside a syntax error it raises `ValueError` (a null byte), `RecursionError` (the tree is too deep to walk) and
`MemoryError` (its own stack is full: a file of 20,000 dashes). None of them is a defect of ralphd: the text is not
understood, that is all. Neither is one that is too long: while the parser works, nothing else in the process does.
"""

from __future__ import annotations

import ast
import types
import warnings

from ralphd.core.text import BOM

NOT_UNDERSTOOD: tuple[type[Exception], ...] = (SyntaxError, ValueError, RecursionError, MemoryError)
"""For `except NOT_UNDERSTOOD:` around the functions below and walks of their trees."""
MOST_CHARACTERS = 1_000_000
"""Of one source; a longer one is data."""


def parsed(source: str) -> ast.Module:
    """The syntax tree of a file's text. A byte order mark at its beginning is no part of the code, and counts as no column.
    Raises one of `NOT_UNDERSTOOD`."""
    return ast.parse(_short_enough(source.removeprefix(BOM)))


def expression(source: str) -> ast.expr:
    """The syntax tree of one expression. Raises one of `NOT_UNDERSTOOD`."""
    return ast.parse(_short_enough(source), mode="eval").body


def compiled(source: str) -> types.CodeType:
    """The code of a file's text without its docstrings and asserts. Raises one of `NOT_UNDERSTOOD`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return compile(_short_enough(source), "source", "exec", optimize=2, dont_inherit=True)


def written(node: ast.AST) -> str:
    """The node as source; "" for one that parses and cannot be written: `ast.unparse` calls itself for each level, so a sum
    of 400 numbers is too deep for it, and Python writes no whole number of more than 4300 digits."""
    try:
        return ast.unparse(node)
    except (RecursionError, ValueError):
        return ""


def _short_enough(source: str) -> str:
    if len(source) > MOST_CHARACTERS:
        raise ValueError(f"longer than {MOST_CHARACTERS:,} characters")
    return source
