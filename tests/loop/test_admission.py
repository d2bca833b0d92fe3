"""The gate in the real sandbox: hostile modules end in clear counts, good tests get in, real bugs become counterexamples."""

from __future__ import annotations

import asyncio
import hashlib
import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from ralphd.attack.admission import Admission
from ralphd.attack.gate import Subject, admit
from ralphd.attack.mutants import mutants
from ralphd.attack.sessions import GateSetup, probe
from ralphd.errors import Misconfigured
from ralphd.judging.commands import pytest_prefix
from ralphd.sandbox.environment import sandbox_environment
from ralphd.sandbox.isolation import detect
from ralphd.sandbox.shadow import ShadowPool
from ralphd.settings.schema import Settings

CODE = '''"""Numbers."""


def clamp(x: int, lo: int, hi: int) -> int:
    """x kept within lo and hi."""
    if x < lo:
        return lo
    if x > hi:
        return hi
    return x


def mean(xs: list[int]) -> float:
    """The mean of any list."""
    return sum(xs) / len(xs)


def picky(x: int) -> int:
    if x < 0:
        raise ValueError("not negative")
    return x


def rare(x: int) -> int:
    return 0 if x == 1_000_003 else x
'''
HEAD = "import os, time, socket, subprocess\nfrom hypothesis import assume, example, given, settings, strategies as st\nfrom pkg.calc import clamp, mean, picky, rare\n\n"
TEST = "tests/test_calc_chaos.py"


class Lab:
    """One project on disk, and the gate over it."""

    def __init__(self, folder: Path) -> None:
        self.root, self.folder = folder / "project", folder
        for name, text in {
            "pkg/__init__.py": "",
            "pkg/calc.py": CODE.replace("x < lo", "x <= lo"),  # the disk lags behind the editor: the overlay counts
            "tests/test_calc.py": "from pkg.calc import clamp\n\ndef test_clamp():\n    assert clamp(1, 2, 3) == 2\n",
            "conftest.py": "",
            "pytest.ini": "[pytest]\naddopts = -x -k nothing_of_this_name --strict-markers -p no:cacheprovider\nfilterwarnings = error\n",
        }.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
        self.outside = folder / "outside.txt"
        self.outside.write_text("mine", "utf-8")
        self.setting = GateSetup(
            (sys.executable, "-m", "pytest"), "pkg/calc.py", (1, CODE.count("\n") + 1), TEST, 100, folder / "reports"
        )

    def digest(self) -> dict[str, str]:
        files = [p for p in self.root.rglob("*") if p.is_file()] + [self.outside]
        return {str(p): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}

    async def pool(self) -> ShadowPool:
        settings = Settings()
        isolation = await detect(settings.sandbox.mode)
        if isolation.kind == "none":
            pytest.skip(isolation.detail)
        return ShadowPool(
            str(self.root),
            str(self.folder / "cache"),
            settings.sandbox,
            isolation,
            environment=sandbox_environment(os.environ),
        )

    def admit(
        self, tests: str, *, repeat: int = 2, timeout_s: float = 240, most: int = 6, head: str = HEAD
    ) -> Admission:
        async def go() -> Admission:
            pool = await self.pool()
            try:
                await probe(pool, self.setting, 60)
                subject = Subject(CODE, mutants(CODE, (0, CODE.index("def mean")), most))
                return await admit(pool, self.setting, subject, head + tests, repeat=repeat, timeout_s=timeout_s)
            finally:
                await pool.close()

        before = self.digest()
        result = asyncio.run(go())
        assert self.digest() == before, "something outside the shadow changed"
        assert result.generated == len(result.admitted) + len(result.counterexamples) + len(result.dropped)
        return result

    def probe(self, prefix: tuple[str, ...]) -> str:
        async def go() -> None:
            pool = await self.pool()
            try:
                await probe(pool, replace(self.setting, pytest=prefix), 60)
            finally:
                await pool.close()

        with pytest.raises(Misconfigured) as caught:
            asyncio.run(go())
        return str(caught.value)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    return Lab(tmp_path_factory.mktemp("chaos"))


