"""Holds a region answer against its place: which unit is the wanted one, and what of the others may stay.

Siblings that the answer repeats unchanged are left out, changed ones are refused; helpers that are new may stay; tests,
example calls and `main` are left out.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ralphd.answers.header import lost_from_header, role, signature
from ralphd.answers.import_section import without_head
from ralphd.answers.imports import Import, imports_of
from ralphd.answers.indentation import indent_of, lines_in_strings, moved
from ralphd.answers.losses import stubs
from ralphd.answers.selections import Misfit
from ralphd.answers.site import Place
from ralphd.answers.syntax import python_error
from ralphd.answers.units import Code, Unit, body_of, code_of, same, tokens, top, units
from ralphd.context.languages import GO, PYTHON, RUBY, Language, node_name, suffix_of

if TYPE_CHECKING:
    from tree_sitter import Node


def parsed(place: Place, region: str) -> tuple[Code, list[Unit], list[Import]]:
    """The answer as code that the grammar reads, with its base indentation taken off; its units; its imports."""
    language, ours = place.code.language, place.indent
    region = _with_first_indent(region, ours, language)
    for text in dict.fromkeys((_dedented(region, language), region)):
        for member in (False, True):
            bare, imports = without_head(text, language) if member else (text, [])
            code = code_of(language, bare, member=member)
            if code is None or (code.errors and errors_in(place) == 0):
                continue
            parts = top(code, member=member)
            if (
                member
                or not language.member
                or any(_is_target(place, unit) for unit in parts)
                or any(u.kind == "definition" for u in parts)
            ):
                return code, parts, imports if member else imports_of(code.root, language, nested=False)
    if language is PYTHON:
        problem = python_error(_dedented(region, language))
        raise Misfit(f"The code does not parse: {problem or 'its indentation is mixed'} of your block.")
    raise Misfit(
        f"The code does not parse as {language.name}. Give the full new text of `{place.short}` and nothing else."
    )


def errors_in(place: Place) -> int:
    """Whether the target's own text had places that the grammar cannot read: then those of an answer say nothing."""
    return int(place.unit.node.has_error)


def _is_target(place: Place, unit: Unit) -> bool:
    return unit.kind == "definition" and unit.name == place.short


def _with_first_indent(region: str, ours: str, language: Language) -> str:
    """A region whose first line lost the depth that all others have gets it back."""
    lines = region.split("\n")
    rest = [line for line in lines[1:] if line.strip()]
    if not ours or indent_of(lines[0]) or not rest or not all(line.startswith(ours) for line in rest):
        return region
    if language in (PYTHON,) and not all(len(indent_of(line)) > len(ours) for line in rest):
        return region
    return "\n".join([ours + lines[0], *lines[1:]])


def _dedented(region: str, language: Language) -> str:
    """`region` with the first line's indentation taken off all lines, but for those inside strings."""
    lines = region.split("\n")
    base = indent_of(next(line for line in lines if line.strip()))
    if not base:
        return region
    before, after = ("if 1:\n", "") if language is PYTHON else language.member
    shift = before.count("\n")
    fixed = {n - shift for n in lines_in_strings(language, before + region + after)}
    return "\n".join(moved(lines, base, "", fixed))


def choose(place: Place, answer: Code, parts: list[Unit]) -> tuple[Unit, Unit | None]:
    """The unit that is the target's new text, and the container it stands in where the answer gives that."""
    inside: list[tuple[Unit, Unit]] = []
    if place.owners:
        level = [unit for unit in parts if unit.kind == "definition"]
        for holder in level:
            if holder.name in place.owners[-1:] or holder.name in place.owners:
                inside += [(unit, holder) for unit in _within(answer, holder, place.owners) if _is_target(place, unit)]
    direct = [unit for unit in parts if _is_target(place, unit)]
    found: list[tuple[Unit, Unit | None]] = [*inside] if inside else [(unit, None) for unit in direct]
    kinds = [pair for pair in found if pair[0].inner.type == place.unit.inner.type]
    found = kinds or [pair for pair in found if _alike(pair[0], place.unit)]
    if len(found) > 1:
        found = [pair for pair in found if _same_role(pair[0], place.unit)]
    if len(found) > 1:
        found = [pair for pair in found if signature(pair[0]) == signature(place.unit)]
    if len(found) != 1:
        many = len(inside) + len(direct) > 1
        raise Misfit(f"`{place.short}` {'stands more than once in' if many else 'is not in'} your block. Give the full new "
                     f"text of `{place.short}` and nothing else.")  # fmt: skip
    chosen, around = found[0]
    others = [
        u for u in place.siblings if u.kind == "definition" and u.name == place.short and u.start != place.unit.start
    ]
    if any(_same_role(chosen, u) and not _same_role(chosen, place.unit) for u in others) or (
        signature(chosen) != signature(place.unit) and any(signature(chosen) == signature(u) for u in others)
    ):
        raise Misfit(f"Your block gives another `{place.short}` than the one that was asked for.")
    return chosen, around


