"""What stands before a definition's name: decorators, `export`, `pub`, `async`, and its parameters.

A model that gives only the bare function loses what stood before the name; that is never meant.
"""

from __future__ import annotations

import re

from ralphd.answers.imports import text_of
from ralphd.answers.units import Unit
from ralphd.context.languages import CSHARP, PHP, PYTHON, Language

_GUARDED = frozenset(
    "export default pub crate public private protected internal static abstract override virtual final sealed readonly get "
    "set async unsafe template extern synchronized native declare explicit operator inline constexpr open suspend".split()
)


def _before_name(unit: Unit) -> str:
    """The text from the unit's start to the name of the definition inside it."""
    inner = unit.inner
    name = inner.child_by_field_name("name") or inner.child_by_field_name("declarator")
    if name is None:
        name = next(
            (c.child_by_field_name("name") for c in inner.named_children if c.child_by_field_name("name")), None
        )
    end = (name.start_byte if name is not None else inner.start_byte) - unit.node.start_byte
    return (unit.node.text or b"")[:end].decode("utf-8", "replace")


def decorators(unit: Unit) -> list[str]:
    """The decorators of a Python definition, without white space."""
    return ["".join(text_of(c).split()) for c in unit.node.named_children if c.type == "decorator"]


def role(unit: Unit) -> tuple[str, ...]:
    """What tells two definitions of one name apart: getter or setter, the receiver's type in Go."""
    head = _before_name(unit)
    accessor = [word for word in re.findall(r"[\w.]+", head) if word in ("get", "set", "static")]
    for decorator in decorators(unit):
        if decorator == "@property" or re.fullmatch(
            r"@\w+\.(?:setter|getter|deleter)|@overload|@typing\.overload", decorator
        ):
            accessor.append(decorator)
    receiver = unit.inner.child_by_field_name("receiver")
    if receiver is not None:
        accessor.append(re.sub(r"^\(\s*(?:\w+\s+)?|\s|\*|\)", "", text_of(receiver)))
    trait = unit.inner.child_by_field_name("trait")
    if trait is not None:
        accessor.append(text_of(trait))
    return tuple(accessor)


def signature(unit: Unit) -> tuple[str, ...]:
    """The definition's parameters, as written."""
    node = unit.inner.child_by_field_name("parameters")
    if node is None and (declarator := unit.inner.child_by_field_name("declarator")) is not None:
        node = declarator.child_by_field_name("parameters") or declarator
    return tuple("".join(text_of(node).split()).split(",")) if node is not None else ()


def lost_from_header(had: Unit, has: Unit, language: Language) -> str:
    """What the answer's definition lacks of the file's; "" where it lacks nothing."""
    if role(had) != role(has):
        gone = [word for word in role(had) if word not in role(has)]
        return " ".join(f"`{word}`" for word in gone) or "its kind"
    if language is PYTHON:
        gone = [d for d in decorators(had) if d not in decorators(has)]
        if gone:
            return f"the decorator `{gone[0]}`"
    before, after = _before_name(had), _before_name(has)
    words = set(re.findall(r"@?\w+", after))
    for word in re.findall(r"@?\w+", before):
        bracketed = language in (CSHARP, PHP) and re.search(rf"\[[^\]]*\b{re.escape(word)}\b", before) is not None
        if word not in words and (word in _GUARDED or (word.startswith("@") and language is not PYTHON) or bracketed):
            return f"`{word}`"
    return ""