def reasons(result: Admission) -> dict[str, str]:
    return {d.test: d.reason for d in result.dropped}


GOOD = '''
@given(st.integers(), st.integers(), st.integers())
def test_within(x, a, b):
    """within: "kept within lo and hi" """
    lo, hi = sorted((a, b))
    assert lo <= clamp(x, lo, hi) <= hi


@given(xs=st.lists(st.integers()))
def test_mean(xs):
    """any list has a mean: "of any list" """
    assert mean(xs) is not None


@settings(max_examples=100_000, derandomize=True)
@example(x=1_000_003)
@given(x=st.integers())
def test_rare(x):
    """identity"""
    assert rare(x) == x


def test_plain():
    """a constant"""
    assert mean([1, 2]) == 2


@given(st.integers())
def test_refused(x):
    assert picky(x) == x


@given(st.integers())
def test_asserts_nothing(x):
    clamp(x, 0, 1)


@given(st.integers())
def test_always(x):
    assert clamp(x, 0, 1) in (0, 1, x) or True


def test_false():
    assert 1 == 2


def test_wrong_call():
    assert clamp(1) == 1


def test_skipped():
    import pytest

    pytest.skip("later")


@given(st.integers())
def test_never(x):
    assume(False)


def test_fixture(no_such_fixture):
    assert clamp(1, 2, 3) == 2
'''


@pytest.fixture(scope="module")
def good(lab: Lab) -> Admission:
    return lab.admit(GOOD)


@pytest.mark.slow
def test_a_test_that_catches_faults_gets_in_with_what_it_kills(good: Admission) -> None:
    (admitted,) = good.admitted
    assert admitted.test == "test_within" and admitted.kills
    assert good.mutants == 6 and good.killed == len(admitted.kills)
    above = "".join(f"# kills: {kill}\n" for kill in admitted.kills[:3])
    assert f"\n\n\n{above}@given(st.integers(), st.integers(), st.integers())\ndef test_within" in good.module
    assert "test_mean" not in good.module and "socket" not in good.module
    compile(good.module, "x", "exec")


@pytest.mark.slow
def test_the_share_of_inputs_that_break_it_is_told(good: Admission) -> None:
    shares = {c.test: c.share for c in good.counterexamples}
    assert shares["test_plain"] == 0.0
    assert 0 < shares["test_mean"] < 0.5, shares


@pytest.mark.slow
def test_bugs_become_counterexamples_with_the_shrunk_input(good: Admission) -> None:
    found = {c.test: c for c in good.counterexamples}
    assert set(found) == {"test_mean", "test_rare", "test_plain"}
    mean = found["test_mean"]
    assert mean.input == "xs=[]" and mean.exception == "ZeroDivisionError: division by zero"
    assert mean.line == CODE[: CODE.index("return sum")].count("\n") + 1
    assert "pkg/calc.py:15 in mean: return sum(xs) / len(xs)" in mean.trace and mean.claim.startswith(
        "any list has a mean"
    )
    assert "@example(xs=[])" in mean.pinned and "test_rare" not in mean.pinned
    assert found["test_rare"].input == "x=1000003"
    assert found["test_plain"].input == "assert mean([1, 2]) == 2"


@pytest.mark.slow
def test_the_others_are_dropped_for_the_reason_that_is_true(good: Admission) -> None:
    assert reasons(good) == {
        "test_refused": "fails for another reason",
        "test_asserts_nothing": "kills nothing",
        "test_always": "kills nothing",
        "test_false": "fails for another reason",
        "test_wrong_call": "fails for another reason",
        "test_skipped": "kills nothing",
        "test_never": "fails for another reason",
        "test_fixture": "fails for another reason",
    }  # test_asserts_nothing: no fault of `clamp` raises
    details = {d.test: d.detail for d in good.dropped}
    assert "on purpose" in details["test_refused"] and "never enters" in details["test_false"]
    assert good.report().to_json()["dropped"] == {"fails for another reason": 5, "kills nothing": 3}


