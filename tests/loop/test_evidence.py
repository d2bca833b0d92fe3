"""What a green must show: the evidence that the baseline had, test for test, through the product's own service."""

from __future__ import annotations

from pathlib import Path

import pytest

from ralphd.core.run import RunResult
from ralphd.judging import stalling
from tests.support.patience import seconds
from tests.support.projects import code, write
from tests.support.service import drive

UNITTEST = ("python", "-m", "unittest", "-q")
ADD = {"calc.py": "def add(a, b):\n    return a - b\n"}
RIGHT = code("def add(a, b):\n    return a + b")
TEST = """
    from calc import add

    def test_add():
        assert add(1, 2) == 3

    def test_zero():
        assert add(0, 0) == 0
    """
CASES = """
    import unittest
    from calc import add

    class Add(unittest.TestCase):
        def test_add(self):
            self.assertEqual(add(1, 2), 3)

        def test_zero(self):
            self.assertEqual(add(0, 0), 0)
    """


async def ended(root: Path, files: dict[str, str], *answers: str, **given: object) -> RunResult:
    write(root, {**ADD, **files})
    given.setdefault("at", "return")
    given.setdefault("path", "calc.py")
    config = {"loop": {"critic": "never", "max_iterations": len(answers)}}
    run = await drive(root, {"artisan": list(answers)}, config=config, **given)  # type: ignore[arg-type]
    return run.result


async def test_pytest_without_a_problem(tmp_path: Path) -> None:
    result = await ended(tmp_path, {"test_calc.py": TEST}, RIGHT)
    assert result.outcome == "proposed", result.reason
    assert result.tests is not None and (result.tests.passed, result.tests.baseline_passed) == (2, 1)


async def test_unittest_reports_for_itself(tmp_path: Path) -> None:
    result = await ended(tmp_path, {"test_calc.py": CASES}, RIGHT, argv=UNITTEST)
    assert result.outcome == "proposed", result.reason
    assert result.tests is not None and (result.tests.passed, result.tests.baseline_passed) == (2, 1)


async def test_a_wrapped_unittest_reports_too(tmp_path: Path) -> None:
    files = {"test_calc.py": CASES, "run.sh": "python -m unittest -q\n"}
    result = await ended(tmp_path, files, RIGHT, argv=("sh", "run.sh"))
    assert result.outcome == "proposed", result.reason
    assert result.tests is not None and result.tests.passed == 2


@pytest.mark.parametrize("argv", [UNITTEST, ("sh", "run.sh")], ids=["direct", "wrapped"])
async def test_a_process_that_ends_early(tmp_path: Path, argv: tuple[str, ...]) -> None:
    files = {"test_calc.py": CASES, "run.sh": "python -m unittest -q\n"}
    leaves = "calc.py\n```python\nimport os\nos._exit(0)\n\n\ndef add(a, b):\n    return a - b\n```\n"
    result = await ended(tmp_path, files, leaves, argv=argv, at="")
    assert not result.edits, result.reason
    assert "report" in result.reason or "ended" in result.reason


async def test_zero_tests_of_unittest(tmp_path: Path) -> None:
    result = await ended(tmp_path, {}, RIGHT, argv=UNITTEST)
    assert result.outcome != "proposed" and not result.edits, result.reason


async def test_a_test_that_vanishes_is_named(tmp_path: Path) -> None:
    files = {
        "test_calc.py": "import calc\nfrom calc import add\n\nif calc.FULL:\n    def test_gone():\n        assert add(1, 2) == 3\n\ndef test_zero():\n    assert add(0, 0) == 0\n"
    }
    write(tmp_path, files)
    drops = "calc.py\n```python\nFULL = False\n\n\ndef add(a, b):\n    return a - b\n```\n"
    result = await ended(
        tmp_path, {**files, "calc.py": "FULL = True\n\n\ndef add(a, b):\n    return a - b\n"}, drops, at=""
    )
    assert not result.edits and "test_calc.py::test_gone" in result.reason, result.reason


