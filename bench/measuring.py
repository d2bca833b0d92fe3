"""What the measures share: rows of the table, CPU time, memory and children of a process, private folders, a project.

It knows the operating system (Linux' /proc) and nothing of ralphd but how its server is started.
"""

from __future__ import annotations

import math
import os
import sys
import tempfile
import textwrap
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
BENCH = ROOT / "bench"
PYTEST = ("python", "-m", "pytest", "-q", "-p", "no:cacheprovider")
SERVER = (sys.executable, "-m", "ralphd", "serve")
BARE = (sys.executable, str(BENCH / "bare_server.py"))
Json = dict[str, Any]


@dataclass(frozen=True)
class Row:
    """`ours` beside `peer`, both of this run. `aim` bounds the ratio, `ceiling` bounds `ours`; None: nothing was promised."""

    measure: str
    ours: float
    peer: float
    unit: str
    against: str
    aim: float | None = None
    ceiling: float | None = None
    floor: float = 0.0
    """A difference of `ours` and `peer` below this is no difference: the smallest that such a measure can tell."""

    @property
    def ratio(self) -> float:
        return self.ours / self.peer if self.peer else math.inf

    @property
    def met(self) -> bool | None:
        if self.aim is None and self.ceiling is None:
            return None
        near = abs(self.ours - self.peer) <= self.floor
        return (self.aim is None or near or self.ratio <= self.aim) and (
            self.ceiling is None or self.ours <= self.ceiling
        )


def median(values: Sequence[float]) -> float:
    return percentile(values, 50)


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that `percent` of them do not pass."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def cpu_s(pid: int) -> float:
    """CPU seconds of a process so far, all its threads, without its children; nanoseconds, where /proc has ticks."""
    return time.clock_gettime((~pid << 3) | 2)  # CPUCLOCK_SCHED of that process, as clock_getcpuclockid(3) makes it


def memory_mb(pid: int) -> float:
    """Resident memory."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise ProcessLookupError(pid)


def descendants(pid: int) -> set[int]:
    """All live processes below `pid`."""
    parents: dict[int, int] = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                state, parent = Path(f"/proc/{entry}/stat").read_text().rpartition(")")[2].split()[:2]
            except OSError:
                continue
            if state != "Z":
                parents[int(entry)] = int(parent)
    found: set[int] = set()
    new = {pid}
    while new:
        new = {child for child, parent in parents.items() if parent in new} - found
        found |= new
    return found


def alive(pid: int) -> bool:
    """A zombie counts as gone: it holds nothing and waits for its parent only."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@contextmanager
def scratch() -> Iterator[tuple[Path, dict[str, str]]]:
    """A folder, and an environment without keys whose state, cache and configuration lie in it."""
    with tempfile.TemporaryDirectory(prefix="ralphd-bench-", ignore_cleanup_errors=True) as name:
        base = Path(name).resolve()
        env = {k: v for k, v in os.environ.items() if not k.endswith(("_KEY", "_TOKEN", "_BASE_URL", "_API_BASE"))}
        for variable in ("CONFIG", "STATE", "CACHE"):
            env[f"XDG_{variable}_HOME"] = str(base / variable.lower())
        env["PYTHONPATH"] = os.pathsep.join([str(ROOT / "server"), str(ROOT)])
        env["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), env.get("PATH", os.defpath)])
        yield base, env


def write_project(root: Path, tests: str | None = None) -> Path:
    """The slug task: one function to write against four tests. Answers the file to work on."""
    (root / "tests").mkdir(parents=True)
    (root / "conftest.py").write_text("")
    (root / "slug.py").write_text(SLUG)
    (root / "tests" / "test_slug.py").write_text(textwrap.dedent(tests) if tests else TESTS)
    return root / "slug.py"


def user_settings(base_url: str | None, **testing: Any) -> Json:
    """The person's own settings: every role at the scripted model, answers never from the cache, the loop at its barest."""
    model = {"model": "openai/scripted", "api_base": base_url, "max_tokens": 16_000}
    return {
        "models": {"default": model} if base_url else {},
        "testing": {"command": list(PYTEST), "adversarial_tests": False, "control": "off", **testing},
        "loop": {"critic": "never", "librarian": "never"},
        "litellm": {"enable_caching": False},
        "budget": {"usd_per_run": 1000, "usd_per_day": 100_000, "confirm_above_usd": 100_000},
        "host": {"prewarm": base_url is not None},
    }


SLUG = '''\
def slug(text):
    """Lower-case; runs of other than letters and digits become one hyphen; none at the ends."""
    raise NotImplementedError
'''
TESTS = """\
from slug import slug


def test_spaces():
    assert slug("Hello World") == "hello-world"


def test_runs():
    assert slug("a -- b") == "a-b"


def test_ends():
    assert slug(" a! ") == "a"


def test_digits():
    assert slug("Route 66") == "route-66"
"""
WRONG = '```python\ndef slug(text):\n    """Lower-case; runs of other than letters and digits become one hyphen."""\n    return text.lower().replace(" ", "-")\n```\n'
RIGHT = '```python\nimport re\n\n\ndef slug(text):\n    """Lower-case; runs of other than letters and digits become one hyphen; none at the ends."""\n    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")\n```\n'
