"""A server lives for weeks: after many runs it holds what it held after a few. Counted, never weighed."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path

from tests.lsp.conftest import Start
from tests.support.fake_editor import FakeEditor
from tests.support.patience import seconds

PASSING = ("asyncio.events.TimerHandle", "asyncio.events.Handle")
"""A timer that was cancelled stays until its time comes, or until half of all timers are such."""


TEXT = "def first(x):\n    raise NotImplementedError\n"
GOOD = "```python\ndef first(x):\n    return x + 1\n```\n"


async def counts(editor: FakeEditor) -> dict[str, int]:
    found: dict[str, int] = await editor.rpc.result("test/counts", {}, seconds(60))
    return {name: n for name, n in found.items() if name not in PASSING}


def grown(before: Mapping[str, int], after: Mapping[str, int], most: int) -> dict[str, tuple[int, int]]:
    """What there is more of than `most` allows, with its counts. Of the entries of containers, thirty for each."""
    allowed = {name: most * 30 if name == "entries" else most for name in after}
    return {name: (before.get(name, 0), n) for name, n in after.items() if n - before.get(name, 0) > allowed[name]}


async def nothing_more(editor: FakeEditor, before: Mapping[str, int], most: int) -> None:
    """The server holds what it held before, as soon as what goes on in the background is done."""
    end = asyncio.get_running_loop().time() + seconds(20)
    while more := grown(before, await counts(editor), most):
        assert asyncio.get_running_loop().time() < end, more
        await asyncio.sleep(0.2)


async def test_runs_that_are_cancelled_at_once(start: Start, project: Path) -> None:
    """Also where the cancel arrives while the run's record is being begun."""
    slow = {"text": GOOD, "delay_s": 600}
    editor = await start(root=project, artisan=[GOOD, *[slow] * 40], user={"testing": {}})
    uri = await editor.open(project / "a.py", TEXT)

    async def one(cancel: bool) -> None:
        started = await editor.command("ralph.server.implement", {"uri": uri, "instruction": "do it"})
        if cancel:
            await editor.command("ralph.server.cancel")
        ended = await editor.run_ended(started["runId"])
        assert ended["outcome"] == "cancelled" or not cancel, ended

    await one(cancel=False)
    for _ in range(5):
        await one(cancel=True)
    before = await counts(editor)
    for _ in range(15):
        await one(cancel=True)
    await nothing_more(editor, before, 4)
    await editor.stop()
    assert not [*Path(os.environ["XDG_STATE_HOME"]).rglob("at_work/*")]
