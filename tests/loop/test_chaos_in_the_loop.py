"""Hostile tests after green: a counterexample goes back to the Artisan, and the result says what was attacked and held."""

from __future__ import annotations

from pathlib import Path

import pytest

from ralphd.core import events
from ralphd.models.scripted import ScriptedGateway
from tests.support.projects import code, write
from tests.support.service import result_of

FIRST = code("""
    def clamp(x: int, low: int, high: int) -> int:
        return max(low, x)
    """)
SECOND = code("""
    def clamp(x: int, low: int, high: int) -> int:
        return max(low, min(x, high))
    """)
ATTACK = code('''
    from hypothesis import given, strategies as st
    from clamp import clamp

    @given(st.integers(), st.integers(0, 10))
    def test_not_above_high(x, high):
        """bounded: "or above `high`" """
        assert clamp(x, 0, high) <= high
    ''')
CONFIG = {
    "testing": {"command": ["python", "-m", "pytest", "-q", "-p", "no:cacheprovider"], "adversarial_tests": True},
    "chaos": {"max_examples": 30, "repeat": 1, "mutants": 2},
    "loop": {"critic": "never"},
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    source = 'def clamp(x: int, low: int, high: int) -> int:\n    """`x`, but never below `low` or above `high`."""\n    raise NotImplementedError\n'
    test = "from clamp import clamp\n\ndef test_low():\n    assert clamp(-1, 0, 9) == 0\n"
    write(root, {"clamp.py": source, "tests/test_clamp.py": test, "conftest.py": ""})
    return root


@pytest.mark.slow
async def test_a_counterexample_goes_back_and_what_held_is_said(project: Path) -> None:
    seen: list[events.Event] = []
    replies = {"artisan": [FIRST, SECOND], "chaos": [ATTACK, ATTACK]}
    result = await result_of(project, "clamp.py", replies, at="raise", config=CONFIG, tell=seen.append)
    assert (result.outcome, result.iterations) == ("proposed", 2), result.reason
    assert "min(x, high)" in result.edits["clamp.py"]
    assert result.chaos is not None and (result.chaos.counterexamples, result.chaos.admitted > 0) == (0, True)
    assert result.findings == () and "left open" not in result.reason, "what was dealt with is not left"
    assert "Chaos attacked `clamp`: " in result.reason and "0 counterexamples" in result.reason
    found = [e.finding for e in seen if isinstance(e, events.FindingAdded)]
    assert found and found[0].kind == "counterexample" and "x=" in found[0].message
    journal = Path(result.journal).read_text()
    assert "this was shown by a run" in journal
    assert set(result.edits) == {"clamp.py"}, "what the attack wrote stays in the attack"


@pytest.mark.slow
async def test_a_counterexample_that_stays_never_makes_a_green_run_red(project: Path) -> None:
    config = {**CONFIG, "loop": {"critic": "never", "critic_rounds": 1}}
    replies = {"artisan": [FIRST, FIRST], "chaos": [ATTACK, ATTACK]}
    result = await result_of(project, "clamp.py", replies, at="raise", config=config)
    assert result.outcome == "proposed", result.reason
    assert "left open" in result.reason and "1 counterexample;" in result.reason
    assert [f.kind for f in result.findings] == ["counterexample"]


@pytest.mark.slow
async def test_one_counterexample_is_shown_once_and_at_its_function(project: Path) -> None:
    """The code returns a wrong value, so no trace leads to a line of it."""
    source = '"""Bounds."""\n\nLIMIT = 3\n\n\n' + FIRST[10:-4]
    write(project, {"clamp.py": source})
    twice = (
        ATTACK.removesuffix("```\n") + "\n" + "\n".join(ATTACK.split("\n")[4:]).replace("def test_", "def test_again_")
    )
    config = {"chaos": {"max_examples": 30, "repeat": 1, "mutants": 0}}
    result = await result_of(project, "clamp.py", {"chaos": [twice]}, command="chaosTests", config=config)
    assert result.chaos is not None and result.chaos.counterexamples == 2, result.reason
    [finding] = result.findings
    assert source[finding.start : finding.end].startswith("def clamp(")


@pytest.mark.slow
async def test_a_model_that_fails_leaves_the_attack_out(project: Path) -> None:
    config = {**CONFIG, "chaos": {"max_examples": 10, "repeat": 1, "mutants": 0}}
    result = await result_of(project, "clamp.py", {"artisan": [SECOND], "chaos": []}, at="raise", config=config)
    assert result.outcome == "proposed" and "no answer number 1" in result.reason


SMALL = code('''
    @given(st.integers())
    def test_odd(x):
        """odd: "It is always odd." """
        assert clamp(x, 0, 5) != 5

    @given(st.integers())
    def test_same(x):
        """same: "never below `low` or above `high`" """
        assert clamp(x, 0, 5) == x

    @given(st.integers())
    def test_too_many(x):
        assert clamp(x, 0, 5) == 7
    ''')


@pytest.mark.slow
async def test_a_small_models_claims_are_not_taken_on_its_word(project: Path) -> None:
    """It is asked once, briefly; what it forgot is added; a wrong claim is no counterexample."""
    write(project, {"clamp.py": '"""`x`, but never below `low` or above `high`."""\n\n' + SECOND[10:-4]})
    gateway = ScriptedGateway({"chaos": [SMALL]}, local=True)
    config = {"chaos": {"max_examples": 30, "repeat": 1, "mutants": 0}}
    result = await result_of(project, "clamp.py", {}, command="chaosTests", config=config, gateway=gateway)
    assert result.chaos is not None and result.chaos.counterexamples == 0 and result.findings == ()
    assert result.chaos.dropped["claims what the code does not say"] == 1, result.reason
    assert result.chaos.dropped["most inputs break it"] == 1, result.reason
    [request] = gateway.requests
    assert request.max_tokens == 300 and "At most 2 tests" in request.messages[0].content