HOSTILE = """
def test_imports_network():
    socket.create_connection(("127.0.0.1", 9), 1)


def test_hidden_network():
    __import__("so" + "cket").create_connection(("127.0.0.1", 9), 1)


def test_writes_files():
    for place in (OUTSIDE, os.path.expanduser("~/.profile")):
        try:
            with open(place, "a") as out:
                out.write("x")
        except OSError:
            pass
    assert clamp(1, 2, 3) == 2


def test_edits_the_source():
    import pkg.calc

    with open(pkg.calc.__file__, "w") as out:
        out.write("def clamp(*a): return 2\\n")


def test_deletes():
    os.remove("conftest.py")


def test_forks():
    if os.fork() == 0:
        assert clamp(1, 2, 3) == 2


def test_starts():
    os.system("true")


def test_subprocess():
    subprocess.run(["true"])


def test_kills_the_process():
    os._exit(0)


def test_loops():
    while True:
        clamp(1, 2, 3)


def test_random():
    assert hash("b") % 2 == clamp(0, 0, 1)  # the hash seed differs from run to run: 0, 1, 0


def test_may_use_the_temporary_folder(tmp_path):
    (tmp_path / "x").write_text("x")
    assert clamp(1, 2, 3) == 2 and clamp(4, 2, 3) == 3 and clamp(2, 2, 3) == 2
"""


@pytest.mark.slow
def test_a_hostile_module_ends_in_clear_counts(lab: Lab) -> None:
    result = lab.admit(HOSTILE.replace("OUTSIDE", repr(str(lab.outside))), most=3)
    said = reasons(result)
    assert said.pop("test_random") == "flaky"
    assert said == {
        "test_imports_network": "touches the network",
        "test_hidden_network": "touches the network",
        "test_writes_files": "writes files",
        "test_edits_the_source": "writes files",
        "test_deletes": "writes files",
        "test_forks": "starts a process",
        "test_starts": "starts a process",
        "test_subprocess": "starts a process",
        "test_kills_the_process": "crashes",
        "test_loops": "time-out",
    }
    assert [a.test for a in result.admitted] == ["test_may_use_the_temporary_folder"]


@pytest.mark.parametrize(
    ("module", "reason", "count"),
    [
        ("def test_a(:\n    pass\ndef test_b(): pass\n", "does not collect", 2),
        ("Here are the tests:", "does not collect", 1),
        ("from pkg.calc import missing\ndef test_a():\n    missing()\n", "import error", 1),
        ("1 / 0\ndef test_a(): pass\n", "does not collect", 1),
        ("open('pkg/calc.py', 'w')\ndef test_a(): pass\n", "writes files", 1),
        ("import os\nos._exit(0)\ndef test_a(): pass\n", "does not collect", 1),
        ("x = 1\n", "does not collect", 1),
    ],
)
def test_modules_that_do_not_get_as_far_as_a_test(lab: Lab, module: str, reason: str, count: int) -> None:
    result = lab.admit(module, head="", most=0)
    assert result.report().to_json()["dropped"] == {reason: count} and not result.module


@pytest.mark.slow
def test_the_time_limit_holds_for_everything(lab: Lab) -> None:
    loop_on_import = "while True: pass\ndef test_a(): pass\n"
    assert set(reasons(lab.admit(loop_on_import, head="", timeout_s=8)).values()) == {"time-out"}


def test_what_is_missing_is_said_with_the_line_that_installs_it(lab: Lab, tmp_path: Path) -> None:
    bare = Lab(tmp_path)
    (bare.root / "hypothesis.py").write_text("raise ImportError('not here')\n", "utf-8")
    assert f"{sys.executable} -m pip install hypothesis" in bare.probe((sys.executable, "-m", "pytest"))
    assert "pip install pytest hypothesis" in bare.probe(("no-such-python", "-m", "pytest"))


def test_the_command_names_the_environment() -> None:
    assert pytest_prefix(["uv", "run", "pytest", "-q", "tests"]) == ("uv", "run", "pytest")
    assert pytest_prefix([".venv/bin/python", "-m", "pytest", "-x"]) == (".venv/bin/python", "-m", "pytest")
    assert pytest_prefix(["make", "test"]) == ("python", "-m", "pytest")
