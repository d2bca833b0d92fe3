"""Calls one version of a function with many inputs in a shadow copy, and brings back what each call gave.

Every version has a process of its own and a report channel of its own, so what it does or forges there is its own answer:
it can spoil its vote, and no other's.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, Protocol

from pydantic import BaseModel, Field, JsonValue, ValidationError

from ralphd.attack.sessions import Pool
from ralphd.context.python_modules import import_path
from ralphd.context.target import definitions
from ralphd.core.encodings import encoded_like
from ralphd.judging.commands import PLAIN, pytest_prefix
from ralphd.judging.report_channel import ReportChannel
from ralphd.opinions.inputs import Recipe

log = logging.getLogger("ralphd")

MODULE = "test_ralph_opinions.py"
"""Where the module that imports the version stands in the shadow copy, in the folder in which the tests run."""
MOST_SHOWN = 300
"""Characters of a `repr`, as the plugin cuts it."""
_MOST_S = 120.0
"""By the clock, for a session that waits without using the processor; what uses it is ended much sooner."""


class Given(BaseModel):
    """What one call gave.

    kind: `value` (returned), `changed` (returned nothing and changed its arguments to `value`), `raise` (`value` is the
    exception's class), `slow` (no end within its time), `varies` (not twice the same), `none` (nothing to compare).
    """

    kind: Literal["value", "changed", "raise", "slow", "varies", "none"]
    value: JsonValue = None
    shown: Annotated[str, Field(max_length=MOST_SHOWN)] = ""
    """The value's `repr`, or the exception's class, cut where it is long."""
    iterated: bool = False
    """It was an iterator: `value` and `shown` are of the list of what it gave."""
    deliberate: bool = False
    """Of `raise`: a statement of the project's own code raised it."""


_Place = Annotated[str, Field(pattern="^(?:None|[0-9]{1,3})$")]
_Source = Annotated[str, Field(max_length=MOST_SHOWN)]


class Called(BaseModel):
    """What one session brought. It comes out of a test process: what has another shape is no report."""

    results: list[Given] = Field(default=[], max_length=2000)
    drawn: Mapping[_Place, Annotated[list[_Source], Field(max_length=20_000)]] = {}
    """Sources of what Hypothesis drew: by the place of the argument, "None" for whole tuples of arguments."""


@dataclass(frozen=True)
class Asked:
    """What a session is to do: call `name` with each of `inputs`, after drawing at most `most` by each recipe.

    `seed` is Python's hash seed: what depends on the order of a set differs between two of them."""

    name: str
    inputs: Sequence[str] = ()
    recipes: Sequence[Recipe] = ()
    most: int = 0
    seed: int = 0


class Poll(Protocol):
    """Where versions are called, or a recording of it."""

    async def call(self, text: str, asked: Asked) -> Called | None:
        """With `text` as the target's file; None where it cannot be imported, or its process did not live to report."""


@dataclass(frozen=True)
class SandboxPoll:
    """Calls versions of one file in shadow copies of its workspace."""

    pool: Pool
    command: Sequence[str]
    """The project's test command: it names the environment."""
    path: str
    paths: Sequence[str]
    """Of the workspace's files: they decide how the target is imported."""
    report_root: Path
    timeout_s: float
    folder: str = ""
    """Where in the workspace pytest is started."""
    buffers: Mapping[str, bytes] = field(default_factory=dict)

    async def call(self, text: str, asked: Asked) -> Called | None:
        channel = await asyncio.to_thread(ReportChannel, self.report_root, plugin="for_calls")
        importing = await asyncio.to_thread(self._importing, text)
        try:
            async with self.pool.lease() as shadow:
                module = os.path.join(self.folder, MODULE)
                overlay = {
                    self.path: encoded_like(text, self.buffers.get(self.path)),
                    module: importing.encode("utf-8", "surrogatepass"),
                }
                await shadow.refresh(overlay, buffers=self.buffers)
                await asyncio.to_thread(channel.fresh, self._settings(asked, shadow.root))
                result = await shadow.run(
                    [
                        *pytest_prefix(self.command),
                        PLAIN,
                        "-q",
                        "--no-header",
                        "--tb=no",
                        "--capture=no",
                        "-p",
                        "no:randomly",
                        MODULE,
                    ],
                    timeout_s=min(self.timeout_s, _MOST_S),
                    env={**channel.environment(), "PYTHONHASHSEED": str(asked.seed), "PYTHONDONTWRITEBYTECODE": "1"},
                    extra_ro=(str(channel.library),),
                    writable=(str(channel.inbox),),
                    cwd=self.folder,
                )
                texts, _ = await asyncio.to_thread(channel.collect)
                if not texts:
                    log.info("a version sent nothing: exit code %s, %s", result.exit_code, result.output[-500:])
        finally:
            await asyncio.to_thread(channel.close)
        return await asyncio.to_thread(_read, texts, len(asked.inputs))

    def _importing(self, text: str) -> str:
        """A test module that has all names of the version's file, private ones and classes too."""
        module = import_path(self.path, set(self.paths))
        names = sorted({d.name for d in definitions(self.path, text) if d.name and "." not in d.name})
        own = f"from {module} import {', '.join(names)}\n" if names else ""
        return f"from {module} import *\n{own}\n\ndef test_ralph_opinions():\n    pass\n"

    def _settings(self, asked: Asked, root: str) -> dict[str, Any]:
        recipes = [asdict(recipe) for recipe in asked.recipes]
        given = {"name": asked.name, "inputs": list(asked.inputs), "recipes": recipes, "most": asked.most}
        return {**given, "root": root}


def _read(texts: Sequence[bytes], wanted: int) -> Called | None:
    """The one report of a session; None for none, for several (something else started pytest), and for nonsense."""
    if len(texts) != 1:
        return None
    try:
        called = Called.model_validate_json(texts[0])
    except ValidationError:
        return None
    return called if len(called.results) == wanted else None
