"""Properties that names and annotations give without a model: round trip, idempotence, a reference, the declared type.

Reads the source's syntax tree; never imports the code. What it writes passes the same gate as a model's tests.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from ralphd.attack.annotations import ANY_TEXT, WHOLE_NUMBERS, checked, strategy
from ralphd.attack.name_hints import IDEMPOTENT, INVERSES, ORDERED, REFERENCES
from ralphd.attack.preconditions import narrowed, said_of_arguments
from ralphd.core.python_source import NOT_UNDERSTOOD, parsed, written
from ralphd.core.text import BOM, Span, Text

_PLAIN_DECORATORS = frozenset({"cache", "lru_cache", "staticmethod", "classmethod", "dataclass", "wraps"})
_TEXTS = (
    'characters = "aBnt01 -_,.:\'\\"\\\\\\n\\t"\n'
    f"{ANY_TEXT} = st.text() | st.text(characters) | st.text(characters, min_size=20, max_size=80)"
)
"""All of Unicode; a few characters that then repeat; enough of them to be cut somewhere."""
_MUTABLE = ("list", "dict", "set", "bytearray", "List", "Dict", "Set")
_OUTSIDE_THE_DOMAIN = "(ArithmeticError, LookupError, ValueError, OSError, NotImplementedError, MemoryError"


@dataclass(frozen=True)
class GhostTest:
    name: str
    code: str
    """One function, without its imports."""
    claim: str
    module: str
    names: tuple[str, ...]
    """What it needs of `module`."""


@dataclass(frozen=True)
class _Function:
    name: str
    node: ast.FunctionDef
    owner: str = ""
    """The class of a method."""
    static: bool = True

    @property
    def arguments(self) -> list[ast.arg]:
        """Those that must be given."""
        every = [*self.node.args.posonlyargs, *self.node.args.args]
        every = every if self.static else every[1:]
        return every[: len(every) - len(self.node.args.defaults)] if self.node.args.defaults else every

    @property
    def callable_simply(self) -> bool:
        arguments = self.node.args
        return not any(d is None for d in arguments.kw_defaults)

    @property
    def returns(self) -> str:
        return written(self.node.returns).strip("'\"") if self.node.returns else ""

    @property
    def words(self) -> list[str]:
        return [word for word in self.name.lower().split("_") if word]


def ghostwrite(source: str, span: Span, module: str) -> list[GhostTest]:
    """Tests of what stands inside `span`; `module` is the import path. In order of place, always the same ones."""
    text = source.removeprefix(BOM)
    shift = len(source) - len(text)
    try:
        tree = parsed(text)
    except NOT_UNDERSTOOD:
        return []
    lines = Text(text)
    first, last = lines.line_of(span[0] - shift) + 1, lines.line_of(max(span[0], span[1] - 1) - shift) + 1
    functions = list(_functions(tree))
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    writer = _Writer(module, functions, classes, tree)
    tests: dict[str, GhostTest] = {}
    for function in functions:
        if not _touches(function.node, first, last):
            continue
        for test in writer.about(function):
            tests.setdefault(test.name, test)
    return list(tests.values())


def ghost_module(tests: list[GhostTest]) -> str:
    """One test module of all of them; empty where there is none."""
    if not tests:
        return ""
    code = "".join(f"\n\n\n{test.code}" for test in tests) + "\n"
    standard = "import copy\n\n" if "copy." in code else ""
    used = ", ".join(name for name in ("assume", "given", "reject") if f"{name}(" in code)
    third = (
        "import pytest\n" if "pytest." in code else ""
    ) + f"from hypothesis import {used}\nfrom hypothesis import strategies as st"
    named: dict[str, set[str]] = {}
    for test in tests:
        named.setdefault(test.module, set()).update(n for n in test.names if re.search(rf"\b{n}\b", test.code))
    own = "\n".join(f"from {module} import {', '.join(sorted(names))}" for module, names in sorted(named.items()))
    texts = f"\n\n{_TEXTS}" if re.search(rf"\b{ANY_TEXT}\b", code) else ""
    return f"{standard}{third}\n\n{own}{texts}{code}"


def _touches(node: ast.stmt, first: int, last: int) -> bool:
    return node.lineno <= last and (node.end_lineno or node.lineno) >= first


def _functions(tree: ast.Module) -> Iterator[_Function]:
    """Plain functions and methods: what is generated, asynchronous or wrapped by unknown hands is left alone."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and _plain(node):
            yield _Function(node.name, node)
        if isinstance(node, ast.ClassDef):
            for method in node.body:
                if isinstance(method, ast.FunctionDef) and _plain(method):
                    kinds = {written(d) for d in method.decorator_list}
                    yield _Function(method.name, method, node.name, static="staticmethod" in kinds)


