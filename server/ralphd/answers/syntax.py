"""What a syntax tree tells of a text: whether it parses, and whether an edit made it parse worse."""

from __future__ import annotations

import warnings
from functools import lru_cache
from typing import TYPE_CHECKING

from ralphd.answers.fences import scan
from ralphd.answers.repetition import repeats_itself
from ralphd.context.languages import JSON, MARKDOWN, PLAIN, Language, language_of, parse
from ralphd.core import foreign_json
from ralphd.core.python_source import NOT_UNDERSTOOD, parsed
from ralphd.core.text import BOM

if TYPE_CHECKING:
    from tree_sitter import Node

PYTHON_LIMIT = 200_000
"""Characters up to which Python's own parser is asked too; it finds more than the grammar, and takes longer."""


@lru_cache(maxsize=32)
def errors(path: str, text: str) -> int:
    """How many places of `text` the grammar of `path`'s language cannot read; 0 where there is no grammar."""
    language = language_of(path)
    tree = parse(language, text.removeprefix(BOM).encode("utf-8", "surrogatepass"))
    if tree is None or not tree.root_node.has_error:
        return 0
    return _count(tree.root_node)


def _count(root: Node) -> int:
    found, stack = 0, [root]
    while stack:
        node = stack.pop()
        if node.is_error or node.is_missing:
            found += 1
        stack += [child for child in node.children if child.has_error or child.is_missing]
    return max(found, 1)


@lru_cache(maxsize=32)
def python_error(text: str) -> str:
    """What Python's own parser says of `text`; "" where it reads it, or where it is too long to ask."""
    if len(text) > PYTHON_LIMIT:
        return ""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            parsed(text)
    except NOT_UNDERSTOOD as error:
        return f"{getattr(error, 'msg', error)} (line {getattr(error, 'lineno', 0) or 0})"
    return ""


def worse(path: str, before: str | None, after: str) -> str:
    """Why `after` parses worse than `before` did (None: there was no such file); "" where it does not."""
    language = language_of(path)
    if path.lower().endswith((".py", ".pyi")) and not python_error(before or "") and (error := python_error(after)):
        return f"the code does not parse: {error}"
    if path.casefold().endswith(".ipynb"):
        return "" if _is_json(after) else "a notebook must be JSON"
    if language is JSON and _is_json(before or "{}") and not _is_json(after):
        return "the text is not JSON"
    if not after.strip():
        return ""
    was, now = errors(path, before or ""), errors(path, after)
    if now > was:
        return f"the text does not parse as {language.name}, in {now - was} more places than before"
    return ""


def _is_json(text: str) -> bool:
    try:
        foreign_json.parse(text.removeprefix(BOM))
    except (ValueError, RecursionError):
        return False
    return True


def sound(path: str, text: str) -> bool:
    """Whether `text` can be the whole of the file `path`, by its syntax; fences inside prose must close."""
    language: Language = language_of(path)
    if language in (MARKDOWN, PLAIN):
        return scan(text.split("\n")[:-1]).open is None
    return not repeats_itself(text) and not worse(path, None, text)
