"""What `ralphd config show` says: the value of each key and where it came from, secrets masked. Changes nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from ralphd.settings import questions
from ralphd.settings.provenance import Configuration, Source
from ralphd.settings.reading import entry_type, section_of
from ralphd.settings.schema import BackupModel, KeyRef, Section
from ralphd.settings.variables import names_a_secret

MASK = "********"
_USERINFO = re.compile(r"(?<=://)[^/@\s]+@")
_QUERY = re.compile(r"\?.*$")


def show(configuration: Configuration) -> str:
    """One line for each key that has a value, then the problems."""
    rows = [(key, _text(value), str(source)) for key, value, source in _rows(configuration)]
    width = max(len(f"{key}: {value}") for key, value, _ in rows)
    lines = [f"{f'{key}: {value}':<{min(width, 64)}}  # {source}" for key, value, source in rows]
    notices = [*map(str, configuration.problems), *map(questions.unused, configuration.asked)]
    if notices:
        lines += ["", *(f"# {notice}" for notice in notices)]
    return "\n".join(lines) + "\n"


def show_json(configuration: Configuration) -> dict[str, Any]:
    """The same for machines; lines are 1-based."""
    return {
        "settings": {
            key: {
                "value": value,
                "scope": source.scope,
                "file": source.file,
                "line": None if source.line is None else source.line + 1,
            }
            for key, value, source in _rows(configuration)
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
            for problem in configuration.problems
        ],
        "asked": [
            {"digest": consent.digest, "origin": consent.origin, "values": dict(consent.values)}
            for consent in configuration.asked
        ],
    }


def _rows(configuration: Configuration) -> Iterator[tuple[str, Any, Source]]:
    for key, value in _leaves(configuration.settings, ""):
        yield key, value, configuration.source(key)


def _leaves(section: Section, prefix: str) -> Iterator[tuple[str, Any]]:
    for name, info in type(section).model_fields.items():
        value = getattr(section, name)
        if section_of(info) is not None:
            yield from _leaves(value, f"{prefix}{name}.")
        elif entry_type(info) is not None:
            for entry in sorted(value):
                shown = _without_secrets(entry, value[entry]) if name == "extra_body" else _shown(value[entry])
                yield f"{prefix}{name}.{entry}", shown
        else:
            yield f"{prefix}{name}", _shown(value)


def _shown(value: Any) -> Any:
    if isinstance(value, KeyRef):
        if value.env is None:
            return MASK
        return f"${{{value.env}:-{MASK}}}" if value.default else f"${{{value.env}}}"
    if isinstance(value, BackupModel):
        shown = {name: getattr(value, name) for name in value.model_fields_set}
        if "extra_body" in shown:
            shown["extra_body"] = _without_secrets("extra_body", shown["extra_body"])
        return {
            name: {key: _shown(part) for key, part in inner.items()} if isinstance(inner, Mapping) else _shown(inner)
            for name, inner in shown.items()
        }
    if isinstance(value, BaseModel):
        return value.model_dump()
    if isinstance(value, str) and "://" in value:
        return _QUERY.sub(f"?{MASK}", _USERINFO.sub(f"{MASK}@", value))
    return [_shown(item) for item in value] if isinstance(value, tuple) else value


def _without_secrets(name: str, value: Any) -> Any:
    """A field of a request's body, which has no type: what is named like a secret is taken for one."""
    if isinstance(value, Mapping):
        return {key: _without_secrets(str(key), inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_without_secrets(name, inner) for inner in value]
    return MASK if isinstance(value, str) and names_a_secret(name) else value


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_text(item)}" for key, item in value.items()) + "}"
    return json.dumps(value, ensure_ascii=False)