@pytest.mark.slow
async def test_ids_that_change_are_compared_by_function_and_count(tmp_path: Path) -> None:
    files = {
        "test_calc.py": """
            import pytest
            from calc import add

            @pytest.mark.parametrize("a", [object(), object()], ids=repr)
            def test_add(a):
                assert add(1, 2) == 3
            """
    }
    result = await ended(tmp_path, files, RIGHT)
    assert result.outcome == "proposed", result.reason


@pytest.mark.slow
async def test_no_static_path_is_no_proof(tmp_path: Path) -> None:
    """The test starts the program as a process: a wrong answer that leaves it red proves nothing."""
    files = {
        "calc.py": "import sys\n\n\ndef add(a, b):\n    return a - b\n\n\nif __name__ == '__main__':\n    print(add(1, 2))\n",
        "tests/test_cli.py": """
            import subprocess, sys

            def test_cli():
                assert subprocess.run([sys.executable, "calc.py"], capture_output=True, text=True).stdout == "3\\n"

            def test_other():
                assert True
            """,
    }
    wrong = code("def add(a, b):\n    return a * b")
    result = await ended(tmp_path / "wrong", files, wrong)
    assert result.outcome == "proposed_unverified", result.reason
    assert "tests/test_cli.py::test_cli reaches the target is not known" in result.reason
    result = await ended(tmp_path / "right", files, RIGHT)
    assert result.outcome == "proposed", result.reason


@pytest.mark.slow
async def test_a_collection_error_reaches_the_artisan(tmp_path: Path) -> None:
    """One that a candidate can mend: the name is still to be written."""
    write(
        tmp_path,
        {
            **ADD,
            "test_calc.py": TEST,
            "test_more.py": "from calc import add, total\n\ndef test_b():\n    assert total\n",
        },
    )
    run = await drive(
        tmp_path,
        {"artisan": [code("def add(a, b):\n    return a * b"), RIGHT]},
        path="calc.py",
        at="return",
        config={"loop": {"critic": "never", "max_iterations": 2}},
    )
    assert "cannot import name 'total'" in "".join(message.content for message in run.gateway.requests[0].messages)


@pytest.mark.slow
async def test_a_hang_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run ends long before `testing.timeout_s`, and the Artisan is told which test hung."""
    monkeypatch.setattr(stalling, "LEAST_S", seconds(8))
    monkeypatch.setattr(stalling, "TIMES", 2)
    write(tmp_path, {**ADD, "test_calc.py": TEST})
    run = await drive(
        tmp_path,
        {"artisan": [code("def add(a, b):\n    while a:\n        pass\n    return a + b"), RIGHT]},
        path="calc.py",
        at="return",
    )
    assert (run.result.outcome, run.result.iterations) == ("proposed", 2), run.result.reason
    assert "test_calc.py::test_add was running" in run.gateway.requests[-1].messages[-1].content


NODE_CASES = """\
    const test = require("node:test");
    const assert = require("node:assert");
    const { add } = require("./calc.js");

    test("adds", () => assert.strictEqual(add(1, 2), 3));
    test("zero", () => assert.strictEqual(add(0, 0), 0));
    test("later", { todo: true }, () => assert.strictEqual(add(1, 1), 11));
    """


@pytest.mark.parametrize(
    "reporter",
    [
        pytest.param("", marks=pytest.mark.slow),
        " --test-reporter=spec",
        pytest.param(" --test-reporter=dot --test-reporter-destination=stdout", marks=pytest.mark.slow),
    ],
)
@pytest.mark.slow
async def test_node_keeps_the_persons_own_reporter(tmp_path: Path, reporter: str) -> None:
    """Ours is added beside it; a `todo` that fails is no failure."""
    files = {
        "calc.js": "function add(a, b) {\n  return a - b;\n}\n\nmodule.exports = { add };\n",
        "calc.test.js": NODE_CASES,
        "package.json": f'{{"name": "p", "scripts": {{"test": "node --test{reporter}"}}}}',
    }
    right = code("function add(a, b) {\n  return a + b;\n}", "javascript")
    result = await ended(tmp_path, files, right, path="calc.js", argv=("npm", "test"))
    assert result.outcome == "proposed", result.reason
    assert result.tests is not None and (result.tests.passed, result.tests.failed) == (3, 0)
    assert result.tests.control is not None and result.tests.control.first


@pytest.mark.slow
async def test_junit_xml_where_it_is_configured(tmp_path: Path) -> None:
    """A runner that we do not know; the report of an earlier run in the workspace is not taken for this one's."""
    script = """
        import os
        from calc import add

        cases = "".join(
            f'<testcase file="check.py" name="{a}">' + ("" if add(a, 1) == a + 1 else '<failure message="wrong"/>') + "</testcase>"
            for a in (0, 1)
        )
        if not os.path.exists("stop"):
            os.makedirs("out", exist_ok=True)
            with open("out/result-1.xml", "w") as file:
                file.write(f"<testsuite>{cases}</testsuite>")
        """
    old = '<testsuite><testcase file="check.py" name="0"/><testcase file="check.py" name="1"/></testsuite>'
    files = {"check.py": script, "out/result-1.xml": old}
    write(tmp_path, {**ADD, **files})
    stops = "calc.py\n```python\nopen('stop', 'w')\n\n\ndef add(a, b):\n    return a - b\n```\n"
    run = await drive(
        tmp_path,
        {"artisan": [stops, RIGHT.replace("```python", "calc.py\n```python")]},
        path="calc.py",
        argv=("python", "check.py"),
        instruction="Implement add.",
        config={"loop": {"max_iterations": 2}, "testing": {"junit": "out/result-*.xml"}},
    )
    assert run.result.outcome == "proposed", run.result.reason
    assert run.result.iterations == 2
    assert run.result.tests is not None and (run.result.tests.passed, run.result.tests.baseline_passed) == (2, 0)


