"""What a person's consent is bound to: exactly one command, or exactly these settings. Values only; asks nobody.

The digest of a consent is what is remembered. It changes with everything that the consent is bound to, so that any
change asks again.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Literal


@dataclass(frozen=True)
class CommandConsent:
    """To start a command that a repository names, or any command where nothing isolates it."""

    folder: str
    """The root of the workspace."""
    argv: tuple[str, ...]
    program: str
    """Path at which the command's first word is found; empty where it is not found."""
    target: str
    """What the path leads to when every link is followed."""
    variables: tuple[str, ...]
    """Names that `testing.env` adds to what the command sees of the person's environment."""
    isolation: str
    """What keeps it in: "bwrap", "seatbelt" or "none"."""
    member: str = ""
    """The folder in the workspace in which it is started; "" for the root. A member of a monorepo has its own tests,
    configuration and scripts, so the same words run something else there."""
    started: str = ""
    """What a launcher such as `env` or `uv run` starts, with every link followed; "" where the program is no launcher, or
    what it starts is not found."""

    kind: ClassVar[Literal["command"]] = "command"

    @property
    def started_in(self) -> str:
        return os.path.join(self.folder, self.member) if self.member else self.folder

    @property
    def digest(self) -> str:
        return _digest(self)


@dataclass(frozen=True)
class SettingsConsent:
    """To use the models and the switches of calls that a repository or a workspace sets."""

    folder: str
    """The root of the workspace."""
    origin: str
    """Where they stand: the path of the repository's file, or the layer in words."""
    values: tuple[tuple[str, str], ...]
    """By the settings' names with dots, in order: each value as JSON."""

    kind: ClassVar[Literal["settings"]] = "settings"

    @staticmethod
    def of(folder: str, origin: str, values: Mapping[str, Any]) -> SettingsConsent:
        shown = sorted((key, json.dumps(value, ensure_ascii=True)) for key, value in values.items())
        return SettingsConsent(folder, origin, tuple(shown))

    @property
    def digest(self) -> str:
        return _digest(self)


Consent = CommandConsent | SettingsConsent


def _digest(consent: Consent) -> str:
    """SHA-256 over all that the consent is bound to."""
    return hashlib.sha256(json.dumps(to_json(consent), ensure_ascii=True, sort_keys=True).encode("ascii")).hexdigest()


def to_json(consent: Consent) -> dict[str, Any]:
    given = {"kind": consent.kind, **asdict(consent)}
    # Left out where they say nothing, so that consents to other commands keep the digests that they have.
    return {name: value for name, value in given.items() if name not in ("member", "started") or value}


def from_json(value: Mapping[str, Any]) -> Consent:
    """The consent that `to_json` wrote; KeyError, TypeError or ValueError for anything else."""
    if value["kind"] == "command":
        return CommandConsent(
            _text(value["folder"]),
            tuple(_text(part) for part in value["argv"]),
            _text(value["program"]),
            _text(value["target"]),
            tuple(_text(name) for name in value["variables"]),
            _text(value["isolation"]),
            _text(value.get("member", "")),
            _text(value.get("started", "")),
        )
    if value["kind"] == "settings":
        pairs = tuple((_text(key), _text(text)) for key, text in value["values"])
        return SettingsConsent(_text(value["folder"]), _text(value["origin"]), pairs)
    raise ValueError("no such kind of consent")


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value
