"""Puts a region answer, the full new text of one definition, into its file. Pure.

The file and the answer are both seen as units of their syntax tree. Only the wanted definition may change: siblings that
the answer repeats unchanged are left out, changed ones are refused; imports go to the import section; helpers that are new
stay next to the definition; tests, example calls and `main` are left out. What does not fit is a Refusal for the model.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from ralphd.answers.elision import elision
from ralphd.answers.import_section import add_imports
from ralphd.answers.imports import Import, imports_of, missing, rendered, root_of
from ralphd.answers.layout import spliced
from ralphd.answers.matching import check_body, check_header, choose, from_holder, is_helper, known, parsed, stays
from ralphd.answers.missing_imports import with_missing_imports
from ralphd.answers.resolving import elided, without_path_comment
from ralphd.answers.selections import Misfit, place_lines
from ralphd.answers.site import Place, find_unit
from ralphd.answers.syntax import worse
from ralphd.answers.units import code_of
from ralphd.answers.unused import without_unused_imports
from ralphd.context.languages import Language, language_of, suffix_of
from ralphd.context.target import Target, definitions
from ralphd.core.edits import Refusal, keep_form, with_eol
from ralphd.core.line_diff import changes
from ralphd.core.text import BOM, Text

_IMPORT = re.compile(r"(?:import|from|use|using|#include|require)\b|\t\"")


@dataclass(frozen=True)
class Placed:
    """The file's new text, in its own form, and the rules that had to help."""

    text: str
    mended: tuple[str, ...] = ()


def place_region(source: str, target: Target, region: str) -> Placed | Refusal:
    """The file's new text with `region` in the place of `target`, a selection or a definition."""
    region = with_eol(region.removeprefix(BOM), "\n").strip("\n")
    shorter = without_path_comment(target.path, region)
    noted = ["dropped the comment with the path"] if shorter != region else []
    region, old = shorter.strip("\n"), with_eol(target.text(source), "\n")
    if not region.strip():
        return Refusal("format", target.path, "The code block was empty. Give the full new text of the target.")
    if gap := elision(region, old, target.path, source.splitlines()):
        return elided(target.path, gap)
    try:
        plain = with_eol(source.removeprefix(BOM), "\n")
        placed, mended = _place(source, plain, target, region)
    except Misfit as misfit:
        return Refusal("format", target.path, misfit.feedback)
    return _checked(source, target.path, plain, placed, noted + mended)


def _checked(source: str, path: str, plain: str, placed: str, mended: list[str]) -> Placed | Refusal:
    if error := worse(path, plain, placed):
        return Refusal("syntax", path, f"With your block in its place, {error}. Give the full new text of the target.")
    used, dropped = without_unused_imports(path, plain, placed)
    whole, added = with_missing_imports(path, plain, used)
    return Placed(keep_form(whole, source), tuple(dict.fromkeys([*mended, *dropped, *added])))


def _place(source: str, plain: str, target: Target, region: str) -> tuple[str, list[str]]:
    language = language_of(target.path)
    rows = _rows_of(source, target)
    file = code_of(language, plain)
    if target.kind == "selection" and not target.name:
        name = _enclosing(target, source, language, region) if file is not None else None
        if name is None:
            return place_lines(target.path, plain, rows, region), []
        placed, mended = _place_definition(plain, find_unit(file, name, None), region)
        return _only_within(plain, placed, rows, name), mended
    if file is None:
        return place_lines(target.path, plain, rows, region), []
    return _place_definition(plain, find_unit(file, target.name, rows), region)


def _rows_of(source: str, target: Target) -> tuple[int, int]:
    text = Text(source)
    return text.line_of(target.span[0]), text.line_of(max(target.span[0], target.span[1] - 1))


def _enclosing(target: Target, source: str, language: Language, region: str) -> str | None:
    """The definition around a selection that the answer gives instead of the selected lines."""
    given = {d.name.rsplit(".", 1)[-1] for d in definitions(target.path, region)}
    around = [
        d for d in definitions(target.path, source) if d.span[0] <= target.span[0] and target.span[1] <= d.span[1]
    ]
    fitting = [d.name for d in around if d.name.rsplit(".", 1)[-1] in given]
    return fitting[-1] if fitting else None


def _only_within(plain: str, placed: str, rows: tuple[int, int], name: str) -> str:
    """`placed`, where it differs from `plain` in the selected rows only, new imports aside."""
    new = placed.split("\n")
    for i1, i2, j1, j2 in changes(plain.split("\n"), new):
        imports = i1 == i2 and all(_IMPORT.match(line) or not line.strip() for line in new[j1:j2])
        if not imports and (i1 < rows[0] or i2 > rows[1] + 1):
            raise Misfit(f"Only the selected lines of `{name}` may change. Give their new text and nothing else.")
    return placed


def _place_definition(plain: str, place: Place, region: str) -> tuple[str, list[str]]:
    answer, parts, imports = parsed(place, region)
    wanted, holder = choose(place, answer, parts)
    check_header(place, wanted)
    check_body(place, wanted)
    kept, above = [wanted], []
    for unit in parts:
        if unit in (wanted, holder) or unit.kind in ("import", "package", "docstring"):
            continue
        if holder is not None and is_helper(answer, unit, holder, wanted, parts) and not known(place, unit):
            above.append(unit)
        elif stays(place, answer, unit, bare=holder is None):
            kept.append(unit)
    if holder is not None:
        kept += from_holder(place, answer, holder, wanted)
    kept.sort(key=lambda unit: unit.start)
    text = spliced(plain, place, answer, kept, wanted, above)
    return _with_imports(plain, text, place, imports)


def _with_imports(plain: str, text: str, place: Place, imports: list[Import]) -> tuple[str, list[str]]:
    """`text` with those of the answer's imports that the file lacks and that something uses."""
    path = f"x{suffix_of(place.code.language)}"
    placed = add_imports(text, path, imports)
    if isinstance(placed, Refusal):
        raise Misfit(placed.feedback)
    used, dropped = without_unused_imports(path, plain, placed)
    if dropped:
        language = place.code.language
        had, has = root_of(text, language), root_of(used, language)
        assert had is not None and has is not None
        left = missing(imports_of(had, language), imports_of(has, language, nested=False), language)
        again = add_imports(
            text, path, [replace(one, text=rendered(one, names, language), bindings=names) for one, names in left]
        )
        placed = again if isinstance(again, str) else used
    return placed, [*place.mended, *dropped]
