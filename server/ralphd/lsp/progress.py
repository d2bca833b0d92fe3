"""What a run tells, as the client can show it: work done progress, `ralph/event`, `ralph/stream`, or log messages.

Progress at most 5 messages a second, streams at most 20: serialising costs nothing, redrawing does.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Mapping
from typing import Any

from lsprotocol import types

from ralphd.core import events
from ralphd.core.run import Cost
from ralphd.core.wording import money, tokens
from ralphd.lsp.client_capabilities import ClientCapabilities
from ralphd.lsp.event_json import event_json
from ralphd.lsp.outbox import Outbox

PROGRESS_INTERVAL_S = 0.2
STREAM_INTERVAL_S = 0.05
CREATE_TIMEOUT_S = 5.0
_DOING = {
    "baseline": "Tests · running them as they are",
    "librarian": "Librarian · gathering context",
    "artisan": "Artisan",
    "tests": "Tests",
    "control": "Tests · do they notice planted faults",
    "critic": "Critic · reviewing",
    "chaos": "Chaos · attacking",
    "opinions": "Second opinions · writing versions without seeing the code",
}


class ProgressReporter:
    """The reporting of one run. `end` may be called more than once; the client sees exactly one end."""

    def __init__(
        self,
        outbox: Outbox,
        client: ClientCapabilities,
        run_id: str,
        title: str,
        finding_json: Callable[[events.FindingAdded], dict[str, Any]],
    ) -> None:
        self._outbox, self._client = outbox, client
        self._run_id, self._title = run_id, title
        self._finding_json = finding_json
        self.shows_cost = True
        """Whether the person wants to see money; set as soon as the settings of the run are read."""
        self.token = f"ralph-{secrets.token_hex(8)}"
        self._created = False
        """The client took the token. A client that refuses it, or has not answered yet, gets no reports on it."""
        self._ended = False
        self._seq = 0
        self._stream_seq = 0
        self._phase, self._iteration, self._of = "", 0, 0
        self._tokens, self._cost = 0, Cost()
        self._tokens_by_role: Mapping[str, int] = {}
        self._extra = ""
        self._doing = ""
        """Said in place of the phase by work that has no events."""
        self._timer: asyncio.TimerHandle | None = None
        self._last = 0.0
        self._pending: dict[tuple[str, int, int], list[str]] = {}
        self._stream_timer: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        if self._client.progress:
            self._outbox.background(self._create())
        else:
            self._outbox.log(f"{self._title} …")

    async def _create(self) -> None:
        params = types.WorkDoneProgressCreateParams(token=self.token)
        method = types.WINDOW_WORK_DONE_PROGRESS_CREATE
        answer = await self._outbox.request(method, params, CREATE_TIMEOUT_S, late=lambda _: self._taken())
        if answer.usable:
            self._taken()

    def _taken(self) -> None:
        if not self._ended:
            self._created = True
            self._report({"kind": "begin", "title": self._title, "cancellable": True, "message": self._message()})

    def _report(self, value: Mapping[str, Any]) -> None:
        if self._created:
            self._outbox.notify("$/progress", {"token": self.token, "value": value})

    def _message(self) -> str:
        parts = [self._doing or _DOING.get(self._phase, "starting")]
        if self._iteration and self._of:
            parts.append(f"{self._iteration}/{self._of}")
        if self._tokens:
            own = self._tokens_by_role.get(self._phase, 0)
            parts.append(tokens(self._tokens) + (f" ({self._phase} {tokens(own)})" if 0 < own < self._tokens else ""))
        if self.shows_cost and self._tokens:
            parts.append(money(self._cost) if self._cost.usd is not None else "cost unknown")
        if self._extra:
            parts.append(self._extra)
        return " · ".join(parts)

    def doing(self, text: str) -> None:
        """Show `text`, for work that is no run."""
        self._doing = text
        self._schedule()

    def emit(self, event: events.Event) -> None:
        """Called by the run for each of its events, on the event loop."""
        if self._ended:
            return
        if isinstance(event, events.TextStreamed):
            self._stream(event)
            return
        self._flush_stream()
        self._take(event)
        payload = event_json(event, self._finding_json, shows_cost=self.shows_cost)
        if payload is not None and self._client.events:
            self.send_event(payload)
        self._schedule()

    def _take(self, event: events.Event) -> None:
        self._extra = ""
        if isinstance(event, events.PhaseStarted):
            self._phase = event.phase
            self._iteration = event.iteration or self._iteration
        elif isinstance(event, events.IterationStarted):
            self._iteration, self._of = event.iteration, event.of
        elif isinstance(event, events.CostChanged):
            self._cost, self._tokens = event.cost, event.usage.get("totalTokens", 0)
            self._tokens_by_role = event.tokens
        elif isinstance(event, events.Retrying):
            self._extra = f"{event.why}, waiting {event.wait_ms / 1000:.0f} s"
        elif isinstance(event, events.FellBack):
            self._extra = f"{event.from_model} failed, asking {event.to_model}"
        elif isinstance(event, events.Note):
            self._extra = event.text
        elif isinstance(event, events.TestsEnded):
            self._extra = f"{event.tests.passed} passed, {event.tests.failed + event.tests.errors} failed"
        elif isinstance(event, events.ControlEnded):
            self._extra = f"noticed {event.control.noticed} of {event.control.planted} planted faults"

    def send_event(self, payload: dict[str, Any]) -> None:
        self._seq += 1
        self._outbox.notify("ralph/event", {"runId": self._run_id, "seq": self._seq, **payload})

    def _schedule(self) -> None:
        loop = asyncio.get_running_loop()
        if self._timer is None:
            self._timer = loop.call_at(max(loop.time(), self._last + PROGRESS_INTERVAL_S), self._show)

    def _show(self) -> None:
        self._timer = None
        self._last = asyncio.get_running_loop().time()
        if not self._ended:
            self._report({"kind": "report", "message": self._message(), "cancellable": True})

    def _stream(self, event: events.TextStreamed) -> None:
        if not self._client.stream:
            return
        self._pending.setdefault((event.phase, event.iteration, event.attempt), []).append(event.delta)
        if self._stream_timer is None:
            self._stream_timer = asyncio.get_running_loop().call_later(STREAM_INTERVAL_S, self._flush_stream)

    def _flush_stream(self) -> None:
        if self._stream_timer is not None:
            self._stream_timer.cancel()
            self._stream_timer = None
        for (phase, iteration, attempt), parts in self._pending.items():
            self._stream_seq += 1
            self._outbox.notify(
                "ralph/stream",
                {
                    "runId": self._run_id,
                    "phase": phase,
                    "iteration": iteration,
                    "attempt": attempt,
                    "seq": self._stream_seq,
                    "delta": "".join(parts),
                },
            )
        self._pending.clear()

    def end(self, sentence: str) -> None:
        if self._ended:
            return
        self._flush_stream()
        self._ended = True
        if self._timer is not None:
            self._timer.cancel()
        self._report({"kind": "end", "message": sentence})
        if not self._client.progress:
            self._outbox.log(f"{self._title}: {sentence}")
