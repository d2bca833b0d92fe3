"""Writes the units of an answer into the file's lines: at the file's depth and in its unit of indentation."""

from __future__ import annotations

from collections.abc import Sequence

from ralphd.answers.indentation import indent_of, moved, unit_of
from ralphd.answers.leading import joined_leading
from ralphd.answers.selections import Misfit
from ralphd.answers.site import Place
from ralphd.answers.units import Code, Unit, units
from ralphd.context.languages import PYTHON


def spliced(plain: str, place: Place, answer: Code, kept: list[Unit], wanted: Unit, above: Sequence[Unit] = ()) -> str:
    """The file with the units `kept` in the target's place, and the units `above` before the top-level statement that the
    target stands in."""
    lines = list(place.code.lines)
    first, leading = joined_leading(place.code, place.unit, answer, wanted)
    block: list[str] = []
    for number, unit in enumerate(kept):
        if number:
            block += [""] * _blank_lines_before(answer, unit)
        top_row = unit.first if unit is not wanted else wanted.start
        if unit is wanted:
            block += leading
        block += _moved_rows(place, answer, unit, top_row, place.indent)
    tail = answer.lines[wanted.last + 1] if wanted.last + 1 < len(answer.lines) else ""
    if (
        kept[-1] is wanted
        and tail.strip().startswith(answer.language.comment)
        and _only_comments_after(answer, wanted.last + 1)
    ):
        block += moved([tail], indent_of(tail), place.indent)
    end = _after_end(place, lines)
    helpers, row = _at_top(place, answer, above)
    before = [*lines[:row], *helpers, *lines[row:first]]
    return "\n".join([*before, *block, *([end] if end else []), *lines[place.unit.last + 1 :]])


def _at_top(place: Place, answer: Code, above: Sequence[Unit]) -> tuple[list[str], int]:
    """(the lines of units for the file's top level, the row before which they go)."""
    around = next(u for u in units(place.code, place.code.root) if u.first <= place.unit.start <= u.last)
    block: list[str] = []
    for number, unit in enumerate(above):
        if number:
            block += [""] * _blank_lines_before(answer, unit)
        block += _moved_rows(place, answer, unit, unit.first, "")
    return block + [""] * ((2 if answer.language is PYTHON else 1) if above else 0), around.first


def _after_end(place: Place, lines: list[str]) -> str:
    """Nothing may stand behind the definition on its last line but white space, a comment or a sign that ends it."""
    column = (
        place.unit.node.end_point[1] if place.unit.node.end_point[0] - place.code.offset == place.unit.last else None
    )
    if column is None:
        return ""
    rest = lines[place.unit.last].encode("utf-8", "surrogatepass")[column:].decode("utf-8", "replace").strip()
    if rest and not rest.startswith((place.code.language.comment, "/*", ";", ",")) and rest not in ("}", "};"):
        raise Misfit(f"`{place.short}` shares its last line with other code. Give the change as an edit block.")
    return ""


def _only_comments_after(answer: Code, row: int) -> bool:
    return all(not line.strip() or line.strip().startswith(answer.language.comment) for line in answer.lines[row:])


def _blank_lines_before(answer: Code, unit: Unit) -> int:
    count, row = 0, unit.first - 1
    while row >= 0 and not answer.lines[row].strip():
        count, row = count + 1, row - 1
    return (
        count
        if count
        else (2 if answer.language is PYTHON else 1)
        if row >= 0 and not _touches(answer, unit)
        else count
    )


def _touches(answer: Code, unit: Unit) -> bool:
    return unit.kind == "binding"


def _moved_rows(place: Place, answer: Code, unit: Unit, first: int, indent: str) -> list[str]:
    """A unit's rows at the depth `indent`, in the file's unit of indentation; lines inside strings stay as they are."""
    rows = answer.rows(first, unit.last)
    column = unit.node.end_point[1]
    if unit.node.end_point[0] - answer.offset == unit.last:
        data = rows[-1].encode("utf-8", "surrogatepass")
        rest = data[column:].decode("utf-8", "replace").strip()
        if rest and not rest.startswith((answer.language.comment, "/*", ";", ",")):
            rows[-1] = data[:column].decode("utf-8", "surrogatepass")
    base = indent_of(answer.lines[unit.start])
    fixed = {n - first for n in answer.in_strings() if first <= n <= unit.last}
    fixed = _really_fixed(place, rows, fixed, base) if indent == place.indent else fixed
    rows = [row if number in fixed or number + 1 in fixed else row.rstrip() for number, row in enumerate(rows)]
    free = [row for number, row in enumerate(rows) if number not in fixed]
    own = place.code.rows(place.unit.start, place.unit.last)
    file = [line for line in place.code.lines if line.strip()][:2000]
    theirs, ours = unit_of(free), (unit_of(own) if len([r for r in own if r.strip()]) > 3 else "") or unit_of(file)
    return moved(rows, base, indent, fixed, (theirs, ours) if theirs and ours and theirs != ours else ("", ""))


def _really_fixed(place: Place, rows: list[str], fixed: set[int], base: str) -> set[int]:
    """Lines in strings that the file has at its own depth were moved by the model with the code, and move back."""
    if not fixed or base == place.indent:
        return fixed
    own = set(place.code.rows(place.unit.start, place.unit.last))
    back = {
        n
        for n in fixed
        if rows[n].strip()
        and rows[n].startswith(base)
        and place.indent + rows[n][len(base) :] in own
        and rows[n] not in own
    }
    return fixed - back
