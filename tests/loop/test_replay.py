"""A run's journal is the run: replayed, it reaches the same outcome without a model or a process. No secret is in it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from ralphd.app import build_service
from ralphd.core import events
from ralphd.models.scripted import ScriptedGateway
from ralphd.runs.replay import replay
from tests.loop.test_implement import RIGHT, SLUG, WRONG
from tests.support.projects import code, write
from tests.support.service import result_of

KEY = "sk-proj-" + "a1B2" * 10


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    write(root, SLUG)
    return root


async def test_same_outcome_offline(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    review = json.dumps(
        {
            "verdict": "revise",
            "findings": [
                {
                    "path": "slug.py",
                    "quote": "return",
                    "message": "m",
                    "scenario": "s",
                    "test": "def test_x():\n    assert slug('a') == 'a'\n",
                }
            ],
        }
    )
    first = await result_of(
        project,
        "slug.py",
        {"artisan": [f"my key is {KEY}", WRONG, RIGHT], "critic": [review]},
        at="raise",
        config={"loop": {"critic": "after"}},
    )
    assert first.outcome == "proposed" and first.iterations == 2, first.reason
    journal = Path(first.journal)
    assert journal.stat().st_mode & 0o777 == 0o600
    assert KEY not in journal.read_text()
    (project / "slug.py").unlink()
    monkeypatch.setenv("PATH", "/nonexistent")
    seen: list[events.Event] = []
    again, then = await replay(journal, seen.append)
    assert (again.outcome, then, again.iterations) == ("proposed", "proposed", 2)
    assert dict(again.edits) == dict(first.edits)
    assert again.tests is not None and first.tests is not None and again.tests.passed == first.tests.passed


@pytest.mark.slow
async def test_chaos_counterexample_and_admitted_test(project: Path) -> None:
    write(
        project,
        {
            "clamp.py": 'def clamp(x: int, low: int, high: int) -> int:\n    """`x`, but never below `low` or above `high`."""\n    if x < low:\n        return low\n    return x\n'
        },
    )
    module = code('''
        from hypothesis import given, strategies as st
        from clamp import clamp

        @given(st.integers(), st.integers(0, 10))
        def test_not_above_high(x, high):
            """bounded: "never below `low` or above `high`" """
            assert clamp(x, 0, high) <= high

        @given(st.integers())
        def test_not_below_low(x):
            """bounded: "never below `low`" """
            assert clamp(x, 0, 10) >= 0
        ''')
    result = await result_of(
        project,
        "clamp.py",
        {"chaos": [module]},
        command="chaosTests",
        at="if x",
        config={"chaos": {"max_examples": 30, "repeat": 1, "mutants": 2}},
    )
    assert result.outcome == "tests_proposed", result.reason
    assert result.chaos is not None and result.chaos.counterexamples >= 1 and result.chaos.admitted >= 1
    finding = next(f for f in result.findings if f.kind == "counterexample")
    assert (
        finding.severity == "error"
        and "x=" in finding.message
        and finding.test
        and finding.test_path.startswith("tests/")
    )
    [(path, text)] = result.edits.items()
    assert path == "tests/test_clamp_chaos.py" and "kills:" in text and "test_not_above_high" not in text
    assert not (project / path).exists()
    again, then = await replay(Path(result.journal), lambda event: None)
    assert (again.outcome, then) == ("tests_proposed", "tests_proposed")
    engine = build_service(dict(os.environ))
    await engine.dismiss(str(project), finding.fingerprint, finding.message)
    await engine.close()
    config = {"chaos": {"max_examples": 30, "repeat": 1, "mutants": 0}}
    after = await result_of(project, "clamp.py", {"chaos": [module]}, command="chaosTests", at="if x", config=config)
    assert after.chaos is not None and after.chaos.counterexamples == result.chaos.counterexamples, after.reason
    assert [f.fingerprint for f in after.findings] == [
        f.fingerprint for f in result.findings if f.fingerprint != finding.fingerprint
    ]
    assert "1 dismissed before, not shown again." in after.reason


async def test_fix_runs_with_the_pinned_test(project: Path) -> None:
    write(
        project,
        {
            "half.py": "def half(x):\n    return x // 2\n",
            "tests/test_half.py": "from half import half\n\ndef test_even():\n    assert half(4) == 2\n",
        },
    )
    from ralphd.core.findings import Finding

    finding = Finding("half.py", "return x // 2", 17, 30, "counterexample", "error", "x=3 breaks: halves", "AssertionError", "confirmed",
                      test="from half import half\n\ndef test_odd():\n    assert half(3) == 1.5\n", test_path="tests/test_half_odd.py")  # fmt: skip
    gateway = ScriptedGateway({"artisan": [code("def half(x):\n    return x / 2")]})
    result = await result_of(project, "half.py", {}, command="fix", at="return", gateway=gateway, findings=(finding,))
    assert result.outcome == "proposed" and result.tests is not None and result.tests.passed == 2, result.reason
    assert "test_odd" in gateway.requests[0].messages[1].content
    assert list(result.edits) == ["half.py"]


async def test_the_budget_ends_a_run_before_it_is_passed(project: Path) -> None:
    from ralphd.models.gateway import ResolvedModel

    dear = ResolvedModel(
        model="dear",
        provider="x",
        max_output_tokens=8000,
        input_usd_per_token=1e-4,
        output_usd_per_token=1e-3,
    )
    gateway = ScriptedGateway({"artisan": [WRONG, RIGHT]}, info=dear)
    result = await result_of(
        project, "slug.py", {}, at="raise", gateway=gateway, config={"budget": {"usd_per_run": 0.5}}
    )
    assert result.outcome == "budget_exceeded" and gateway.requests == [], result.reason
    unknown = ResolvedModel(model="unknown", provider="x")
    gateway = ScriptedGateway({"artisan": [RIGHT]}, info=unknown)
    result = await result_of(
        project, "slug.py", {}, at="raise", gateway=gateway, config={"budget": {"unpriced": "refuse"}}
    )
    assert result.outcome == "budget_exceeded" and gateway.requests == []
