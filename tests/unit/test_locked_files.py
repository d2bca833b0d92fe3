"""What a model may not edit because the tests' verdict rests on it."""

from __future__ import annotations

import pytest

from ralphd.context.tree import ImportGraph, MemoryTree
from ralphd.judging.reports import Report, TestCase
from ralphd.judging.verdict import TestRun
from ralphd.phases.edit_permissions import refuse_path
from ralphd.phases.locked_files import used_by


def kind(path: str, *, used: frozenset[str] = frozenset(), new: bool = False, target: str = "src/app.py") -> str:
    refusal = refuse_path(path, locked=(), used=used, allowed=(), target=target, new=new)
    return refusal.kind if refusal else ""


@pytest.mark.parametrize(
    "path",
    ["check.test.js", "src/x.test.ts", "__tests__/a.js", "a/b/OrderTest.java", "x_test.go", "a/__snapshots__/x.snap", "jest.config.ts"],
)  # fmt: skip
def test_tests_by_their_names(path: str) -> None:
    assert kind(path) == "locked" and kind(path, target=path) == ""


def test_what_the_baseline_used() -> None:
    tree = MemoryTree(
        {
            "checks/all_of_it.py": "from checks import helpers\nimport app\n\ndef test_a(): pass\n",
            "checks/helpers.py": "X = 1\n",
            "checks/__init__.py": "",
            "app.py": "import lib\n",
            "lib.py": "",
            "run.sh": "python checks/script.py\n",
            "checks/script.py": "",
        }
    )
    name = "checks/all_of_it.py::test_a"
    baseline = TestRun(("sh", "./run.sh"), 1, report=Report({name: TestCase(name, "failed")}))
    used = used_by(baseline, tree, ImportGraph(tree), "app.py")
    assert {"checks/all_of_it.py", "checks/helpers.py", "run.sh", "checks/script.py"} <= used
    assert not {"app.py", "lib.py"} & used
    assert kind("checks/helpers.py", used=used) == "locked" and kind("CHECKS/helpers.py", used=used) == "locked"


@pytest.mark.parametrize("path", ["pytest.py", "_pytest/x.py", "json.py", "src/app/__init__.py", "checks/__init__.py"])
def test_new_files_that_shadow(path: str) -> None:
    used = frozenset({"checks/test_a.py"})
    assert kind(path, used=used, new=True) == "control" and kind(path, used=used) == ""


def test_other_new_files() -> None:
    assert kind("src/more.py", new=True) == "" and kind("pkg/json.py", new=True) == ""
