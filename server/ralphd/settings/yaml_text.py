"""YAML text to nodes that know where they stand. Knows nothing of which settings there are.

Scalars are read as the core schema of YAML 1.2 has them, of which JSON is a part: `1e-05`, `0o17` and `+1` are numbers;
`1_000`, `2024-10-21`, `yes`, `no`, `on` and `off` are text. PyYAML itself reads YAML 1.1, so only its scanner and its
parser are used. Positions are computed from offsets by the editors' line rules, since PyYAML counts U+2028 as a line
end too. `${NAME}` may stand anywhere without quotes, also inside braces.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from ralphd.core.text import BOM, Text
from ralphd.settings.files import MAX_CHARACTERS, TOO_LONG
from ralphd.settings.problems import NOWHERE, Place, Problem
from ralphd.settings.provenance import Layer

MAX_DEPTH = 32
MAX_NODES = 20_000
"""Aliases can make a short file grow without end."""

_TAG = "tag:yaml.org,2002:"
_TAGS = frozenset(f"{_TAG}{name}" for name in ("str", "int", "float", "bool", "null", "map", "seq", "merge"))
_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(
    r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
)
_MAX_DIGITS = 300
"""A longer whole number is read as a float, which is infinite and refused as that."""
_BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_NULL = ("", "~", "null", "Null", "NULL")
_UNQUOTED_VARIABLE = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]*(?::-[^{}\n\r\"']*)?\}")
_INDICATORS = "{}[],:#"
_STAND_INS = {ord(sign): 0xE000 + number for number, sign in enumerate(_INDICATORS)}
"""Characters of Unicode's private use that stand in for YAML's own signs inside `${…}` while it is parsed."""
_BACK = {stand_in: sign for sign, stand_in in _STAND_INS.items()}
_PRIVATE = re.compile("[\ue000-\ue006]")
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True)
class Node:
    """A scalar, a `dict[str, Node]` or a `list[Node]`; not shown in a repr, since it may be a key."""

    value: Any = field(repr=False)
    place: Place = NOWHERE
    key_place: Place = NOWHERE
    """Of the key in front of it."""
    written: str | None = field(default=None, repr=False)
    """A scalar as it is written, where `value` is a number, true or false: `007`, `1.10`."""


class _TooBigError(Exception):
    pass


class _Loader(yaml.SafeLoader):
    """PyYAML's scanner and parser, with the scalars of YAML 1.2 and with tabs between the parts of a JSON text."""

    depth = 0
    nodes = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        self.depth, self.nodes = self.depth + 1, self.nodes + 1
        if self.depth > MAX_DEPTH or self.nodes > MAX_NODES:
            raise _TooBigError
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def scan_to_next_token(self) -> None:
        super().scan_to_next_token()
        while self.flow_level and self.peek() == "\t":
            self.forward()
            super().scan_to_next_token()


_Loader.yaml_implicit_resolvers = {"<": [(f"{_TAG}merge", re.compile("<<"))]}  # by the first character; not YAML 1.1's


def read(layer: Layer) -> tuple[Node | None, list[Problem]]:
    """The layer's top mapping, or None where there is none; a text that is no YAML is one problem."""
    if layer.unreadable:
        return None, [layer.unread("unreadable", layer.unreadable)]
    if layer.text is None:
        return _from_data(layer)
    if len(layer.text) > MAX_CHARACTERS:
        return None, [layer.unread("unreadable", TOO_LONG)]
    reader = _Reader(layer)
    try:
        return reader.read(), reader.problems
    except yaml.YAMLError as error:
        return None, [reader.syntax(error)]
    except (_TooBigError, RecursionError):
        message = "The file is nested too deeply, or grows too big through its aliases."
        return None, [layer.unread("syntax", message)]


