"""What is wrong with a configuration: where it stands, what it is, and whether a run may go on in spite of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning", "info"]


@dataclass(frozen=True)
class Place:
    """A stretch of one line, 0-based, in code points, end exclusive."""

    line: int = 0
    start: int = 0
    end: int = 0


NOWHERE = Place()


@dataclass(frozen=True)
class Problem:
    """Something about a setting that a person should know. The message never quotes a value: it may be a key.

    `code` is one of: syntax, unreadable, unknown-key, duplicate-key, wrong-value, unset-variable, not-expanded,
    literal-key (the person's), key-in-repository, user-only, loosening, endpoint-in-name, retired-model, not-honoured.
    """

    source: str
    """The layer in words for a person, used where there is no path: "the command line"."""
    path: str | None
    line: int
    start_col: int
    end_col: int
    severity: Severity
    code: str
    message: str
    key: str = ""
    """The setting with dots between its parts, as far as it is known: "budget.usd_per_run"."""
    stops_run: bool = False
    """No run may start: what a person wrote, or a limit that somebody set, would silently not hold."""
    instead: str = ""
    """What was probably meant, to be written at this very place; empty where nothing comes near."""

    def __str__(self) -> str:
        where = f"{self.path}:{self.line + 1}:{self.start_col + 1}" if self.path else f"{self.source}"
        return f"{where}: {self.severity}: {self.message}"
