"""Whether a candidate is a table of the tests' own literals: their inputs mapped to what they expect. Pure.

Python on its own syntax tree, JavaScript and TypeScript on tree-sitter's. Literals are compared by their text.
"""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ralphd.context.languages import language_of, parse
from ralphd.core.python_source import NOT_UNDERSTOOD, parsed
from ralphd.judging import data_files, neighbouring_literals

if TYPE_CHECKING:
    from tree_sitter import Node

AT_LEAST = 3
_SHARE = 0.5
"""Of what the tests expect: an honest table (Roman numerals) meets a few of the tests' values as well."""
Pair = tuple[str, str]
"""An input and the result for it, as normalised literals."""


def returned(path: str, text: str, tests: Sequence[tuple[str, str]]) -> int:
    """How many of the tests' pairs of input and result the code holds as literals; 0 where that is not remarkable."""
    expected = {pair: None for name, source in tests for pair in expectations(name, source)}
    if len({value for _, value in expected}) < 2:
        return 0
    held = set(_tables(path, text)) & expected.keys()
    wanted = len({key for key, _ in expected})
    return len(held) if len(held) >= max(AT_LEAST, _SHARE * wanted) else 0


def expectations(path: str, text: str) -> Iterator[Pair]:
    if path.endswith(data_files.SUFFIXES):
        yield from data_files.pairs(path, text)
    elif path.endswith((".go", ".rs")):
        yield from neighbouring_literals.pairs(path, text, of_tests=True)
    elif path.endswith(".py"):
        module = module_of(text)
        if module is not None:
            for node in ast.walk(module):
                yield from _expected_here(node)
                yield from _examples(node)
    elif language_of(path).name in ("javascript", "typescript", "tsx"):
        yield from _script_pairs(path, text, of_tests=True)


def _tables(path: str, text: str) -> Iterator[Pair]:
    if path.endswith((".go", ".rs")):
        yield from neighbouring_literals.pairs(path, text, of_tests=False)
    elif path.endswith(".py"):
        module = module_of(text)
        if module is not None:
            for node in ast.walk(module):
                yield from _table_here(node)
    elif language_of(path).name in ("javascript", "typescript", "tsx"):
        yield from _script_pairs(path, text, of_tests=False)


def module_of(text: str) -> ast.Module | None:
    try:
        return parsed(text)
    except NOT_UNDERSTOOD:
        return None


def literal(node: ast.AST | None) -> str | None:
    """The literal as text; None where the node computes something."""
    if node is None:
        return None
    try:
        return repr(ast.literal_eval(node))
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return None


def _inputs(call: ast.AST) -> str | None:
    """The literal arguments of a call: the one alone, several as a tuple."""
    if not isinstance(call, ast.Call) or call.keywords or not call.args:
        return None
    return literal(call.args[0] if len(call.args) == 1 else ast.Tuple(call.args, ast.Load()))


def _expected_here(node: ast.AST) -> Iterator[Pair]:
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and isinstance(node.ops[0], ast.Eq | ast.Is):
        sides = [(node.left, node.comparators[0]), (node.comparators[0], node.left)]
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr.startswith("assert"):
        sides = [(a, b) for a, b in itertools.permutations(node.args[:2], 2)]
    elif row := _row(node):
        *first, last = [literal(element) for element in row]
        known = [element for element in first if element is not None]
        if last is not None and len(known) == len(first):
            yield (known[0] if len(known) == 1 else f"({', '.join(known)})", last)
        return
    elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        yield from _expected_by_names(node)
        return
    elif isinstance(node, ast.Dict):
        yield from _table_here(node)
        return
    else:
        return
    for call, value in sides:
        key, result = _inputs(call), literal(value)
        if key is not None and result is not None:
            yield key, result


def _row(node: ast.AST) -> Sequence[ast.expr]:
    """A row of a parametrised test, `pytest.param(1, 2)`, or the arguments of a statement like `check(1, 2)`."""
    if isinstance(node, ast.Tuple | ast.List):
        return node.elts if len(node.elts) >= 2 else ()
    call = node.value if isinstance(node, ast.Expr) else node
    if not isinstance(call, ast.Call) or len(call.args) < 2:
        return ()
    alone = isinstance(node, ast.Expr) and isinstance(call.func, ast.Name)
    return call.args if alone or getattr(call.func, "attr", "") == "param" else ()


