"""The inputs that versions are compared on, as Python source: what the docstring and the tests call the function with,
those with one value changed, and what Hypothesis makes of its types. Pure; evaluates nothing but literals."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ralphd.attack.annotations import strategy
from ralphd.attack.preconditions import allows, narrowed, said_of_arguments
from ralphd.core.python_source import NOT_UNDERSTOOD, expression, parsed, written
from ralphd.opinions.outline import Subject

_MOST_CHARACTERS = 300
"""Of one input: nobody reads a longer one."""
_MOST_CONSTANT = 40
"""Characters of a constant that is tried as an argument."""
_MOST_CALLS = 1000
"""That tests show."""
_MOST_CONSTANTS = 200
"""Of all versions, and of the docstring."""
_MOST_READ = 200_000
"""Characters of a test file that are looked through for calls."""
_QUOTED = re.compile(r"'([^'\n]{0,40})'|\"([^\"\n]{0,40})\"")
_NUMBER = re.compile(r"(?<![\w.])-?\d{1,9}(?:\.\d{1,6})?(?![\w.])")
_FROM_TESTS_SHARE = 3
"""A third of the inputs at most is what tests call it with and that with one value changed: types give the others."""


@dataclass(frozen=True)
class Recipe:
    """How Hypothesis makes a function's arguments, in the person's own environment."""

    name: str
    strategy: str
    """Source of a strategy for the tuple of arguments."""
    place: int | None = None
    """None: these are the inputs. Else the function is a neighbour: what it returns is the subject's argument at this
    place."""


def recipes(source: str, subject: Subject) -> list[Recipe]:
    """For the subject, where its annotations say enough, and for the neighbours whose results it takes."""
    try:
        tree = parsed(source)
    except NOT_UNDERSTOOD:
        return []
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    doc = said_of_arguments(subject.words, subject.doc)
    own = _strategy(subject.node, classes, doc)
    if own is None:
        return []
    found = [Recipe(subject.name, own)]
    taken = [written(a.annotation) if a.annotation else "" for a in subject.node.args.args]
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name != subject.name and node.returns is not None:
            made = _strategy(node, classes, (ast.get_docstring(node) or "").lower())
            returns = written(node.returns)
            if made and returns and returns in taken and returns not in ("int", "bool", "float", "None"):
                found.append(Recipe(node.name, made, taken.index(returns)))
    return found


def _strategy(node: ast.FunctionDef, classes: dict[str, ast.ClassDef], doc: str) -> str | None:
    arguments = [*node.args.posonlyargs, *node.args.args]
    parts = []
    for argument in arguments:
        made = strategy(argument.annotation, classes) if argument.annotation is not None else None
        if made is None:
            return None
        parts.append(narrowed(made.code, doc, sole=len(arguments) == 1))
    return f"st.tuples({', '.join(parts)})" if parts else None


def called_with(subject: Subject, tests: Iterable[str]) -> list[tuple[Any, ...]]:
    """The arguments of the calls that the docstring and the texts of test files show, where all are literals."""
    texts = [line.lstrip("> .") for line in subject.doc.splitlines() if subject.name in line]
    texts += re.findall(rf"\b{re.escape(subject.name)}\([^`\n]{{0,{_MOST_CHARACTERS}}}\)", subject.doc)
    found = {_shown(values): values for text in (*texts, *tests) for values in _calls(subject, text)}
    return [values for text, values in found.items() if text][:_MOST_CALLS]


def _shown(value: Any) -> str:
    """Its `repr`, of at most `_MOST_CHARACTERS`; "" for what has none: a whole number of more digits than Python writes."""
    try:
        text = repr(value)
    except ValueError:
        return ""
    return text if len(text) <= _MOST_CHARACTERS else ""


def _calls(subject: Subject, text: str) -> Iterator[tuple[Any, ...]]:
    if subject.name not in text or len(text) > _MOST_READ:
        return
    try:
        nodes = list(ast.walk(parsed(text)))
    except NOT_UNDERSTOOD:
        return
    for node in nodes:
        if not isinstance(node, ast.Call):
            continue
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if called == subject.name and (values := _arguments(subject, node)) is not None:
            yield values


def _arguments(subject: Subject, call: ast.Call) -> tuple[Any, ...] | None:
    """All of a call's arguments by place; None where one is no literal or leaves a gap."""
    given = dict(zip(subject.arguments, call.args, strict=False))
    given |= {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg}
    names = [name for name in subject.arguments if name in given]
    if len(given) != len(call.args) + len(call.keywords) or tuple(names) != subject.arguments[: len(names)]:
        return None
    try:
        return tuple(ast.literal_eval(given[name]) for name in names)
    except NOT_UNDERSTOOD + (TypeError,):
        return None