async def test_a_missing_tool_costs_no_answer(tmp_path: Path) -> None:
    write(tmp_path, {**ADD, "run.sh": "no-such-runner --all\n"})
    run = await drive(tmp_path, {"artisan": [RIGHT]}, path="calc.py", at="return", argv=("sh", "run.sh"))
    assert run.result.outcome == "misconfigured" and "'no-such-runner'" in run.result.reason, run.result.reason
    assert not run.gateway.requests


@pytest.mark.slow
async def test_an_unrelated_red_test_of_node_does_not_stand_in_the_way(tmp_path: Path) -> None:
    files = {
        "calc.js": "function add(a, b) {\n  return a - b;\n}\n\nmodule.exports = { add };\n",
        "calc.test.js": NODE_CASES,
        "other.test.js": 'require("node:test")("red", () => { throw new Error("always"); });\n',
    }
    write(tmp_path, files)
    answers = [code(f"function add(a, b) {{\n  return {body};\n}}", "javascript") for body in ("a * b", "a + b")]
    run = await drive(
        tmp_path,
        {"artisan": answers},
        path="calc.js",
        at="return",
        argv=("node", "--test"),
        config={"loop": {"max_iterations": 2}, "testing": {"control": "first"}},
    )
    assert (run.result.outcome, run.result.iterations) == ("proposed", 2), run.result.reason
    assert "other.test.js::red" in run.result.reason


@pytest.mark.parametrize("argv", [("python", "-m", "pytest", "-q"), UNITTEST], ids=["pytest", "unittest"])
async def test_no_path_to_the_report_once_project_code_runs(tmp_path: Path, argv: tuple[str, ...]) -> None:
    """Not even in the block of the environment that the kernel shows of a process."""
    looks = """
        import os
        import unittest
        from calc import add

        SEEN = open("/proc/self/environ").read() + "".join(f"{name}={value} " for name, value in os.environ.items())

        class Add(unittest.TestCase):
            def test_add(self):
                self.assertEqual(add(1, 2), 3)

            def test_environment(self):
                self.assertNotIn("RALPHD_REPORT_DIR=", SEEN)
                self.assertIn("PYTHONPATH=", SEEN)
        """
    result = await ended(tmp_path, {"test_calc.py": looks}, RIGHT, argv=argv)
    assert result.outcome == "proposed", result.reason
    assert result.tests is not None and (result.tests.passed, result.tests.baseline_passed) == (2, 1)
