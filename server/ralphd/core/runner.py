"""What an editor or a shell needs of ralphd's engine. `app.py` implements it; the LSP package is handed one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from ralphd.core.events import Emit
from ralphd.core.run import RunRequest, RunResult

Decision = Literal["once", "always", "never"]


@dataclass(frozen=True)
class Question:
    """Something only the person may decide. `choices`: (title, decision)."""

    kind: Literal["command", "cost"]
    digest: str
    text: str
    choices: tuple[tuple[str, Decision], ...]


Ask = Callable[[Question], Awaitable[Decision]]
"""No answer is "never"."""


@dataclass(frozen=True)
class ConfigProblem:
    """A problem of a configuration file, at its key. Lines and columns are 0-based code points."""

    path: str
    line: int
    start: int
    end: int
    severity: Literal["error", "warning", "info"]
    code: str
    message: str


class Runner(Protocol):
    """Starts nothing by itself; every method but `run` and `warm` answers at once."""

    def configure(self, *, settings: Mapping[str, Any] | None, user_settings: Mapping[str, Any] | None) -> None:
        """The editor's layers: `settings` counts as repository scope for user-only keys, `user_settings` as the person's."""

    async def run(self, request: RunRequest, emit: Emit, ask: Ask) -> RunResult:
        """Never raises: every ending is a result. Cancelling the task gives the result `cancelled` within 200 ms."""

    async def warm(self, roots: Sequence[str]) -> None:
        """Prepare what a first run waits for, at low priority."""

    def review_mode(self, root: str, path: str) -> Literal["pending", "apply", "preview"]: ...

    def shows_cost(self, root: str, path: str) -> bool: ...

    async def problems(self, root: str, path: str, text: str | None) -> Sequence[ConfigProblem]:
        """Of the configuration file at `path`; `text`: what the editor shows of it, None: the disk."""

    def dismiss(self, root: str, fingerprint: str, message: str) -> None: ...

    def decide(self, digest: str, decision: Decision) -> bool:
        """A consent given outside a question; False: no such digest is known."""

    def status(self) -> Mapping[str, Any]:
        """Models, sandbox, trust, cost of the day: no secret in it."""

    def log_path(self, root: str) -> str: ...

    async def close(self) -> None: ...
