"""Which language a file is in, and its grammar. Parsers are tree-sitter's, loaded when first asked for."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from functools import cache
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Node, Tree


@dataclass(frozen=True)
class Language:
    """What ralphd needs to know of a language's syntax tree."""

    name: str
    module: str
    """The grammar's Python package; empty: no grammar, whole files only."""
    definitions: frozenset[str] = frozenset()
    wrappers: frozenset[str] = frozenset()
    """Nodes around a definition that belong to it (decorators, `export`)."""
    imports: frozenset[str] = frozenset()
    function: str = "language"
    comment: str = "#"

    def defines(self, node: Node) -> bool:
        """Whether `node` is a definition; `const f = () => …` counts as one."""
        if node.type == "lexical_declaration":
            values = [child.child_by_field_name("value") for child in node.named_children]
            return any(v is not None and v.type in ("arrow_function", "function_expression") for v in values)
        return node.type in self.definitions


_JS = {
    "definitions": frozenset(
        {"function_declaration", "generator_function_declaration", "class_declaration", "method_definition"}
    ),
    "wrappers": frozenset({"export_statement"}),
    "imports": frozenset({"import_statement"}),
    "comment": "//",
}
PYTHON = Language(
    "python",
    "tree_sitter_python",
    frozenset({"function_definition", "class_definition"}),
    frozenset({"decorated_definition"}),
    frozenset({"import_statement", "import_from_statement", "future_import_statement"}),
)
JAVASCRIPT = Language("javascript", "tree_sitter_javascript", **_JS)  # type: ignore[arg-type]
TYPESCRIPT = Language("typescript", "tree_sitter_typescript", function="language_typescript", **_JS)  # type: ignore[arg-type]
TSX = Language("tsx", "tree_sitter_typescript", function="language_tsx", **_JS)  # type: ignore[arg-type]
GO = Language(
    "go",
    "tree_sitter_go",
    frozenset({"function_declaration", "method_declaration", "type_declaration"}),
    imports=frozenset({"import_declaration"}),
    comment="//",
)
RUST = Language(
    "rust",
    "tree_sitter_rust",
    frozenset({"function_item", "impl_item", "struct_item", "enum_item", "trait_item"}),
    imports=frozenset({"use_declaration"}),
    comment="//",
)
PLAIN = Language("plain", "")

_BY_SUFFIX = {
    ".py": PYTHON, ".pyi": PYTHON, ".js": JAVASCRIPT, ".mjs": JAVASCRIPT, ".cjs": JAVASCRIPT, ".jsx": JAVASCRIPT,
    ".ts": TYPESCRIPT, ".mts": TYPESCRIPT, ".cts": TYPESCRIPT, ".tsx": TSX, ".go": GO, ".rs": RUST,
}  # fmt: skip


def language_of(path: str) -> Language:
    return _BY_SUFFIX.get(PurePosixPath(path).suffix.lower(), PLAIN)


def fence_name(path: str) -> str:
    """The word after an opening fence for this file."""
    name = language_of(path).name
    return name if name != "plain" else PurePosixPath(path).suffix.removeprefix(".")


@cache
def _parser(language: Language):  # type: ignore[no-untyped-def]
    import tree_sitter

    grammar = importlib.import_module(language.module)
    return tree_sitter.Parser(tree_sitter.Language(getattr(grammar, language.function)()))


def parse(language: Language, source: bytes) -> Tree | None:
    """The syntax tree, also of broken source; None where there is no grammar."""
    if not language.module:
        return None
    tree: Tree = _parser(language).parse(source)
    return tree


def node_name(node: Node) -> str:
    """The identifier a definition node defines; "" where it has none."""
    named = node.child_by_field_name("name") or (node.child_by_field_name("type") if node.type == "impl_item" else None)
    if named is None:
        for child in node.named_children:
            if (inner := child.child_by_field_name("name")) is not None:
                named = inner
                break
    return named.text.decode("utf-8", "replace") if named is not None and named.text is not None else ""