_FUNCTIONS = ("function", "method", "lexical_declaration", "constructor")


def _alike(a: Unit, b: Unit) -> bool:
    """Whether both are functions, in whatever spelling: `const f = () => …` and `function f()`."""
    return all(unit.inner.type.startswith(_FUNCTIONS) for unit in (a, b))


def _same_role(a: Unit, b: Unit) -> bool:
    return role(a) == role(b)


def _within(answer: Code, holder: Unit, owners: Sequence[str]) -> list[Unit]:
    body = body_of(holder.inner)
    if body is None:
        return []
    inner = units(answer, body)
    deeper = owners[list(owners).index(holder.name) + 1 :]
    if not deeper:
        return inner
    return [
        unit
        for one in inner
        if one.kind == "definition" and one.name == deeper[0]
        for unit in _within(answer, one, deeper)
    ]


def check_header(place: Place, wanted: Unit) -> None:
    if gone := lost_from_header(place.unit, wanted, place.code.language):
        raise Misfit(f"`{place.short}` lost {gone}. Give its full new text, with everything before its name.")


def check_body(place: Place, wanted: Unit) -> None:
    """A class that is given with fewer members would lose the others."""
    had, has = body_of(place.unit.inner), body_of(wanted.inner)
    if had is None or has is None or not any(u.kind == "definition" for u in units(place.code, had)):
        return
    path = f"x{suffix_of(place.code.language)}"
    before = stubs(
        path, _wrapped(place.code.language, "\n".join(place.code.rows(place.unit.start, place.unit.last)), place.indent)
    )
    lines = (wanted.node.text or b"").decode("utf-8", "replace")
    after = stubs(path, _wrapped(place.code.language, lines, ""))
    gone = [n for n in before if n.rpartition(".")[2] not in {a.rpartition(".")[2] for a in after}]
    hollow = [n for n, stub in after.items() if stub and before.get(n) is False]
    if gone or hollow:
        raise Misfit(
            f"`{(gone or hollow)[0]}` would vanish. Give the full new text of `{place.short}`, with every member."
        )


def _wrapped(language: Language, text: str, indent: str) -> str:
    dedented = "\n".join(line.removeprefix(indent) for line in text.split("\n"))
    return language.head + dedented


def stays(place: Place, answer: Code, unit: Unit, *, bare: bool) -> bool:
    """Whether a unit beside the wanted one goes into the file with it; a Misfit where it may neither go nor be left out."""
    language = place.code.language
    if unit.kind == "comment":
        return False
    everywhere = place.siblings + (units(place.code, place.code.root) if place.owners else [])
    if any(same(unit.node, other.node, language) or same(unit.inner, other.inner, language) for other in everywhere):
        return False
    named = [o for o in everywhere if set(o.names) & set(unit.names) and o.kind in ("definition", "binding")]
    if any(other is place.unit for other in named):
        named = [o for o in named if o is not place.unit]
    if named:
        raise Misfit(f"You also changed `{named[0].name}`. Only `{place.short}` may change; leave the others out.")
    if _is_example(unit, language):
        place.mended.append(f"left out {_called(unit)} beside the code")
        return False
    if unit.kind == "definition" and (bare and (not place.owners or _is_member(unit, language, answer))):
        return True
    if unit.kind == "binding" and bare and not place.owners:
        return True
    raise Misfit(f"Your block has {_called(unit)} beside `{place.short}`, and it is not clear where that belongs. Give the "
                 f"full new text of `{place.short}` and nothing else.")  # fmt: skip


def is_helper(answer: Code, unit: Unit, holder: Unit, wanted: Unit, parts: Sequence[Unit]) -> bool:
    """Whether a unit that the answer gives above a class around the wanted method is new at the file's top level: it is
    defined there, and the method needs it, itself or through another such unit."""
    before = [p for p in parts if p.kind in ("definition", "binding") and p.start < holder.start]
    if unit not in before or answer.as_members or _is_example(unit, answer.language):
        return False
    used = set(_NAME.findall(_text(wanted)))
    for one in reversed(before):
        if used & set(one.names):
            used |= set(_NAME.findall(_text(one)))
    return bool(used & set(unit.names))


_NAME = re.compile(r"[^\W\d]\w*")


def _text(unit: Unit) -> str:
    return (unit.node.text or b"").decode("utf-8", "replace")


