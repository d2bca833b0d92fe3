"""What a person waits for in VS Code, and what a stream costs the extension host: the real workbench, as in tests/e2e/.

Not among the measures of `make bench`, for it needs the editor that tests/e2e/vscode/setup.sh installs, and some minutes:
`python bench/run.py --only vscode`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from bench.measuring import ROOT, Row, median, scratch

HERE = ROOT / "tests" / "e2e" / "vscode"
EXTENSION = ROOT / "vscode-extension"
ROUNDS = 4
STREAM_S = 60


def measure() -> list[Row]:
    cache = Path(os.environ.get("RALPHD_E2E_CACHE") or Path.home() / ".cache" / "ralphd-dev") / "vscode"
    subprocess.run([str(HERE / "setup.sh"), str(cache)], check=True, stdout=sys.stderr)
    subprocess.run(["npm", "run", "package"], cwd=EXTENSION, check=True, stdout=sys.stderr)
    with scratch() as (base, _):
        seen = _in_the_editor(cache, Path(base))
    return [
        Row(
            "vscode: key press to first progress",
            median(seen["progressMs"]),
            median(seen["paletteMs"]),
            "ms",
            "the editor's own palette, from its key",
        ),
        Row(
            "vscode: end of the run to the change on the screen",
            median(seen["widgetMs"]),
            median(seen["paletteMs"]),
            "ms",
            "the editor's own palette, from its key",
        ),
        Row(
            f"vscode: extension host, CPU in a {STREAM_S} s stream",
            seen["streamCpuS"],
            seen["idleCpuS"],
            "s",
            "the same time idle",
        ),
    ]


def _in_the_editor(cache: Path, base: Path) -> dict[str, Any]:
    """What measure.mjs printed."""
    person = [f"HOME={Path.home()}", f"PATH={Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin"]
    options = {
        "host": str(cache),
        "vsix": str(EXTENSION / "ralphd.vsix"),
        "work": str(base / "work"),
        "shots": str(base / "shots"),
        "server": ["env", *person, sys.executable, "-P", "-m", "ralphd", "serve"],
        "env": {"PYTHONPATH": str(ROOT / "server")},
        "rounds": ROUNDS,
        "streamSeconds": STREAM_S,
    }
    file = base / "options.json"
    file.write_text(json.dumps(options))
    done = subprocess.run(["node", str(HERE / "measure.mjs"), str(file)], capture_output=True, text=True, check=False)
    line = next((line for line in done.stdout.splitlines() if line.startswith("measured ")), None)
    if line is None:
        raise RuntimeError(f"nothing was measured:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(line.removeprefix("measured "))
    return found
