"""The main job in a real VS Code, by keyboard, with a scripted model on loopback."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent / "vscode"
EXTENSION = ROOT / "vscode-extension"
SETUP_S = 1200
PACKAGE_S = 600
RUN_S = 1800
"""Only a hang reaches these limits; on an idle machine the run takes a few minutes."""


def run(argv: list[str], cwd: Path, timeout_s: int) -> str:
    """Run a step in a process group of its own, so that a time-out leaves no editor behind."""
    child = subprocess.Popen(
        argv, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )
    try:
        output, _ = child.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, 15)
        output, _ = child.communicate(timeout=30)
        pytest.fail(f"{argv[0]} took more than {timeout_s} s:\n{output[-4000:]}")
    assert child.returncode == 0, output[-8000:]
    return output


@pytest.fixture(scope="session")
def host() -> Path:
    """The editor and the browser; a minute or two the first time, nothing after that."""
    if not sys.platform.startswith("linux") or shutil.which("npm") is None:
        if os.environ.get("CI"):
            pytest.fail("needs Linux and npm")
        pytest.skip("needs Linux and npm")
    cache = Path(os.environ.get("RALPHD_E2E_CACHE") or Path.home() / ".cache" / "ralphd-dev") / "vscode"
    run([str(HERE / "setup.sh"), str(cache)], ROOT, SETUP_S)
    return cache


@pytest.fixture(scope="session")
def vsix() -> Path:
    if not (EXTENSION / "node_modules").is_dir():
        run(["npm", "ci", "--no-audit", "--no-fund"], EXTENSION, PACKAGE_S)
    for stale in (EXTENSION / "server", ROOT / "build" / "lib"):
        shutil.rmtree(stale, ignore_errors=True)
    wheel = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(EXTENSION / "server"), "."]
    run(wheel, ROOT, PACKAGE_S)
    shutil.copy(ROOT / "requirements" / "runtime.txt", EXTENSION / "server" / "requirements.txt")
    run(["npm", "run", "package"], EXTENSION, PACKAGE_S)
    return EXTENSION / "ralphd.vsix"


def of_the_person() -> list[str]:
    """What a sandboxed test run finds its interpreter by.

    The editor gets a home of its own, and takes PATH from a login shell, so both would be others than here.
    """
    return [f"HOME={Path.home()}", f"PATH={Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin"]


def test_implement_in_vscode(host: Path, vsix: Path, tmp_path: Path) -> None:
    """With a server that the person named: the run, the review, the endings."""
    flow("e2e.mjs", host, vsix, tmp_path)


def test_first_minutes_in_vscode(host: Path, vsix: Path, tmp_path: Path) -> None:
    """With nothing but the extension: what is missing, installing, a key, the example."""
    flow("first.mjs", host, vsix, tmp_path)


def test_palette_and_settings_in_vscode(host: Path, vsix: Path, tmp_path: Path) -> None:
    flow("palette.mjs", host, vsix, tmp_path)


def test_isolation_and_opinions_in_vscode(host: Path, vsix: Path, tmp_path: Path) -> None:
    """The isolation is missing and installed from the ending's button; then second opinions, seen and pinned."""
    flow("opinions.mjs", host, vsix, tmp_path)


def flow(script: str, host: Path, vsix: Path, tmp_path: Path) -> None:
    shots = Path(os.environ.get("RALPHD_E2E_SHOTS") or tmp_path / "screenshots") / script.removesuffix(".mjs")
    options = {
        "host": str(host),
        "vsix": str(vsix),
        "work": str(tmp_path / "work"),
        "shots": str(shots),
        "python": sys.executable,
        "server": ["env", *of_the_person(), sys.executable, "-P", "-m", "ralphd", "serve"],
        "env": {"PYTHONPATH": str(ROOT / "server")},
    }
    file = tmp_path / "options.json"
    file.write_text(json.dumps(options))
    output = run(["node", str(HERE / script), str(file)], HERE, RUN_S)
    assert "all steps passed" in output, output
