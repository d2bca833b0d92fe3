"""`go test` and `cargo test` on projects of a few files: their counts, wrong and right answers, no tests, a crash, a hang."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from ralphd.core import events
from ralphd.judging import stalling, workbench
from tests.support.patience import seconds
from tests.support.projects import write
from tests.support.service import Outcome, drive

_GO_TEST = """\
package calc

import "testing"

func TestZero(t *testing.T) {
	if got := Add(0, 0); got != 0 {
		t.Errorf("got %d, want 0", got)
	}
}

func TestAdds(t *testing.T) {
	if got := Add(1, 2); got != 3 {
		t.Errorf("got %d, want 3", got)
	}
}

func TestLater(t *testing.T) {
	t.Skip("later")
}
"""
_GO_OTHER = (
    'package other\n\nimport "testing"\n\nfunc TestOther(t *testing.T) {\n\tt.Error("red before and after")\n}\n'
)
_RUST = """\
pub fn add(a: i64, b: i64) -> i64 {
    a - b
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero() {
        assert_eq!(add(0, 0), 0);
    }

    #[test]
    fn adds() {
        assert_eq!(add(1, 2), 3);
    }

    #[test]
    #[ignore]
    fn later() {
        assert_eq!(add(1, 1), 11);
    }
}
"""


@dataclass(frozen=True)
class Project:
    files: dict[str, str]
    argv: tuple[str, ...]
    path: str
    by_hand: tuple[str, str, str]
    """Patterns that stand in the command's own output as often as tests passed, failed, were skipped."""
    body: str
    """The statement to replace."""
    hangs: str
    crash: tuple[str, str]
    """What is put before the function, and what its message says."""

    def answer(self, body: str, before: str = "") -> str:
        text = self.files[self.path].replace(self.body, body)
        first = text.index("func Add" if self.path.endswith(".go") else "pub fn add")
        return f"{self.path}\n```\n{text[:first]}{before}{text[first:]}```\n"


PROJECTS = {
    "go": Project(
        {"go.mod": "module example.com/calc\n\ngo 1.19\n", "calc.go": "package calc\n\nfunc Add(a, b int) int {\n\treturn a - b\n}\n",
         "calc_test.go": _GO_TEST, "other/other_test.go": _GO_OTHER},
        ("go", "test", "./..."),
        "calc.go",
        (r"^--- PASS", r"^--- FAIL: Test(?!Other)", r"^--- SKIP"),
        "return a - b",
        "for {\n\t}",
        ('func init() {\n\tpanic("boom")\n}\n\n', "boom"),
    ),
    "cargo": Project(
        {"Cargo.toml": '[package]\nname = "calc"\nversion = "0.1.0"\nedition = "2021"\n', "src/lib.rs": _RUST},
        ("cargo", "test"),
        "src/lib.rs",
        (r"\.\.\. ok", r"\.\.\. FAILED", r"\.\.\. ignored"),
        "a - b",
        "if b == 0 {\n        loop {}\n    }\n    a + b",
        ('const BOOM: () = panic!("boom");\n\n', "boom"),
    ),
}  # fmt: skip
every = pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=[pytest.mark.full, pytest.mark.skipif(shutil.which(n) is None, reason="not installed")]) for n in PROJECTS],
)  # fmt: skip


async def run(root: Path, project: Project, answers: Sequence[str], control: str = "first") -> Outcome:
    return await drive(
        root,
        {"artisan": answers},
        path=project.path,
        argv=project.argv,
        instruction="Implement it.",
        config={"loop": {"max_iterations": len(answers)}, "testing": {"control": control}},
    )


@every
async def test_counts_wrong_and_right(name: str, tmp_path: Path) -> None:
    project = PROJECTS[name]
    write(tmp_path, project.files)
    argv = [*project.argv[:2], *(["-v"] if name == "go" else []), *project.argv[2:]]
    hand = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True)
    by_hand = tuple(len(re.findall(pattern, hand.stdout, re.MULTILINE)) for pattern in project.by_hand)
    assert by_hand == (1, 1, 1), hand.stdout + hand.stderr
    outcome = await run(tmp_path, project, [project.answer("return a * b" if name == "go" else "a * b"), project.answer("return a + b" if name == "go" else "a + b")], "auto")  # fmt: skip
    elsewhere = 1 if name == "go" else 0
    shown = [(e.tests.passed, e.tests.failed, e.tests.skipped) for e in outcome.of(events.TestsEnded)]
    assert shown == [(1, 1 + elsewhere, 1), (1, 1 + elsewhere, 1), (2, elsewhere, 1)]
    assert outcome.result.outcome == "proposed", outcome.result.reason
    assert outcome.result.tests is not None and outcome.result.tests.control is not None
    assert outcome.result.tests.control.first
    if name == "go":
        assert outcome.result.tests.already_failing == ("example.com/calc/other.TestOther",)
        assert "do not reach the target" in outcome.result.reason


