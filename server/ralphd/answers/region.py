"""Puts a region answer (the full new text of the target) into its file. Pure.

Imports at the region's head that the file lacks go to the file's import section, helper definitions stay next to the
target, and definitions that the model repeated unchanged are left out. What does not fit is a Refusal for the model.
"""

from __future__ import annotations

import ast
import re
import textwrap

from ralphd.context.languages import PYTHON, language_of, parse
from ralphd.context.target import Target, definitions
from ralphd.core.edits import Refusal, elision, keep_form, reindent, with_eol
from ralphd.core.text import BOM, Text


def place_region(source: str, target: Target, region: str) -> str | Refusal:
    """The file's new text, in its own line ends and form."""
    region = region.strip("\n")
    old = target.text(source)
    if gap := elision(region, old):
        return Refusal(
            "elision", target.path, f"The line {gap!r} stands for code that is left out. Write every line in full."
        )
    if target.kind == "file":
        return keep_form(region + "\n", source)
    if not region.strip():
        return Refusal("format", target.path, "The code block was empty. Give the full new text of the target.")
    if language_of(target.path) is PYTHON:
        return _place_python(source, target, region)
    imports, body = _split_imports(target.path, region)
    text = _splice(source, target, _fit_indent(old, body))
    return keep_form(_hoist(text, target.path, [i for i in imports if i not in source]), source)


def _splice(source: str, target: Target, new: str) -> str:
    eol = Text(source).eol
    return source[: target.span[0]] + with_eol(new, eol) + source[target.span[1] :]


def _indent_of(text: str) -> str:
    first = next((line for line in text.splitlines() if line.strip()), "")
    return first[: len(first) - len(first.lstrip())]


def _fit_indent(old: str, new: str) -> str:
    """`new` with its base indentation swapped for the target's; deeper levels keep theirs."""
    return reindent(new, _indent_of(new), _indent_of(old))


def _place_python(source: str, target: Target, region: str) -> str | Refusal:
    dedented = textwrap.dedent(region)
    try:
        module = ast.parse(dedented)
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", 0) or 0
        return Refusal(
            "format",
            target.path,
            f"The code does not parse: {getattr(error, 'msg', error)} (line {line} of your block).",
        )
    lines = dedented.split("\n")
    leading = [node for node in module.body if isinstance(node, ast.Import | ast.ImportFrom)]
    if target.kind == "selection" and not target.name:
        whole = _enclosing(source, target, module)
        if whole is not None:
            return _place_python(source, whole, region)
        return keep_form(_splice(source, target, _fit_indent(target.text(source), dedented)), source)
    name = target.name.rsplit(".", 1)[-1]
    body = [node for node in module.body if node not in leading]
    holder = _holder(body, target.name)
    if holder is not None:
        body = list(holder.body)
    wanted = [n for n in body if _defines(n, name)]
    if len(wanted) != 1:
        found = "is not in" if not wanted else "stands more than once in"
        return Refusal(
            "format", target.path, f"`{name}` {found} your block. Give the full new text of `{name}` and nothing else."
        )
    keep = []
    existing = {
        d.name.rsplit(".", 1)[-1]: d for d in definitions(target.path, source) if _siblings(d.name, target.name)
    }
    for node in body:
        if node in wanted or not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            if node in wanted or (holder is None and _is_new_statement(node, lines, source)):
                keep.append(node)
            continue
        other = existing.get(node.name)
        if other is None:
            keep.append(node)
        elif not _same_code(source[slice(*other.span)], _source_of(node, lines)):
            return Refusal(
                "format",
                target.path,
                f"You also changed `{node.name}`. Only `{name}` may change; leave the others out.",
            )
    text = "\n\n".join(
        _source_of(node, lines) if holder is None else textwrap.dedent(_source_of(node, lines)) for node in keep
    )
    if holder is None and [*leading, *keep] == module.body and keep:
        text = _from_first(keep[0], lines)
    placed = _splice(source, target, reindent(text, "", _indent_of(target.text(source))))
    missing = [i for i in (_source_of(node, lines) for node in leading) if i not in _import_lines(source)]
    return keep_form(_hoist(placed, target.path, missing), source)


