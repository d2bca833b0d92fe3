"""What an edit of a whole text would lose: definitions, headings and keys that vanish, bodies that become stubs.

A model that was asked for a file sometimes sends the part that it changed. What vanishes from the text, stands in no other
text of the answer, and is not spoken of in the instruction, is a loss, and the answer is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

from ralphd.answers.imports import is_import, text_of
from ralphd.answers.syntax import errors
from ralphd.context.languages import (
    CSS,
    HTML,
    JSON,
    MARKDOWN,
    PLAIN,
    TOML,
    YAML,
    Language,
    language_of,
    node_name,
    parse,
)
from ralphd.context.target import walk_definitions
from ralphd.core.text import BOM

if TYPE_CHECKING:
    from tree_sitter import Node

MIN_LINES = 8
"""Lines with words below which a text that has no names is not measured."""
MAX_LOOKED_UP = 50
"""Missing names that are looked for among the imports; each look reads the text once."""
_BY_LINE = re.compile(
    r"^[ \t]{0,40}(?:export[ \t]+|default[ \t]+|pub(?:\([a-z]{1,9}\))?[ \t]+|public[ \t]+|private[ \t]+|protected[ \t]+|static[ \t]+"
    r"|async[ \t]+|abstract[ \t]+|final[ \t]+|cdef[ \t]+|cpdef[ \t]+){0,6}"
    r"(?:def|class|function|func|fun|fn|sub|struct|enum|trait|interface|module|cdef|cpdef|target|rule|macro|proc)[ \t]+"
    r"(?:\w{1,60}[ \t]+)?(\w{1,100})",
    re.MULTILINE,
)
_HEADING = re.compile(r"^#{1,6}[ \t]+([^\n]{1,200})", re.MULTILINE)
_KEY = re.compile(r"^([\w\"'.-]{1,100})[ \t]*[:=]|^\[{1,2}([^\]\n]{1,100})\]", re.MULTILINE)
_RULE = re.compile(r"^[ \t]{0,40}([^\s{}/*;][^{};/\n]{0,300}?)\s*\{", re.MULTILINE)
_ELEMENT = re.compile(
    r"<(html|head|title|style|script|body|header|nav|main|aside|footer|form|table|template)\b"
    r"|\bid\s{0,4}=\s{0,4}[\"']?([\w-]{1,100})",
    re.IGNORECASE,
)
_HEAD = re.compile(r"^[^\s#/*;}\])-](?:[^={(:;\n]|(?<=\s):(?=\w)){0,200}", re.MULTILINE)
_KEY_ROW = re.compile(
    r"^([ \t]{0,40})(?:[\"']?([\w./$@ -]{1,100}?)[\"']?[ \t]{0,8}[:=](?=\s|$|[\[{\"'\d])|(\[[^\]\n]{1,100}\])[ \t]*$)",
    re.MULTILINE,
)
_PROSE = re.compile(r"\.(?:txt|csv|tsv|log|rst|adoc|tex|org|xml|svg|lock)$", re.IGNORECASE)
_FENCED = re.compile(r"^[ ]{0,3}(`{3,}|~{3,})", re.MULTILINE)
_STUB = re.compile(
    r"^(?:pass|\.\.\.|raise NotImplementedError\b.{0,200}|todo!\(.{0,200}|unimplemented!\(.{0,200}|return;?"
    r"|throw new \w*(?:Error|Exception)\(.{0,200}not impl.{0,200}|panic\(.{0,200}not impl.{0,200})$",
    re.IGNORECASE,
)
_ASKED = re.compile(
    r"\b(?:remov|delet|drop|renam|unused|dead|inlin|merg|mov|split|extract|consolidat|replac|get rid|strip out|clean)\w{0,6}\b",
    re.IGNORECASE,
)


@lru_cache(maxsize=16)
def named(path: str, text: str) -> frozenset[str]:
    """The names that `text` defines: qualified definitions, top-level bindings, headings, top-level keys, the selectors of
    a style sheet, the parts and ids of a page."""
    language = language_of(path)
    text = text.removeprefix(BOM)
    if language is MARKDOWN:
        return frozenset(m[1].strip() for m in _HEADING.finditer(_outside_fences(text)))
    if language in (JSON, YAML, TOML):
        return _keys(language, text)
    if language is CSS:
        return frozenset(" ".join(m[1].split()) for m in _RULE.finditer(text))
    if language is HTML:
        return frozenset(m[1].lower() if m[1] else f"#{m[2]}" for m in _ELEMENT.finditer(text))
    found: set[str] = set()
    data = text.encode("utf-8", "surrogatepass")
    tree = parse(language, data)
    if tree is not None and language.definitions:
        found = {name for name, _, _ in walk_definitions(tree.root_node, language) if name}
        for node in tree.root_node.named_children:
            found.update(bound(node, language))
    if language is PLAIN or errors(path, text):
        found.update(m[1] for m in _BY_LINE.finditer(text))
    return frozenset(found)


def _outside_fences(text: str) -> str:
    out, fence = [], ""
    for line in text.split("\n"):
        match = _FENCED.match(line)
        if match is not None:
            fence = "" if fence and match[1].startswith(fence) else fence or match[1]
        elif not fence:
            out.append(line)
    return "\n".join(out)


def _keys(language: Language, text: str) -> frozenset[str]:
    if language is not JSON:
        return frozenset((m[1] or m[2]).strip("\"'") for m in _KEY.finditer(text))
    tree = parse(JSON, text.encode("utf-8", "surrogatepass"))
    root = tree.root_node.named_children if tree is not None else []
    pairs = [pair for node in root if node.type == "object" for pair in node.named_children if pair.type == "pair"]
    keys = [pair.child_by_field_name("key") for pair in pairs]
    return frozenset((key.text or b"").decode("utf-8", "replace").strip('"') for key in keys if key is not None)


def bound(node: Node, language: Language) -> list[str]:
    """The names that a statement at a file's top level binds without being a definition: `X = 1`, `const x`, `mod t`."""
    while node.type in language.wrappers and len(node.named_children):
        node = node.named_children[-1]
    if node.type not in language.bindings:
        return []
    if node.type == "expression_statement":
        node = node.named_children[0] if node.named_children else node
        names = []
        while node is not None and node.type == "assignment":
            left = node.child_by_field_name("left")
            names += [left] if left is not None and left.type == "identifier" else []
            right = node.child_by_field_name("right")
            if right is None:
                break
            node = right
        return [text_of(one) for one in names]
    if node.type == "assignment":  # Ruby's: constants alone, a variable is nothing that others name
        left = node.child_by_field_name("left")
        return [text_of(left)] if left is not None and left.type == "constant" else []
    if elements := [child for child in node.named_children if child.type == "const_element"]:  # PHP's
        return [text_of(one.named_children[0]) for one in elements if one.named_children]
    if node.type == "field_declaration":  # C#'s holds its names one step deeper
        node = next((child for child in node.named_children if child.type == "variable_declaration"), node)
    if name := node_name(node):
        children = [c.child_by_field_name("name") for c in node.named_children]
        many = [text_of(child) for child in children if child is not None]
        return many or [name]
    return []


