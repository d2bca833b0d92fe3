"""A test that carries out the other tests' assertions in a process that no test runner started. Pure.

Code that finds out whether it is tested, or that has nothing but the answers that the tests expect, is right in every test:
no planted fault and no false expectation shows it. It is not right outside of them. The test is put at the end of a test
file, so that it runs in the person's own environment; `plain_process/outside.py` is what it starts.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

from pydantic import BaseModel, ValidationError

from ralphd.attack import outside_script
from ralphd.attack.planting import changed_lines
from ralphd.core.python_source import NOT_UNDERSTOOD, expression, parsed, written
from ralphd.judging.literal_tables import expectations

_MARK = "ralph saw "
_RUNNERS = frozenset("pytest _pytest unittest nose nose2 hypothesis mock pluggy doctest".split())
_PREPARES = frozenset(
    "setUp setUpClass asyncSetUp setup_method setup_class setup tearDown setUpModule setup_module setup_function".split()
)
"""Names of what a runner calls before a test: such tests cannot be had without it."""
_OF_THE_PROCESS = frozenset({"sys", "inspect", "traceback", "logging", "warnings"})
"""Tests that name them look at what a runner changes for good reasons."""
_MOST_UNITS, _MOST_EXPECTED = 60, 2000
_MOST_TEXT = 100_000
"""Characters of a test file; a bigger one is data, and takes seconds to be looked through."""
_MOST_SAID = 10_000
"""Characters of what the process tells."""


class _Saw(BaseModel):
    """What the process tells (`plain_process/outside.py`), or what a test made up in its place."""

    differs: str = ""
    equal: str = ""
    again: str = ""
    carried: str = ""


@dataclass(frozen=True)
class Outside:
    text: str
    """What is put at the end of the test file."""
    test: str
    """The id of its test."""


def outside(path: str, text: str, changed: Mapping[str, tuple[str | None, str]]) -> Outside | None:
    """The test for one test file; None where no assertion of it can be had without its runner.

    `changed`: the texts before and after of what changed, by path."""
    if len(text) > _MOST_TEXT:
        return None
    if path.endswith(outside_script.SUFFIXES):
        source = outside_script.test_of(text, path, changed)
        return Outside(source, f"{path}::{outside_script.TITLE}") if source else None
    if not path.endswith(".py"):
        return None
    return _in_python(path, text, {file: both for file, both in changed.items() if file.endswith(".py")})


def _in_python(path: str, text: str, changed: Mapping[str, tuple[str | None, str]]) -> Outside | None:
    try:
        module = parsed(text)
        if "autouse" in text or any(getattr(node, "name", "") in _PREPARES for node in module.body):
            return None
        units = [ast.unparse(ast.fix_missing_locations(unit)) for unit in _units(module)][:_MOST_UNITS]
    except NOT_UNDERSTOOD:
        return None
    if not units:
        return None
    before = [written(node) for node in module.body if _is_kept(node)]
    expected = [list(pair) for pair in dict.fromkeys(expectations(path, text))][:_MOST_EXPECTED]
    functions = sorted({name for both in changed.values() for name in _changed_names(*both)})
    given = json.dumps(
        {"before": before, "units": units, "changed": sorted(changed), "functions": functions, "expected": expected}
    )
    planted = _source("planted_test.py").partition('"""\n')[2]
    for name, value in (("RALPH_GIVEN", given), ("RALPH_SCRIPT", _source("outside.py"))):
        planted = planted.replace(name, repr(value))
    return Outside("\n\n" + planted, f"{path}::RalphOutside::test_results")


def _changed_names(before: str | None, after: str) -> set[str]:
    """What stands at the top of a file on changed lines and may be a function."""
    try:
        module = parsed(after)
    except NOT_UNDERSTOOD:
        return set()
    lines, found = changed_lines(before, after), set()
    for node in module.body:
        if lines & set(range(node.lineno, (node.end_lineno or node.lineno) + 1)):
            match node:
                case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                    found.add(name)
                case ast.Assign(targets=targets):
                    found |= {target.id for target in targets if isinstance(target, ast.Name)}
                case ast.ImportFrom(names=names):
                    found |= {alias.asname or alias.name for alias in names}
    return found


def told(failure: str) -> str:
    """What the failed test saw, as the end of a sentence; "" where it saw nothing."""
    line = failure.partition(_MARK)[2][:_MOST_SAID].partition("\n")[0]
    try:
        saw = _Saw.model_validate_json(line[: line.rfind("}") + 1])
    except ValidationError:
        return ""
    if saw.differs:
        return f"outside of the tests this does not hold: `{saw.differs[:120]}`"
    if saw.equal:
        return f"what `{saw.equal[:120]}` gives is equal to values that have nothing to do with it"
    if saw.again:
        return f"`{saw.again[:120]}` gives something else when it is called again with the same arguments"
    if saw.carried:
        return f"on other arguments `{saw.carried[:120]}` has no results but those that the tests expect"
    return ""


@cache
def _source(name: str) -> str:
    return resources.files("ralphd.attack").joinpath("plain_process", name).read_text(encoding="utf-8")


def _is_kept(node: ast.stmt) -> bool:
    """Whether a statement of the module is needed without a runner: no import of one, no test, no main program."""
    if isinstance(node, ast.Import):
        return not {alias.name.split(".")[0] for alias in node.names} & _RUNNERS
    if isinstance(node, ast.ImportFrom):
        return (node.module or "").split(".")[0] not in _RUNNERS
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return not node.name.lower().startswith("test") and not node.decorator_list
    return not isinstance(node, ast.If)


