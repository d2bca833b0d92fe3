"""What may stand at a place of `ralph.config.yaml`, and what a setting there is for, from the JSON schema of the settings.

The text is one that somebody is typing, so it is rarely YAML as a whole. The way to a place is therefore found by lines
and their indentation, with braces inside the line of the place itself; no parser is asked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from ralphd.core import foreign_json
from ralphd.settings.model_names import ALIASES

_SCHEMA = "ralph.schema.json"
_KEY = re.compile(r"(?P<indent> *)(?P<name>[A-Za-z_][A-Za-z0-9_-]*) *:(?= |$)")
_NAME = r"(?<![A-Za-z0-9_-])[A-Za-z_][A-Za-z0-9_-]*+"
"""Begins where no name goes on, and gives nothing back: so a line of any length is looked through once."""
_IN_BRACES = re.compile(rf"[{{}}]|(?P<name>{_NAME}) *+:(?= |$)|,")
_NAMED = re.compile(rf"{_NAME}(?= *+:( |$))")
_WORD = re.compile(r"(?:^|(?<=[\s{}\[\],:#]))[^\s{}\[\],:#]*+$")


@dataclass(frozen=True)
class Suggestion:
    """`start`: the column from which `insert` replaces what was typed. Columns are code points."""

    label: str
    insert: str
    start: int
    about: str
    is_key: bool


@dataclass(frozen=True)
class Description:
    """What a setting is for; `start` and `end` are the columns of its name."""

    start: int
    end: int
    about: str


def suggestions(lines: Sequence[str], line: int, column: int) -> list[Suggestion]:
    """What may be written at a place, both counted from 0."""
    before = lines[line][:column] if line < len(lines) else ""
    if "#" in before and re.search(r"(^|\s)#", before):
        return []
    way, value_of = _way(lines, line, before)
    word = _WORD.search(before)
    start = word.start() if word is not None else column
    section = _at([*way, value_of] if value_of else way)
    if value_of:
        values = [*_values(section)]
        if value_of == "model" or (way == ["models"] and section) or (not way and value_of == "models"):
            values += [(name, f"Short for {model}." if model != name else "") for name, model in ALIASES.items()]
        return [Suggestion(text, text, start, about, is_key=False) for text, about in values]
    siblings = _siblings(lines, line, before)
    return [
        Suggestion(name, f"{name}: ", start, _about(piece), is_key=True)
        for name, piece in _properties(section).items()
        if name not in siblings
    ]


def description(lines: Sequence[str], line: int, column: int) -> Description | None:
    """The setting whose name stands at a place; None where there is none."""
    text = lines[line] if line < len(lines) else ""
    for found in _NAMED.finditer(text):
        if found.start() <= column <= found.end():
            way, _ = _way(lines, line, text[: found.start()])
            piece = _properties(_at(way)).get(found[0])
            return Description(found.start(), found.end(), _about(piece)) if piece is not None else None
    return None


def _way(lines: Sequence[str], line: int, before: str) -> tuple[list[str], str]:
    """The keys around a place, outermost first; and the key whose value is written there, empty where a key is."""
    indent = len(before) - len(before.lstrip(" "))
    way: list[str] = []
    for above in reversed(lines[:line]):
        found = _KEY.match(above)
        if found is not None and len(found["indent"]) < indent:
            indent = len(found["indent"])
            way.append(found["name"])
    way.reverse()
    key = ""
    for token in _IN_BRACES.finditer(before):
        if token["name"]:
            key = token["name"]
        elif token[0] == "{":
            way.append(key)
            key = ""
        elif token[0] == "}":
            del way[-1:]
            key = ""
        else:
            key = ""
    return [name for name in way if name], key


def _siblings(lines: Sequence[str], line: int, before: str) -> set[str]:
    """The keys that stand beside the place already, on lines of their own."""
    indent = len(before) - len(before.lstrip(" "))
    found: set[str] = set()
    for step in (-1, 1):
        at = line + step
        while 0 <= at < len(lines):
            key, own = _KEY.match(lines[at]), len(lines[at]) - len(lines[at].lstrip(" "))
            if lines[at].strip() and own < indent:
                break
            if key is not None and own == indent:
                found.add(key["name"])
            at += step
    return found if "{" not in before else set()


@cache
def _schema() -> Mapping[str, Any]:
    from importlib import resources

    loaded: Mapping[str, Any] = foreign_json.parse(
        resources.files("ralphd.settings").joinpath(_SCHEMA).read_text("utf-8")
    )
    return loaded


def _at(way: list[str]) -> Mapping[str, Any]:
    """The part of the schema at a way of keys; empty where there is none."""
    piece: Mapping[str, Any] = _schema()
    for name in way:
        piece = _properties(piece).get(name) or {}
    return piece


def _options(piece: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The piece and its alternatives, with what they refer to."""
    found = [piece]
    for option in piece.get("anyOf", ()):
        reference = option.get("$ref", "")
        found.append(_schema()["definitions"][reference.rpartition("/")[2]] if reference else option)
    return found


def _properties(piece: Mapping[str, Any]) -> Mapping[str, Any]:
    return {name: inner for option in _options(piece) for name, inner in option.get("properties", {}).items()}


def _values(piece: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The words that may stand as a value, each with what it is."""
    found: list[tuple[str, str]] = []
    for option in _options(piece):
        found += [(str(word), "") for word in option.get("enum", ()) if word is not None]
        kinds = option.get("type")
        if "boolean" in (kinds if isinstance(kinds, list) else [kinds]):
            found += [("true", ""), ("false", "")]
    return list(dict.fromkeys(found))


def _about(piece: Mapping[str, Any]) -> str:
    text = str(piece.get("description", ""))
    words = ", ".join(word for word, _ in _values(piece))
    return f"{text}\nOne of: {words}." if words else text
