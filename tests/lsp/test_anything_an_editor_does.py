"""An editor that does anything at all, on the real server, while the model answers well, badly or not at all.

Whatever the order: the server's text is the editor's, nothing lands that was not accepted, and each run ends once.
`RALPHD_SOAK_S` makes it go on for so many seconds and look at the server's memory (`make soak`).
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.lsp.test_nothing_grows import counts, grown
from tests.support.editor_buffers import offset_at
from tests.support.fake_editor import FakeEditor
from tests.support.patience import seconds

BEFORE = "import os\n\n\ndef first(x):\n    raise NotImplementedError\n\n\ndef second(y):\n    return y  # 🙂\n"
GOOD = "```python\ndef first(x):\n    return x + 1\n```\n"
ANSWERS: list[Any] = [
    GOOD,
    "```python\nimport re\n\n\ndef first(x):\n    return re.sub('a', 'b', x)\n```\n",
    {"text": GOOD, "delay_s": 0.3},
    {"text": GOOD, "delay_s": 600},  # until it is cancelled
    {"text": GOOD[:30], "finish_reason": "length"},
    {"text": "", "finish_reason": "stop"},
    "I would rather not.",
    "```python\ndef first(x):\n    # ... rest of the code\n```\n",
    "```python\ndef first(x)\n    return \u202e\n```\n",
]
SOAK_S = float(os.environ.get("RALPHD_SOAK_S", "0"))
MANY_S = 300.0
LIVE = "ralphd.lsp.live_run.LiveRun"
SETTINGS = {"loop": {"critic": "never", "librarian": "never"}, "testing": {"adversarial_tests": False}}


class AnyEditor(RuleBasedStateMachine):
    """One server and one document; each rule is something that a person or a client does."""

    answers: Any = None

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = Path(tempfile.mkdtemp(prefix="ralphd-any-"))
        self.file = self.folder / "a.py"
        self.started: dict[str, str] = {}
        """The editor's text when each run started, by run id."""
        self.edits = 0
        """Edits that the server was to send: one for each accept."""
        self.seen = 0

    @initialize(order=st.permutations(range(len(ANSWERS))), profile=st.sampled_from(["vscode", "neovim-0.12"]))
    def open_the_editor(self, order: list[int], profile: str) -> None:
        self.file.write_bytes(BEFORE.encode())
        (self.folder / "replies.json").write_text(
            json.dumps({"artisan": [ANSWERS[n] for n in order] * (4000 if SOAK_S else 40)})
        )
        start = FakeEditor.start(
            self.folder / "replies.json",
            self.folder,
            profile=profile,
            user_settings=SETTINGS,
            stderr_path=self.folder / "stderr.log",
        )
        self.editor = self.do(start)
        self.uri = self.do(self.editor.open(self.file))

    def do(self, work: Any) -> Any:
        return self.loop.run_until_complete(asyncio.wait_for(work, seconds(120)))

    @property
    def is_open(self) -> bool:
        return self.uri in self.editor.buffers

    @property
    def text(self) -> str:
        return self.editor.text(self.uri)

    # ---- typing ------------------------------------------------------------------------------------------------

    @precondition(lambda self: self.is_open)
    @rule(
        at=st.floats(0, 1), cut=st.integers(0, 6), new=st.sampled_from(["x", "\n", "# 🙂 é\n", "", "    pass\n", "\t"])
    )
    def types(self, at: float, cut: int, new: str) -> None:
        start = int(at * len(self.text))
        self.do(self.editor.change(self.uri, start, min(len(self.text), start + cut), new))

    @precondition(lambda self: self.is_open and self.editor.buffers[self.uri].undo)
    @rule()
    def undoes(self) -> None:
        self.do(self.editor.undo(self.uri))

    @precondition(lambda self: self.is_open)
    @rule()
    def saves(self) -> None:
        self.do(self.editor.save(self.uri))

    @precondition(lambda self: self.is_open)
    @rule()
    def closes(self) -> None:
        self.do(self.editor.save(self.uri))
        self.do(self.editor.close(self.uri))

    @precondition(lambda self: not self.is_open)
    @rule()
    def opens_again(self) -> None:
        self.do(self.editor.open(self.file))

    # ---- runs and reviews --------------------------------------------------------------------------------------

    @precondition(lambda self: self.is_open)
    @rule()
    def starts_a_run(self) -> None:
        for uri in list(self.editor.buffers):
            self.do(self.editor.flush(uri))
        text = self.text
        params = {"command": "ralph.server.implement", "arguments": [{"uri": self.uri, "instruction": "do it"}]}
        answer = self.do(self.editor.rpc.request("workspace/executeCommand", params, seconds(60)))
        if "result" in answer:  # else there is a run on the document already
            self.started[answer["result"]["runId"]] = text

    @rule()
    def cancels(self) -> None:
        self.do(self.editor.command("ralph.server.cancel"))

    @rule(moment=st.sampled_from([0.0, 0.05, 0.4]))
    def waits(self, moment: float) -> None:
        self.do(asyncio.sleep(moment))

    def waiting(self) -> list[tuple[str, dict[str, Any]]]:
        """Review id and hunk of each change that waits in the open document, as the server told last."""
        last: dict[str, list[dict[str, Any]]] = {}
        for event in self.editor.events:
            if event["type"] == "hunksChanged":
                last[event["reviewId"]] = event["hunks"]
        return [(review, hunk) for review, hunks in last.items() for hunk in hunks if hunk["state"] == "pending"]

    @precondition(lambda self: self.is_open and self.waiting())
    @rule(at=st.floats(0, 0.999), whole=st.booleans())
    def accepts(self, at: float, whole: bool) -> None:
        waiting = self.waiting()
        review, hunk = waiting[int(at * len(waiting))]
        argument = {"reviewId": review} if whole else {"reviewId": review, "hunkId": hunk["hunkId"]}
        self.answer("ralph.server.accept", argument)
        self.edits += 1

    @precondition(lambda self: self.waiting())
    @rule(at=st.floats(0, 0.999))
    def rejects(self, at: float) -> None:
        waiting = self.waiting()
        review, _ = waiting[int(at * len(waiting))]
        self.answer("ralph.server.reject", {"reviewId": review, "reason": "not like this"})

    def answer(self, command: str, argument: dict[str, Any]) -> None:
        """A refusal is an answer too: what was told last may be over by now."""
        for uri in list(self.editor.buffers):
            self.do(self.editor.flush(uri))
        params = {"command": command, "arguments": [argument]}
        self.do(self.editor.rpc.request("workspace/executeCommand", params, seconds(60)))
        self.do(asyncio.sleep(0.05))

    # ---- what holds --------------------------------------------------------------------------------------------

    @invariant()
    def nothing_lands_that_was_not_accepted(self) -> None:
        if hasattr(self, "editor"):
            assert len(self.editor.edits_received) <= self.edits
            assert self.editor.faults == []
            assert self.editor.rpc.returncode is None, "the server has ended"

    def teardown(self) -> None:
        if not hasattr(self, "editor"):
            return
        try:
            self.do(self.settle())
        finally:
            self.do(self.editor.rpc.kill())
            self.loop.close()

    async def settle(self) -> None:
        """Every run ends, once, and began with the editor's own text; what waits stands where the server says."""
        editor = self.editor
        await editor.command("ralph.server.cancel")
        ended = Counter(
            m["params"]["runId"] for d, m in editor.rpc.log if d == "<-" and m.get("method") == "ralph/runEnded"
        )
        for run_id in self.started:
            if run_id not in ended:
                await editor.run_ended(run_id, seconds(100))
        ended = Counter(
            m["params"]["runId"] for d, m in editor.rpc.log if d == "<-" and m.get("method") == "ralph/runEnded"
        )
        assert ended == Counter(dict.fromkeys(self.started, 1))
        if not self.is_open:
            await editor.open(self.file)
        await editor.change(self.uri, 0, 0, "# the end\n")
        await editor.flush(self.uri)
        await editor.command("ralph.server.status")
        await asyncio.sleep(0.1)
        for _, hunk in self.waiting():
            start, end = (offset_at(self.text, hunk["range"][key], editor.encoding) for key in ("start", "end"))
            assert self.text[start:end] == hunk["oldText"]
        for message in [m for d, m in editor.rpc.log if d == "<-" and m.get("method") == "ralph/runEnded"]:
            assert begun_with(message["params"]["journal"]) in (None, self.started[message["params"]["runId"]])
        await self.one_more_run()

    async def one_more_run(self) -> None:
        """What its record begins with is the server's text at the end: the editor's. A run that is cancelled at once has
        no record yet, so there is another try, with more time."""
        for wait_s in (0.2, 0.5, 1, 2, 4, 8, 16):
            started = await self.editor.command("ralph.server.implement", {"uri": self.uri, "instruction": "do it"})
            await asyncio.sleep(wait_s)
            await self.editor.command("ralph.server.cancel")
            ended = await self.editor.run_ended(started["runId"], seconds(100))
            if (text := begun_with(ended["journal"])) is not None:
                assert text == self.text
                return
        raise AssertionError("no run began")