@pytest.mark.full
@pytest.mark.skipif(shutil.which("cargo") is None, reason="not installed")
async def test_a_red_test_of_another_module_does_not_stand_in_the_way(tmp_path: Path) -> None:
    project = PROJECTS["cargo"]
    other = "#[cfg(test)]\nmod tests {\n    #[test]\n    fn is_one() {\n        assert_eq!(2, 1);\n    }\n}\n"
    write(tmp_path, {**project.files, "src/lib.rs": f"mod other;\n\n{_RUST}", "src/other.rs": other})
    answers = [project.answer(body).replace("pub fn", "mod other;\n\npub fn", 1) for body in ("a * b", "a + b")]
    outcome = await run(tmp_path, project, answers)
    assert [event.green for event in outcome.of(events.TestsEnded)] == [False, False, True]
    assert outcome.result.outcome == "proposed", outcome.result.reason
    assert outcome.result.tests is not None
    assert outcome.result.tests.already_failing == ("other::tests::is_one",)
    assert "is_one" in outcome.result.reason and "adds" in outcome.gateway.requests[1].messages[-1].content


@pytest.mark.full
@pytest.mark.skipif(shutil.which("cargo") is None, reason="not installed")
async def test_cargo_behind_make(tmp_path: Path) -> None:
    project = replace(PROJECTS["cargo"], argv=("make", "-s", "test"))
    write(tmp_path, {**project.files, "Makefile": "test:\n\tcargo test\n"})
    outcome = await run(tmp_path, project, [project.answer("a * b"), project.answer("a + b")])
    shown = [(e.tests.passed, e.tests.failed, e.tests.skipped) for e in outcome.of(events.TestsEnded)]
    assert shown == [(1, 1, 1), (1, 1, 1), (2, 0, 1)]
    assert outcome.result.outcome == "proposed", outcome.result.reason
    assert "tests::adds" in outcome.gateway.requests[1].messages[-1].content


@every
async def test_no_tests_are_never_green(name: str, tmp_path: Path) -> None:
    project = PROJECTS[name]
    files = {path: text for path, text in project.files.items() if not path.endswith("_test.go")}
    if name == "cargo":
        files["src/lib.rs"] = files["src/lib.rs"].split("#[cfg(test)]")[0]
    write(tmp_path, files)
    outcome = await run(
        tmp_path, project, [f"{project.path}\n```\n{files[project.path].replace('a - b', 'a + b')}```\n"]
    )
    assert outcome.result.outcome not in ("proposed", "proposed_unverified"), outcome.result.reason


@every
async def test_crash_and_hang(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = PROJECTS[name]
    write(tmp_path, project.files)
    before, message = project.crash
    right = "return a + b" if name == "go" else "a + b"
    monkeypatch.setattr(stalling, "LEAST_S", seconds(15))
    monkeypatch.setattr(stalling, "TIMES", 1)
    outcome = await drive(
        tmp_path,
        {"artisan": [project.answer(right, before), project.answer(project.hangs), ""]},
        path=project.path,
        argv=project.argv,
        instruction="Implement it.",
        config={"loop": {"max_iterations": 3}, "testing": {"control": "first", "timeout_s": 3600}},
    )
    assert not any(event.green for event in outcome.of(events.TestsEnded))
    assert outcome.result.outcome not in ("proposed", "proposed_unverified"), outcome.result.reason
    assert message in outcome.gateway.requests[1].messages[-1].content
    told = outcome.gateway.requests[2].messages[-1].content
    named = ("calc.TestZero", "timed out") if name == "go" else ("tests::zero was running",)
    assert all(word in told for word in named), told


@pytest.mark.full
@pytest.mark.skipif(shutil.which("go") is None, reason="not installed")
async def test_builds_are_kept_and_no_candidate_adds_to_them(tmp_path: Path) -> None:
    """What the person's own code was built to is there in the next run; what a candidate was built to is not."""
    project = PROJECTS["go"]
    root, keys = tmp_path / "project", []
    write(root, project.files)
    seen = []
    original = workbench.Tester._env

    def env(self: workbench.Tester) -> dict[str, str]:
        assert self._go_cache is not None
        keys.append(self._go_cache)
        seen.append({path.name for path in self._go_cache.glob("??/*")})
        return original(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(workbench.Tester, "_env", env)
        for _ in range(2):
            outcome = await run(root, project, [project.answer("return a + b")])
            assert outcome.result.outcome == "proposed", outcome.result.reason
    assert len(set(keys)) == 1
    first, candidate, *_ = seen
    assert not first and candidate and all(one == candidate for one in seen[1:]), json.dumps([len(one) for one in seen])
