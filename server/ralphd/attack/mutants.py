"""Small faults planted in Python source, to see whether a test notices. Pure; knows nothing of tests, files or models.

Each mutant is the whole file with one edit at a syntax node; every other character stays as it was.
"""

from __future__ import annotations

import ast
import itertools
import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from ralphd.attack.programs import Programs
from ralphd.core.python_source import NOT_UNDERSTOOD, parsed, written
from ralphd.core.text import BOM, Span, Text

Kind = Literal["boundary", "off by one", "comparison", "boolean", "arithmetic", "removed statement", "return value"]
KINDS: tuple[Kind, ...] = (
    "boundary", "off by one", "comparison", "boolean", "arithmetic", "removed statement", "return value",
)  # fmt: skip
"""Most telling first: a wrong boundary survives ordinary tests, a missing return value hardly ever does."""

_BOUNDARY = {"<": "<=", "<=": "<", ">": ">=", ">=": ">"}
_NEGATED = {
    "<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "==",
    "is": "is not", "is not": "is", "in": "not in", "not in": "in",
}  # fmt: skip
_ARITHMETIC = {
    "+": "-", "-": "+", "*": "+", "/": "*", "//": "/", "%": "//", "**": "*", "<<": ">>", ">>": "<<", "&": "|", "|": "&", "^": "&",
}  # fmt: skip
_TALKERS = frozenset({"log", "logger", "logging", "_log", "_logger", "LOG", "LOGGER", "warnings"})
_GAP = re.compile(r"(?:\s|\\|[()]|#[^\r\n]*)*")
_OPERATOR = re.compile(r"is\s+not\b|not\s+in\b|is\b|in\b|and\b|or\b|\*\*|//|<<|>>|<=|>=|==|!=|[-+*/%&|^<>]")
_BIGGEST = 10**15
_MOST_STATEMENT = 100_000
"""Characters of a statement of the module, most often a function or a class: it is compiled anew for each fault in it."""
_MOST_TRIES = 20
"""Edits that are tried for each mutant that is wanted: most make a program of their own."""


@dataclass(frozen=True)
class Mutant:
    """`text` is the whole mutated file; `line` counts from 1."""

    description: str
    line: int
    text: str
    kind: Kind = "boundary"


def mutants(source: str, span: Span, limit: int, lines: Collection[int] | None = None) -> list[Mutant]:
    """At most `limit` mutants of the functions' code inside `span`, spread over kinds, functions and lines.

    Always the same ones for the same source, in order of place. Source that does not parse has none. `lines`: only on these,
    from 1; None: on all.
    """
    mark, body = (1, source[1:]) if source.startswith(BOM) else (0, source)
    try:
        tree = parsed(body)
        collector = _Collector(body, (max(0, span[0] - mark), span[1] - mark), lines)
        statements = [collector.statement(node) for node in tree.body if collector.visited(node)]
    except NOT_UNDERSTOOD:
        return []
    programs = Programs(body, statements)
    chosen: list[tuple[_Edit, str]] = []
    for edit in itertools.islice(_spread(collector.edits), limit * _MOST_TRIES):
        if len(chosen) >= limit:
            break
        if programs.is_new((edit.start, edit.end), edit.new):
            chosen.append((edit, body[: edit.start] + edit.new + body[edit.end :]))
    chosen.sort(key=lambda pair: (pair[0].start, pair[0].end, pair[0].new))
    return [
        Mutant(f"{edit.shown} at line {edit.line}", edit.line, source[:mark] + text, edit.kind) for edit, text in chosen
    ]


@dataclass(frozen=True)
class _Edit:
    kind: Kind
    start: int
    end: int
    new: str
    line: int
    owner: int
    shown: str


