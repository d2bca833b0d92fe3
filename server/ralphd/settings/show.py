"""What `ralphd config show` says: the value of each key and where it came from, secrets masked. Changes nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from ralphd.settings.provenance import Configuration, Source
from ralphd.settings.reading import entry_type, section_of
from ralphd.settings.schema import KeyRef, Section

MASK = "********"
_USERINFO = re.compile(r"(?<=://)[^/@\s]+@")
_QUERY = re.compile(r"\?.*$")


def show(resolved: Configuration) -> str:
    """One line for each key that has a value, then the problems."""
    rows = [(key, _text(value), str(source)) for key, value, source in _rows(resolved)]
    width = max(len(f"{key}: {value}") for key, value, _ in rows)
    lines = [f"{f'{key}: {value}':<{min(width, 64)}}  # {source}" for key, value, source in rows]
    if resolved.problems:
        lines += ["", *(f"# {problem}" for problem in resolved.problems)]
    return "\n".join(lines) + "\n"


def show_json(resolved: Configuration) -> dict[str, Any]:
    """The same for machines; lines are 1-based."""
    return {
        "settings": {
            key: {
                "value": value,
                "scope": source.scope,
                "file": source.file,
                "line": None if source.line is None else source.line + 1,
            }
            for key, value, source in _rows(resolved)
        },
        "problems": [
            {
                "file": problem.path,
                "line": problem.line + 1,
                "column": problem.start_col + 1,
                "severity": problem.severity,
                "code": problem.code,
                "key": problem.key,
                "message": problem.message,
            }
            for problem in resolved.problems
        ],
    }


def _rows(resolved: Configuration) -> Iterator[tuple[str, Any, Source]]:
    for key, value in _leaves(resolved.settings, ""):
        yield key, value, resolved.source(key)


def _leaves(section: Section, prefix: str) -> Iterator[tuple[str, Any]]:
    for name, info in type(section).model_fields.items():
        value = getattr(section, name)
        if section_of(info) is not None:
            yield from _leaves(value, f"{prefix}{name}.")
        elif entry_type(info) is not None:
            for entry in sorted(value):
                yield f"{prefix}{name}.{entry}", _shown(value[entry])
        else:
            yield f"{prefix}{name}", _shown(value)


def _shown(value: Any) -> Any:
    if isinstance(value, KeyRef):
        if value.env is None:
            return MASK
        return f"${{{value.env}:-{MASK}}}" if value.default else f"${{{value.env}}}"
    if isinstance(value, BaseModel):
        return value.model_dump()
    if isinstance(value, str) and "://" in value:
        return _QUERY.sub(f"?{MASK}", _USERINFO.sub(f"{MASK}@", value))
    return list(value) if isinstance(value, tuple) else value


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_text(item)}" for key, item in value.items()) + "}"
    return json.dumps(value, ensure_ascii=False)
