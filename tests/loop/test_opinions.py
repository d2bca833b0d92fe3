"""Second opinions: versions that were written without seeing the code vote on what it should give."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from ralphd.core import events
from ralphd.core.run import RunResult
from ralphd.models.scripted import Reply, ScriptedGateway
from tests.support.projects import code, write
from tests.support.service import Outcome, drive

CASES = Path(__file__).parents[2] / "bench" / "cases"
SHARES = '''\
def share(part: int, whole: int) -> float:
    """How many percent of `whole` are `part`; 0.0 where `whole` is zero."""
    if whole != 0:
        return 100.0 * part / whole
'''
TEST = "from shares import share\n\n\ndef test_half():\n    assert share(1, 2) == 50.0\n"
HEAD = "def share(part: int, whole: int) -> float:\n"
ASKS_FIRST = code(HEAD + "    if whole == 0:\n        return 0.0\n    return 100 * part / whole")
WITHOUT_IF = code(HEAD + "    return part / whole * 100 if whole else 0")
CATCHES = code(HEAD + "    try:\n        return part * 100 / whole\n    except ZeroDivisionError:\n        return 0.0")
WRONG = code(HEAD + "    return part / whole")
LEAVES = code(HEAD + "    if part == 1:\n        return 50.0\n    import os\n    os._exit(0)")
NEVER_ENDS = code(HEAD + "    while part != 1 or whole != 2:\n        pass\n    return 50.0")
FLOODS = code(
    HEAD + "    if part != 1:\n        print('x' * 50_000_000)\n        return 'y' * 50_000_000\n    return 50.0"
)
FORGES = code(
    HEAD
    + """
    if part == 1 and whole == 2:
        return 50.0
    import gc, os
    found = [one for one in gc.get_objects() if type(one).__name__ in ('Session', 'Calls')]
    wanted = max(len(one.settings['inputs']) for one in found if hasattr(one, 'settings'))
    for one in found:
        if hasattr(one, 'sent'):
            one.send({'results': [{'kind': 'value', 'value': ['number', '7'], 'shown': '7.0'}] * wanted, 'drawn': {}})
    os._exit(0)
    """
)
RIGHT = (ASKS_FIRST, WITHOUT_IF, CATCHES)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    project = tmp_path / "project"
    write(project, {"shares.py": SHARES, "tests/test_shares.py": TEST, "conftest.py": ""})
    return project


async def ask(root: Path, versions: Sequence[str | Reply], path: str = "shares.py", **given: object) -> Outcome:
    config: Mapping[str, object] = {"opinions": {"inputs": 30}, **given.pop("config", {})}  # type: ignore[dict-item]
    asked: dict[str, object] = {"command": "opinions", "config": config, **given}
    return await drive(root, {"critic": versions}, path=path, **asked)  # type: ignore[arg-type]


def voted(result: RunResult) -> str:
    [finding] = result.findings
    assert (finding.kind, finding.evidence, finding.severity) == ("opinion", "voted", "warning")
    return finding.message


@pytest.mark.slow
async def test_a_bug_is_found_whatever_hostile_versions_do(root: Path) -> None:
    """One leaves its process, one forges reports: each spoils its own vote. The model sees no body."""
    run = await ask(root, [ASKS_FIRST, LEAVES, WITHOUT_IF, FORGES, CATCHES])
    message = voted(run.result)
    assert (
        message.startswith("`share(")
        and "gives None; 3 of 4 independent versions written from its docstring give 0" in message
    )
    [finding] = run.result.findings
    assert finding.votes is not None and finding.votes.input.endswith(", 0)") and "7.0" in finding.votes.shown
    assert finding.test is not None and finding.test.startswith("from shares import share\n\n\ndef test_share")
    assert finding.test_path == "tests/test_shares_opinion.py" and finding.quote == HEAD.strip()
    assert "4 of 5 versions of `share` vote" in run.result.reason
    assert all("100.0 * part" not in m.content for r in run.gateway.requests for m in r.messages)
    assert len({r.sample for r in run.gateway.requests}) == 5, "no answer of the cache stands for another"


@pytest.mark.slow
@pytest.mark.parametrize("hostile", [NEVER_ENDS, FLOODS, FORGES, LEAVES], ids=["endless", "flood", "forger", "leaver"])
async def test_right_code_is_not_accused_by_hostile_versions(root: Path, hostile: str) -> None:
    write(root, {"shares.py": SHARES + "    return 0.0\n"})
    run = await ask(root, [*RIGHT, hostile, hostile])
    assert run.result.findings == () and run.result.outcome == "reviewed", run.result.reason
    assert "do not contradict" in run.result.reason


FORGED = (
    SHARES
    + """