def _spread(edits: list[_Edit]) -> Iterator[_Edit]:
    """One of each kind in turn, each time where the least was taken so far."""
    left = {kind: sorted((e for e in edits if e.kind == kind), key=lambda e: (e.start, e.end, e.new)) for kind in KINDS}
    owners: Counter[int] = Counter()
    lines: Counter[int] = Counter()
    while any(left.values()):
        for kind in KINDS:
            if not left[kind]:
                continue
            edit = min(left[kind], key=lambda e: (owners[e.owner], lines[e.line], e.start))
            left[kind].remove(edit)
            owners[edit.owner] += 1
            lines[edit.line] += 1
            yield edit


class _Collector(ast.NodeVisitor):
    """Walks the functions' reachable statements inside the span and notes every edit that could be made."""

    def __init__(self, text: str, span: Span, wanted: Collection[int] | None) -> None:
        """`wanted`: the lines on which edits are made, from 1; None: all."""
        self.text, self.span, self.lines, self._wanted = text, span, Text(text), wanted
        self.edits: list[_Edit] = []
        self._owner = 0
        self._in_function = False
        self._in_init = False
        self._no_boundary: set[int] = set()

    # places

    def _offset(self, line: int, column: int) -> int:
        """ast counts columns in UTF-8 bytes."""
        start, end = self.lines.line_span(line - 1)
        head = self.text[start:end]
        return start + (column if head.isascii() else len(head.encode("utf-8")[:column].decode("utf-8")))

    def _place(self, node: ast.AST) -> Span:
        first = self._offset(node.lineno, node.col_offset)  # type: ignore[attr-defined]
        return first, self._offset(node.end_lineno, node.end_col_offset)  # type: ignore[attr-defined]

    def statement(self, node: ast.stmt) -> Span:
        """Where a statement of the module stands, its decorators included."""
        start, end = self._place(node)
        above = [self.lines.line_span(one.lineno - 1)[0] for one in getattr(node, "decorator_list", ())]
        return min([start, *above]), end

    def visited(self, node: ast.stmt) -> bool:
        """Visit a statement of the module, unless no edit can be in it or it is too long."""
        start, end = self.statement(node)
        if end - start > _MOST_STATEMENT or end <= self.span[0] or start >= self.span[1]:
            return False
        lines = range(node.lineno, (node.end_lineno or node.lineno) + 1)
        if self._wanted is not None and not any(line in self._wanted for line in lines):
            return False
        self.visit(node)
        return True

    def _code(self, node: ast.AST) -> str:
        start, end = self._place(node)
        return self.text[start:end]

    def _note(self, kind: Kind, span: Span, new: str, shown: str = "") -> None:
        start, end = span
        if not self._in_function or start < self.span[0] or end > self.span[1]:
            return
        line = self.lines.line_of(start) + 1
        if self._wanted is None or line in self._wanted:
            shown = shown or f"`{_short(self.text[start:end])}` → `{_short(new)}`"
            self.edits.append(_Edit(kind, start, end, new, line, self._owner, shown))

    def _operator(self, left: ast.AST, right: ast.AST) -> tuple[str, Span] | None:
        """The operator between two operands: the tree does not tell where it stands."""
        start, end = self._place(left)[1], self._place(right)[0]
        gap = _GAP.match(self.text, start, end)
        found = _OPERATOR.match(self.text, gap.end() if gap else start, end)
        return (" ".join(found[0].split()), found.span()) if found else None

    # structure

    def _block(self, body: Sequence[ast.stmt]) -> None:
        for statement in body:
            self.visit(statement)
            if isinstance(statement, (ast.Return, ast.Raise, ast.Continue, ast.Break)):
                return  # what follows is never reached

    def generic_visit(self, node: ast.AST) -> None:
        for _, value in ast.iter_fields(node):
            if isinstance(value, list):
                if value and isinstance(value[0], ast.stmt):
                    self._block(value)
                else:
                    for item in value:
                        if isinstance(item, ast.AST):
                            self.visit(item)
            elif isinstance(value, ast.AST):
                self.visit(value)

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        """The body alone: decorators, defaults and annotations are not what a test of the behaviour sees."""
        if node.name == "__repr__" or any(_last_name(d) in ("overload", "abstractmethod") for d in node.decorator_list):
            return
        before = self._owner, self._in_function, self._in_init
        self._owner, self._in_function, self._in_init = node.lineno, True, node.name == "__init__"
        self._block(node.body)
        self._owner, self._in_function, self._in_init = before

    visit_FunctionDef = _function
    visit_AsyncFunctionDef = _function

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        inside, self._in_function = self._in_function, False
        self._block(node.body)
        self._in_function = inside

    def visit_If(self, node: ast.If) -> None:
        if isinstance(node.test, ast.Constant):
            self._block(node.body if node.test.value else node.orelse)
            return
        if "TYPE_CHECKING" in written(node.test) or "__name__" in written(node.test):
            return
        if isinstance(node.test, ast.Compare) and not node.orelse and _same_at_equality(node.test, node.body):
            self._no_boundary.add(id(node.test))
        if isinstance(node.test, (ast.Name, ast.Attribute, ast.Call, ast.Subscript)):
            self._note("boolean", self._place(node.test), f"not {self._code(node.test)}")
        self.generic_visit(node)

    def visit_IfExp(self, node: ast.IfExp) -> None:
        if isinstance(node.test, ast.Compare) and _same_choice(node.test, node.body, node.orelse):
            self._no_boundary.add(id(node.test))
        self.generic_visit(node)

    def visit_While(self, node: ast.While) -> None:
        if isinstance(node.test, ast.Constant):
            if node.test.value:
                self._block(node.body)
            return
        self.generic_visit(node)

    def visit_Assert(self, node: ast.Assert) -> None:
        return

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        return  # before Python 3.12 the places inside an f-string are wrong

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.visit(node.value)

    # statements

    def visit_Raise(self, node: ast.Raise) -> None:
        self._remove(node)

    def visit_Continue(self, node: ast.Continue) -> None:
        self._remove(node)

    def visit_Break(self, node: ast.Break) -> None:
        self._remove(node)

    def visit_Expr(self, node: ast.Expr) -> None:
        value = node.value
        if isinstance(value, ast.Constant) or (isinstance(value, ast.Call) and _talks(value)):
            return
        if isinstance(value, ast.Call):
            self._remove(node)
        self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> None:
        if not self._in_init and all(isinstance(t, (ast.Attribute, ast.Subscript)) for t in node.targets):
            self._remove(node)
        self.generic_visit(node)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self._remove(node)
        found = self._operator(node.target, node.value)
        if found and not _is_text(node.value) and (new := _ARITHMETIC.get(found[0])):
            self._note("arithmetic", found[1], new, f"`{found[0]}=` → `{new}=`")
        self.visit(node.value)

    def visit_Return(self, node: ast.Return) -> None:
        value = node.value
        if value is None:
            return
        if isinstance(value, (ast.Compare, ast.BoolOp)) or (
            isinstance(value, ast.UnaryOp) and isinstance(value.op, ast.Not)
        ):
            self._note("boolean", self._place(value), f"not ({self._code(value)})")
        elif not isinstance(value, ast.Constant):
            self._note(
                "return value", self._place(value), "None", f"`return {_short(self._code(value))}` → `return None`"
            )
        self.visit(value)

    def _remove(self, node: ast.stmt) -> None:
        self._note("removed statement", self._place(node), "pass", f"`{_short(self._code(node))}` removed")

    # expressions

    def visit_Compare(self, node: ast.Compare) -> None:
        operands = [node.left, *node.comparators]
        for left, right in itertools.pairwise(operands):
            if (found := self._operator(left, right)) is None:
                continue
            name, span = found
            if name in _BOUNDARY and id(node) not in self._no_boundary:
                self._note("boundary", span, _BOUNDARY[name])
            if name in _NEGATED:
                self._note("comparison", span, _NEGATED[name])
        self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        for left, right in zip(node.values, node.values[1:], strict=False):
            if (found := self._operator(left, right)) is not None and found[0] in ("and", "or"):
                self._note("boolean", found[1], "or" if found[0] == "and" else "and")
        self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        found = self._operator(node.left, node.right)
        if found and not _is_text(node.left) and not _is_text(node.right) and (new := _ARITHMETIC.get(found[0])):
            self._note("arithmetic", found[1], new)
        self.generic_visit(node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> None:
        if isinstance(node.op, ast.Not):
            self._note("boolean", self._place(node), f"({self._code(node.operand)})")
        if isinstance(node.op, ast.USub) and isinstance(node.operand, ast.Constant) and type(node.operand.value) is int:
            if node.operand.value < _BIGGEST:
                self._note("off by one", self._place(node), str(-node.operand.value - 1))
            return
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, bool):
            self._note("boolean", self._place(node), str(not node.value))
        elif type(node.value) is int and node.value < _BIGGEST:
            self._note("off by one", self._place(node), str(node.value + 1))

    def visit_Slice(self, node: ast.Slice) -> None:
        for bound in (node.lower, node.upper):
            if isinstance(bound, (ast.Name, ast.Attribute, ast.Call)):
                self._note("off by one", self._place(bound), f"{self._code(bound)} + 1")
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        if _talks(node):
            return
        if isinstance(node.func, ast.Name) and node.func.id == "range" and node.args and not node.keywords:
            stop = node.args[1 if len(node.args) > 1 else 0]
            if isinstance(stop, (ast.Name, ast.Attribute, ast.Call)):
                self._note("off by one", self._place(stop), f"{self._code(stop)} - 1")
        self.generic_visit(node)


