"""Which language a file is in, and its grammar. Parsers are tree-sitter's, loaded when first asked for.

The node names in the table below are those of each grammar's `node-types.json`.
"""

from __future__ import annotations

import hashlib
import importlib
import re
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from ralphd.context.cython_source import as_python
from ralphd.core.latest import Latest

if TYPE_CHECKING:
    from tree_sitter import Language as Grammar
    from tree_sitter import Node, Parser, Tree


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
    comments: frozenset[str] = frozenset({"comment"})
    attributes: frozenset[str] = frozenset()
    """Siblings before a definition that belong to it (Rust's `#[inline]`, TypeScript's method decorators)."""
    strings: frozenset[str] = frozenset()
    """Literals that may span lines; the lines inside one are never moved."""
    bindings: frozenset[str] = frozenset()
    """Named things that are no definitions: constants, type aliases, test modules."""
    package: frozenset[str] = frozenset()
    """`package x`, `namespace X;`, `<?php`: what stands once, at a file's head."""
    member: tuple[str, str] = ("", "")
    """What to put around a bare method so that the grammar reads it; empty: it reads one as it is."""
    head: str = ""
    """What a file must begin with so that the grammar reads code (PHP)."""
    fences: frozenset[str] = field(default_factory=frozenset)
    """Words after an opening fence that mean this language."""

    def defines(self, node: Node) -> bool:
        """Whether `node` is a definition; `const f = () => …` and `exports.f = function …` count as ones."""
        if node.type in ("lexical_declaration", "variable_declaration"):
            values = [child.child_by_field_name("value") for child in node.named_children]
            return any(v is not None and v.type in _FUNCTION_VALUES for v in values)
        if node.type == "expression_statement" and self in SCRIPTS:
            given = node.named_children[0] if node.named_children else None
            right = given.child_by_field_name("right") if given is not None else None
            return right is not None and right.type in _FUNCTION_VALUES and bool(assigned_name(node))
        if node.type in ("struct_specifier", "class_specifier", "enum_specifier", "union_specifier"):
            return node.type in self.definitions and node.child_by_field_name("body") is not None
        return node.type in self.definitions


_FUNCTION_VALUES = ("arrow_function", "function_expression", "generator_function")


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


PYTHON = Language(
    "python",
    "tree_sitter_python",
    _set("function_definition class_definition"),
    _set("decorated_definition"),
    _set("import_statement import_from_statement future_import_statement"),
    strings=_set("string"),
    bindings=_set("expression_statement type_alias_statement"),
    fences=_set("python py python3 pyi py3 pycon ipython cython pyx"),
)
_JS_DEFINITIONS = "function_declaration generator_function_declaration class_declaration method_definition"
_JS_BINDINGS = "lexical_declaration variable_declaration"
_JS_MEMBER = ("class X {\n", "\n}\n")
JAVASCRIPT = Language(
    "javascript",
    "tree_sitter_javascript",
    _set(_JS_DEFINITIONS),
    _set("export_statement"),
    _set("import_statement"),
    comment="//",
    attributes=_set("decorator"),
    strings=_set("template_string"),
    bindings=_set(_JS_BINDINGS),
    member=_JS_MEMBER,
    fences=_set("javascript js jsx mjs cjs node"),
)


def _typescript(name: str, function: str, fences: str) -> Language:
    return Language(
        name,
        "tree_sitter_typescript",
        _set(_JS_DEFINITIONS + " abstract_class_declaration interface_declaration enum_declaration"),
        _set("export_statement"),
        _set("import_statement"),
        function=function,
        comment="//",
        attributes=_set("decorator"),
        strings=_set("template_string"),
        bindings=_set(_JS_BINDINGS + " type_alias_declaration function_signature ambient_declaration internal_module"),
        member=_JS_MEMBER,
        fences=_set(fences),
    )


