"""From a layer's text or mapping to nodes that know where they stand. Knows nothing of which keys there are.

Positions are computed from offsets by the editors' line rules, since PyYAML also counts U+2028 as a line end.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from ralphd.core.text import BOM, Text
from ralphd.settings.provenance import Layer, Place, Problem

MAX_TEXT = 1_000_000
MAX_DEPTH = 32
MAX_NODES = 20_000
"""Aliases can make a short file grow without end."""


NOWHERE = Place()


@dataclass(frozen=True)
class Node:
    """A scalar, a `dict[str, Node]` or a `list[Node]`; not shown in a repr, since it may be a key."""

    value: Any = field(repr=False)
    place: Place = NOWHERE
    key_place: Place = NOWHERE
    """Of the key in front of it."""


class _TooBigError(Exception):
    pass


def read(layer: Layer) -> tuple[Node | None, list[Problem]]:
    """The layer's top mapping, or None where there is none; a text that is no YAML is one problem."""
    if layer.text is None:
        return _from_data(layer)
    if len(layer.text) > MAX_TEXT:
        return None, [
            Problem.at(
                layer.path,
                Place(),
                "error",
                "syntax",
                f"The file is longer than {MAX_TEXT:,} characters and is not read.",
            )
        ]
    reader = _Reader(layer)
    try:
        return reader.read(), reader.problems
    except yaml.YAMLError as error:
        return None, [reader.syntax(error)]
    except (_TooBigError, RecursionError):
        return None, [
            Problem.at(
                layer.path,
                Place(),
                "error",
                "syntax",
                "The file is nested too deeply, or grows too big through its aliases.",
            )
        ]


def scalar(text: str) -> Any:
    """What `text` would be as a plain YAML scalar: the number in an expanded variable, say."""
    try:
        value = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError):
        return text
    return value if isinstance(value, (bool, int, float)) else text


class _Reader:
    def __init__(self, layer: Layer) -> None:
        self.path = layer.path
        self.raw = layer.text or ""
        self.skip = 1 if self.raw.startswith(BOM) else 0
        self.text = Text(self.raw)
        self.problems: list[Problem] = []
        self.count = 0
        self.loader = yaml.SafeLoader("")

    def place(self, start: int, end: int) -> Place:
        """The part of a stretch that lies on its first line."""
        start, end = start + self.skip, end + self.skip
        line = self.text.line_of(start)
        first, last = self.text.line_span(line)
        return Place(line, min(start, last) - first, max(min(end, last), min(start, last)) - first)

    def read(self) -> Node | None:
        root = yaml.compose(self.raw[self.skip :], Loader=yaml.SafeLoader)
        if root is None:
            return None
        node = self.node(root, Place(), 0)
        if node.value is None:
            return None
        if not isinstance(node.value, dict):
            self.problems.append(
                Problem.at(self.path, node.place, "error", "wrong-value", "The file must be a mapping of settings.")
            )
            return None
        return node

    def node(self, node: yaml.Node, key_place: Place, depth: int) -> Node:
        self.count += 1
        if self.count > MAX_NODES or depth > MAX_DEPTH:
            raise _TooBigError
        place = self.place(node.start_mark.index, node.end_mark.index)
        if isinstance(node, yaml.MappingNode):
            return Node(self.mapping(node, depth), place, key_place)
        if isinstance(node, yaml.SequenceNode):
            return Node([self.node(item, Place(), depth + 1) for item in node.value], place, key_place)
        try:
            value = self.loader.construct_object(node)
        except (ValueError, OverflowError):
            value = node.value
        return Node(value, place, key_place)

    def mapping(self, node: yaml.MappingNode, depth: int) -> dict[str, Node]:
        written = [key for key, _ in node.value if isinstance(key, yaml.ScalarNode) and key.value != "<<"]
        seen: set[str] = set()
        for key in written:
            if key.value in seen:
                where = self.place(key.start_mark.index, key.end_mark.index)
                message = f"`{key.value}` stands here twice; the last one counts."
                self.problems.append(Problem.at(self.path, where, "warning", "duplicate-key", message, key.value))
            seen.add(key.value)
        self.loader.flatten_mapping(node)
        out: dict[str, Node] = {}
        for key, value in node.value:
            where = self.place(key.start_mark.index, key.end_mark.index)
            if not isinstance(key, yaml.ScalarNode):
                self.problems.append(
                    Problem.at(self.path, where, "error", "wrong-value", "A key must be a plain word.")
                )
                continue
            out[key.value] = self.node(value, where, depth + 1)
        return out

    def syntax(self, error: yaml.YAMLError) -> Problem:
        where = Place()
        if isinstance(error, yaml.MarkedYAMLError):
            mark = error.problem_mark or error.context_mark
            if mark is not None:
                where = self.place(mark.index, mark.index + 1)
        elif isinstance(error, yaml.reader.ReaderError) and isinstance(error.position, int):
            where = self.place(error.position, error.position + 1)
        # PyYAML quotes what it found, which may be a key: only single characters and its own words are passed on.
        what = (getattr(error, "problem", "") or "") if isinstance(error, yaml.MarkedYAMLError) else ""
        what = re.sub(r"'[^']{2,}'|\"[^\"]{2,}\"", "something else", what)
        message = "This is not YAML" + (f": {what}." if what else ".") + " None of the file's settings are used."
        line = self.raw[slice(*self.text.line_span(where.line))]
        if "{" in line.replace("${", "") and "${" in line:
            message += ' Inside braces, put "${NAME}" in quotes.'
        return Problem.at(self.path, where, "error", "syntax", message)


def _from_data(layer: Layer) -> tuple[Node | None, list[Problem]]:
    if layer.data is None:
        return None, []
    try:
        return _data_node(layer.data, 0), []
    except _TooBigError:
        return None, [Problem.at(layer.path, Place(), "error", "syntax", "These settings are nested too deeply.")]


def _data_node(value: Any, depth: int) -> Node:
    if depth > MAX_DEPTH:
        raise _TooBigError
    if isinstance(value, Mapping):
        return Node({str(key): _data_node(item, depth + 1) for key, item in value.items()})
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        return Node([_data_node(item, depth + 1) for item in value])
    return Node(value)