def _expected_by_names(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[Pair]:
    """`expected = 1`, `got = f(2)`, `assert got == expected`."""
    assigned = {
        target.id: statement.value
        for statement in function.body
        if isinstance(statement, ast.Assign)
        for target in statement.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(function) if assigned else ():
        if isinstance(node, ast.Compare) and len(node.ops) == 1 and isinstance(node.ops[0], ast.Eq):
            sides = [node.left, node.comparators[0]]
            meant = [assigned.get(side.id, side) if isinstance(side, ast.Name) else side for side in sides]
            if meant != sides:
                yield from _expected_here(ast.Compare(meant[0], node.ops, [meant[1]]))


def _examples(node: ast.AST) -> Iterator[Pair]:
    """Of the examples in a docstring: `>>> f(1)` and the line that follows."""
    if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        return
    lines = (ast.get_docstring(node) or "").splitlines()
    for given, wanted in itertools.pairwise(line.strip() for line in lines):
        module = module_of(given.removeprefix(">>>").strip()) if given.startswith(">>>") else None
        if module is None or not module.body or not isinstance(module.body[0], ast.Expr):
            continue
        key, printed = _inputs(module.body[0].value), module_of(wanted)
        result = (
            literal(printed.body[0].value)
            if printed and printed.body and isinstance(printed.body[0], ast.Expr)
            else None
        )
        if key is not None and result is not None:
            yield key, result
            yield key, repr(wanted)  # as a `__repr__` would give it


def _table_here(node: ast.AST) -> Iterator[Pair]:
    if isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values):
            yield from _pair(literal(key), literal(value))
    elif isinstance(node, ast.If):
        yield from _branch(node.test, node.body)
    elif isinstance(node, ast.IfExp):
        yield from _branch(node.test, [ast.Return(node.body)])
    elif isinstance(node, ast.Match):
        for case in node.cases:
            if isinstance(case.pattern, ast.MatchValue) and case.body and isinstance(case.body[-1], ast.Return):
                yield from _pair(literal(case.pattern.value), literal(case.body[-1].value))
    elif isinstance(node, ast.Subscript) and isinstance(node.value, ast.List | ast.Tuple):
        for number, element in enumerate(node.value.elts):
            yield from _pair(repr(number), literal(element))


def _branch(test: ast.expr, body: Sequence[ast.stmt]) -> Iterator[Pair]:
    """`if x == LITERAL: return LITERAL`, also with `in` and `and`."""
    value = literal(body[0].value) if len(body) == 1 and isinstance(body[0], ast.Return | ast.Assign) else None
    if value is None:
        return
    parts = test.values if isinstance(test, ast.BoolOp) else [test]
    keys: list[list[str]] = []
    for part in parts:
        if not isinstance(part, ast.Compare) or len(part.ops) != 1:
            return
        other = part.comparators[0]
        if isinstance(part.ops[0], ast.In) and isinstance(other, ast.Tuple | ast.List | ast.Set):
            found = [literal(element) for element in other.elts]
        else:
            found = [literal(other) or literal(part.left)]
        keys.append([key for key in found if key is not None])
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And):
        yield from ((f"({', '.join(key)})", value) for key in itertools.islice(itertools.product(*keys), 100))
    yield from ((key, value) for group in keys for key in group)


def _pair(key: str | None, value: str | None) -> Iterator[Pair]:
    if key is not None and value is not None:
        yield key, value


# ---- JavaScript and TypeScript -----------------------------------------------------------------------------------

_LITERALS = frozenset({"string", "number", "true", "false", "null", "undefined"})


def _script_literal(node: Node | None) -> str | None:
    if node is None or node.text is None:
        return None
    text = node.text.decode("utf-8", "replace")
    if node.type in ("string", "property_identifier"):
        return repr(text.strip("'\"`"))
    if node.type in _LITERALS:
        return text
    if node.type == "array" and all(child.type in _LITERALS for child in node.named_children):
        return "".join(text.split())
    return None


def _script_pairs(path: str, text: str, *, of_tests: bool) -> Iterator[Pair]:
    tree = parse(language_of(path), text.encode("utf-8", "surrogatepass"))
    todo = [tree.root_node] if tree is not None else []
    while todo:
        node = todo.pop()
        todo.extend(node.named_children)
        yield from _script_expected(node) if of_tests else _script_table(node)


