"""What a run tells and how it ends, without keys: whatever shows it, a key that a test printed is not in it.

Keys are known by their form here; only the model host knows values.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from functools import cache
from typing import Any, TypeVar

from ralphd.core import events
from ralphd.core.events import Emit
from ralphd.loop.journal import Journal
from ralphd.model_host.child.redaction import Redactor

T = TypeVar("T")
_EXACT = frozenset(
    {
        "edits", "base", "quote", "fix", "test", "test_path", "path", "fingerprint", "hashes", "journal", "run_id",
        "command", "delta",
    }
)  # fmt: skip
"""Fields that are acted on: texts of edits and tests, places, ids. A model's stream has no key that its prompt had not."""


@cache
def redactor() -> Redactor:
    """By form alone. Made by the first run, in a thread."""
    return Redactor()


def masked(value: T) -> T:
    """An event, a result or a part of one with every text masked but for the exact ones."""
    without: T = _masked(value)
    return without


def _masked(value: Any) -> Any:
    if isinstance(value, str):
        return redactor().keys(value)
    if isinstance(value, tuple):
        return tuple(_masked(one) for one in value)
    if isinstance(value, Mapping):
        return {key: _masked(one) for key, one in value.items()}
    if not is_dataclass(value) or isinstance(value, type):
        return value
    old = {field.name: getattr(value, field.name) for field in fields(value) if field.name not in _EXACT}
    new = {name: _masked(one) for name, one in old.items()}
    return replace(value, **new) if new != old else value


def recording(journal: Journal, emit: Emit) -> Emit:
    """Tells each event to the journal first, then to whoever watches; keys to neither."""

    def tell(event: events.Event) -> None:
        event = masked(event)
        journal.event(event)
        emit(event)

    return tell
