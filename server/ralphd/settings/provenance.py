"""Where settings come from and what is wrong with them: what loading takes and gives. No I/O, no pydantic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from ralphd.settings.schema import Settings

Scope = Literal["default", "user", "repository", "editor", "command_line"]
LayerScope = Literal["user", "repository", "editor", "command_line"]
Severity = Literal["error", "warning", "info"]


@dataclass(frozen=True)
class Layer:
    """One place that settings come from: the text of a file, or a mapping.

    `user` and `command_line` are the person's own word. `repository` and `editor` (what a workspace may have set) are
    not. What an editor sends as `userSettings` is a `user` layer with `data`.
    """

    scope: LayerScope
    data: Mapping[str, Any] | None = field(default=None, repr=False)
    text: str | None = field(default=None, repr=False)
    path: str | None = None
    """Of the file. A literal key in `text` is found again through it; without a path such a key is refused."""

    @property
    def trusted(self) -> bool:
        return self.scope in ("user", "command_line")


@dataclass(frozen=True)
class Source:
    """Where a value was set. `line` is 0-based; None: no file."""

    scope: Scope
    file: str | None = None
    line: int | None = None

    @property
    def trusted(self) -> bool:
        """Is it the person's own word, or built in? A command whose source is not needs the person's consent."""
        return self.scope not in ("repository", "editor")

    def __str__(self) -> str:
        if self.file is None:
            return self.scope.replace("_", " ")
        return f"{self.scope} {self.file}" + ("" if self.line is None else f":{self.line + 1}")


@dataclass(frozen=True)
class Place:
    """A stretch of one line, 0-based, in code points, end exclusive."""

    line: int = 0
    start: int = 0
    end: int = 0


@dataclass(frozen=True)
class Problem:
    """Something about a setting that a person should know. Never quotes a value.

    Codes: syntax, unknown-key, duplicate-key, wrong-value, unset-variable, not-expanded, literal-key (the person's),
    key-in-repository, user-only, loosening, endpoint-in-name, retired-model, not-honoured.
    """

    path: str | None
    line: int
    start_col: int
    end_col: int
    severity: Severity
    code: str
    message: str
    key: str = ""

    @staticmethod
    def at(path: str | None, place: Place, severity: Severity, code: str, message: str, key: str = "") -> Problem:
        return Problem(path, place.line, place.start, place.end, severity, code, message, key)

    def __str__(self) -> str:
        where = f"{self.path}:{self.line + 1}:{self.start_col + 1}: " if self.path else ""
        return f"{where}{self.severity}: {self.message}"


@dataclass(frozen=True)
class Resolved:
    """The settings in force, where each value was set, and what was wrong."""

    settings: Settings
    provenance: Mapping[str, Source]
    """By dotted key: every key that has a value, the defaults included."""
    problems: tuple[Problem, ...] = ()

    def source(self, key: str) -> Source:
        return self.provenance.get(key, Source("default"))