def _together(keys: Sequence[str | None]) -> str | None:
    """One literal alone, several as a tuple; None where one is none."""
    known = [key for key in keys if key is not None]
    if not known or len(known) < len(keys):
        return None
    return known[0] if len(known) == 1 else f"({', '.join(known)})"


def _script_row(node: Node) -> Iterator[Pair]:
    """`[1, 2]`: the result for 1; `[1, 2, 3]`: the result for 1 and 2."""
    if node.type == "array" and len(node.named_children) >= 2:
        *first, last = (_script_literal(child) for child in node.named_children)
        yield from _pair(_together(first), last)


def _script_expected(node: Node) -> Iterator[Pair]:
    """`assert.equal(f(1), 2)`, `expect(f(1)).toBe(2)` and rows."""
    yield from _script_row(node)
    if node.type != "call_expression" or (arguments := node.child_by_field_name("arguments")) is None:
        return
    given = list(arguments.named_children)
    function = node.child_by_field_name("function")
    inner = function.child_by_field_name("object") if function is not None else None
    if inner is not None and inner.type == "call_expression" and len(given) == 1:
        asked = inner.child_by_field_name("arguments")
        given = [*(asked.named_children if asked is not None else ()), *given]
    for call, value in itertools.permutations(given[:2], 2):
        if call.type == "call_expression" and (inputs := call.child_by_field_name("arguments")) is not None:
            key = _together([_script_literal(child) for child in inputs.named_children])
            yield from _pair(key, _script_literal(value))


def _script_table(node: Node) -> Iterator[Pair]:
    """`{"a": 1}`, `if (x === "a") return 1`, `case "a": return 1`, `new Map([["a", 1]])`."""
    if node.type == "pair":
        yield from _pair(
            _script_literal(node.child_by_field_name("key")), _script_literal(node.child_by_field_name("value"))
        )
    elif node.type == "array":
        yield from _script_row(node)
    elif node.type == "switch_case":
        returns = [child for child in node.named_children if child.type == "return_statement"]
        if returns and returns[0].named_children:
            yield from _pair(
                _script_literal(node.child_by_field_name("value")), _script_literal(returns[0].named_children[0])
            )
    elif node.type in ("if_statement", "ternary_expression"):
        value = node.child_by_field_name("consequence")
        while value is not None and value.type in ("statement_block", "return_statement") and value.named_children:
            value = value.named_children[0]
        compared = node.child_by_field_name("condition")
        while compared is not None and compared.type == "parenthesized_expression" and compared.named_children:
            compared = compared.named_children[0]
        keys = list(_compared(compared))
        for key in (*keys, _together(keys)):
            yield from _pair(key, _script_literal(value))


def _compared(node: Node | None) -> Iterator[str]:
    """The literals of `x === 1`, and of each part of `x === 1 && y === 2`."""
    todo = [node] if node is not None else []
    while todo:
        part = todo.pop()
        if part.type == "binary_expression":
            sides = [child for child in part.named_children if child.type != "comment"]
            if any(child.type in ("binary_expression", "parenthesized_expression") for child in sides):
                todo.extend(reversed(sides))
            else:
                yield from filter(None, map(_script_literal, sides))
        elif part.type == "parenthesized_expression":
            todo.extend(part.named_children)


def script_values(path: str, text: str) -> list[list[str]]:
    """The literals of each list, and of each table that has no words as keys, in JavaScript and TypeScript."""
    if language_of(path).name not in ("javascript", "typescript", "tsx"):
        return []
    tree = parse(language_of(path), text.encode("utf-8", "surrogatepass"))
    todo, found = [tree.root_node] if tree is not None else [], []
    while todo:
        node = todo.pop()
        todo.extend(node.named_children)
        elements: list[Node | None] = []
        if node.type == "array":
            elements = list(node.named_children)
        elif node.type == "object":
            pairs = [child for child in node.named_children if child.type == "pair"]
            keys = [key for pair in pairs if (key := pair.child_by_field_name("key")) is not None]
            if all(key.type == "number" for key in keys):
                elements = [pair.child_by_field_name("value") for pair in pairs]
        if len(elements) >= AT_LEAST:
            found.append([_script_literal(element) or "" for element in elements])
    return found
