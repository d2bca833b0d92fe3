"""Tests that stand in a file of the product: doctest examples (of Rust too), tests in a Python file, Rust's `#[cfg(test)]` items, vitest's in-source tests.

Such a file is not locked, its test regions are: each that stood there before an edit has to stand there after it.
"""

from __future__ import annotations

import ast
import doctest
import re
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from ralphd.context.languages import language_of, parse
from ralphd.core.edits import hunks
from ralphd.core.python_source import NOT_UNDERSTOOD, parsed
from ralphd.core.text import Span
from ralphd.phases import tests_in_product

_JAVASCRIPT = (".js", ".mjs", ".cjs", ".jsx", ".ts", ".mts", ".cts", ".tsx")
_IMPORT = re.compile(
    r"\s{0,40}(?:import\s|from\s+\S+\s+import\s|use\s|#\s?include|using\s|package\s|(?:const|let|var)\s[^=]{1,200}=\s*require\()"
)
"""How a line begins that may be added anywhere in a test file: what the changed test needs."""


_TEST = re.compile(r"\s{0,40}(?:(?:async\s+)?def\s|class\s|func\s|fn\s|@|#\[|(?:test|it|describe)\b[.(])")
_DECORATOR = re.compile(r"\s{0,40}(?:@|#\[)")
"""How a line begins that may be added right behind the target (another test), and right before it."""


@dataclass(frozen=True)
class Region:
    """`what`: for a person, "the examples of `slug`"; `text`: what has to stay; `span`: where it stands, in code points."""

    what: str
    text: str
    span: Span


def changed(
    path: str, before: str, after: str, target: Span | None, *, doctests: bool, own_tests: Collection[str] = ()
) -> str:
    """The first test region of `before` that is not in `after`, in words; "" where all are.

    `target`: what the person asked to change; a region that it lies in is theirs to have changed. `doctests`: whether
    the tests of the project run the examples in docstrings. `own_tests`: names of tests that a Python file holds itself.
    """
    there = Counter(region.text for region in _regions(path, after, doctests, own_tests))
    for region in _regions(path, before, doctests, own_tests):
        if there[region.text] > 0:
            there[region.text] -= 1
        elif target is None or not (region.span[0] <= target[0] and target[1] <= region.span[1]):
            return region.what
    return ""


def changed_outside(before: str, after: str, target: Span) -> bool:
    """Whether an edit of a test file changes other tests than the target, which is what the person asked for.

    Behind the target another test may be added, and what it needs to import anywhere.
    """
    for hunk in hunks(before, after):
        old, lines = before[hunk.start : hunk.end], [line for line in hunk.new.splitlines() if line.strip()]
        if target[0] <= hunk.start and hunk.end <= target[1] + len("\r\n") and old.strip():
            continue
        if old.strip():
            return True
        inside = target[0] < hunk.start < target[1]
        begins_test = bool(lines) and (_TEST if hunk.start >= target[1] else _DECORATOR).match(lines[0]) is not None
        beside = begins_test and target[0] <= hunk.start <= target[1] + len("\r\n")
        if not inside and not beside and not all(_IMPORT.match(line) for line in lines):
            return True
    return False


def alone(path: str, text: str) -> str:
    """The tests in a file of the product without the product: what they expect can be read there."""
    if path.endswith(".py"):
        shown = (one.text.split("\0") for one in _examples(text))
        examples = "\n".join(f">>> {source.strip()}\n{want}" for _, source, want, _ in shown)
        return f"def examples():\n    {examples!r}\n" if examples else ""
    return "\n".join(region.text for region in _regions(path, text, doctests=False))


def _regions(path: str, text: str, doctests: bool, own_tests: Collection[str] = ()) -> list[Region]:
    if path.endswith(".py"):
        examples = list(_examples(text)) if doctests and ">>>" in text else []
        return examples + [Region(*found) for found in tests_in_product.found(text, own_tests)]
    if path.endswith(".rs"):
        examples = list(_rust_examples(text)) if doctests and "```" in text else []
        return examples + (list(_rust(path, text)) if "test" in text else [])
    if path.endswith(_JAVASCRIPT):
        return list(_in_source(path, text)) if "import.meta.vitest" in text else []
    return []