TYPESCRIPT = _typescript("typescript", "language_typescript", "typescript ts mts cts js javascript")
TSX = _typescript("tsx", "language_tsx", "tsx typescript ts jsx js javascript react")
SCRIPTS = (JAVASCRIPT, TYPESCRIPT, TSX)
GO = Language(
    "go",
    "tree_sitter_go",
    _set("function_declaration method_declaration type_declaration"),
    imports=_set("import_declaration"),
    comment="//",
    strings=_set("raw_string_literal"),
    bindings=_set("const_declaration var_declaration"),
    package=_set("package_clause"),
    fences=_set("go golang"),
)
RUST = Language(
    "rust",
    "tree_sitter_rust",
    _set("function_item impl_item struct_item enum_item trait_item"),
    imports=_set("use_declaration extern_crate_declaration"),
    comment="//",
    comments=_set("line_comment block_comment"),
    attributes=_set("attribute_item"),
    strings=_set("string_literal raw_string_literal"),
    bindings=_set("const_item static_item type_item mod_item macro_definition union_item"),
    package=_set("inner_attribute_item"),
    fences=_set("rust rs"),
)
JAVA = Language(
    "java",
    "tree_sitter_java",
    _set("class_declaration interface_declaration enum_declaration record_declaration annotation_type_declaration "
         "method_declaration constructor_declaration compact_constructor_declaration"),
    imports=_set("import_declaration"),
    comment="//",
    comments=_set("line_comment block_comment"),
    strings=_set("string_literal"),
    bindings=_set("field_declaration"),
    package=_set("package_declaration"),
    member=("class X {\n", "\n}\n"),
    fences=_set("java"),
)  # fmt: skip
C = Language(
    "c",
    "tree_sitter_c",
    _set("function_definition struct_specifier enum_specifier union_specifier"),
    imports=_set("preproc_include"),
    comment="//",
    bindings=_set("declaration type_definition preproc_def preproc_function_def"),
    fences=_set("c h"),
)
CPP = Language(
    "cpp",
    "tree_sitter_cpp",
    _set("function_definition struct_specifier class_specifier enum_specifier union_specifier namespace_definition"),
    _set("template_declaration"),
    _set("preproc_include using_declaration"),
    comment="//",
    strings=_set("raw_string_literal"),
    bindings=_set("declaration field_declaration type_definition preproc_def preproc_function_def alias_declaration"),
    fences=_set("cpp c++ cc cxx hpp h c"),
)
CSHARP = Language(
    "csharp",
    "tree_sitter_c_sharp",
    _set("class_declaration interface_declaration struct_declaration enum_declaration record_declaration "
         "method_declaration constructor_declaration property_declaration namespace_declaration "
         "local_function_statement delegate_declaration"),
    imports=_set("using_directive"),
    comment="//",
    strings=_set("verbatim_string_literal raw_string_literal interpolated_string_expression"),
    bindings=_set("field_declaration"),
    package=_set("file_scoped_namespace_declaration"),
    member=("class X {\n", "\n}\n"),
    fences=_set("csharp cs c# dotnet"),
)  # fmt: skip
RUBY = Language(
    "ruby",
    "tree_sitter_ruby",
    _set("method singleton_method class module"),
    strings=_set("heredoc_body string"),
    bindings=_set("assignment"),
    fences=_set("ruby rb"),
)
PHP = Language(
    "php",
    "tree_sitter_php",
    _set("function_definition method_declaration class_declaration interface_declaration trait_declaration "
         "enum_declaration"),
    imports=_set("namespace_use_declaration"),
    function="language_php",
    comment="//",
    attributes=_set("attribute_list"),
    strings=_set("heredoc nowdoc string encapsed_string"),
    bindings=_set("property_declaration const_declaration"),
    package=_set("php_tag namespace_definition"),
    member=("<?php class X {\n", "\n}\n"),
    head="<?php\n",
    fences=_set("php"),
)  # fmt: skip
JSON = Language("json", "tree_sitter_json", fences=_set("json jsonc json5"))
YAML = Language("yaml", "tree_sitter_yaml", fences=_set("yaml yml"))
TOML = Language("toml", "tree_sitter_toml", fences=_set("toml ini"))
BASH = Language(
    "bash",
    "tree_sitter_bash",
    _set("function_definition"),
    bindings=_set("variable_assignment"),
    strings=_set("heredoc_body string raw_string"),
    fences=_set("bash sh shell zsh console shell-session"),
)
CSS = Language("css", "tree_sitter_css", comment="/*", fences=_set("css"))
HTML = Language("html", "tree_sitter_html", comment="<!--", fences=_set("html htm"))
MARKDOWN = Language("markdown", "", comment="<!--", fences=_set("markdown md mdx"))
PLAIN = Language("plain", "")

_BY_SUFFIX = {
    ".py": PYTHON, ".pyi": PYTHON, ".pyx": PYTHON, ".pxd": PYTHON, ".pxi": PYTHON, ".js": JAVASCRIPT, ".mjs": JAVASCRIPT, ".cjs": JAVASCRIPT, ".jsx": JAVASCRIPT,
    ".ts": TYPESCRIPT, ".mts": TYPESCRIPT, ".cts": TYPESCRIPT, ".tsx": TSX, ".go": GO, ".rs": RUST, ".java": JAVA,
    ".c": C, ".h": CPP, ".cc": CPP, ".cpp": CPP, ".cxx": CPP, ".hpp": CPP, ".hh": CPP, ".cs": CSHARP, ".rb": RUBY,
    ".php": PHP, ".json": JSON, ".yaml": YAML, ".yml": YAML, ".toml": TOML, ".sh": BASH, ".bash": BASH, ".css": CSS,
    ".html": HTML, ".htm": HTML, ".md": MARKDOWN, ".markdown": MARKDOWN,
}  # fmt: skip


def language_of(path: str) -> Language:
    return _BY_SUFFIX.get(PurePosixPath(path).suffix.lower(), PLAIN)


