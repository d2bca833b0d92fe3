"""What every phase is given: the request, the settings, the models, the files, and where to report."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from ralphd.context.target import Target
from ralphd.context.tree import Tree
from ralphd.core import events
from ralphd.core.run import RunRequest
from ralphd.core.text import Text
from ralphd.core.wording import HOST_STARTING, MODEL_BUSY
from ralphd.errors import Misconfigured
from ralphd.models import gateway as models
from ralphd.models.gateway import Gateway, GatewayEvent
from ralphd.phases.answer_start import whole
from ralphd.prompts import render
from ralphd.settings.schema import Settings

LOCAL_MAX_TOKENS = 300
"""Of the Critic and Chaos. Measured: at the role's own the embedded model writes until its window is full: eight minutes."""
LOCAL_TEMPERATURE = 0.2


@dataclass(frozen=True)
class PhaseContext:
    request: RunRequest
    settings: Settings
    gateway: Gateway
    tree: Tree
    """The snapshot: the shadow copy's files with the person's unsaved buffers."""
    target: Target
    emit: events.Emit
    local: bool
    """The command's own model is a small local one: short prompts, region form, no Librarian call, resample rather than
    repair. For other roles: `is_local`."""

    async def is_local(self, role: models.Role) -> bool:
        return (await self.gateway.describe(role)).local

    def before(self, path: str) -> str | None:
        """The text of a file as the run found it: the target's as the editor showed it, any other's of the snapshot."""
        return self.request.text if path == self.target.path else self.tree.text(path)

    @property
    def instruction(self) -> str:
        """What to do: the person's words, else `ralph:` comments or TODOs in the target, else its own docstring."""
        return self.request.instruction.strip() or marked_task(self.target.text(self.request.text))

    @property
    def what(self) -> str:
        if self.target.kind == "file":
            return "the file"
        if self.target.name:
            return f"`{self.target.name}`"
        first = Text(self.request.text).line_of(self.target.span[0]) + 1
        last = Text(self.request.text).line_of(self.target.span[1]) + 1
        return f"the selected lines {first}-{last}"

    def role_text(self, role: models.Role) -> str:
        """Who the model is: the person's own prompt file, else ours. What form it answers in is always ours."""
        own = getattr(self.settings.models, role).prompt
        if own is None:
            return render(f"{role}_role").strip()
        try:
            return Path(own).expanduser().read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise Misconfigured(
                f"models.{role}.prompt cannot be read: {own} ({error}).", "Correct the path in your configuration."
            ) from error

    def watch(self, phase: events.Phase, iteration: int, after: int = 0, start: str = "") -> Watch:
        """Turns the gateway's events into the run's. `after`: attempts of this phase that were thrown away before; `start`:
        what each answer goes on from."""
        return Watch(self.emit, phase, iteration, after, start)


class Watch:
    """The `on_event` of one call. Attempts are numbered on, so that a thrown-away text is followed by a higher one."""

    def __init__(self, emit: events.Emit, phase: events.Phase, iteration: int, after: int, start: str) -> None:
        self._emit, self._phase, self._iteration, self._after = emit, phase, iteration, after
        self._start, self._begun = start, 0
        self.last = after + 1

    def __call__(self, event: GatewayEvent) -> None:
        if isinstance(event, models.Delta):
            self.last = max(self.last, event.attempt + self._after)
            text = event.text if event.attempt == self._begun else whole(self._start, event.text)
            self._begun = event.attempt
            self._emit(events.TextStreamed(self._phase, self._iteration, event.attempt + self._after, text))
        elif isinstance(event, models.ModelChosen):
            self._emit(events.ModelChosen(event.role, event.model))
        elif isinstance(event, models.Retrying):
            self._emit(events.Retrying(event.role, event.model, event.attempt, event.wait_ms, event.why))
        elif isinstance(event, models.Starting):
            self._emit(events.Note(HOST_STARTING))
        elif isinstance(event, models.Waiting):
            self._emit(events.Note(MODEL_BUSY))
        else:
            self._emit(events.FellBack(event.role, event.from_model, event.to_model, event.why))


_MARK = re.compile(r"(?:#|//|/\*|--|\*)[ \t]{0,20}(?:ralph:|TODO\b:?|FIXME\b:?)(.*)", re.IGNORECASE)


def marked_task(text: str) -> str:
    """The `ralph: …`, TODO and FIXME comments of the target, one a line."""
    said = (match.strip().removesuffix("*/").strip() for match in _MARK.findall(text))
    return "\n".join(dict.fromkeys(task for task in said if task))
