"""Puts the new text of selected lines into their place: the lines, and nothing beside them."""

from __future__ import annotations

import re

from ralphd.answers.indentation import common_indent, indent_of, lines_in_strings, moved, unit_of
from ralphd.answers.losses import named
from ralphd.context.languages import language_of


class Misfit(Exception):
    """Carries what does not fit, written for the model, out of the nested steps of placing."""

    def __init__(self, feedback: str) -> None:
        super().__init__(feedback)
        self.feedback = feedback


def place_lines(path: str, plain: str, rows: tuple[int, int], region: str) -> str:
    """`plain` with the rows (0-based, inclusive) replaced by `region`, at the depth of the first selected line."""
    lines, new = plain.split("\n"), region.split("\n")
    first, last = rows
    old = lines[first : last + 1]
    gone = named(path, "\n".join(_dedented(old))) - named(path, "\n".join(_dedented(new)))
    if gone:
        raise Misfit(
            f"`{sorted(gone)[0]}` was selected and is not in your block. Give the full new text of the selection."
        )
    for beside, edge, was in (
        (lines[last + 1 : last + 2], new[-1:], old[-1:]),
        (lines[max(0, first - 1) : first], new[:1], old[:1]),
    ):
        text = beside[0].strip() if beside else ""
        if re.search(r"\w", text) and edge[0].strip() == text and was[0].strip() != text:
            raise Misfit(
                f"The line {text[:80]!r} stands next to the selection already. Give the new text of the selection only."
            )
    language = language_of(path)
    fixed = lines_in_strings(language, region)
    ours, rest = common_indent(old), [line for line in new[1:] if line.strip()]
    if ours and not indent_of(new[0]) and rest and all(line.startswith(ours) for line in rest):
        new[0] = ours + new[0]  # the first line lost the depth that the others have
    base = common_indent([line for number, line in enumerate(new) if number not in fixed])
    units = (unit_of(new), unit_of(lines[:2000]))
    both = units if all(units) and units[0] != units[1] and language.module else ("", "")
    return "\n".join([*lines[:first], *moved(new, base, ours, fixed, both), *lines[last + 1 :]])


def _dedented(lines: list[str]) -> list[str]:
    base = common_indent(lines)
    return [line.removeprefix(base) for line in lines]
