"""What a release consists of: metadata of wheel and source, that both install from a file, and the container's files."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tarfile
import zipfile
from email import message_from_bytes
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGING = ROOT / "packaging"


@pytest.mark.slow
def test_wheel_and_source_say_what_they_are_and_hold_what_runs(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(tmp_path), "."]
    done = subprocess.run(build, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    [wheel], [source] = tmp_path.glob("*.whl"), tmp_path.glob("*.tar.gz")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        about = message_from_bytes(archive.read(next(name for name in names if name.endswith("/METADATA"))))
        points = archive.read(next(name for name in names if name.endswith("/entry_points.txt"))).decode()
    with tarfile.open(source) as archive:
        inside = {name.partition("/")[2] for name in archive.getnames()}
    assert "ralphd = ralphd.cli:main" in points
    assert (about["Name"], about["License-Expression"], about["Requires-Python"]) == ("ralphd", "MIT", ">=3.11")
    assert len(about.get_all("Classifier", [])) > 5 and about["Keywords"] and about["Author"]
    assert about["Description-Content-Type"] == "text/markdown" and "language server" in about["Summary"]
    for needed in ("settings/ralph.schema.json", "prompts/artisan_user.md", "demo_project/pages.py", "py.typed"):
        assert f"ralphd/{needed}" in names and f"server/ralphd/{needed}" in inside, needed
    assert {"LICENSE", "README.md", "pyproject.toml"} <= inside
    assert not [name for name in names if name.startswith(("tests/", "bench/"))]


def test_the_container_runs_as_a_user_without_rights() -> None:
    """No builder is needed to see that what is copied is made by `make dist`, and that nothing runs as root."""
    lines = re.sub(r"\\\n\s*", "", (PACKAGING / "Dockerfile").read_text("utf-8")).splitlines()
    steps = [line.split(" ", 1) for line in lines if line and not line.startswith("#")]
    last_user = [argument for word, argument in steps if word == "USER"][-1]
    assert last_user == "1000" and [word for word, _ in steps].index("ENTRYPOINT") > [w for w, _ in steps].index("USER")
    installs = next(argument for word, argument in steps if word == "RUN" and "useradd" in argument)
    assert (
        "--uid 1000 ralph" in installs
        and "bubblewrap" in installs
        and "--require-hashes" in " ".join(argument for _, argument in steps)
    )
    for word, argument in steps:
        if word == "COPY" and not argument.startswith("--from"):
            for name in argument.split()[:-1]:
                assert name.startswith("dist/") or (ROOT / name).exists(), name


def test_the_dev_container_feature_is_whole() -> None:
    folder = PACKAGING / "devcontainer-feature"
    about = json.loads((folder / "devcontainer-feature.json").read_text("utf-8"))
    script = folder / "install.sh"
    assert {"id", "version", "name"} <= set(about) and about["version"] in (ROOT / "pyproject.toml").read_text("utf-8")
    assert subprocess.run(["sh", "-n", str(script)], check=False).returncode == 0
    for option in about["options"]:
        assert f"${{{option.upper()}" in script.read_text("utf-8"), "options reach the script as variables"
    command = about["customizations"]["vscode"]["settings"]["ralph.server.command"]
    assert command[0].rpartition("/bin/")[0] in script.read_text("utf-8")