def stubs(path: str, text: str) -> dict[str, bool]:
    """Each definition's qualified name, and whether its body is a stub."""
    language = language_of(path)
    tree = parse(language, text.removeprefix(BOM).encode("utf-8", "surrogatepass"))
    if tree is None:
        return {}
    found: dict[str, bool] = {}
    for name, _, node in walk_definitions(tree.root_node, language):
        body = node.child_by_field_name("body")
        if name and body is not None:
            found[name] = is_stub(body, language)
    return found


def is_stub(body: Node, language: Language) -> bool:
    """Whether a body does nothing yet: `pass`, `...`, a raised "not implemented"."""
    nodes = [child for child in body.named_children if child.type not in language.comments]
    if len(nodes) == 1 and nodes[0].type == "statement_list":
        nodes = list(nodes[0].named_children)
    if len(nodes) > 1 and nodes[0].type == "expression_statement" and (nodes[0].text or b"")[:1] in (b'"', b"'", b"r"):
        nodes = nodes[1:]
    if len(nodes) != 1:
        return False
    return _STUB.match((nodes[0].text or b"").decode("utf-8", "replace").strip().rstrip(";")) is not None


def lost(path: str, before: str, after: str, others: Mapping[str, str], instruction: str = "") -> str:
    """What `after` loses against `before`, as a sentence for the model; "" where it loses nothing.

    `others`: the other new texts of the same answer, for a definition may be moved.
    """
    if not before.strip():
        return ""
    if not after.strip():
        return f"the new text of {path} is empty"
    had, has = named(path, before), named(path, after)
    gone = had - has
    if language_of(path) in (MARKDOWN, CSS, HTML) and len(gone) <= len(has - had):
        gone = frozenset()
    fresh = {name.rpartition(".")[2] for name in has - had}
    for other, text in others.items():
        fresh |= {name.rpartition(".")[2] for name in named(other, text)}
    asked = set(re.findall(r"\w+", instruction))
    missing = sorted(n for n in gone if n.rpartition(".")[2] not in fresh and n.rpartition(".")[2] not in asked)
    if missing and _ASKED.search(instruction) and len(gone) * 2 <= len(had):
        missing = []
    if len(missing) <= MAX_LOOKED_UP:
        missing = [name for name in missing if not _imported(name, after)]
    if missing:
        return f"{_some(missing)} would vanish from {path}"
    statements = _statements(path, before)
    if statements and not _statements(path, after) and not _ASKED.search(instruction):
        return f"the line {statements[0]!r} would vanish from {path}"
    if headless := _heads_lost(path, before, after, others, instruction):
        return f"{_some(headless)} would vanish from {path}"
    hollow = _hollow(path, before, after)
    if hollow:
        return f"{_some(hollow)} would lose what stands in the body in {path}"
    return _excerpt(path, before, after)