def languages() -> Iterable[Language]:
    return set(_BY_SUFFIX.values())


def fence_name(path: str) -> str:
    """The word after an opening fence for this file."""
    name = language_of(path).name
    return name if name != "plain" else PurePosixPath(path).suffix.removeprefix(".")


_parsers = threading.local()
"""A parser holds the state of the text it is parsing, so each thread has its own."""


def grammar(language: Language) -> Grammar:
    """The grammar of a language that has one."""
    import tree_sitter

    return tree_sitter.Language(getattr(importlib.import_module(language.module), language.function)())


def _parser(language: Language) -> Parser:
    import tree_sitter

    held: dict[Language, Parser] = _parsers.__dict__.setdefault("held", {})
    if language not in held:
        held[language] = tree_sitter.Parser(grammar(language))
    return held[language]


PARSE_S = 1.0
"""Seconds of processor time that one text may take to be read. A megabyte of code takes 0.3; of some texts, quotes above all,
the time grows with their square, so that a hundred kilobytes of them take a quarter of a minute."""
_PIECE = 1 << 16
_took_too_long: Latest[bytes, bool] = Latest(1000)
"""Digests of texts that were given up: a run reads the same text many times."""


def parse(language: Language, source: bytes) -> Tree | None:
    """The syntax tree, also of broken source; None where there is no grammar, and for a text that takes too long: it is not
    understood. Cython is read as Python: its nodes' places are right, the texts of its own statements are not."""
    if not language.module:
        return None
    text = as_python(source) if language is PYTHON else source
    digest = hashlib.sha256(text + language.name.encode()).digest()
    if digest in _took_too_long:
        return None
    parser, until = _parser(language), time.thread_time() + PARSE_S
    try:
        # Only a text that comes in pieces can be given up.
        tree = parser.parse(
            lambda at, _: text[at : at + _PIECE], progress_callback=lambda at, has_error: time.thread_time() > until
        )
    except ValueError:
        parser.reset()
        _took_too_long[digest] = True
        return None
    # Once more in one piece, so that nodes know their texts. It costs next to nothing: the tree is taken over.
    return parser.parse(text, old_tree=tree)


_ASSIGNED = re.compile(r"(?:module\.)?exports(?:\.(\w+))?$|(\w+)\.prototype\.(\w+)$|(\w+)\.(\w+)$")


def assigned_name(node: Node) -> str:
    """The name that a JavaScript statement `exports.f = …`, `Foo.prototype.bar = …` or `Foo.bar = …` defines; "" where
    it is another statement. `module.exports = …` defines `exports`."""
    given = node.named_children[0] if node.named_children else None
    if given is None or given.type != "assignment_expression":
        return ""
    left = given.child_by_field_name("left")
    match = _ASSIGNED.match((left.text or b"").decode("utf-8", "replace")[:200]) if left is not None else None
    if match is None:
        return ""
    return match[1] or (f"{match[2]}.{match[3]}" if match[2] else f"{match[4]}.{match[5]}" if match[4] else "exports")


_GO_RECEIVER = re.compile(r"\(\s*(?:(\w+)\s+)?\*?\s*(\w+)")


def go_receiver(node: Node) -> tuple[str, str]:
    """How a Go method calls what it is called on, and that one's type: `func (t *T) step` gives t and T."""
    receiver = node.child_by_field_name("receiver") if node.type == "method_declaration" else None
    text = receiver.text.decode("utf-8", "replace") if receiver is not None and receiver.text is not None else ""
    found = _GO_RECEIVER.match(text)
    return (found[1] or "", found[2]) if found else ("", "")


def node_name(node: Node) -> str:
    """The identifier a definition node defines, of a Go method with its type (`T.step`); "" where it has none."""
    if node.type == "expression_statement":
        return assigned_name(node)
    if (owner := go_receiver(node)[1]) and (named := node.child_by_field_name("name")) is not None:
        return f"{owner}.{(named.text or b'').decode('utf-8', 'replace')}"
    named = node.child_by_field_name("name") or (node.child_by_field_name("type") if node.type == "impl_item" else None)
    if named is None and (declarator := node.child_by_field_name("declarator")) is not None:
        return _declared(declarator)
    if named is None:
        for child in node.named_children:
            if (inner := child.child_by_field_name("name")) is not None:
                named = inner
                break
    return named.text.decode("utf-8", "replace") if named is not None and named.text is not None else ""


def _declared(node: Node) -> str:
    """The name inside a C or C++ declarator: `*f(int)` declares f, `A::f(int)` declares A.f."""
    while (inner := node.child_by_field_name("declarator")) is not None:
        node = inner
    text = node.text.decode("utf-8", "replace") if node.text is not None else ""
    return text.replace("::", ".")


def suffix_of(language: Language) -> str:
    """One file suffix of `language`, with its dot; "" for plain text."""
    return next((suffix for suffix, one in _BY_SUFFIX.items() if one is language), "")
