"""Calls of versions of a function in a journal, and back from it."""

from __future__ import annotations

import json
from dataclasses import asdict

from pydantic import TypeAdapter

from ralphd.core.digests import digest_of
from ralphd.errors import RalphError
from ralphd.loop.journal import Journal, Recording
from ralphd.opinions.polling import Asked, Called, Poll

_CALLED: TypeAdapter[Called | None] = TypeAdapter(Called | None)


class RecordingPoll:
    """Passes sessions of calls on and writes what each brought, by what was called."""

    def __init__(self, inner: Poll, journal: Journal) -> None:
        self._inner, self._journal = inner, journal

    async def call(self, text: str, asked: Asked) -> Called | None:
        found = await self._inner.call(text, asked)
        self._journal.write("called", key=_key(text, asked), called=_CALLED.dump_python(found, mode="json"))
        return found


class ReplayPoll:
    """Gives back the recorded calls; starts no process."""

    def __init__(self, recording: Recording) -> None:
        self._called = {entry["key"]: _CALLED.validate_python(entry["called"]) for entry in recording.of("called")}

    async def call(self, text: str, asked: Asked) -> Called | None:
        key = _key(text, asked)
        if key not in self._called:
            raise RalphError("The journal has no such calls: the run took another way than the recorded one.")
        return self._called[key]


def _key(text: str, asked: Asked) -> str:
    """Sessions run side by side, so their order in the journal says nothing."""
    return digest_of(json.dumps([text, asdict(asked)]).encode())