def _enclosing(source: str, target: Target, module: ast.Module) -> Target | None:
    """The definition around the selection, where the answer gives that whole definition instead of the lines."""
    given = {n.name for n in module.body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)}
    around = [
        d for d in definitions(target.path, source) if d.span[0] <= target.span[0] and target.span[1] <= d.span[1]
    ]
    fitting = [d for d in around if d.name.rsplit(".", 1)[-1] in given]
    return Target(target.path, fitting[-1].span, "definition", fitting[-1].name) if fitting else None


def _holder(body: list[ast.stmt], qualified: str) -> ast.ClassDef | None:
    """The class that a small model wrapped around the method it was asked for."""
    if "." not in qualified:
        return None
    owner, name = qualified.rsplit(".", 2)[-2:]
    for node in body:
        if isinstance(node, ast.ClassDef) and node.name == owner and any(_defines(n, name) for n in node.body):
            return node
    return None


def _defines(node: ast.stmt, name: str) -> bool:
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and node.name == name


def _siblings(a: str, b: str) -> bool:
    return a != b and a.rpartition(".")[0] == b.rpartition(".")[0]


def _first_line(node: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(d.lineno for d in decorators)]) - 1


def _source_of(node: ast.stmt, lines: list[str]) -> str:
    return "\n".join(lines[_first_line(node) : node.end_lineno])


def _from_first(node: ast.stmt, lines: list[str]) -> str:
    """Everything from the comments right above the first kept statement on: comments are part of the answer."""
    start = _first_line(node)
    while start > 0 and lines[start - 1].lstrip().startswith("#"):
        start -= 1
    return "\n".join(lines[start:]).rstrip()


def _is_new_statement(node: ast.stmt, lines: list[str], source: str) -> bool:
    """A constant or helper statement beside the target; an example call or a main guard is none."""
    if not isinstance(node, ast.Assign | ast.AnnAssign):
        return False
    return _source_of(node, lines) not in source


def _same_code(a: str, b: str) -> bool:
    try:
        return ast.dump(ast.parse(textwrap.dedent(a))) == ast.dump(ast.parse(textwrap.dedent(b)))
    except (SyntaxError, ValueError):
        return a.strip() == b.strip()


def _import_lines(source: str) -> set[str]:
    return {
        line.strip() for line in source.removeprefix(BOM).splitlines() if line.strip().startswith(("import ", "from "))
    }


def _split_imports(path: str, region: str) -> tuple[list[str], str]:
    """The imports at the region's head, and the rest."""
    language = language_of(path)
    data = region.encode("utf-8", "surrogatepass")
    tree = parse(language, data)
    if tree is None or not language.imports:
        return [], region
    end, found = 0, []
    for node in tree.root_node.named_children:
        if node.type not in language.imports:
            break
        found.append(data[node.start_byte : node.end_byte].decode("utf-8", "surrogatepass"))
        end = node.end_byte
    return found, data[end:].decode("utf-8", "surrogatepass").lstrip(";\r\n") if found else region


def _hoist(source: str, path: str, imports: list[str]) -> str:
    """`source` with `imports` after its last top-level import, else after its head (shebang, comments, docstring)."""
    if not imports:
        return source
    if source.startswith(BOM):  # it stays the file's first character
        return BOM + _hoist(source.removeprefix(BOM), path, imports)
    language = language_of(path)
    data = source.encode("utf-8", "surrogatepass")
    tree = parse(language, data)
    if tree is None:
        return source
    at, after_import = 0, False
    for index, node in enumerate(tree.root_node.named_children):
        if node.type in language.imports:
            at, after_import = node.end_byte, True
        elif (
            not after_import
            and (node.type == "comment" or (index <= 1 and _is_docstring(node.type, data, node.start_byte)))
        ) or (not after_import and node.type in ("package_clause",)):
            at = node.end_byte
    head, tail = data[:at].decode("utf-8", "surrogatepass"), data[at:].decode("utf-8", "surrogatepass")
    eol = Text(source).eol
    block = with_eol("\n".join(imports), eol)
    if after_import:
        return head + eol + block + tail
    if not head:
        return block + eol * 2 + tail
    gap = re.match(r"(?:\r\n|\n|\r)*", tail)
    return head + eol * 2 + block + (tail if gap and gap[0] else eol + tail)


def _is_docstring(kind: str, data: bytes, start: int) -> bool:
    return kind == "expression_statement" and data[start : start + 1] in (b'"', b"'", b"r", b"R")
