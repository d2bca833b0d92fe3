"""Indentation of code that a model wrote: what a text is indented with, and how it is moved to another place.

Lines inside a string that spans lines are never moved: their white space is the program's data. A docstring is moved with
its code where it is indented like it, for its white space is for readers.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Collection, Sequence

from ralphd.context.languages import PYTHON, Language, parse

_WHITE = re.compile(r"[ \t]*")


def indent_of(line: str) -> str:
    match = _WHITE.match(line)
    return match[0] if match else ""


def common_indent(lines: Sequence[str]) -> str:
    """Leading white space that all lines with words share."""
    filled = [indent_of(line) for line in lines if line.strip()]
    if not filled:
        return ""
    first, last = min(filled), max(filled)
    common = 0
    while common < min(len(first), len(last)) and first[common] == last[common]:
        common += 1
    return first[:common]


def unit_of(lines: Sequence[str]) -> str:
    """One step of indentation: a tab, or the spaces that a deeper line most often has more than the line before."""
    filled = [line for line in lines if line.strip()]
    indents = [indent_of(line) for line in filled]
    deep = [i for i in indents if i]
    if not deep:
        return ""
    if sum(i.startswith("\t") for i in deep) * 2 > len(deep):
        return "\t"
    opens = [line.rstrip().endswith((":", "{", "(", "[", "=>")) for line in filled]
    steps = Counter(
        len(b) - len(a)
        for a, b, opened in zip(indents, indents[1:], opens)
        if opened and len(b) > len(a) and "\t" not in a + b
    ) or Counter(len(b) - len(a) for a, b in itertools.pairwise(indents) if len(b) > len(a) and "\t" not in a + b)
    size = steps.most_common(1)[0][0] if steps else len(deep[0])
    return " " * (size if 1 < size <= 8 else 0)


def lines_in_strings(language: Language, code: str, *, docstrings: bool = False) -> set[int]:
    """Numbers (0-based) of the lines of `code` that begin inside a string. `docstrings`: those of Python count too."""
    if not language.strings:
        return set()
    tree = parse(language, code.encode("utf-8", "surrogatepass"))
    if tree is None:
        return set()
    found: set[int] = set()
    stack = [tree.root_node]
    while stack:
        node = stack.pop()
        first, last = node.start_point[0], node.end_point[0]
        if first == last:
            continue
        if node.type in language.strings:
            if docstrings or not _is_docstring(language, node):
                found.update(range(first + 1, last + 1))
            continue
        stack += node.children
    return found


def _is_docstring(language: Language, node) -> bool:  # type: ignore[no-untyped-def]
    """A string that is a statement, and whose lines are all indented at least like itself or blank."""
    if language is not PYTHON or node.parent is None or node.parent.type != "expression_statement":
        return False
    column = node.start_point[1]
    lines = (node.text or b"").decode("utf-8", "replace").split("\n")[1:]
    return all(not line.strip() or len(indent_of(line).expandtabs(8)) >= column for line in lines)


def moved(
    lines: Sequence[str], old: str, new: str, fixed: Collection[int] = (), units: tuple[str, str] = ("", "")
) -> list[str]:
    """`lines` with the base indentation `old` swapped for `new`, but for the lines numbered in `fixed`.

    `units`: one step of indentation in `lines` and one in the file, where they differ. Blank lines become empty.
    """
    out = []
    for number, line in enumerate(lines):
        if number in fixed:
            out.append(line)
        elif not line.strip():
            out.append("")
        else:
            rest = line.removeprefix(old) if line.startswith(old) else line.lstrip(" \t")
            out.append(new + (_in_units(rest, *units) if units[0] and units[0] != units[1] else rest))
    return out


def _in_units(line: str, theirs: str, ours: str) -> str:
    white = indent_of(line)
    level = 0
    while theirs and white.startswith(theirs):
        white, level = white[len(theirs) :], level + 1
    return ours * level + white + line.lstrip(" \t")