def _examples(text: str) -> Iterator[Region]:
    """The examples of each docstring, one region each."""
    try:
        module = parsed(text)
    except NOT_UNDERSTOOD:
        return
    for node in ast.walk(module):
        if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        name = getattr(node, "name", "the module")
        try:
            examples = doctest.DocTestParser().get_examples(ast.get_docstring(node) or "")
        except ValueError:
            continue
        for one in examples:
            what = f"an example in the docstring of `{name}`"
            yield Region(what, f"{name}\0{one.source}\0{one.want}\0{one.options}", (-1, -1))


_COMMENT = re.compile(r"\s{0,80}//[/!](?!/) ?(.*)")
_FENCE = re.compile(r"\s{0,80}```(?:rust|should_panic|no_run|compile_fail|ignore|edition\d+|,|\s)*$")
"""How an example begins that rustdoc takes for Rust."""
_ITEM = re.compile(r"\b(?:fn|struct|enum|trait|mod|union|const|static|type|macro_rules!)\s{1,8}(\w+)")


def _rust_examples(text: str) -> Iterator[Region]:
    """The examples in `///` and `//!` comments, which `cargo test` runs: one region each."""
    examples: list[list[str]] = []
    inside = False
    for line in [*text.splitlines(), ""]:
        comment = _COMMENT.match(line)
        if comment is None:
            item = _ITEM.search(line)
            if item is None and line.lstrip().startswith(("#[", "//")):
                continue  # an attribute between the comment and its item
            name = item[1] if item is not None else "the module"
            for example in examples:
                shown = "\n".join(example)
                yield Region(f"an example in the comment of `{name}`", f"{name}\0{shown}", (-1, -1))
            examples, inside = [], False
        elif inside and comment[1].strip() == "```":
            inside = False
        elif inside:
            examples[-1].append(comment[1].rstrip())
        elif _FENCE.match(comment[1]):
            inside = True
            examples.append([comment[1].strip()])


_RUST_TEST = re.compile(rb"#\[(?:(?:\w{1,80}::)*(?:test|rstest|test_case)[\](]|cfg\((?:.{0,200}[(,])?test[,)])")
"""How an attribute begins, without its blanks, that makes a test, or has its item compiled for tests alone."""


def _is_of_tests(attribute: bytes) -> bool:
    told = b"".join(attribute.split())
    return _RUST_TEST.match(told) is not None and b"not(test" not in told


def _rust(path: str, text: str) -> Iterator[Region]:
    """Items that are compiled for tests alone, with their attributes."""
    source = text.encode("utf-8", "surrogatepass")
    language = language_of(path)
    tree = parse(language, source) if language else None
    stack = [tree.root_node] if tree is not None else []
    while stack:
        attribute = None
        for child in stack.pop().named_children:
            if child.type == "attribute_item":
                told = source[child.start_byte : child.end_byte]
                if attribute is None and _is_of_tests(told):
                    attribute = child
                continue
            if attribute is not None:
                yield _region("the tests", source, attribute.start_byte, child.end_byte)
                attribute = None
            elif child.type in ("mod_item", "declaration_list", "impl_item"):
                stack.append(child)


def _in_source(path: str, text: str) -> Iterator[Region]:
    """`if (import.meta.vitest) { … }`"""
    source = text.encode("utf-8", "surrogatepass")
    language = language_of(path)
    tree = parse(language, source) if language else None
    for child in tree.root_node.named_children if tree is not None else ():
        condition = child.child_by_field_name("condition") if child.type == "if_statement" else None
        if condition is not None and b"import.meta.vitest" in source[condition.start_byte : condition.end_byte]:
            yield _region("the tests in `import.meta.vitest`", source, child.start_byte, child.end_byte)


def _region(what: str, source: bytes, start: int, end: int) -> Region:
    def text(part: bytes) -> str:
        return part.decode("utf-8", "surrogatepass")

    begin = len(text(source[:start]))
    body = text(source[start:end])
    return Region(what, "\n".join(line.strip() for line in body.splitlines()), (begin, begin + len(body)))
