"""What the control of a green costs: its wall time beside that of the run's own tests, on three projects.

python bench/control.py
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.fakes.table import NODE, PROJECTS, PYTEST, UNITTEST
from tests.support.projects import code, write
from tests.support.service import drive

from ralphd.core import events

SLUG = code("""
    import re


    def slug(text):
        words = re.findall(r"[a-z0-9]+", text.lower())
        if not words:
            return ""
        return "-".join(words)
    """)
SLUG_JS = "slug.js\n```javascript\nfunction slug(text) {\n  const words = text.toLowerCase().match(/[a-z0-9]+/g);\n  return words ? words.join('-') : '';\n}\n\nmodule.exports = { slug };\n```\n"
MANY = "import pytest, time\nfrom slug import slug\n\n\n@pytest.mark.parametrize('n', range(200))\ndef test_n(n):\n    time.sleep(0.02)\n    assert slug(f'A {n}') == f'a-{n}'\n"
CASES = (
    ("pytest, 3 tests", PROJECTS["pytest"][0], PYTEST, "slug.py", "raise", SLUG),
    ("pytest, 203 tests", {**PROJECTS["pytest"][0], "tests/test_many.py": MANY}, PYTEST, "slug.py", "raise", SLUG),
    ("unittest, 3 tests", PROJECTS["unittest"][0], UNITTEST, "slug.py", "raise", SLUG),
    ("node --test, 3 tests", PROJECTS["node"][0], NODE, "slug.js", "", SLUG_JS),
)


async def measure(name: str, files: dict[str, str], argv: tuple[str, ...], path: str, at: str, answer: str) -> None:
    began, took, own = 0.0, 0.0, 0.0

    def tell(event: events.Event) -> None:
        nonlocal began, took, own
        if isinstance(event, events.PhaseStarted) and event.phase == "control":
            began = time.monotonic()
        elif isinstance(event, events.PhaseEnded) and event.phase == "control":
            took += time.monotonic() - began
        elif isinstance(event, events.TestsEnded):
            own += event.tests.duration_s

    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "project"
        write(root, files)
        for kind in ("CONFIG", "STATE", "CACHE"):
            os.environ[f"XDG_{kind}_HOME"] = str(Path(folder) / kind.lower())
        config = {"testing": {"control": "auto"}}
        run = await drive(root, {"artisan": [answer]}, path=path, at=at, argv=argv, config=config, tell=tell)
    control = run.result.tests.control if run.result.tests else None
    told = (
        f"{control.noticed} of {control.planted} noticed, {control.skipped_for_time} not tried" if control else "none"
    )
    print(f"{name:22}{run.result.outcome:12} tests {own:6.2f} s  control {took:6.2f} s  ×{took / own:4.2f}  {told}")


async def main() -> None:
    for case in CASES:
        await measure(*case)  # type: ignore[arg-type]


if __name__ == "__main__":
    asyncio.run(main())
