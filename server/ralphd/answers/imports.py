"""Import statements of a file: which names they bring, which of an answer are new, and where new ones go.

One statement is read into `Binding`s, for a file may have `from a import b, c` where an answer has `from a import c, d`:
only d is new. What binds nothing by name (`import "./style.css"`, `#include`) is one binding of its own text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ralphd.context.languages import GO, JAVA, PHP, PYTHON, RUBY, RUST, SCRIPTS, Language, parse

if TYPE_CHECKING:
    from tree_sitter import Node


@dataclass(frozen=True)
class Binding:
    """What a statement brings: `key` tells two apart, `local` is the name in the file ("" where there is none), `text`
    how it is written inside its statement."""

    key: tuple[str, ...]
    local: str
    text: str


@dataclass(frozen=True)
class Import:
    """One statement: its text and rows (0-based, inclusive); `conditional`: inside `try` or `if`."""

    text: str
    first: int
    last: int
    bindings: tuple[Binding, ...]
    conditional: bool = False
    comment: bool = False
    """Whether a comment stands behind it on its line."""


def text_of(node: Node) -> str:
    return (node.text or b"").decode("utf-8", "surrogatepass")


def is_import(node: Node, language: Language) -> bool:
    """Whether a statement imports something; `const x = require("x")` does."""
    if node.type in language.imports:
        return True
    if language is RUBY and node.type == "call":
        return text_of(node).startswith(("require ", "require_relative ", "require("))
    if language in SCRIPTS and node.type in ("lexical_declaration", "variable_declaration"):
        return re.match(r"(?:const|let|var)\s[^=\n]{1,300}=\s*require\(", text_of(node)[:400]) is not None
    return False


def imports_of(root: Node, language: Language, *, nested: bool = True) -> list[Import]:
    """The imports of a file's top level, in order; `nested`: also those in top-level `try` and `if` statements."""
    found = []
    stack = [(node, False) for node in reversed(root.named_children)]
    while stack:
        node, conditional = stack.pop()
        if is_import(node, language):
            after = node.next_sibling
            comment = (
                after is not None and after.type in language.comments and after.start_point[0] == node.end_point[0]
            )
            last = node.end_point[0] - (node.end_point[1] == 0 and node.end_point[0] > node.start_point[0])
            bindings = tuple(_bindings(node, language))
            found.append(Import(text_of(node).rstrip(), node.start_point[0], last, bindings, conditional, comment))
        elif nested and node.type in (
            "try_statement",
            "if_statement",
            "else_clause",
            "except_clause",
            "block",
            "finally_clause",
        ):
            stack += [(child, True) for child in reversed(node.named_children)]
    return found


def _bindings(node: Node, language: Language) -> Iterable[Binding]:
    if language is PYTHON:
        return _python(node)
    if language in SCRIPTS and node.type == "import_statement":
        return _script(node)
    if language is GO:
        return _go(node)
    if language is RUST:
        return _rust(text_of(node))
    text = " ".join(text_of(node).split())
    local = ""
    if language in (JAVA, PHP) and not re.search(r"\*|\{|\bfunction\b|\bconst\b", text):
        local = re.split(r"[\\.\s]", text.rstrip("; "))[-1]
    return [Binding((text.rstrip(";"),), local, text)]


def _python(node: Node) -> Iterable[Binding]:
    module = node.child_by_field_name("module_name")
    source = text_of(module) if module is not None else "__future__" if node.type == "future_import_statement" else ""
    if any(child.type == "wildcard_import" for child in node.named_children):
        yield Binding(("from", source, "*"), "*", "*")
    for child in node.children_by_field_name("name"):
        if child.type == "aliased_import":
            name, alias = child.child_by_field_name("name"), child.child_by_field_name("alias")
            full, local = text_of(name) if name else "", text_of(alias) if alias else ""
        else:
            full, local = text_of(child), ""
        yield Binding(
            ("from" if source else "import", source, full, local), local or full.partition(".")[0], text_of(child)
        )