def chosen(
    subject: Subject, shown: Sequence[tuple[Any, ...]], drawn: Sequence[str], texts: Sequence[str], most: int
) -> list[str]:
    """At most `most` inputs, each the source of a tuple of arguments: those that were `shown`, neighbours of them, and
    `drawn` ones. `texts`: of the code and of the versions, whose constants are where they may part."""
    doc = said_of_arguments(subject.words, subject.doc)
    constants = [*_constants(texts)[:_MOST_CONSTANTS], *_said(subject.doc)[:_MOST_CONSTANTS]]
    changed = (values for values in _changed(shown[:most], constants) if allows(doc, values))
    near = list(dict.fromkeys(filter(None, map(_shown, (*shown, *changed)))))
    fitting = [text for text in dict.fromkeys(drawn) if _allowed(doc, text)]
    most_near = max(most // _FROM_TESTS_SHARE, most - len(fitting))
    every = dict.fromkeys([*near[:most_near], *fitting])
    return [text for text in every if len(text) <= _MOST_CHARACTERS][:most]


def _changed(shown: Sequence[tuple[Any, ...]], constants: Sequence[Any]) -> Iterator[tuple[Any, ...]]:
    """What was shown with one argument changed to a value of its own kind; in turn for each, so that a limit cuts evenly."""
    kin = [[_kin(value, constants) for value in values] for values in shown]
    for number in range(40):
        for values, likes in zip(shown, kin, strict=True):
            for place, others in enumerate(likes):
                if number < len(others):
                    yield (*values[:place], others[number], *values[place + 1 :])


def _kin(value: Any, constants: Sequence[Any]) -> list[Any]:
    """Values like this one that programs tend to be wrong about."""
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int):
        numbers = [c for c in constants if isinstance(c, int) and not isinstance(c, bool)]
        return [0, value + 1, value - 1, -value, 1, *(n + d for n in numbers for d in (0, 1, -1))]
    if isinstance(value, float):
        return [0.0, -value, value + 1.0, value / 2, *(c for c in constants if isinstance(c, float))]
    if isinstance(value, str):
        given = [c for c in constants if isinstance(c, str)]
        return [
            "",
            value + value,
            value[:-1],
            value[1:],
            f" {value} ",
            value.upper(),
            value.lower(),
            value[::-1],
            *given,
        ]
    if isinstance(value, list):
        once = [[], value[:1], value[:-1], value[1:], value + value, value[::-1], [*value, *value[-1:]]]
        return [*once, *([*value[:-1], other] for other in (_kin(value[-1], constants) if value else ()))]
    if isinstance(value, tuple):
        return [tuple(other) for other in _kin(list(value), constants)]
    if isinstance(value, dict):
        return [{}, dict(list(value.items())[:1]), dict(list(value.items())[1:])]
    return []


def _constants(texts: Sequence[str]) -> list[Any]:
    found: dict[str, Any] = {}
    for text in texts:
        try:
            nodes = list(ast.walk(parsed(text)))
        except NOT_UNDERSTOOD:
            continue
        for node in nodes:
            value = node.value if isinstance(node, ast.Constant) else None
            if isinstance(value, int | float | str) and 0 < len(shown := _shown(value)) <= _MOST_CONSTANT:
                found.setdefault(shown, value)
    return list(found.values())


def _said(doc: str) -> list[Any]:
    """Numbers and quoted texts of the docstring."""
    numbers = [ast.literal_eval(one.lstrip("-0") or "0") for one in _NUMBER.findall(doc) if not one.endswith(".")]
    return [*numbers, *(one or other for one, other in _QUOTED.findall(doc))]


def _allowed(doc: str, text: str) -> bool:
    """Whether a drawn input is source that can be read back, and what the docstring lets it be called with. It comes from
    the test process, so it may be anything."""
    try:
        node = expression(text)
    except NOT_UNDERSTOOD:
        return False
    if not isinstance(node, ast.Tuple):
        return False
    try:
        return allows(doc, ast.literal_eval(node))
    except NOT_UNDERSTOOD + (TypeError,):
        return _is_plain(node)


_PLAIN = (ast.Tuple, ast.List, ast.Set, ast.Dict, ast.Constant, ast.Name, ast.Load, ast.UnaryOp, ast.USub, ast.BinOp, ast.Add,
          ast.Sub, ast.Call, ast.keyword)  # fmt: skip


def _is_plain(node: ast.expr) -> bool:
    """Literals, and calls that build values: what a `repr` gives of dataclasses, empty sets and complex numbers."""
    return all(isinstance(inner, _PLAIN) for inner in ast.walk(node))


def parts(text: str) -> list[str]:
    """The sources of the arguments in the source of a tuple of them."""
    try:
        node = expression(text)
    except NOT_UNDERSTOOD:
        return []
    return [ast.get_source_segment(text, one) or "" for one in node.elts] if isinstance(node, ast.Tuple) else []


def tuple_of(arguments: Sequence[str]) -> str:
    return f"({', '.join(arguments)},)"
