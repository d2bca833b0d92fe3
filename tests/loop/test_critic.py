"""The Critic against hostile and careless answers: only what stands in the file and was said plainly is shown."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ralphd.answers.review import RawFinding
from ralphd.core import events
from ralphd.models.gateway import Completion, CompletionRequest, Delta, OnEvent, ignore_event
from ralphd.models.scripted import ScriptedGateway
from ralphd.phases.critic import anchor, select
from tests.support.projects import code, tree, write
from tests.support.service import Outcome, drive

CLAMP = "def clamp(x, low, high):\n    if x < low:\n        return low\n    return x\n"
PASSING = code("""
    def clamp(x, low, high):
        return max(low, min(x, high))
    """)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    test = "from clamp import clamp\n\ndef test_low():\n    assert clamp(-1, 0, 9) == 0\n"
    write(root, {"clamp.py": CLAMP, "lib/other.py": "return x\n", "tests/test_clamp.py": test, "conftest.py": ""})
    return root


def finding(**keys: Any) -> dict[str, Any]:
    given = {"path": "clamp.py", "quote": "    return x", "kind": "logic", "severity": "error"}
    return {**given, "message": "High is ignored.", "scenario": "clamp(10, 0, 9) -> 10", **keys}


def answer(*findings: object) -> str:
    return json.dumps({"verdict": "revise" if findings else "pass", "findings": list(findings)})


def test(body: str) -> str:
    return f"from clamp import clamp\n\ndef test_it():\n    {body}\n"


test.__test__ = False  # type: ignore[attr-defined]


async def critique(project: Path, *answers: str, config: Mapping[str, Any] | None = None) -> Outcome:
    before = tree(project)
    run = await drive(project, {"critic": answers}, path="clamp.py", command="critique", config=config)
    assert tree(project) == before and run.result.edits == {}
    return run


async def test_a_run_decides_what_is_believed(project: Path) -> None:
    """Fails on the code: confirmed, an error. Passes: refuted. Cannot run, or says nothing of the code: quoted."""
    run = await critique(
        project,
        answer(
            finding(test=test("assert clamp(10, 0, 9) == 9")),
            finding(kind="edge-case", quote="return low", test=test("assert clamp(-1, 0, 9) == 0")),
            finding(kind="api", test="def test_it(:\n"),
            finding(kind="style", test=test("assert no_such_name")),
            finding(kind="security", test=test("import os; os._exit(3)")),
        ),
    )
    assert run.result.outcome == "reviewed", run.result.reason
    shown = {f.kind: (f.evidence, f.severity) for f in run.result.findings}
    assert shown == {
        "logic": ("confirmed", "error"),
        "api": ("quoted", "warning"),
        "style": ("quoted", "warning"),
        "security": ("quoted", "warning"),
    }
    assert "1 confirmed" in run.result.reason and "1 refuted" in run.result.reason
    confirmed = next(f for f in run.result.findings if f.kind == "logic")
    assert CLAMP[confirmed.start : confirmed.end] == confirmed.quote == "return x"
    assert confirmed.test_path.startswith("tests/test_clamp_")


async def test_a_test_that_hangs_is_no_evidence(project: Path) -> None:
    hang = test("while True: pass")
    run = await critique(project, answer(finding(test=hang)), config={"testing": {"timeout_s": 3.0}})
    assert [f.evidence for f in run.result.findings] == ["quoted"]


class Halting(ScriptedGateway):
    """Stops in the middle of its answer until the first finding was shown."""

    shown: asyncio.Event

    async def complete(self, request: CompletionRequest, on_event: OnEvent = ignore_event) -> Completion:
        text = str(self.replies["critic"][0])
        half = text.index("High is missed.")
        on_event(Delta(attempt=1, text=text[:half]))
        await asyncio.wait_for(self.shown.wait(), 10)
        on_event(Delta(attempt=1, text=text[half:]))
        return Completion(text=text, model="m", provider="p")


async def test_findings_are_shown_as_they_are_read(project: Path) -> None:
    said = answer(finding(), finding(kind="api", quote="return low", message="High is missed."))
    gateway = Halting({"critic": [said]})
    gateway.shown = asyncio.Event()

    def first(event: events.Event) -> None:
        if isinstance(event, events.FindingAdded):
            gateway.shown.set()

    run = await drive(project, {}, path="clamp.py", command="critique", gateway=gateway, tell=first)
    assert [e.finding.kind for e in run.of(events.FindingAdded)] == ["logic", "api"]
    assert run.result.outcome == "reviewed" and len(run.result.findings) == 2


@pytest.mark.parametrize("at", ["if x < low", (CLAMP.index("if x"), CLAMP.index("    return x"))])
async def test_a_symbol_or_a_selection_is_what_is_reviewed(project: Path, at: str | tuple[int, int]) -> None:
    (project / "clamp.py").write_text(CLAMP + "\n\ndef beside():\n    return 'beside'\n")
    run = await drive(project, {"critic": [answer()]}, path="clamp.py", command="critique", at=at)
    asked = run.gateway.requests[0].messages[-1].content
    material = asked[asked.rindex("Review ") :]
    assert "return low" in material and "def beside" not in material
    assert ("`clamp`" in material) if isinstance(at, str) else ("the selected lines 2-3" in material)


@pytest.mark.parametrize(
    "bad",
    [
        "Looks good to me!",
        '{"verdict": "revise", "findings": [',
        "",
        "```json\n[]\n```",
        '{"findings": 1}',
        "\x1b]0;owned\x07",
    ],
)
async def test_what_cannot_be_read_is_asked_again_once(project: Path, bad: str) -> None:
    good = await critique(project, bad, answer(finding()))
    assert good.result.outcome == "reviewed" and len(good.result.findings) == 1
    assert "exactly one JSON object" in str(good.gateway.requests[1].messages[-1].content) or "list" in str(
        good.gateway.requests[1].messages[-1].content
    )
    twice = await critique(project, bad, bad)
    assert twice.result.outcome == "stuck" and "could not be read" in twice.result.reason
    assert len(twice.gateway.requests) == 2


async def test_a_small_models_word_alone_is_a_hint(project: Path) -> None:
    proven = finding(kind="api", quote="return low", test=test("assert clamp(10, 0, 9) == 9"))
    run = await drive(project, {"critic": [answer(finding(), proven)]}, path="clamp.py", command="critique", local=True)
    assert {f.kind: (f.evidence, f.severity) for f in run.result.findings} == {
        "logic": ("quoted", "info"),
        "api": ("confirmed", "error"),
    }
    assert run.result.reason.endswith("what no run confirmed is a hint.")
    assert run.gateway.requests[0].max_tokens == 300


async def test_two_hundred_findings_are_five(project: Path) -> None:
    kinds = ("style", "api", "performance", "logic")
    many = [
        finding(
            kind=kinds[n % 4], quote=("return low", "return x", "if x < low:")[n % 3], severity="info", message=f"m{n}"
        )
        for n in range(199)
    ]
    run = await critique(project, answer(*many, finding(kind="security", severity="error", message="the worst")))
    assert len(run.result.findings) == 5
    assert run.result.findings[0].message == "the worst"
    assert len(run.of(events.FindingAdded)) <= 10
    assert "195 not shown" in run.result.reason


async def test_what_is_not_in_the_file_is_dropped(project: Path) -> None:
    run = await critique(
        project,
        answer(
            finding(quote="return high"),
            finding(quote="\n\n"),
            finding(quote=""),
            finding(path="lib/other.py"),
            finding(path="lib/clamp.py"),
            finding(path="../clamp.py"),
            finding(path="/etc/clamp.py"),
            finding(scenario=""),
            finding(message="\u200b\x1b[0m"),
            {"quote": "return x"},
            None,
        ),
    )
    assert run.result.outcome == "reviewed" and run.result.findings == ()
    assert run.result.reason.startswith("Nothing found.")


@pytest.mark.row("O2")
async def test_messages_are_plain_text(project: Path) -> None:
    hostile = finding(
        message="\x1b[2J\x1b]8;;http://e.vil\x07Click\x1b]8;;\x07 [here](command:evil?x) <img src=x onerror=a()>\u202e!",
        scenario="![x](http://e.vil/p.png)" + "y" * 5000,
        fix="<script>alert(1)</script>\n\n# Title",
    )
    run = await critique(project, answer(hostile))
    (shown,) = run.result.findings
    assert shown.message == "Click here !"
    assert shown.scenario.startswith("xyyy") and len(shown.scenario) <= 600
    assert shown.fix == "alert(1) # Title"


@pytest.mark.slow
async def test_only_what_a_run_confirmed_sends_the_artisan_back(project: Path) -> None:
    first = code("""
        def clamp(x, low, high):
            return max(low, x)
        """)
    confirmed = finding(quote="return max(low, x)", test=test("assert clamp(10, 0, 9) == 9"))
    opinion = finding(quote="max(low, min(x, high))", message="I would rename it.", severity="error")
    run = await drive(
        project,
        {"artisan": [first, PASSING], "critic": [answer(confirmed), answer(opinion)]},
        path="clamp.py",
        at="if x",
        instruction="clamp both ends",
        config={"loop": {"critic": "after"}, "critic": {"confirm": True}},
    )
    assert run.result.outcome == "proposed", run.result.reason
    assert [r.role for r in run.gateway.requests] == ["artisan", "critic", "artisan", "critic"]
    assert "clamp(10, 0, 9)" in run.gateway.requests[2].messages[-1].content
    assert [f.evidence for f in run.result.findings] == ["quoted"]


def raw(**keys: Any) -> RawFinding:
    return RawFinding(**{"path": "src/a.py", "quote": "x = 1", "kind": "logic", "severity": "error",
                         "message": "m", "scenario": "s", **keys})  # fmt: skip


@pytest.mark.parametrize("path", ["src/a.py", "a.py", "", "./src/a.py"])
def test_the_same_file_by_other_names(path: str) -> None:
    assert anchor(raw(path=path.removeprefix("./")), "src/a.py", "x = 1\n") is not None


@pytest.mark.parametrize("path", ["lib/a.py", "b.py", "src/a.pyi", "rc/a.py", "../a.py", "/src/a.py"])
def test_another_file_of_the_same_name(path: str) -> None:
    assert anchor(raw(path=path), "src/a.py", "x = 1\n") is None


def test_dismissed_and_repeated_findings_are_left_out() -> None:
    text = "x = 1\ny = 2\n"
    (kept,) = select([raw(), raw(message="again"), raw(quote=" x  = 1".replace("  ", " "))], "src/a.py", text, 5, ())
    assert select([raw()], "src/a.py", text, 5, {kept.fingerprint}) == ()
    moved = select([raw()], "src/a.py", "# new\n" + text, 5, ())
    assert moved[0].fingerprint == kept.fingerprint and moved[0].start == kept.start + 6
