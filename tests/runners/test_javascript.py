"""JavaScript test runners report for themselves, whatever starts them and whatever reporters the project has."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Sequence
from importlib import resources
from pathlib import Path

import pytest

from ralphd.core import events
from ralphd.judging import stalling
from tests.runners.table import RUNNERS, Runner
from tests.support import runner_installs
from tests.support.patience import seconds
from tests.support.projects import write
from tests.support.service import Outcome, drive

QUICK = {"node"}
"""Needs no installation: Node's own."""
ONE_TEST_FILE = {"tape"}
"""Is told which file to run."""
every_runner = pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in QUICK else pytest.mark.full) for name in RUNNERS]
)


def project(root: Path, name: str, tests: str = "") -> Runner:
    runner = RUNNERS[name]
    package = {"name": "p", "type": "module" if runner.module else "commonjs", **runner.package}
    write(root, {
        "package.json": json.dumps({**package, "scripts": {"test": runner.script}}),
        "calc.js": runner.source,
        runner.test_file: tests or runner.tests,
        **runner.files,
    })  # fmt: skip
    if name not in QUICK:
        runner_installs.javascript(root)
    return runner


async def run(root: Path, runner: Runner, answers: Sequence[str]) -> Outcome:
    return await drive(
        root,
        {"artisan": [f"calc.js\n```javascript\n{answer}```\n" for answer in answers]},
        path="calc.js",
        argv=runner.argv,
        instruction="Implement add.",
        config={"loop": {"max_iterations": len(answers)}, "testing": {"control": "first"}},
    )


@every_runner
async def test_counts_wrong_and_right(name: str, tmp_path: Path) -> None:
    """The counts are those of the same command run by hand; a wrong answer is told what failed; a right one is green."""
    runner = project(tmp_path, name)
    wrong, right = runner.target("return a * b;"), runner.target("return a + b;")
    outcome = await run(tmp_path, runner, [wrong, right])
    hand = subprocess.run(["npx", *runner.argv] if runner.argv[0] in ("yarn", "pnpm") else runner.argv, cwd=tmp_path, capture_output=True, text=True)  # fmt: skip
    printed = hand.stdout + hand.stderr
    found = [re.search(pattern, printed) for pattern in runner.by_hand]
    by_hand = tuple(int(match[1] or 1) if match else 0 for match in found)
    assert by_hand == (1, 1, 1) and runner.own_output in printed, printed
    baseline, first, last = (event.tests for event in outcome.of(events.TestsEnded))
    assert (baseline.passed, baseline.failed + baseline.errors, baseline.skipped) == by_hand
    assert (first.passed, first.failed, first.skipped) == (1, 1, 1)
    assert (last.passed, last.failed, last.skipped) == (2, 0, 1)
    assert outcome.result.outcome == "proposed", outcome.result.reason
    assert outcome.result.tests is not None and outcome.result.tests.control is not None
    told = outcome.gateway.requests[-1].messages[-1].content
    assert "1 test failing" in told and re.search(r"\b2\b[^\n]*\n*[^\n]*\b3\b|\b3\b[^\n]*\n*[^\n]*\b2\b", told), told


@every_runner
async def test_no_tests_are_never_green(name: str, tmp_path: Path) -> None:
    runner = project(tmp_path, name, tests=RUNNERS[name].empty)
    outcome = await run(tmp_path, runner, [runner.target("return a + b;")])
    assert outcome.result.outcome != "proposed" and not outcome.result.edits, outcome.result.reason


@pytest.mark.slow
@every_runner
async def test_crash_early_end_and_hang(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """None of them is green; the crash is told as it was reported, and the hang names where it was."""
    monkeypatch.setattr(stalling, "LEAST_S", seconds(15))
    monkeypatch.setattr(stalling, "TIMES", 1)
    runner = project(tmp_path, name)
    crash = runner.target("return a + b;", 'throw new Error("boom");\n')
    leaves = runner.target("return a + b;", "process.exit(0);\n")
    hangs = runner.target("while (b) {}\n  return a + b;")
    outcome = await run(tmp_path, runner, [crash, hangs, leaves])
    assert not any(event.green for event in outcome.of(events.TestsEnded))
    assert outcome.result.outcome not in ("proposed", "proposed_unverified"), outcome.result.reason
    assert "boom" in outcome.gateway.requests[1].messages[-1].content
    assert f"{runner.hung} was running" in outcome.gateway.requests[2].messages[-1].content


@every_runner
async def test_reach_is_measured(name: str, tmp_path: Path) -> None:
    """The baseline measures which test files load the target: a red test elsewhere is known not to reach it, also where
    it imports under a name that no graph of imports can follow, and the control leaves it out."""
    runner = project(tmp_path, name)
    other = runner.test_file.replace("calc", "other") if "calc" in runner.test_file else "other.test.js"
    write(tmp_path, {other: runner.tests.replace("add", "plus").replace("calc.js", "extra.js"), "extra.js": runner.source.replace("add", "plus")})  # fmt: skip
    outcome = await run(tmp_path, runner, [runner.target("return a + b;")])
    assert outcome.result.outcome == "proposed", outcome.result.reason
    alone = name not in ONE_TEST_FILE
    told = "do not reach the target" if alone else "2 tests passed"
    assert told in outcome.result.reason, outcome.result.reason
    assert outcome.result.tests is not None and outcome.result.tests.control is not None
    assert outcome.result.tests.control.first


_TARGET = "exports.mix = (a, b) => ((a ^ b) * 31 + (a >> 3)) | 0;\nexports.other = () => 1;\n"
_CALCULATES = """\
const settings = { root: __dirname, notes: `${__dirname}/notes`, target: `${__dirname}/calc.js` };
const reach = process.argv[3] === "with" ? require(process.argv[2]).measuring(settings) : null;
const { mix, other } = require("./calc.js");
const began = process.cpuUsage();
let x = 1;
for (let i = 0; i < 3e7; i += 1) x = mix(x, i);
const { user } = process.cpuUsage(began);
const seen = [];
for (const body of [other, () => 1, other, () => 1]) {
  reach?.begin();
  body();
  seen.push(reach?.entered());
}
console.log(JSON.stringify({ user, seen }));
process.exit();
"""


@pytest.mark.skipif(shutil.which("node") is None, reason="Node is not installed")
def test_measuring_reach_leaves_code_fast(tmp_path: Path) -> None:
    """Counting calls would take all optimization away: this calculation took 35 times as long. And a function that
    tests of a second file call is seen again."""
    write(tmp_path, {"calc.js": _TARGET, "calculates.js": _CALCULATES})
    plugin = str(resources.files("ralphd.judging").joinpath("runner_plugins", "node", "reach.cjs"))
    told = {}
    for mode in ("without", "with"):
        command = ["node", "calculates.js", plugin, mode]
        told[mode] = json.loads(
            subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
        )
    assert told["with"]["seen"] == [True, False, True, False]
    assert told["with"]["user"] < 12 * told["without"]["user"], told
