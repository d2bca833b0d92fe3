"""The events of a run as the `ralph/event` notifications of docs/protocol.md: one place for their shapes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ralphd.core import events


def event_json(
    event: events.Event, finding_json: Callable[[events.FindingAdded], dict[str, Any]], *, shows_cost: bool
) -> dict[str, Any] | None:
    """None for what is not told as an event: notes are progress, streamed text has its own notification."""
    if isinstance(event, events.PhaseStarted | events.PhaseEnded):
        kind = "phaseStarted" if isinstance(event, events.PhaseStarted) else "phaseEnded"
        return {"type": kind, "phase": event.phase, "iteration": event.iteration}
    if isinstance(event, events.IterationStarted):
        return {"type": "iterationStarted", "iteration": event.iteration, "of": event.of}
    if isinstance(event, events.TestsEnded):
        return {"type": "testsEnded", "iteration": event.iteration, "tests": event.tests.to_json()}
    if isinstance(event, events.ControlEnded):
        return {"type": "controlEnded", "iteration": event.iteration, "control": event.control.to_json()}
    if isinstance(event, events.FindingAdded):
        return {"type": "findingAdded", "finding": finding_json(event)}
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
        return {
            "type": "retry",
            "role": event.role,
            "model": event.model,
            "attempt": event.attempt,
            "waitMs": event.wait_ms,
            "why": event.why,
        }
    if isinstance(event, events.CostChanged):
        return {
            "type": "costChanged",
            "cost": event.cost.to_json() if shows_cost else None,
            "usage": event.usage,
        }
    return None
