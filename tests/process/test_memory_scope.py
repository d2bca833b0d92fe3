"""Where systemd can be asked for it, the kernel limits the memory of a run: what is asked, and what is told of an end by it.

A program stands in for `systemd-run`, for the service manager behind it and for the kernel's cgroup v2: it notes what it
was asked, writes the limits where the kernel would show them, and becomes the command, as `systemd-run --scope` does.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ralphd.sandbox import bwrap, isolation, memory_scope
from ralphd.sandbox.environment import sandbox_environment
from ralphd.sandbox.process import ProcessResult
from ralphd.sandbox.shadow import ShadowPool
from tests.support import product
from tests.support.projects import DOUBLE, code, write
from tests.support.sandboxes import Settings, need_bwrap, run
from tests.support.scripted_server import ScriptedServer

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="cgroups are Linux's")

MANAGER = """#!/bin/sh
for word; do printf '%s\\n' "$word"; done >> {here}/asked
echo --- >> {here}/asked
env | sort >> {here}/environment
[ -e {here}/away ] && {{ echo "Failed to connect to bus: No medium found" >&2; exit 1; }}
while [ "$1" != -- ]; do
  case $1 in
    --expand-environment=no) [ -e {here}/older ] && {{ echo "systemd-run: unrecognized option '$1'" >&2; exit 1; }};;
    --unit=*) unit=${{1#--unit=}};;
    --property=MemoryMax=*M) memory=${{1#--property=MemoryMax=}};;
    --property=TasksMax=*) tasks=${{1#--property=TasksMax=}};;
  esac
  shift
done
shift
above={cgroups}/ralphd.slice
mkdir -p "$above/$unit"
echo $((${{memory%M}} * 1048576)) > "$above/$unit/memory.max"
echo "$tasks" > "$above/$unit/pids.max"
[ -e {here}/no-memory-controller ] && rm "$above/$unit/memory.max"
case $unit in
  ralphd-self-test-*)
    echo "0::/ralphd.slice/$unit" > {here}/group
    exec unshare -Urm sh -c 'mount --bind "$0" /proc/$$/cgroup && exec "$@"' {here}/group "$@";;
esac
[ -e {here}/kills ] && cp {here}/kills "$above/memory.events"
[ -e {here}/kills-within ] && cp {here}/kills-within "$above/$unit/memory.events"
exec "$@"
"""


@pytest.fixture
def manager(tmp_path: Path) -> Path:
    """The stand-in's folder: the program, what it was `asked` and its `environment`. Files in it change what it does."""
    need_bwrap()
    if subprocess.run(["unshare", "-Urm", "true"], capture_output=True, check=False).returncode:
        pytest.skip("no file system can be mounted here")
    here = tmp_path / "manager"
    (here / "cgroups").mkdir(parents=True)
    program = here / "systemd-run"
    program.write_text(MANAGER.format(here=shlex.quote(str(here)), cgroups=shlex.quote(str(here / "cgroups"))))
    program.chmod(0o755)
    return here


@pytest.fixture
def found_here(manager: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """This process finds the stand-in, and its cgroups, where it looks for the system's."""
    monkeypatch.setattr(memory_scope, "TOOL_PATH", f"{manager}:{memory_scope.TOOL_PATH}")
    monkeypatch.setattr(memory_scope, "CGROUPS", str(manager / "cgroups"))
    memory_scope.find.cache_clear()
    yield manager
    memory_scope.find.cache_clear()


def ran(tmp_path: Path, found: isolation.Isolation, *command: str) -> ProcessResult:
    """`command` in the sandbox, under a limit of 300 MB."""
    project = tmp_path / "project"
    write(project, {"a.py": ""})
    pool = ShadowPool(
        str(project),
        str(tmp_path / "cache"),
        Settings(memory_mb=300),
        found,
        environment=sandbox_environment(os.environ),
    )

    async def work() -> ProcessResult:
        async with pool.lease() as shadow:
            await shadow.refresh({})
            return await shadow.run(command, timeout_s=120)

    return run(work())


def asked(manager: Path) -> list[list[str]]:
    """The words of each time that the stand-in was started."""
    return [one.split("\n")[:-1] for one in (manager / "asked").read_text().split("---\n")[:-1]]


@pytest.mark.row("S7")
def test_what_is_asked_for_and_what_the_command_gets(
    tmp_path: Path, found_here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary")
    found = run(isolation.detect("auto"))
    assert found.kind == "bwrap" and "the kernel limits memory" in found.detail, found.detail
    ended = ran(
        tmp_path, found, "/bin/sh", "-c", 'echo "$1"; tr "\\0" "\\n" < /proc/1/environ; env', "sh", "$HOME ${X} $$"
    )
    assert ended.exit_code == 0 and ended.output.startswith("$HOME ${X} $$\n"), ended.output
    assert "/run/user" not in ended.output, "what leads to the person's session stays outside"
    words = asked(found_here)[-1]
    options = words[: words.index("--")]
    assert {"--scope", "--quiet", "--collect", "--slice=ralphd.slice", "--expand-environment=no"} <= set(options)
    assert {
        "--property=MemoryMax=300M",
        "--property=MemorySwapMax=0",
        "--property=TasksMax=520",
        "--property=RuntimeMaxSec=1d",
    } <= set(options)
    assert any(word.startswith("--description=") for word in options), (
        "else it is the whole command, in the system's log"
    )
    assert ("--user" in options) is (os.geteuid() != 0)
    assert words[words.index("--") + 1 :][:2] == ["/usr/bin/env", "-i"] and bwrap.BWRAP in words
    environment = (found_here / "environment").read_text()
    assert f"XDG_RUNTIME_DIR=/run/user/{os.geteuid()}" in environment and "sk-canary" not in environment


def test_people_ask_their_own_manager() -> None:
    for user, own in ((1, True), (0, False)):
        for head, env in memory_scope._ways("/usr/bin/systemd-run", "/usr/bin/setpriv", user):
            assert ("--user" in head) is own and env == {"XDG_RUNTIME_DIR": f"/run/user/{user}"}


@pytest.mark.parametrize(
    ("file", "scope"), [("older", True), ("away", False), ("no-memory-controller", False)], ids=lambda value: str(value)
)
def test_it_is_used_where_it_is_proven(found_here: Path, file: str, scope: bool) -> None:
    """An older systemd does not know every option; no manager answers in a container; some may not limit memory."""
    (found_here / file).touch()
    found = run(isolation.detect("auto"))
    assert found.kind == "bwrap" and (found.scope is not None) is scope
    assert ("looked at ten times a second" in found.detail) is not scope


@pytest.mark.row("S7")
def test_an_end_by_the_kernel_is_told_as_the_limit(tmp_path: Path, found_here: Path) -> None:
    found = run(isolation.detect("auto"))
    (found_here / "kills").write_text("low 0\noom 1\noom_kill 1\noom_group_kill 0\n")
    whole = ran(tmp_path, found, "/bin/sh", "-c", "echo began; kill -9 $$")
    assert whole.exit_code == 137 and "more than 300 MB of memory (sandbox.memory_mb)" in whole.output, whole.output
    other = ran(tmp_path, found, "/bin/sh", "-c", "kill -9 $$")
    assert other.exit_code == 137 and "memory" not in other.output, "the count is the one of before"
    (found_here / "kills-within").write_text("oom_kill 1\n")
    one_of_them = ran(tmp_path, found, "sleep", "3600")
    assert "more than 300 MB of memory (sandbox.memory_mb)" in one_of_them.output and one_of_them.exit_code == 137


def test_a_manager_that_goes_away_stops_no_run(tmp_path: Path, found_here: Path) -> None:
    found = run(isolation.detect("auto"))
    assert found.scope is not None
    (found_here / "away").touch()
    assert ran(tmp_path, found, "echo", "ran").output == "ran\n"


@pytest.mark.slow
@pytest.mark.row("S7")
def test_through_the_program(tmp_path: Path, manager: Path) -> None:
    """`ralphd doctor` says that the kernel limits memory, and a run's tests are in a scope."""
    real = shutil.which("systemd-run", path=memory_scope.TOOL_PATH)
    if real is None or not os.path.isdir(memory_scope.CGROUPS):
        pytest.skip("systemd-run is not installed: there is no place to put another")
    binds = f"mount --bind {manager}/systemd-run {real} && mount --bind {manager}/cgroups {memory_scope.CGROUPS}"
    around = (
        "unshare",
        "-Urm",
        "sh",
        "-c",
        f'{binds} && exec "$@"',
        "sh",
    )
    project = tmp_path / "project"
    write(project, DOUBLE)
    report = json.loads(product.ralphd(project, "doctor", "--json", around=around).stdout)
    assert report["sandbox"]["kind"] == "bwrap" and "the kernel limits memory" in report["sandbox"]["detail"]
    (manager / "kills-within").write_text("oom_kill 1\n")
    with ScriptedServer([code("def double(x):\n    return 2 * x")]) as model:
        ended = product.run(project, "double.py:2", model, around=around, sandbox={"memory_mb": 300})
    assert "more than 300 MB of memory (sandbox.memory_mb)" in ended.result["reason"] + ended.stderr, ended.result
    assert any("--property=MemoryMax=300M" in words for words in asked(manager))