def _plain(node: ast.FunctionDef) -> bool:
    for decorator in node.decorator_list:
        inner = decorator.func if isinstance(decorator, ast.Call) else decorator
        if (inner.attr if isinstance(inner, ast.Attribute) else getattr(inner, "id", "")) not in _PLAIN_DECORATORS:
            return False
    own = [n for n in ast.walk(node) if isinstance(n, (ast.Yield, ast.YieldFrom))]
    return not own and not node.name.startswith(("__", "test"))


class _Writer:
    def __init__(
        self, module: str, functions: list[_Function], classes: dict[str, ast.ClassDef], tree: ast.Module
    ) -> None:
        self.module, self.functions, self.classes = module, functions, classes
        self.exceptions = _raised(tree)

    def about(self, function: _Function) -> Iterator[GhostTest]:
        for make in (self.round_trip, self.reference, self.idempotent, self.declared_type):
            if (test := make(function)) is not None:
                yield test

    # what the tests are made of

    def _given(self, function: _Function, names: set[str]) -> tuple[str, list[str]] | None:
        """The `@given(...)` line and the names of the arguments; None where a type is not known."""
        parts, arguments = [], []
        doc = said_of_arguments(function.words, ast.get_docstring(function.node) or "")
        for argument in function.arguments:
            if argument.annotation is None:
                return None
            made = strategy(argument.annotation, self.classes)
            if made is None:
                return None
            names |= made.names
            parts.append(f"{argument.arg}={narrowed(made.code, doc, sole=len(function.arguments) == 1)}")
            arguments.append(argument.arg)
        if not parts or not function.callable_simply:
            return None
        line = f"@given({', '.join(parts)})"
        return line if len(line) <= 110 else "@given(\n    " + ",\n    ".join(parts) + ",\n)", arguments

    def _test(
        self, name: str, given: str, arguments: list[str], claim: str, body: list[str], names: set[str]
    ) -> GhostTest:
        ordered = [f"assume({low} <= {high})" for low, high in ORDERED if low in arguments and high in arguments]
        head = [given, f"def {name}({', '.join(arguments)}):", f'    """{claim}"""']
        code = "\n".join([*head, *(f"    {line}" for line in [*ordered, *body])])
        return GhostTest(name, code, claim, self.module, tuple(sorted(names)))

    def _claim(self, sentence: str, *functions: _Function) -> str:
        """The property, and what claims it: the docstring's first sentence where there is one, else the names."""
        for function in functions:
            doc = (ast.get_docstring(function.node) or "").strip().split("\n")[0].strip()
            if doc:
                quoted = doc.replace("\\", "\\\\").replace('"', "'")
                return f"{sentence} `{function.name}` says: '{quoted}'"
        return f"{sentence} Claimed by the names."

    # properties

    def round_trip(self, function: _Function) -> GhostTest | None:
        for there, back in self._pairs(function):
            names = {there.owner or there.name, back.owner or back.name}
            forward, backward = _called(there), _called(back)
            if there.owner and not there.static:
                given, arguments = f"@given(value={self._built(there.owner, names)})", ["value"]
                call = f"value.{there.name}()"
            else:
                made = self._given(there, names)
                if made is None or len(there.arguments) != 1:
                    continue
                given, arguments = made
                given = given.replace(f"={WHOLE_NUMBERS})", "=st.integers())")  # what encodes a number can take any
                call = f"{forward}({arguments[0]})"
            sentence = f"`{back.name}` gives back what `{there.name}` was given."
            body = [
                "try:",
                f"    there = {call}",
                "except Exception:",
                "    reject()",
                f"assert {backward}(there) == {arguments[0]}",
            ]
            name = f"test_{_snake(there)}_then_{back.name}_gives_it_back"
            return self._test(name, given, arguments, self._claim(sentence, back, there), body, names)
        return None

    def _built(self, name: str, names: set[str]) -> str:
        """An instance with all of a dataclass's fields: left to itself, Hypothesis leaves out those with a default."""
        parts = [name]
        for field in self.classes[name].body if _is_dataclass(self.classes[name]) else ():
            if not isinstance(field, ast.AnnAssign) or not isinstance(field.target, ast.Name):
                continue
            made = strategy(field.annotation, self.classes)
            if made is not None and "init=False" not in written(field):
                names |= made.names
                parts.append(f"{field.target.id}={made.code}")
        return f"st.builds({', '.join(parts)})"

    def _pairs(self, function: _Function) -> Iterator[tuple[_Function, _Function]]:
        """(there, back) pairs that `function` is one half of, by name and by type."""
        for other in self.functions:
            if other.owner != function.owner or other is function:
                continue
            for there, back in ((function, other), (other, function)):
                if _inverse(there.name, back.name) and len(back.arguments) == 1 and _fits(there, back):
                    yield there, back

    def reference(self, function: _Function) -> GhostTest | None:
        for other in self.functions:
            if function.owner or other.owner or other is function:
                continue
            fast, slow = (function, other) if _is_reference(function.name, other.name) else (other, function)
            if not _is_reference(fast.name, slow.name) or len(fast.arguments) != len(slow.arguments):
                continue
            names = {fast.name, slow.name}
            made = self._given(fast, names) or self._given(slow, names)
            if made is None:
                continue
            given, arguments = made
            passed = ", ".join(f"copy.deepcopy({a})" if self._mutable(fast, slow) else a for a in arguments)
            body = ["try:", f"    expected = {slow.name}({passed})", "except Exception:", "    reject()"]
            body.append(f"assert {fast.name}({', '.join(arguments)}) == expected")
            claim = self._claim(f"`{fast.name}` gives what `{slow.name}` gives.", slow, fast)
            return self._test(f"test_{fast.name}_is_as_{slow.name}", given, arguments, claim, body, names)
        return None

    @staticmethod
    def _mutable(*functions: _Function) -> bool:
        kinds = [written(a.annotation) for f in functions for a in f.arguments if a.annotation is not None]
        return any(kind.startswith(_MUTABLE) for kind in kinds)

    def idempotent(self, function: _Function) -> GhostTest | None:
        words = function.words
        if function.owner or not words or not {words[0], words[-1]} & IDEMPOTENT or function.returns in ("None", ""):
            return None
        names = {function.name}
        made = self._given(function, names)
        if made is None or not _same_type(written(function.arguments[0].annotation), function.returns):  # type: ignore[arg-type]
            return None
        given, arguments = made
        rest = "".join(f", {name}" for name in arguments[1:])
        compared = "pytest.approx(once)" if "float" in function.returns and "[" in function.returns else "once"
        kept = "copy.deepcopy(once)" if function.returns.startswith(_MUTABLE) else "once"
        body = ["try:", f"    once = {function.name}({arguments[0]}{rest})", "except Exception:", "    reject()"]
        body.append(f"assert {function.name}({kept}{rest}) == {compared}")
        claim = self._claim(f"`{function.name}` a second time changes nothing.", function)
        return self._test(f"test_{function.name}_is_idempotent", given, arguments, claim, body, names)

    def declared_type(self, function: _Function) -> GhostTest | None:
        if function.node.returns is None or function.returns == "None" or (function.owner and not function.static):
            return None
        names = {function.owner or function.name}
        check = checked(function.node.returns, self.classes, "result")
        made = self._given(function, names)
        if check is None or made is None:
            return None
        names |= check.names
        given, arguments = made
        caught = _OUTSIDE_THE_DOMAIN + "".join(f", {name}" for name in self.exceptions) + ")"
        names |= {name for name in self.exceptions if name in self.classes}
        body = [
            "try:",
            f"    result = {_called(function)}({', '.join(arguments)})",
            f"except {caught}:",
            "    reject()",
        ]
        body.append(f"assert {check.code}")
        claim = (
            f"`{function.name}` returns what its signature declares: `-> {function.returns.replace(chr(34), chr(39))}`."
        )
        return self._test(f"test_{_snake(function)}_returns_its_type", given, arguments, claim, body, names)


