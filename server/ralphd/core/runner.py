"""What an editor or a shell needs of ralphd's engine. `app.py` implements it; the LSP package is handed one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from ralphd.core.events import Emit
from ralphd.core.run import Command, Judgement, RunRequest, RunResult
from ralphd.core.secret import Secret
from ralphd.core.text import Span

Decision = Literal["once", "always", "never"]
DECISIONS: tuple[Decision, ...] = ("once", "always", "never")


@dataclass(frozen=True)
class Question:
    """Something only the person may decide. `choices`: (title, decision)."""

    kind: Literal["command", "settings", "cost", "again"]
    digest: str
    text: str
    choices: tuple[tuple[str, Decision], ...]


Ask = Callable[[Question], Awaitable[Decision | None]]
"""None: nobody answered. That is a no for now; a "never" is remembered."""


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
    instead: str = ""
    """What was probably meant, to be written at this very place."""


@dataclass(frozen=True)
class EditorSettings:
    """What the editor's side needs of the settings that are in force for one file."""

    review: Literal["pending", "apply", "preview"] = "pending"
    """How proposed changes reach the text (setting `review`)."""
    shows_cost: bool = True
    """Whether money is shown (setting `litellm.enable_cost_tracking`)."""
    request_log: str = ""
    """Path of the masked log of requests to models."""


@dataclass(frozen=True)
class CutShort:
    """A run whose process ended before it did."""

    run_id: str
    command: Command
    path: str
    span: Span | None
    instruction: str
    journal: str
    usd: Mapping[str, float]
    """What the books hold for it, by role: of a call that was under way, the most that it can have cost."""
    tokens: Mapping[str, int]


@dataclass(frozen=True)
class Left:
    """What servers that are gone left in a workspace."""

    reviews: tuple[str, ...] = ()
    """Texts as `keep_review` was given them."""
    cut_short: tuple[CutShort, ...] = ()


@dataclass(frozen=True)
class Report:
    """Something to read for the person, which an editor opens."""

    text: str
    """Nothing is hidden in it."""
    path: str
    """Of a private file that holds it."""


@dataclass(frozen=True)
class KnownConsent:
    """A consent that the person gave or refused for good, or that a workspace asks for."""

    digest: str
    state: Literal["always", "never", "asked"]
    text: str
    """What it is for, on one line, nothing left out."""


class Runner(Protocol):
    """Starts nothing by itself. Only `configure` is no coroutine: it touches memory alone, and nothing else may be
    called on an event loop without waiting."""

    def configure(self, *, settings: Mapping[str, Any] | None, user_settings: Mapping[str, Any] | None) -> None:
        """The editor's layers: `settings` counts as repository scope for user-only keys, `user_settings` as the person's."""

    async def run(self, request: RunRequest, emit: Emit, ask: Ask) -> RunResult:
        """Never raises: every ending is a result. Cancelling the task gives the result `cancelled` within 200 ms."""

    async def preview(self, request: RunRequest, ask: Ask) -> Report:
        """What `run` would send, and where to, as far as that is known without a call. No model is asked; the tests run
        as they are where they may. Raises `RalphError` where a run would end before that."""

    async def judge(self, run_id: str, buffers: Mapping[str, bytes], texts: Mapping[str, str]) -> Judgement:
        """Run the tests of a run that proposed something on other texts: what a person made of the proposal.

        `buffers`: the open documents as saving would write them; `texts`: whole texts by path that replace them. No
        model is asked, no question is put: only the command that was allowed for the run is run.
        """

    async def warm(self, roots: Sequence[str]) -> None:
        """Prepare what a first run waits for, at low priority."""

    async def editor_settings(self, root: str, path: str) -> EditorSettings:
        """For the file `path` (relative to `root`), as the disk says now."""

    @property
    def own_configuration(self) -> str:
        """Path of the person's own configuration file, which need not be there."""

    async def problems(self, root: str, path: str, text: str | None) -> Sequence[ConfigProblem]:
        """Of the configuration file at `path`; `text`: what the editor shows of it, None: the disk."""

    async def setting_place(self, root: str, key: str) -> tuple[str, int, bool]:
        """(path, line from 0) of the file in which the person can set `key`, and whether it stands there; the file may
        not be there yet."""

    async def use_test_command(self, root: str, path: str, command: Sequence[str]) -> tuple[str, bool]:
        """(path of the configuration of the project of a file, whether it was written with this test command): one
        that is there is not touched. Raises `RalphError`."""

    async def fetch_model(self, on_progress: Callable[[int, int], None]) -> None:
        """Fetch the embedded model. Takes minutes; cancelling stops it. `on_progress` is called every few seconds with
        how many bytes have arrived, and of how many. Raises `RalphError`."""

    async def dismiss(self, root: str, fingerprint: str, message: str) -> None:
        """Remember that the person put this finding away for good."""

    async def dismissed(self, root: str) -> Mapping[str, str]:
        """The findings that the person put away in this workspace: what was said, by fingerprint."""

    async def undismiss(self, root: str, fingerprint: str) -> bool:
        """Let a finding that was put away be shown again from the next run on; whether there was one."""

    async def keep_review(self, root: str, review_id: str, text: str | None) -> None:
        """Keep a review that waits over the end of this process; None: it is settled, forget it."""

    async def take_over(self, root: str) -> Left:
        """What servers that are gone left in this workspace, each thing once: it belongs to this process from now on."""

    async def decide(self, digest: str, decision: Decision) -> bool:
        """A consent given outside a question, or after its time was over; False: no such digest is known."""

    async def known_consents(self, root: str, path: str = "_") -> Sequence[KnownConsent]:
        """Those that are remembered, then those that the workspace asks for and that nobody decided yet; with the
        configuration that is in force for the file `path`."""

    async def revoke(self, digest: str) -> bool:
        """Forget a decision: it is asked for again. False: there was none."""

    async def checkup(self, root: str) -> Mapping[str, Any]:
        """What is configured, found, missing and reachable, as `ralphd doctor --json` prints it."""

    async def doctor(self, root: str) -> Report:
        """What is configured, found, missing and reachable. No paid call is made."""

    async def to_read(self, root: str, name: str, text: str) -> Report:
        """`text` as a private file of the workspace's state, under this name."""

    async def past_runs(self, root: str) -> Report:
        """The past runs of all workspaces with their outcomes and costs, and what was booked today."""

    async def set_key(self, root: str, provider: str, key: Secret) -> None:
        """Pass on a key that the person typed, for `provider`'s own host and this session; empty: forget it. Raises
        `RalphError` where the model host cannot be started."""

    async def status(self) -> Mapping[str, Any]:
        """Models, sandbox, trust, cost of the day: no secret in it."""

    async def close(self) -> None: ...