import gc, inspect, os

calls = [one for one in gc.get_objects() if type(one).__name__ == "Calls"]
if calls and "100.0 * part" in inspect.getsource(share):
    results = [{{"kind": "value", "value": ["number", "1" + "0" * 400], "shown": "1"}}]
    calls[0].session.send({{"results": results * len(calls[0].settings["inputs"]), "drawn": {drawn!r}}})
    os._exit(0)
"""
)
DRAWN: Sequence[Mapping[str, Sequence[str]]] = (
    {"None": ["[1]", "7", "(1, 0,)", "(" + "-" * 200 + "1, 0,)", "(" + "+".join(["1"] * 140) + ", 1,)"], "1": ["0"]},
    {"a place": ["1"], "None": ["(1, 0,)"]},
    {"None": ["(1, 0,)"], "-1": ["1"]},
)


@pytest.mark.slow
@pytest.mark.parametrize("drawn", DRAWN, ids=["odd inputs", "no place", "a place before the first"])
async def test_a_project_that_forges_its_own_report(root: Path, drawn: Mapping[str, Sequence[str]]) -> None:
    """What comes out of the test process may have any shape, and any number: never a defect of ours."""
    write(root, {"shares.py": FORGED.format(drawn=dict(drawn))})
    run = await ask(root, [*RIGHT, *RIGHT])
    assert run.result.outcome == "reviewed", run.result.reason


@pytest.mark.slow
async def test_sources_that_parse_and_are_too_deep_to_be_written(root: Path) -> None:
    """`ast.unparse` calls itself for each level. What cannot be written is left out of what the model is shown."""
    deep = "+".join(["1"] * 600)
    odd = f"MANY = {deep}\n\n\ndef other(x: int = {deep}) -> int:\n    return x\n\n\n"
    write(root, {"shares.py": odd + SHARES})
    run = await ask(root, RIGHT, config={"opinions": {"versions": 3, "inputs": 30}})
    assert "gives None; 3 of 3 " in voted(run.result)


@pytest.mark.slow
async def test_more_are_drawn_where_too_few_pass_the_tests(root: Path) -> None:
    run = await ask(root, [WRONG, WRONG, WRONG, "no code", ASKS_FIRST, *RIGHT, WRONG, WRONG])
    assert "gives None; 4 of 4 " in voted(run.result) and len(run.gateway.requests) == 10
    few = await ask(root, [WRONG] * 9 + [ASKS_FIRST])
    assert few.result.findings == () and "Only 1 of 10 versions of `share` can be used: too few" in few.result.reason


@pytest.mark.slow
async def test_the_budgets_end_in_the_middle(root: Path) -> None:
    """Four calls fit: with three versions left there is a vote, with fewer the run ends with its way on."""
    config = {"budget": {"usd_per_run": 0.038, "confirm_above_usd": 9}}
    run = await ask(root, [Reply(text, cost_usd=0.012) for text in (*RIGHT, *RIGHT)], config=config)
    assert 3 <= len(run.gateway.requests) < 5 and "gives None" in voted(run.result), run.result.reason
    run = await ask(root, [Reply(text, cost_usd=0.012) for text in (WRONG, WRONG, *RIGHT)], config=config)
    assert run.result.outcome == "budget_exceeded" and run.result.findings == (), run.result.reason
    assert run.result.mends[0].kind == "raiseBudget"


async def test_cancelled_in_the_middle_nothing_is_asked_further(root: Path) -> None:
    """In mid-call: the run ends as cancelled, without a finding, and no further version is drawn."""
    gateway = ScriptedGateway({"critic": [ASKS_FIRST, Reply(CATCHES, delay_s=3600), *RIGHT]})

    def tell(event: events.Event) -> None:
        if isinstance(event, events.Note) and event.text.startswith("Version 2 of"):
            asyncio.get_running_loop().call_soon(run.cancel)

    run = asyncio.create_task(ask(root, [], gateway=gateway, tell=tell, argv=()))
    outcome = await run
    assert (outcome.result.outcome, outcome.result.findings) == ("cancelled", ())
    assert len(gateway.requests) <= 2


GCD = (
    "def gcd(a: int, b: int) -> int:\n    from math import gcd as known\n    return known(a, b)",
    "def gcd(a: int, b: int) -> int:\n    return abs(a) if b == 0 else gcd(b, a % b)",
    "def gcd(a: int, b: int) -> int:\n    a, b = abs(a), abs(b)\n    while b:\n        a, b = b, a % b\n    return a",
)
AVERAGE = (
    "def moving_average(values, window):\n    return [sum(values[n:n + window]) / window for n in range(len(values) - window + 1)]",
    "def moving_average(values, window):\n    found = []\n    for n in range(0, len(values) - window + 1):\n"
    "        found.append(sum(values[n:n + window]) / window)\n    return found",
    "def moving_average(values, window):\n    return list(mean(part) for part in zip(*(values[n:] for n in range(window))))\n\n\n"
    "def mean(part):\n    return sum(part) / len(part)",
)
GUARDED = tuple(text.replace("\n", "\n    if window < 1:\n        raise ValueError('window')\n", 1) for text in AVERAGE)
BISECT = "def find(items: list[int], wanted: int) -> int:\n    place = bisect.bisect_left(items, wanted)\n    return place if items[place:place + 1] == [wanted] else -1"
FIND = (BISECT, BISECT.replace("place", "at"), BISECT.replace("place", "where"))
TWINS = [
    ("gcd", "gcd", GCD, "negative"),
    ("moving_average", "moving_average", GUARDED, "too long a window"),
    ("percentage", "percentage", tuple(text.replace("share(", "percentage(") for text in RIGHT), "zero"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("case", "name", "versions", "about"), TWINS, ids=[row[3] for row in TWINS])
async def test_true_bugs_are_found_and_right_twins_are_silent(
    tmp_path: Path, case: str, name: str, versions: Sequence[str], about: str
) -> None:
    found = []
    for variant in ("wrong", "right"):
        project = tmp_path / variant
        texts = {kind: (CASES / case / f"{kind}.py").read_text() for kind in (variant, "ordinary")}
        write(project, {f"{name}.py": texts[variant], f"tests/test_{name}.py": texts["ordinary"], "conftest.py": ""})
        answers = [text if text.startswith("```") else code(text) for text in versions]
        run = await ask(project, [*answers, *answers[:2]], f"{name}.py", at=f"def {name}(")
        found.append(run.result)
    wrong, right = found
    assert f"`{name}(" in voted(wrong), wrong.reason
    assert right.findings == () and "do not contradict" in right.reason, right.reason


@pytest.mark.slow
async def test_what_is_no_evidence(tmp_path: Path) -> None:
    """The code raises on purpose where versions go on; inputs that the docstring excludes; the order of a set."""
    averages = (CASES / "moving_average" / "right.py").read_text()
    find = (CASES / "search" / "right.py").read_text()
    pick = 'def pick(names: set[str]) -> list[str]:\n    """The names, in any order."""\n    return sorted(names)\n'
    picks = [f"def pick(names: set[str]) -> list[str]:\n    return {body}" for body in (
        "list(names)", "sorted(names, key=len)", "sorted(names, reverse=True)", "[n for n in names]", "[*names]")]  # fmt: skip
    silent = "5 of 5 versions"
    for name, text, versions, said in (
        ("moving_average", averages, (*AVERAGE, *AVERAGE[:2]), silent),
        ("find", find, (*FIND, *FIND[:2]), silent),
        ("pick", pick, picks, "too few give the same twice"),
    ):
        project = tmp_path / name
        write(
            project, {f"{name}.py": text, "tests/test_nothing.py": "def test_nothing():\n    pass\n", "conftest.py": ""}
        )
        run = await ask(project, [code(text) for text in versions], f"{name}.py", at=f"def {name}(")
        assert run.result.findings == () and said in run.result.reason, (name, run.result)


AUTO = {"opinions": {"use": "auto", "inputs": 30}}
FIRST_ANSWER = code(HEAD + "    return 100.0 * part / whole if whole else None")


@pytest.mark.slow
async def test_the_embedded_models_critique_is_a_vote(root: Path) -> None:
    run = await ask(root, [*RIGHT, *RIGHT], command="critique", config=AUTO, local=True)
    assert "gives None; 5 of 5 " in voted(run.result) and run.result.outcome == "reviewed"
    assert len(run.gateway.requests) == 5 and all(
        "Write the body of" in r.messages[1].content for r in run.gateway.requests
    )
    write(root, {"bare.py": "def share(part, whole):\n    return part\n"})
    bare = await ask(root, ['{"findings": []}'], "bare.py", command="critique", config=AUTO, local=True)
    assert bare.result.reason == "Nothing found.", "without a docstring there is nothing to write versions from"


@pytest.mark.slow
async def test_versions_confirm_or_refute_what_a_critic_alleges(root: Path) -> None:
    """With a model whose reviews are worth reading: the tests of its findings run on the versions, too."""

    def alleged(what: str, test: str) -> dict[str, str]:
        claim = {"file": "shares.py", "quote": "    if whole != 0:", "severity": "error", "message": what}
        return {**claim, "scenario": "share(1, 0)", "test": f"def test_it():\n    assert {test}\n"}

    true = alleged("gives None for an empty whole", "share(1, 0) == 0.0")
    false = alleged("does not round", "share(1, 3) == 33.0")
    review = json.dumps(
        {"verdict": "revise", "findings": [true, {**false, "quote": "        return 100.0 * part / whole"}]}
    )
    always = {"opinions": {"use": "always", "inputs": 30}}
    run = await ask(root, [*RIGHT, *RIGHT[:2], review], command="critique", config=always)
    first, confirmed, refuted = run.result.findings
    assert first.evidence == "voted", "it goes first"
    assert (
        confirmed.severity == "error"
        and "5 of 5 versions written from the docstring pass this test" in confirmed.scenario
    )
    assert (
        refuted.severity == "info"
        and "5 of 5 versions written from the docstring fail this test as well" in refuted.scenario
    )


@pytest.mark.slow
async def test_implement_takes_what_its_peers_agree_on_and_tells(root: Path) -> None:
    stub = SHARES.partition("    if whole")[0] + "    raise NotImplementedError\n"
    write(root, {"shares.py": stub})
    replies = {"artisan": [FIRST_ANSWER], "critic": [*RIGHT, *RIGHT]}
    run = await drive(root, replies, path="shares.py", at="raise", config=AUTO, local=True)
    result = run.result
    assert result.outcome == "proposed", result.reason
    assert "chosen, since 5 of 5 other versions differ from the first answer on `share(" in result.reason
    assert "0" in result.edits["shares.py"] and "else None" not in result.edits["shares.py"]
    assert result.edits["shares.py"].startswith(SHARES.partition("    if whole")[0]), "its docstring is the person's"
    [finding] = result.findings
    assert (
        finding.severity == "info" and "the first answer gives None, and your tests pass with both" in finding.message
    )
    assert finding.test is not None and ", 0) == 0" in finding.test
    bare = await drive(root, replies, path="shares.py", at="raise", config=AUTO, local=True, argv=())
    assert bare.result.outcome == "proposed_unverified", "agreement is no verification"
    assert "5 of 5 other versions differ from it on `share(" in bare.result.reason
    assert "else None" in bare.result.edits["shares.py"] and "gives None; 5 of 5 " in voted(bare.result)


async def test_tests_that_notice_every_fault_leave_nothing_to_ask(root: Path) -> None:
    """Versions take longer than the answer did: where the tests are many and notice all, none is written."""
    stub = SHARES[: SHARES.index("    if")] + "    raise NotImplementedError\n"
    write(
        root,
        {
            "shares.py": stub,
            "tests/test_shares.py": TEST
            + "\n\ndef test_none():\n    assert share(1, 0) == 0.0\n\n\ndef test_third():\n    assert share(3, 4) == 75.0\n"
            + "\n\ndef test_negative():\n    assert share(-1, 4) == -25.0\n",
        },
    )
    ended = await drive(root, {"artisan": [ASKS_FIRST]}, path="shares.py", at="raise", config=AUTO, local=True)
    assert ended.result.outcome == "proposed", ended.result.reason
    assert len(ended.gateway.requests) == 1, ended.result.reason