def _statements(path: str, text: str) -> list[str]:
    """The first lines of a program's own statements at the top level: what is no definition, import, binding, comment or
    text. Where an answer has none of them left, it gave the definitions only."""
    language = language_of(path)
    tree = parse(language, text.removeprefix(BOM).encode("utf-8", "surrogatepass")) if language.definitions else None
    found = []
    for node in tree.root_node.named_children if tree is not None else ():
        inner = node
        while inner.type in language.wrappers and inner.named_children:
            inner = inner.named_children[-1]
        plain = (*language.comments, *language.package, *language.attributes, "ERROR")
        if node.type in plain or is_import(node, language) or language.defines(inner) or bound(node, language):
            continue
        line = (node.text or b"").decode("utf-8", "replace").split("\n")[0].strip()
        if re.search(r"\w", line) and not re.match(r"[rRuU]?['\"]", line):
            found.append(line[:80])
    return found


def _heads(path: str, text: str) -> set[str]:
    """What begins at the left edge of a text without a grammar, up to the first sign that opens or sets something:
    `CREATE TABLE a`, `build`, `resource "a" "b"`, `fun a`; in data, the keys below those of the top level."""
    language, name = language_of(path), path.rpartition("/")[2].casefold()
    if language in (JSON, YAML, TOML):
        return _lower_keys(text)
    if language is not PLAIN or _PROSE.search(path) or not ("." in name or name.endswith("file")):
        return set()
    return {m[0].strip() for m in _HEAD.finditer(text) if m[0].strip()}


def _lower_keys(text: str) -> set[str]:
    """The keys at a text's two least depths, each with the key above it. In TOML a table's keys have its own depth."""
    found: set[str] = set()
    rows = [(len(m[1].expandtabs(8)), m[2] or m[3]) for m in _KEY_ROW.finditer(text)]
    depths = sorted({depth for depth, _ in rows})[:2]
    above = ""
    for depth, key in rows:
        if depth == depths[0] and (len(depths) > 1 or key.startswith("[")):
            above = key
        elif depth in depths:
            found.add(f"{above}.{key}")
    return found


def _heads_lost(path: str, before: str, after: str, others: Mapping[str, str], instruction: str) -> list[str]:
    """The heads that vanish, where fewer come in their place."""
    had, has = _heads(path, before), _heads(path, after)
    gone = had - has
    if len(gone) <= len(has - had) or _ASKED.search(instruction):
        return []
    kept = set().union(*(text.splitlines() for text in others.values())) if others else set()
    return sorted(head for head in gone if not any(line.startswith(head) for line in kept))


def _hollow(path: str, before: str, after: str) -> list[str]:
    now = [name for name, stub in stubs(path, after).items() if stub]
    if not now:
        return []
    was = stubs(path, before)
    return sorted(name for name in now if was.get(name) is False)


def _some(names: Iterable[str]) -> str:
    names = list(names)
    return ", ".join(f"`{name}`" for name in names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _imported(name: str, text: str) -> bool:
    word = re.escape(name.rpartition(".")[2])
    return (
        re.search(
            rf"^[ \t]{{0,40}}(?:from|import|use|export|using|require)\b[^\n]{{0,300}}\b{word}\b", text, re.MULTILINE
        )
        is not None
    )


def _excerpt(path: str, before: str, after: str) -> str:
    """Whether a text is but a piece of the old one: it has less than half of its lines, and they are mostly old ones."""
    old = [line.strip() for line in before.splitlines() if line.strip()]
    new = [line.strip() for line in after.splitlines() if line.strip()]
    if len(old) < MIN_LINES or len(new) * 2 >= len(old):
        return ""
    known = set(old)
    if sum(line in known for line in new) * 2 >= len(new):
        return f"{len(old) - len(new)} of {len(old)} lines would vanish from {path}"
    return ""
