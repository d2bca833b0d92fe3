"""Whether a candidate carries the results that the tests expect as texts of its own, whatever leads to them. Pure.

A result counts where it is made of its input's letters, as `hello-world` is of `Hello World`: such a result has to be
computed. What is a category of its input (`fizz` for 3) stands in honest code too.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator, Sequence

from ralphd.judging import data_files, neighbouring_literals
from ralphd.judging.literal_pairs import AT_LEAST, Pair, made_of
from ralphd.judging.literal_tables import literal, module_of

_SHARE = 2 / 3
"""Of the tests' results that are made of their inputs."""
_OF_THE_TEXTS = 1 / 3
"""Of the texts of the code: an honest table is longer than its tests."""
_LONG = 3
"""One of the results has more characters: single letters stand in any code."""
_BETWEEN = re.compile(r"[\s,;|/:]+")


def found(path: str, text: str, pairs: Collection[Pair]) -> bool:
    results: dict[frozenset[str], set[str]] = {}  # where nobody knows which is the input, a pair comes both ways round
    for pair in pairs:
        key, value = _plain(pair)
        if value and made_of(key, value):
            results.setdefault(frozenset(pair), set()).add(value)
    if len(results) < AT_LEAST:
        return False
    texts = set(_texts(path, text))
    held = {min(found) for values in results.values() if (found := values & texts)}
    return (
        len(held) >= max(AT_LEAST, _SHARE * len(results))
        and len(held) >= _OF_THE_TEXTS * len(texts)
        and any(len(value) > _LONG for value in held)
    )


def _plain(pair: Pair) -> tuple[str, str]:
    """Both sides as texts; "" for a result that is none."""
    key, value = pair
    try:
        result = ast.literal_eval(value)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return key, ""
    return key, result if isinstance(result, str) else ""


def _texts(path: str, text: str) -> Iterator[str]:
    if path.endswith(data_files.SUFFIXES):
        whole: Sequence[str] = [part.strip(" \"'[]{}") for part in re.split(r"[=,;|:\t\n]", text)]
    elif not path.endswith((".py", ".pyi")):
        whole = list(neighbouring_literals.texts(path, text))
    else:
        module = module_of(text)
        whole = list(_of_python(module)) if module is not None else []
    for one in whole:
        yield one
        parts = [part for part in _BETWEEN.split(one) if part]
        if len(parts) >= AT_LEAST:
            yield from parts


def _of_python(module: ast.Module) -> Iterator[str]:
    """The texts that the code makes of constants alone, without docstrings and without the parts of longer texts."""
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(module)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    todo: list[ast.AST] = [module]
    while todo:
        node = todo.pop()
        if id(node) in docstrings:
            continue
        try:
            made = made_of_constants(node)
        except RecursionError:
            made = None  # a part of it may still be one
        if made is not None:
            yield made
        else:
            todo.extend(ast.iter_child_nodes(node))


def made_of_constants(node: ast.AST) -> str | None:
    """The text of an expression of constants: `"a" + "b"`, `chr(45)`, `"-".join(["a", "b"])`, `"AB".lower()`."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        sides = [made_of_constants(node.left), made_of_constants(node.right)]
        return None if None in sides else "".join(filter(None, sides))
    if isinstance(node, ast.JoinedStr):
        parts = [made_of_constants(v.value if isinstance(v, ast.FormattedValue) else v) for v in node.values]
        return None if None in parts else "".join(filter(None, parts))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "chr" and node.args:
        number = literal(node.args[0])
        return chr(int(number)) if number is not None and number.isdecimal() and int(number) < 0x110000 else None
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
        return None
    text = made_of_constants(node.func.value)
    if text is None:
        return None
    if node.func.attr in ("lower", "upper", "strip", "title", "casefold") and not node.args:
        return str(getattr(text, node.func.attr)())
    if node.func.attr == "join" and len(node.args) == 1 and isinstance(node.args[0], ast.List | ast.Tuple):
        parts = [made_of_constants(element) for element in node.args[0].elts]
        return None if None in parts else text.join(filter(None, parts))
    return None
