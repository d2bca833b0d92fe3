"""tox, nox and Django's own runner report for themselves, in environments that were made before the run."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from ralphd.core import events
from ralphd.judging import stalling
from tests.support import runner_installs
from tests.support.patience import seconds
from tests.support.projects import write
from tests.support.service import drive

CALC = "def add(a, b):\n    return a - b\n"
CASES = """\
    import unittest

    from calc import add


    class Add(unittest.TestCase):
        def test_adds(self):
            self.assertEqual(add(1, 2), 3)

        def test_zero(self):
            self.assertEqual(add(0, 0), 0)
    """
PROJECTS: dict[str, tuple[dict[str, str], tuple[str, ...]]] = {
    "tox": (
        {
            "tox.ini": "[tox]\nskipsdist = true\nenvlist = a\n[testenv]\nskip_install = true\n"
            "commands = python -m unittest -v\n"
        },
        ("tox",),
    ),
    "nox": (
        {
            "noxfile.py": "import nox\n\n\n@nox.session\ndef tests(session):\n    session.run('python', '-m', 'unittest')\n"
        },
        ("nox", "-R"),
    ),
    "django": (
        {
            "manage.py": "import os\nimport sys\n\nos.environ['DJANGO_SETTINGS_MODULE'] = 'own_settings'\n"
            "from django.core.management import execute_from_command_line\n\nexecute_from_command_line(sys.argv)\n",
            "own_settings.py": "SECRET_KEY = 'x'\nUSE_TZ = True\nINSTALLED_APPS: list[str] = []\n",
        },
        ("python", "manage.py", "test"),
    ),
}


def answer(body: str, before: str = "") -> str:
    return f"calc.py\n```python\n{before}def add(a, b):\n    {body}\n```\n"


@pytest.mark.full
@pytest.mark.parametrize("name", list(PROJECTS))
async def test_counts_wrong_and_right(name: str, tmp_path: Path) -> None:
    files, (program, *rest) = PROJECTS[name]
    write(tmp_path, {**files, "calc.py": CALC, "test_calc.py": CASES})
    argv = (str(runner_installs.python() / "bin" / program), *rest)
    hand = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True)
    assert "Ran 2 tests" in hand.stdout + hand.stderr and "failures=1" in hand.stdout + hand.stderr
    outcome = await drive(
        tmp_path,
        {"artisan": [answer("return a * b"), answer("return a + b")]},
        path="calc.py",
        argv=argv,
        instruction="Implement add.",
        config={"loop": {"max_iterations": 2}, "testing": {"control": "first"}},
    )
    shown = [(e.tests.passed, e.tests.failed, e.tests.errors) for e in outcome.of(events.TestsEnded)]
    assert shown == [(1, 1, 0), (1, 1, 0), (2, 0, 0)]
    assert outcome.result.outcome == "proposed", outcome.result.reason
    assert "AssertionError: 2 != 3" in outcome.gateway.requests[-1].messages[-1].content


@pytest.mark.full
@pytest.mark.parametrize("name", list(PROJECTS))
async def test_no_tests_crash_and_early_end_are_not_green(name: str, tmp_path: Path) -> None:
    files, (program, *rest) = PROJECTS[name]
    argv = (str(runner_installs.python() / "bin" / program), *rest)
    for tests in (CASES, "import calc\n"):
        root = tmp_path / str(len(tests))
        write(root, {**files, "calc.py": CALC, "test_calc.py": tests})
        subprocess.run(argv, cwd=root, capture_output=True)
        leaves = "import os\n\nos._exit(0)\n\n\n"
        answers = [answer("return a + b", "raise SystemError('boom')\n\n\n"), answer("return a + b", leaves)]
        outcome = await drive(
            root,
            {"artisan": [*answers, answer("return a + b")][: 2 if tests == CASES else 3]},
            path="calc.py",
            argv=argv,
            instruction="Implement add.",
            config={"loop": {"max_iterations": 2 if tests == CASES else 3}, "testing": {"control": "first"}},
        )
        assert outcome.result.outcome not in ("proposed", "proposed_unverified"), outcome.result.reason
        assert not any(event.green for event in outcome.of(events.TestsEnded)[1:])
        assert "boom" in outcome.gateway.requests[1].messages[-1].content


@pytest.mark.full
@pytest.mark.parametrize("name", ["unittest", "tox", "django"])
async def test_a_hang_names_its_test(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stalling, "LEAST_S", seconds(15))
    monkeypatch.setattr(stalling, "TIMES", 1)
    files, (program, *rest) = PROJECTS.get(name, ({}, ("python", "-m", "unittest")))
    write(tmp_path, {**files, "calc.py": CALC, "test_calc.py": CASES})
    argv = (str(runner_installs.python() / "bin" / program), *rest)
    subprocess.run(
        argv, cwd=tmp_path, capture_output=True
    )  # tox makes its environment, which a run without network cannot
    outcome = await drive(
        tmp_path,
        {"artisan": [answer("while b:\n        pass\n    return 0"), answer("return a + b")]},
        path="calc.py",
        argv=argv,
        instruction="Implement add.",
        config={"loop": {"max_iterations": 2}, "testing": {"control": "first"}},
    )
    assert outcome.result.outcome == "proposed", outcome.result.reason
    assert "test_calc.py::Add::test_adds was running" in outcome.gateway.requests[1].messages[-1].content