def _script(node: Node) -> Iterable[Binding]:
    source = node.child_by_field_name("source")
    module = text_of(source).strip("'\"`") if source is not None else text_of(node)
    kind = "type" if re.match(r"import\s+type\b", text_of(node)) else "value"
    clause = next((child for child in node.named_children if child.type == "import_clause"), None)
    if clause is None:
        yield Binding(("effect", module), "", text_of(node))
        return
    for part in clause.named_children:
        if part.type != "named_imports":
            local = text_of(part).rpartition(" ")[2]
            yield Binding((kind, module, part.type, local), local, text_of(part))
            continue
        for one in part.named_children:
            if one.type == "import_specifier":
                name, alias = one.child_by_field_name("name"), one.child_by_field_name("alias")
                full, local = text_of(name) if name else "", text_of(alias) if alias else ""
                yield Binding((kind, module, full, local), local or full, text_of(one))


def _go(node: Node) -> Iterable[Binding]:
    stack = list(reversed(node.named_children))
    while stack:
        child = stack.pop()
        if child.type != "import_spec":
            stack += list(reversed(child.named_children))
            continue
        path, name = child.child_by_field_name("path"), child.child_by_field_name("name")
        module, alias = text_of(path).strip('"`') if path else "", text_of(name) if name else ""
        last = re.sub(r"^go-|-go$|\.v\d+$", "", module.rpartition("/")[2])
        if re.fullmatch(r"v\d+", last):
            last = module.split("/")[-2] if "/" in module else last
        yield Binding((module, alias), alias or last, text_of(child))


def _rust(text: str) -> Iterable[Binding]:
    bare = " ".join(text.rstrip(";").split())
    match = re.fullmatch(r"((?:pub(?:\([a-z]+\))? )?use )([\w:]+::)?\{ ?([^{}]*?),? ?\}", bare)
    if match is None:
        return [Binding((bare,), "", bare)]
    prefix = f"{match[1]}{match[2] or ''}"
    return [Binding((f"{prefix}{name.strip()}",), "", name.strip()) for name in match[3].split(",") if name.strip()]


def rendered(one: Import, keep: Sequence[Binding], language: Language) -> str:
    """The statement with only the bindings `keep`; its own text where it keeps all."""
    if len(keep) == len(one.bindings):
        return one.text
    names = ", ".join(binding.text for binding in keep)
    if language is PYTHON:
        kind, module = keep[0].key[0], keep[0].key[1]
        return f"from {module} import {names}" if kind == "from" else f"import {names}"
    if language in SCRIPTS:
        return _script_rendered(one, keep)
    if language is GO:
        if len(keep) == 1:
            return f"import {keep[0].text}"
        return "import (\n" + "".join(f"\t{binding.text}\n" for binding in keep) + ")"
    if language is RUST:
        return "\n".join(f"{binding.key[0]};" for binding in keep)
    return one.text


def _script_rendered(one: Import, keep: Sequence[Binding]) -> str:
    plain = [b.text for b in keep if b.key[2:3] in (("identifier",), ("namespace_import",))]
    named = [b.text for b in keep if b.text not in plain]
    braces = "{ " + ", ".join(named) + " }" if named else ""
    match = re.search(r"\bfrom\b.*$", one.text, re.DOTALL)
    head = "import type " if re.match(r"import\s+type\b", one.text) else "import "
    return f"{head}{', '.join([*plain, *([braces] if braces else [])])} {match[0] if match else ''}".rstrip()


def root_of(text: str, language: Language) -> Node | None:
    """The tree's root; None where the language has no grammar."""
    tree = parse(language, text.encode("utf-8", "surrogatepass"))
    return tree.root_node if tree is not None else None


def missing(
    source: Sequence[Import], wanted: Sequence[Import], language: Language
) -> list[tuple[Import, tuple[Binding, ...]]]:
    """The statements of `wanted` that bring something which `source` lacks, each with what is new in it."""
    has = {binding.key for one in source for binding in one.bindings}
    stars = {key[1] for key in has if key[0] == "from" and key[2:3] == ("*",)}
    found = []
    for one in wanted:
        new = tuple(
            b
            for b in one.bindings
            if b.key not in has and not (language is PYTHON and b.key[0] == "from" and b.key[1] in stars)
        )
        has.update(binding.key for binding in new)
        if new:
            found.append((one, new))
    return found