def known(place: Place, unit: Unit) -> bool:
    """Whether the file has something of the unit's name, or the unit itself."""
    everywhere = place.siblings + units(place.code, place.code.root)
    return any(set(other.names) & set(unit.names) for other in everywhere)


def _called(unit: Unit) -> str:
    return (
        f"`{unit.name}`"
        if unit.name
        else f"the line {(unit.node.text or b'').decode('utf-8', 'replace').split(chr(10))[0][:60]!r}"
    )


def _is_member(unit: Unit, language: Language, answer: Code) -> bool:
    """Whether a definition beside a bare method is a method of the same class."""
    if answer.as_members:
        return True
    if language is PYTHON:
        text = (unit.node.text or b"").decode("utf-8", "replace")[:500]
        return re.search(r"\(\s*(?:self|cls)\b|@(?:staticmethod|classmethod|property)\b", text) is not None
    if language is GO:
        return unit.inner.type == "method_declaration"
    return language is RUBY or "self" in (unit.inner.text or b"").decode("utf-8", "replace").split("{")[0]


def _is_example(unit: Unit, language: Language) -> bool:
    """Tests, a `main`, and statements that only show how the code is used."""
    text = (unit.node.text or b"").decode("utf-8", "replace")
    head = text[:200]
    if unit.kind == "definition":
        attributes = " ".join((n.text or b"").decode("utf-8", "replace") for n in unit.leading)
        return bool(
            re.match(r"test|Test|Benchmark|Example[A-Z_]?", unit.name)
            or (unit.name == "main" and language.name in ("go", "rust", "c", "cpp", "python"))
            or re.search(r"#\[(?:\w+::)?test|@Test|\[(?:Test|Fact)\]", attributes + head)
        )
    if unit.kind == "binding":
        return unit.node.type == "mod_item" and unit.name in ("tests", "test")
    if re.match(r"if\s*\(?\s*__name__\s*==|if\s*\(\s*require\.main\s*===", head):
        return True
    if re.match(r"module\.exports|exports\.|export\b", head):
        return False
    return unit.node.type in ("expression_statement", "call", "command") and not re.match(
        r"[\w.\[\]]+\s*[-+*/|&]?=(?!=)", head
    )


def from_holder(place: Place, answer: Code, holder: Unit, wanted: Unit) -> list[Unit]:
    """New methods beside the wanted one in the class that the answer wrapped around it; the rest must be unchanged."""
    language = place.code.language
    chain = [holder]
    while body_of(chain[-1].inner) is not None:
        inner = units(answer, body_of(chain[-1].inner))  # type: ignore[arg-type]
        if any(unit.start == wanted.start for unit in inner):
            break
        deeper = [u for u in inner if u.start <= wanted.start <= u.last]
        if not deeper:
            return []
        chain.append(deeper[0])
    _check_outer(place, holder)
    kept = []
    nested = not _is_class(chain[-1])
    for unit in inner:
        if unit.start == wanted.start or unit.kind == "comment":
            continue
        if any(
            same(unit.node, other.node, language) or same(unit.inner, other.inner, language) for other in place.siblings
        ):
            continue
        if unit.kind == "definition" and not nested and not any(o.name == unit.name for o in place.siblings):
            kept.append(unit)
            continue
        if unit.kind == "docstring" and not nested:
            raise Misfit(f"You also changed the docstring of `{holder.name}`. Only `{place.short}` may change.")
        raise Misfit(f"You also changed {_called(unit)}. Only `{place.short}` may change; leave the others out.")
    if nested and len(inner) < len([u for u in place.siblings if u.kind != "comment"]):
        raise Misfit(f"You also changed `{holder.name}`. Only `{place.short}` may change; leave the others out.")
    return kept


def _is_class(unit: Unit) -> bool:
    return not unit.inner.type.startswith(_FUNCTIONS)


def _check_outer(place: Place, holder: Unit) -> None:
    """The container's own header may say less than the file's, for models shorten it, but nothing new."""
    language = place.code.language
    node: Node | None = place.unit.node
    while node is not None and not (
        language.defines(node) and node.id != place.unit.inner.id and _named(node, holder.name)
    ):
        node = node.parent
    if node is None:
        return
    mine = tokens_before_body(holder.inner, language)
    theirs = tokens_before_body(node, language)
    if [t for t in mine if t not in theirs]:
        raise Misfit(f"You also changed the first line of `{holder.name}`. Only `{place.short}` may change.")


def _named(node: Node, name: str) -> bool:
    return node_name(node) == name


def tokens_before_body(node: Node, language: Language) -> list[str]:
    """The words and signs of a definition before its body."""
    body = body_of(node)
    found: list[str] = []
    for child in node.children:
        if body is not None and child.start_byte >= body.start_byte:
            break
        found += tokens(child, language)
    return [token for token in found if re.search(r"\w", token)]
