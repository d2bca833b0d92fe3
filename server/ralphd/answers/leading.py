"""The comments and attributes above a definition: the file's, the answer's, and which of them stay."""

from __future__ import annotations

import re

from ralphd.answers.imports import text_of
from ralphd.answers.indentation import indent_of, moved
from ralphd.answers.units import Code, Unit
from ralphd.context.languages import GO

_DOC = re.compile(r"^\s*(?:///|//!|/\*\*)")


def joined_leading(file: Code, had: Unit, answer: Code, has: Unit) -> tuple[int, list[str]]:
    """(the file's first row that is replaced, the answer's lines that go above the definition).

    Lines that the file has above the definition stay and are not repeated. An answer that has all of them and more, or
    another documentation comment, replaces them; other comments are added below the file's.
    """
    theirs = answer.rows(has.first, has.start - 1)
    ours = file.rows(had.first, had.start - 1)
    bare, known = [line.strip() for line in theirs if line.strip()], [line.strip() for line in ours if line.strip()]
    indent = indent_of(file.lines[had.start])
    shown = moved(theirs, indent_of(answer.lines[has.start]), indent)
    if not bare or all(line in known for line in bare):
        return had.start, []
    attributes = _attributes(had, file)
    if set(known) <= set(bare):
        return had.first, shown
    documented = _documents(ours, file) and _documents(theirs, answer)
    if documented and set(attributes) <= set(_attributes(has, answer)):
        return had.first, shown
    if documented:
        comments = [line for line, text in zip(shown, theirs) if text.strip() not in _attributes(has, answer)]
        rows = [line for line in ours if line.strip() in attributes]
        fresh = [line for line in shown if line.strip() in _attributes(has, answer) and line.strip() not in attributes]
        return had.first, comments + rows + fresh
    return had.start, [line for line in shown if line.strip() not in known]


def _attributes(unit: Unit, code: Code) -> list[str]:
    return [text_of(node).strip() for node in unit.leading if node.type in code.language.attributes]


def _documents(lines: list[str], code: Code) -> bool:
    if code.language is GO:
        return any(line.strip().startswith("//") for line in lines)
    return any(_DOC.match(line) for line in lines)