def scalar(text: str) -> Any:
    """What `text` is as a scalar without quotes: a number, true, false, None or the text itself."""
    if text in _BOOL:
        return _BOOL[text]
    if text in _NULL:
        return None
    if _INT.fullmatch(text) and len(text) <= _MAX_DIGITS:
        return int(text, {"0o": 8, "0x": 16}.get(text[:2], 10))
    if _FLOAT.fullmatch(text):
        return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
    return text


def text_at(text: str, pointer: str) -> str | None:
    """The scalar at a JSON pointer (RFC 6901) into a YAML text, as it is written; None where there is none."""
    node, _ = read(Layer("user", text=text))
    for part in pointer.strip("/").split("/"):
        name = part.replace("~1", "/").replace("~0", "~")
        if node is None or not isinstance(node.value, (dict, list)):
            return None
        if isinstance(node.value, list):
            node = node.value[int(name)] if name.isdigit() and int(name) < len(node.value) else None
        else:
            node = node.value.get(name)
    if node is None:
        return None
    return node.value if isinstance(node.value, str) else node.written


class _Reader:
    """Reads the text of one layer."""

    def __init__(self, layer: Layer) -> None:
        self.layer = layer
        self.raw = layer.text or ""
        self.skip = 1 if self.raw.startswith(BOM) else 0
        self.text = Text(self.raw)
        self.problems: list[Problem] = []
        self.count = 0
        self.stands_in = not _PRIVATE.search(self.raw)

    def place(self, start: int, end: int) -> Place:
        """The part of a stretch that lies on its first line."""
        start, end = start + self.skip, end + self.skip
        line = self.text.line_of(start)
        first, last = self.text.line_span(line)
        return Place(line, min(start, last) - first, max(min(end, last), min(start, last)) - first)

    def read(self) -> Node | None:
        source = self.raw[self.skip :]
        if self.stands_in:
            source = _UNQUOTED_VARIABLE.sub(lambda found: found[0].translate(_STAND_INS), source)
        root = yaml.compose(source, Loader=_Loader)
        if root is None:
            return None
        node = self.node(root, NOWHERE, ())
        if node.value is None:
            return None
        if not isinstance(node.value, dict):
            self.problems.append(self.layer.unread("syntax", "The file must be a mapping of settings.", node.place))
            return None
        return node

    def node(self, node: yaml.Node, key_place: Place, key: tuple[str, ...]) -> Node:
        """`key` is the way to this node from the top, by the keys of the mappings around it."""
        self.count += 1
        if self.count > MAX_NODES or len(key) > MAX_DEPTH:
            raise _TooBigError
        place = self.place(node.start_mark.index, node.end_mark.index)
        if node.tag not in _TAGS:
            message = "A `!tag` of this kind has no meaning in settings; take it away."
            self.problems.append(self.layer.problem(place, "error", "wrong-value", message, ".".join(key)))
            return Node(None, place, key_place)
        if isinstance(node, yaml.MappingNode):
            return Node(self.mapping(node, key), place, key_place)
        if isinstance(node, yaml.SequenceNode):
            items = [self.node(item, NOWHERE, (*key, str(number))) for number, item in enumerate(node.value)]
            return Node(items, place, key_place)
        text = self.own_text(node.value)
        if node.tag == f"{_TAG}str" and isinstance(node, yaml.ScalarNode) and node.style is not None:
            return Node(text, place, key_place)
        value = scalar(text)
        return Node(value, place, key_place, written=None if isinstance(value, str) or value is None else text)

    def own_text(self, text: str) -> str:
        """The text as the person wrote it; the two halves of a character that JSON escapes are joined."""
        text = text.translate(_BACK) if self.stands_in else text
        if _SURROGATE.search(text):
            return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return text

    def mapping(self, node: yaml.MappingNode, key: tuple[str, ...]) -> dict[str, Node]:
        """The mapping's nodes by key. What `<<` brings counts only where the mapping has no such key of its own."""
        self.count += 1
        if self.count > MAX_NODES or len(key) > MAX_DEPTH:
            raise _TooBigError
        merged: dict[str, Node] = {}
        own: dict[str, Node] = {}
        for name_node, value in node.value:
            where = self.place(name_node.start_mark.index, name_node.end_mark.index)
            if not isinstance(name_node, yaml.ScalarNode):
                self.problems.append(self.layer.unread("wrong-value", "A key must be a plain word.", where))
            elif name_node.tag == f"{_TAG}merge":
                merged = {**self.merged(value, where, key), **merged}
            else:
                name = self.own_text(name_node.value)
                here = (*key, name)
                if name in own:
                    message = f"`{name}` stands here twice. Take one of the two away."
                    self.problems.append(self.layer.problem(where, "error", "duplicate-key", message, ".".join(here)))
                own[name] = self.node(value, where, here)
        return {**merged, **own}

    def merged(self, node: yaml.Node, where: Place, key: tuple[str, ...]) -> dict[str, Node]:
        """What stands behind `<<`: a mapping, or a list of mappings of which an earlier one comes before a later one."""
        out: dict[str, Node] = {}
        for source in node.value if isinstance(node, yaml.SequenceNode) else [node]:
            if isinstance(source, yaml.MappingNode):
                out = {**self.mapping(source, (*key, "<<")), **out}
            else:
                self.problems.append(self.layer.unread("wrong-value", "`<<` takes a mapping.", where))
        return out

    def syntax(self, error: yaml.YAMLError) -> Problem:
        where = NOWHERE
        if isinstance(error, yaml.MarkedYAMLError):
            mark = error.problem_mark or error.context_mark
            if mark is not None:
                where = self.place(mark.index, mark.index + 1)
        elif isinstance(error, yaml.reader.ReaderError) and isinstance(error.position, int):
            where = self.place(error.position, error.position + 1)
        what = (error.problem or "") if isinstance(error, yaml.MarkedYAMLError) else ""
        what = _without_quotes(self.own_text(what))
        message = "This is not YAML" + (f": {what}." if what else ".") + " None of the file's settings are used."
        line = self.raw[slice(*self.text.line_span(where.line))]
        if "${" in line and "{" in line.replace("${", ""):
            message += ' Inside braces, put "${NAME}" in quotes.'
        return self.layer.unread("syntax", message, where)