def _is_dataclass(node: ast.ClassDef) -> bool:
    return any("dataclass" in written(decorator) for decorator in node.decorator_list)


def _called(function: _Function) -> str:
    return f"{function.owner}.{function.name}" if function.owner else function.name


def _snake(function: _Function) -> str:
    return f"{function.owner.lower()}_{function.name}" if function.owner else function.name


def _raised(tree: ast.Module) -> list[str]:
    """Exceptions that the module raises by a plain name: those are answers, not crashes."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise) and node.exc is not None:
            inner = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
            if isinstance(inner, ast.Name) and inner.id[:1].isupper():
                names.add(inner.id)
    covered = {
        "ValueError",
        "KeyError",
        "IndexError",
        "LookupError",
        "ArithmeticError",
        "ZeroDivisionError",
        "OverflowError",
    }
    known = {n.name for n in tree.body if isinstance(n, ast.ClassDef)}
    builtin = {
        "TypeError",
        "RuntimeError",
        "AttributeError",
        "Exception",
        "StopIteration",
        "AssertionError",
        "RecursionError",
    }
    return sorted((names - covered) & (known | builtin))


def _inverse(there: str, back: str) -> bool:
    """`encode_x`/`decode_x`, `to_x`/`from_x`, `a_to_b`/`b_to_a`."""
    one, other = there.lower().strip("_").split("_"), back.lower().strip("_").split("_")
    if "to" in one and "to" in other and len(one) > 2:
        middle = one.index("to")
        return other == [*one[middle + 1 :], "to", *one[:middle]] and there < back
    for first, second in INVERSES:
        places = [n for n, word in enumerate(one) if word == first]
        if len(one) == len(other) and any(other == [*one[:n], second, *one[n + 1 :]] for n in places):
            return True
    return False


def _fits(there: _Function, back: _Function) -> bool:
    """The types, where both are declared, say that one undoes the other."""
    if not there.static and there.owner:
        return not there.arguments and back.returns.strip("'\"") in (back.owner, "Self", "")
    if len(there.arguments) != 1:
        return False
    given, taken = there.arguments[0].annotation, back.arguments[0].annotation
    if given is not None and back.returns and not _same_type(written(given), back.returns):
        return False
    return not (taken is not None and there.returns and not _same_type(written(taken), there.returns))


def _same_type(one: str, other: str) -> bool:
    """`Sequence[int]` in and `list[int]` out may be fed in again; `str` and `list[str]` may not."""
    one, other = one.strip("'\""), other.strip("'\"")
    if one == other:
        return True
    loose = ("Sequence", "Iterable", "Collection")
    return (
        one.split("[")[0].split(".")[-1] in loose
        and one.partition("[")[2] == other.partition("[")[2]
        and other.startswith("list[")
    )


def _is_reference(fast: str, slow: str) -> bool:
    bare = slow.strip("_")
    return any(bare in (f"{fast.strip('_')}_{word}", f"{word}_{fast.strip('_')}") for word in REFERENCES)