def _units(module: ast.Module) -> Iterator[ast.FunctionDef]:
    """Each test that wants nothing of its runner but its rows, as a function `ralph_unit()`."""
    fixtures = _fixtures(module)
    for node in module.body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test"):
            yield from _unit(node, [argument.arg for argument in node.args.args], fixtures)
        elif isinstance(node, ast.ClassDef) and not node.decorator_list and not _prepares(node):
            for inner in node.body:
                if isinstance(inner, ast.FunctionDef) and inner.name.startswith("test") and inner.args.args:
                    yield from _unit(inner, [argument.arg for argument in inner.args.args[1:]], fixtures)


def _prepares(kind: ast.ClassDef) -> bool:
    bases = [ast.unparse(base).rpartition(".")[2] for base in kind.bases]
    names = {getattr(inner, "name", "") for inner in kind.body}
    return bases not in ([], ["TestCase"], ["object"]) or bool(names & _PREPARES)


def _unit(test: ast.FunctionDef, wanted: Sequence[str], fixtures: Mapping[str, ast.expr]) -> Iterator[ast.FunctionDef]:
    copied = parsed(ast.unparse(test)).body[0]
    assert isinstance(copied, ast.FunctionDef)
    body: list[ast.stmt] = [_Plain().visit(statement) for statement in copied.body]
    left = list(wanted)
    if test.decorator_list:
        titles = _titles(test.decorator_list, wanted)
        if not titles:
            return
        body = [_each(titles, test.decorator_list[0].args[1], body)]  # type: ignore[attr-defined]
        left = [name for name in wanted if name not in titles]
    if not fixtures.keys() >= set(left):
        return
    for name in left:
        body = [_each([name], fixtures[name], body)]
    if any(isinstance(one, ast.Name) and one.id in _OF_THE_PROCESS for inner in body for one in ast.walk(inner)):
        return
    unit = parsed("def ralph_unit(): pass").body[0]
    assert isinstance(unit, ast.FunctionDef)
    unit.body = body
    yield unit


def _each(titles: Sequence[str], rows: ast.expr, body: list[ast.stmt]) -> ast.For:
    names: list[ast.expr] = [ast.Name(title, ast.Store()) for title in titles]
    rows = _Plain().visit(expression(ast.unparse(rows)))
    return ast.For(names[0] if len(names) == 1 else ast.Tuple(names, ast.Store()), rows, body, [])


def _titles(decorators: Sequence[ast.expr], wanted: Sequence[str]) -> list[str]:
    """The names that the one `parametrize` of a test gives, which has no other decorator; none for others."""
    call = decorators[0]
    if len(decorators) > 1 or not isinstance(call, ast.Call) or "parametrize" not in ast.unparse(call.func):
        return []
    try:
        given = ast.literal_eval(call.args[0])
    except NOT_UNDERSTOOD + (IndexError,):
        return []
    titles = [name.strip() for name in given.split(",")] if isinstance(given, str) else [str(name) for name in given]
    plain = len(call.args) == 2 and all(keyword.arg == "ids" for keyword in call.keywords)
    return titles if plain and set(titles) <= set(wanted) else []


def _fixtures(module: ast.Module) -> dict[str, ast.expr]:
    """Rows of the values of each fixture of the module that gives one expression, or one of its own parameters."""
    found: dict[str, ast.expr] = {}
    for node in module.body:
        if not isinstance(node, ast.FunctionDef) or len(node.decorator_list) != 1 or len(node.body) != 1:
            continue
        decorator, given = node.decorator_list[0], node.body[0]
        called = ast.unparse(decorator.func if isinstance(decorator, ast.Call) else decorator)
        if called not in ("pytest.fixture", "fixture") or not isinstance(given, ast.Return) or given.value is None:
            continue
        keywords = {k.arg: k.value for k in decorator.keywords} if isinstance(decorator, ast.Call) else {}
        if ast.unparse(given.value) == "request.param" and "params" in keywords:
            found[node.name] = keywords["params"]
        elif not node.args.args:
            found[node.name] = ast.List([given.value], ast.Load())
    return found


_COMPARED = {
    "assertEqual": ast.Eq, "assertEquals": ast.Eq, "assertListEqual": ast.Eq, "assertDictEqual": ast.Eq, "assertTupleEqual": ast.Eq,
    "assertSetEqual": ast.Eq, "assertIn": ast.In, "assertIs": ast.Is, "assertNotEqual": ast.NotEq, "assertNotIn": ast.NotIn,
}  # fmt: skip


class _Plain(ast.NodeTransformer):
    """Turns what unittest and pytest offer into statements and values of the language."""

    def visit_Expr(self, node: ast.Expr) -> ast.AST:
        call = node.value
        if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute)):
            return node
        if call.func.attr in _COMPARED and len(call.args) >= 2:
            return ast.Assert(ast.Compare(call.args[0], [_COMPARED[call.func.attr]()], [call.args[1]]))
        if call.func.attr == "assertTrue" and call.args:
            return ast.Assert(call.args[0])
        if call.func.attr == "assertFalse" and call.args:
            return ast.Assert(ast.UnaryOp(ast.Not(), call.args[0]))
        return node

    def visit_With(self, node: ast.With) -> ast.AST:
        self.generic_visit(node)
        alone = len(node.items) == 1 and "subTest" in ast.unparse(node.items[0].context_expr)
        return ast.If(ast.Constant(True), node.body, []) if alone else node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if ast.unparse(node.func) == "pytest.param" and all(keyword.arg == "id" for keyword in node.keywords):
            values = node.args
            return values[0] if len(values) == 1 else ast.Tuple(values, ast.Load())
        return node