_QUOTED = re.compile(r"\s*(?:'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\")")
_SIGNS = {"\\t": "a tab", "\\n": "the end of the line", "\\r": "the end of the line", "\\x00": "the end of the file"}
_TAB = "a tab stands where YAML allows only spaces"


def _without_quotes(problem: str) -> str:
    """PyYAML's sentence about what is wrong, without the texts that it quotes from the file, which may be keys.

    It quotes single signs too, and its own names of parts such as `<block end>`: these stay.
    """
    if "cannot start any token" in problem and "\\t" in problem:
        return _TAB

    def shown(found: re.Match[str]) -> str:
        text = found[1] if found[1] is not None else found[2]
        if text in _SIGNS:
            return f" {_SIGNS[text]}"
        return f" `{text}`" if len(text) == 1 or re.fullmatch("<[a-z ]+>", text) else ""

    return _QUOTED.sub(shown, problem)


def _from_data(layer: Layer) -> tuple[Node | None, list[Problem]]:
    if layer.data is None:
        return None, []
    try:
        return _data_node(layer.data, 0), []
    except _TooBigError:
        return None, [layer.unread("syntax", "These settings are nested too deeply.")]


def _data_node(value: Any, depth: int) -> Node:
    if depth > MAX_DEPTH:
        raise _TooBigError
    if isinstance(value, Mapping):
        return Node({str(key): _data_node(item, depth + 1) for key, item in value.items()})
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        return Node([_data_node(item, depth + 1) for item in value])
    return Node(value, written=json.dumps(value) if isinstance(value, (bool, int, float)) else None)