def _short(code: str) -> str:
    line = " ".join(code.split())
    return line if len(line) <= 60 else line[:59] + "…"


def _last_name(node: ast.expr) -> str:
    if isinstance(node, ast.Call):
        node = node.func
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _talks(call: ast.Call) -> bool:
    """A call that only tells somebody something: no test of behaviour should notice its absence."""
    if isinstance(call.func, ast.Name):
        return call.func.id == "print"
    root = call.func
    while isinstance(root, ast.Attribute):
        root = root.value
        if isinstance(root, ast.Attribute) and root.attr in _TALKERS:
            return True
    return isinstance(root, ast.Name) and root.id in _TALKERS


def _is_text(node: ast.expr) -> bool:
    """A text operand: any call at all would notice a minus there."""
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, (str, bytes)))


def _same_choice(test: ast.Compare, one: ast.expr, other: ast.expr) -> bool:
    """`a if a > b else b`, `-x if x < 0 else x`: where the operands are equal, both branches give the same."""
    if len(test.ops) != 1 or not isinstance(test.ops[0], (ast.Lt, ast.LtE, ast.Gt, ast.GtE)):
        return False
    left, right = ast.dump(test.left), ast.dump(test.comparators[0])
    if {ast.dump(one), ast.dump(other)} == {left, right}:
        return True
    zero = isinstance(test.comparators[0], ast.Constant) and test.comparators[0].value == 0
    minus = next((e for e in (one, other) if isinstance(e, ast.UnaryOp) and isinstance(e.op, ast.USub)), None)
    return bool(zero and minus and ast.dump(minus.operand) == left and left in (ast.dump(one), ast.dump(other)))


def _same_at_equality(test: ast.Compare, body: list[ast.stmt]) -> bool:
    """`if x > best: best = x`, `if x < 0: x = -x`, `if a > b: a, b = b, a`: nothing changes where both are equal."""
    if len(body) != 1 or not isinstance(body[0], ast.Assign) or len(body[0].targets) != 1:
        return False
    if len(test.ops) != 1 or not isinstance(test.ops[0], (ast.Lt, ast.LtE, ast.Gt, ast.GtE)):
        return False
    target, value = body[0].targets[0], body[0].value
    left, right = written(test.left), written(test.comparators[0])
    if {written(target), written(value)} == {left, right}:
        return True
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        names, values = [written(e) for e in target.elts], [written(e) for e in value.elts]
        return names == values[::-1] and set(names) == {left, right} and len(names) == 2
    return right == "0" and written(target) == left and written(value) == f"-{left}"
