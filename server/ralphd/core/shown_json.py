"""JSON that leaves the process: texts that a person sees are made visible, what a program acts on stays as it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ralphd.core.visible import in_editor

ACTED_ON = frozenset(
    {"newText", "oldText", "insertText", "uri", "home", "id", "token", "arguments", "data", "globPattern"}
)
"""Keys of LSP messages whose values an editor acts on or hands back: the texts of edits, addresses, ids, arguments of
commands. Whoever shows one of them (a client that draws reviews itself) makes it visible there."""
READ_BY_PROGRAMS = frozenset({"edits", "path", "journal", "hashes"})
"""Keys of the shell's `--json` that name or hold files."""


def _typeless(value: Any) -> Any:
    raise TypeError(f"{type(value).__name__} is not JSON")


def shown(value: Any, exact: frozenset[str], plain: Callable[[Any], Any] = _typeless) -> Any:
    """`value` as JSON, with each text made visible but for those under the keys `exact`. `plain` turns a typed value
    into JSON. Keys are texts too: the hashes of a test report have names of files there."""
    if isinstance(value, str):
        return in_editor(value)
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping):
        return {
            in_editor(str(key)): _as_it_is(one, plain) if key in exact else shown(one, exact, plain)
            for key, one in value.items()
        }
    if isinstance(value, list | tuple):
        return [shown(one, exact, plain) for one in value]
    return shown(plain(value), exact, plain)


def _as_it_is(value: Any, plain: Callable[[Any], Any]) -> Any:
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, Mapping):
        return {str(key): _as_it_is(one, plain) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_as_it_is(one, plain) for one in value]
    return _as_it_is(plain(value), plain)
