"""Where settings come from: the layers that go into loading, and the configuration that comes out. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from ralphd.settings.problems import NOWHERE, Place, Problem, Severity

if TYPE_CHECKING:
    from ralphd.settings.consents import SettingsConsent
    from ralphd.settings.schema import Settings

SMALL_MODEL_ITERATIONS = 12
"""Each is a fresh sample of some seconds, which costs nothing."""
LayerScope = Literal["user", "repository", "editor", "command_line"]
Scope = Literal["default", "user", "repository", "editor", "command_line"]

_IN_WORDS = {
    "user": "your own settings in the editor",
    "repository": "the repository's settings",
    "editor": "the editor's settings for this workspace",
    "command_line": "the command line",
}
LIMITS = ("budget", "sandbox", "testing")
"""The sections that hold limits. An error in one of them, whoever wrote it, would leave a limit unset."""


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
    unreadable: str = ""
    """Why the file at `path` could not be read, as a sentence; empty where it could."""

    @property
    def trusted(self) -> bool:
        """Is this the person's own word?"""
        return self.scope in ("user", "command_line")

    @property
    def in_words(self) -> str:
        return _IN_WORDS[self.scope]

    def problem(
        self,
        place: Place,
        severity: Severity,
        code: str,
        message: str,
        key: str = "",
        *,
        limit: bool = False,
        instead: str = "",
    ) -> Problem:
        """A problem of this layer. An error stops runs where the person wrote it, in a section of limits, or where it
        hides which sections there are (`limit`)."""
        limit = limit or key.split(".")[0] in LIMITS
        return Problem(
            self.in_words,
            self.path,
            place.line,
            place.start,
            place.end,
            severity,
            code,
            message,
            key,
            stops_run=severity == "error" and (self.trusted or limit),
            instead=instead,
        )

    def unread(self, code: str, message: str, place: Place = NOWHERE) -> Problem:
        """None of the layer could be read, so nobody knows which limits it sets."""
        return self.problem(place, "error", code, message, limit=True)


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
class Configuration:
    """The settings in force, where each value was set, and what was wrong."""

    settings: Settings
    provenance: Mapping[str, Source]
    """By dotted key: every key that has a value, the defaults included."""
    problems: tuple[Problem, ...] = ()
    asked: tuple[SettingsConsent, ...] = ()
    """What a repository or a workspace sets that counts only after the person agreed, and has not agreed to yet."""

    def source(self, key: str) -> Source:
        return self.provenance.get(key, Source("default"))

    def settings_for(self, local: bool) -> Settings:
        """The settings of a run, once it is known whether a small local model works in it: that gets more attempts where
        nobody set their number."""
        if not local or self.source("loop.max_iterations").scope != "default":
            return self.settings
        loop = self.settings.loop.model_copy(update={"max_iterations": SMALL_MODEL_ITERATIONS})
        return self.settings.model_copy(update={"loop": loop})

    @property
    def stopping(self) -> tuple[Problem, ...]:
        """The problems that no run may start with: it would go on under other settings than somebody wrote down."""
        return tuple(problem for problem in self.problems if problem.stops_run)

    @property
    def told(self) -> tuple[Problem, ...]:
        """The other faults, which a run goes on with and tells the person about."""
        return tuple(p for p in self.problems if not p.stops_run and p.severity != "info")