def begun_with(journal: str) -> str | None:
    """The text that a run was asked about, from its record; None where there is none."""
    for line in Path(journal).read_text(encoding="utf-8").splitlines() if journal else ():
        record = json.loads(line)
        if record["kind"] == "begin":
            return str(record["request"]["text"])
    return None


def play(examples: int, steps: int) -> None:
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        AnyEditor,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            derandomize=examples < 10,
            database=None,
        ),
    )


@pytest.mark.row("P6")
def test_a_sample() -> None:
    play(examples=2, steps=25)


@pytest.mark.full
@pytest.mark.row("P6")
def test_many() -> None:
    end = time.monotonic() + MANY_S
    while time.monotonic() < end:
        play(examples=10, steps=60)


def resident_mb(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise AssertionError("no memory is told")


LOOKS = 10
"""How often a soak looks at what the server holds."""


@pytest.mark.full
@pytest.mark.skipif(not SOAK_S, reason="`make soak` says how long")
def test_one_server_for_a_long_time() -> None:
    """What it holds after a fifth of the time is what it holds at the end: counted. Its memory is told beside that."""
    dice, machine = random.Random(5), AnyEditor()
    machine.open_the_editor([*range(len(ANSWERS))], "vscode")
    begun, held = time.monotonic(), []
    try:
        while len(held) < LOOKS:
            step(machine, dice)
            machine.nothing_lands_that_was_not_accepted()
            if time.monotonic() - begun > SOAK_S * (len(held) + 1) / LOOKS:
                held.append(machine.do(resting(machine)))
                memory = resident_mb(machine.editor.rpc.pid)
                files, threads = held[-1]["files"], held[-1]["threads"]
                told = f"{time.monotonic() - begun:.0f} s: {len(machine.started)} runs, {memory:.1f} MB, {files} files, {threads} threads"
                sys.stdout.write(f"{told}\n")
                sys.stdout.flush()
    finally:
        machine.teardown()
    assert grown(held[LOOKS // 5 - 1], held[-1], 25) == {}


async def resting(machine: AnyEditor) -> dict[str, int]:
    """What the server holds when no run is live."""
    await machine.editor.command("ralph.server.cancel")
    while LIVE in (found := await counts(machine.editor)):
        await asyncio.sleep(0.1)
    return found


def step(machine: AnyEditor, dice: random.Random) -> None:
    """One of the rules, as far as it can be done now."""
    if not machine.is_open:
        machine.opens_again()
        return
    if len(machine.text) > 20_000:  # a text that grows for ever is no server's fault
        machine.do(machine.editor.change(machine.uri, 0, len(machine.text), BEFORE))
    choices = [
        lambda: machine.types(dice.random(), dice.randrange(7), dice.choice(["x", "\n", "# é\n", ""])),
        machine.saves,
        machine.closes,
        machine.starts_a_run,
        machine.cancels,
        lambda: machine.waits(dice.choice([0.0, 0.05, 0.4])),
    ]
    if machine.editor.buffers[machine.uri].undo:
        choices.append(machine.undoes)
    if machine.waiting():
        choices += [lambda: machine.accepts(dice.random() * 0.99, dice.random() < 0.5), lambda: machine.rejects(0.0)]
    dice.choice(choices)()
