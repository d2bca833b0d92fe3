"""What a run tells, as the client can show it: work done progress, `ralph/event`, `ralph/stream`, or log messages.

Progress at most 5 messages a second, streams at most 20: serialising costs nothing, redrawing does.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from lsprotocol import types

from ralphd.core import events
from ralphd.core.run import Cost
from ralphd.core.wording import money, tokens

if TYPE_CHECKING:
    from ralphd.lsp.server import RalphServer

log = logging.getLogger("ralphd.lsp")

PROGRESS_INTERVAL_S = 0.2
STREAM_INTERVAL_S = 0.05
_DOING = {
    "baseline": "Tests · running them as they are",
    "librarian": "Librarian · gathering context",
    "artisan": "Artisan",
    "tests": "Tests",
    "critic": "Critic · reviewing",
    "chaos": "Chaos · attacking",
}


class Progress:
    """The reporting of one run. `end` may be called more than once; the client sees exactly one end."""

    def __init__(
        self,
        server: RalphServer,
        run_id: str,
        title: str,
        shows_cost: bool,
        finding_json: Callable[[events.FindingAdded], dict[str, Any]],
    ) -> None:
        self._server, self._run_id, self._title, self._shows_cost = server, run_id, title, shows_cost
        self._finding_json = finding_json
        self.token = f"ralph-{secrets.token_hex(8)}"
        self._begun: asyncio.Task[None] | None = None
        self._ended = False
        self._seq = 0
        self._stream_seq = 0
        self._phase, self._iteration, self._of = "", 0, 0
        self._tokens, self._cost = 0, Cost()
        self._tokens_by_role: Mapping[str, int] = {}
        self._extra = ""
        self._timer: asyncio.TimerHandle | None = None
        self._last = 0.0
        self._pending: dict[tuple[str, int, int], list[str]] = {}
        self._stream_timer: asyncio.TimerHandle | None = None
        self.sandbox = ""

    def begin(self) -> None:
        if self._server.session.client.progress:
            self._begun = asyncio.create_task(self._create())
        else:
            self._server.log_message(f"{self._title} …")

    async def _create(self) -> None:
        try:
            await asyncio.wait_for(self._server.work_done_progress.create_async(self.token), 5)
        except Exception as error:  # a client that refuses or never answers: the run goes on without progress
            log.info("no progress: %s", error)
            return
        if not self._ended:
            self._report(types.WorkDoneProgressBegin(title=self._title, cancellable=True, message=self._message()))

    def _report(self, value: Any) -> None:
        if self._begun is not None and (self._begun.done() or isinstance(value, types.WorkDoneProgressBegin)):
            self._server.progress(
                types.ProgressParams(token=self.token, value=self._server.protocol._converter.unstructure(value))
            )

    def _message(self) -> str:
        parts = [_DOING.get(self._phase, "starting")]
        if self._iteration and self._of:
            parts.append(f"{self._iteration}/{self._of}")
        if self._tokens:
            own = self._tokens_by_role.get(self._phase, 0)
            parts.append(tokens(self._tokens) + (f" ({self._phase} {tokens(own)})" if 0 < own < self._tokens else ""))
        if self._shows_cost and self._tokens:
            parts.append(money(self._cost) if self._cost.usd is not None else "cost unknown")
        if self._extra:
            parts.append(self._extra)
        return " · ".join(parts)

    def emit(self, event: events.Event) -> None:
        """Called by the run for each of its events, on the event loop."""
        if self._ended:
            return
        if isinstance(event, events.TextStreamed):
            self._stream(event)
            return
        self._flush_stream()
        self._take(event)
        payload = self._payload(event)
        if payload is not None and self._server.session.client.events:
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

    def _payload(self, event: events.Event) -> dict[str, Any] | None:
        if isinstance(event, events.PhaseStarted | events.PhaseEnded):
            kind = "phaseStarted" if isinstance(event, events.PhaseStarted) else "phaseEnded"
            return {"type": kind, "phase": event.phase, "iteration": event.iteration}
        if isinstance(event, events.IterationStarted):
            return {"type": "iterationStarted", "iteration": event.iteration, "of": event.of}
        if isinstance(event, events.TestsEnded):
            return {"type": "testsEnded", "iteration": event.iteration, "tests": event.tests.to_json()}
        if isinstance(event, events.FindingAdded):
            return {"type": "findingAdded", "finding": self._finding_json(event)}
        if isinstance(event, events.ModelChosen):
            return {"type": "modelChosen", "role": event.role, "model": event.model}
        if isinstance(event, events.FellBack):
            return {
                "type": "fallback",
                "role": event.role,
                "from": event.from_model,
                "to": event.to_model,
                "why": event.why,
            }
        if isinstance(event, events.Retrying):
            fields = asdict(event)
            return {
                "type": "retry",
                "role": fields["role"],
                "model": fields["model"],
                "attempt": event.attempt,
                "waitMs": event.wait_ms,
                "why": event.why,
            }
        if isinstance(event, events.CostChanged):
            return {
                "type": "costChanged",
                "cost": event.cost.to_json() if self._shows_cost else None,
                "usage": event.usage,
            }
        return None

    def send_event(self, payload: dict[str, Any]) -> None:
        self._seq += 1
        self._server.notify("ralph/event", {"runId": self._run_id, "seq": self._seq, **payload})

    def _schedule(self) -> None:
        loop = asyncio.get_running_loop()
        if self._timer is None:
            self._timer = loop.call_at(max(loop.time(), self._last + PROGRESS_INTERVAL_S), self._show)

    def _show(self) -> None:
        self._timer = None
        self._last = asyncio.get_running_loop().time()
        if not self._ended:
            self._report(types.WorkDoneProgressReport(message=self._message(), cancellable=True))

    def _stream(self, event: events.TextStreamed) -> None:
        if not self._server.session.client.stream:
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
            self._server.notify(
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
        self._server.work_done_progress.tokens.pop(self.token, None)
        if self._timer is not None:
            self._timer.cancel()
        value = types.WorkDoneProgressEnd(message=sentence)
        if self._begun is None:
            self._server.log_message(f"{self._title}: {sentence}")
        elif self._begun.done():
            self._report(value)
        else:
            self._begun.cancel()  # the client has not answered `create` yet: nothing was begun
