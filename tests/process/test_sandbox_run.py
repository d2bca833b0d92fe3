"""The shadow as the loop uses it, with real bubblewrap: what a test run sees, says and leaves."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
import venv
from pathlib import Path

import pytest

from ralphd.errors import NoIsolation, SandboxError
from ralphd.sandbox.bwrap import Limits, launcher_argv
from ralphd.sandbox.environment import sandbox_environment
from ralphd.sandbox.process import ProcessResult
from ralphd.sandbox.shadow import Shadow, ShadowPool
from ralphd.sandbox.slots import reclaim
from tests.support.patience import seconds
from tests.support.sandboxes import Settings, bwrap_pool, digest, gone_within, living, plain_pool, run, write

PYTHON = sys.executable


@pytest.fixture
def ws(tmp_path: Path) -> Path:
    (tmp_path / "ws").mkdir()
    return tmp_path / "ws"


@pytest.fixture
def pool(ws: Path, tmp_path: Path) -> ShadowPool:
    return bwrap_pool(ws, tmp_path / "cache")


async def once(
    pool: ShadowPool, *argv: str, overlay: dict[str, bytes | None] | None = None, **more: object
) -> ProcessResult:
    async with pool.lease() as shadow:
        await shadow.refresh(overlay or {})
        return await shadow.run(argv, **{"timeout_s": 60, **more})  # type: ignore[arg-type]


@pytest.mark.row("W2")
def test_buffers_and_candidates_are_what_tests_see(pool: ShadowPool, ws: Path) -> None:
    write(ws, {"a.py": "disk", "gone.py": "disk"})
    result = run(once(pool, "sh", "-c", "pwd; cat a.py; ls", overlay={"a.py": b"buffer\n", "gone.py": None}))
    assert result.output.split() == [str(ws), "buffer", "a.py"]
    assert (ws / "a.py").read_text() == "disk" and (ws / "gone.py").exists()


def test_exit_codes_and_missing_commands(pool: ShadowPool, ws: Path) -> None:
    write(ws, {"not_executable": "x", "script": "exit 5\n", "no_interpreter": "#!/nowhere/python\n"})
    os.chmod(ws / "script", 0o755)
    os.chmod(ws / "no_interpreter", 0o755)

    async def work() -> list[ProcessResult]:
        async with pool.lease() as shadow:
            await shadow.refresh({})
            commands = (["sh", "-c", "exit 3"], ["no-such-command", "-x"], ["./not_executable"], ["./script"], ["./no_interpreter"],
                        ["sh", "-c", "kill -9 $$"], ["sh", "-c", "exit 127"], ["sh", "-c", "nothing-here"])  # fmt: skip
            return [await shadow.run(command, timeout_s=30) for command in commands]

    results = run(work())
    assert [result.exit_code for result in results] == [3, 127, 126, 5, 127, 137, 127, 127]
    assert [result.not_found for result in results] == [False, True, False, False, True, False, False, False]
    assert "no-such-command: not found" in results[1].output
    assert not any("ralph-" in result.output for result in results)


def test_arguments_are_data(pool: ShadowPool, ws: Path) -> None:
    hostile = ["$(touch pwned)", "`touch pwned`", "; touch pwned", "a b", "-rf", "", "*", "\n", "\u00e9"]
    result = run(once(pool, "printf", "<%s>", *hostile))
    assert result.output == "".join(f"<{text}>" for text in hostile)


@pytest.mark.row("S4", "W3")
def test_nothing_reaches_the_workspace_and_refresh_undoes_it(pool: ShadowPool, ws: Path) -> None:
    write(
        ws, {"a.py": "x = 1\n", "d/b.py": "y = 2\n", ".git/HEAD": "ref: refs/heads/main\n", ".git/config": "[core]\n"}
    )
    before = digest(ws)
    destroy = """
import os, shutil, pathlib
assert not os.path.exists('.git')
pathlib.Path('a.py').write_text('spoiled')
shutil.rmtree('d')
os.makedirs('.git/hooks'); pathlib.Path('.git/hooks/pre-commit').write_text('x')
os.makedirs('.vscode'); pathlib.Path('.vscode/settings.json').write_text('x')
for name in ('conftest.py', 'ralph.config.yaml', '.envrc'): pathlib.Path(name).write_text('x')
os.symlink('/', 'root')
"""

    async def work() -> None:
        async with pool.lease() as shadow:
            await shadow.refresh({})
            result = await shadow.run([PYTHON, "-c", destroy], timeout_s=60)
            assert (result.exit_code, result.output) == (0, "")
            assert shadow.read("a.py") == b"spoiled" and shadow.read("root/etc/passwd") is None
            assert digest(ws) == before
            await shadow.refresh({})
            listing = await shadow.run(["sh", "-c", "find . | sort; cat a.py"], timeout_s=60)
            assert listing.output.split() == [".", "./a.py", "./d", "./d/b.py", "x", "=", "1"]

    run(work())
    assert digest(ws) == before


@pytest.mark.row("W1")
def test_an_editable_install_tests_the_candidate(ws: Path, tmp_path: Path) -> None:
    """The original must be out of reach even by absolute path; the environment's Python lives below a home folder here."""
    write(
        ws,
        {
            "src/pkg/__init__.py": "VALUE = 'good'\n",
            ".gitignore": ".venv\n",
            "test_it.py": "import pkg\nassert pkg.VALUE == 'good'\n",
        },
    )
    venv.create(ws / ".venv", symlinks=True, with_pip=False)
    site = next((ws / ".venv/lib").glob("python3*/site-packages"))
    (site / "__editable__.pth").write_text(f"{ws}/src\n")
    before = digest(ws)
    pool = bwrap_pool(ws, tmp_path / "cache")

    async def work() -> None:
        async with pool.lease() as shadow:
            await shadow.refresh({})
            good = await shadow.run(["python", "test_it.py"], timeout_s=60)
            assert (good.exit_code, good.output) == (0, "")
            await shadow.refresh({"src/pkg/__init__.py": b"VALUE = 'broken'\n"})
            bad = await shadow.run(["python", "test_it.py"], timeout_s=60)
            assert bad.exit_code == 1 and "AssertionError" in bad.output
            where = await shadow.run(
                ["sh", "-c", "echo $VIRTUAL_ENV; command -v python; touch .venv/x || echo read-only"], timeout_s=60
            )
            assert where.output.split("\n")[:2] == [f"{ws}/.venv", f"{ws}/.venv/bin/python"]
            assert where.output.rstrip().endswith("read-only")

    run(work())
    assert digest(ws) == before


def test_a_workspace_under_home_and_a_link_to_it(tmp_path: Path) -> None:
    home = tmp_path / "home"
    write(
        home, {"ws/a.py": "x", ".ssh/id_rsa": "secret", "tools/bin/mytool": "#!/bin/sh\necho tool\n", "other/b.py": "x"}
    )
    os.chmod(home / "tools/bin/mytool", 0o755)
    (home / "link").symlink_to("ws")
    person = {"PATH": f"{home}/tools/bin:/usr/bin:/bin", "HOME": str(home)}
    pool = bwrap_pool(
        home / "link",
        tmp_path / "cache",
        environment=sandbox_environment(person),
        settings=Settings(read_only=(str(home / "other"),)),
    )
    command = f"pwd; mytool; ls -A ~; cat {home}/link/a.py {home}/other/b.py; touch {home}/other/c || echo ro; echo x > ~/new && echo wrote"
    result = run(once(pool, "sh", "-c", command))
    assert result.output.split("\n")[:2] == [str(home / "ws"), "tool"]
    assert ".ssh" not in result.output
    assert result.output.split()[-3:] == ["system", "ro", "wrote"]
    assert not (home / "new").exists() and not (home / "other/c").exists()


def test_folders_of_the_caller(pool: ShadowPool, ws: Path, tmp_path: Path) -> None:
    write(ws, {"sub/x": ""})
    plugin, reports = write(tmp_path / "plugin", {"p.py": "x"}), tmp_path / "cache" / "reports"
    reports.mkdir(parents=True)
    command = f"pwd; echo $RALPHD_EXTRA; cat {plugin}/p.py && touch {plugin}/q; echo done > {reports}/r.xml"
    more = {"extra_ro": [str(plugin)], "writable": [str(reports)], "cwd": "sub", "env": {"RALPHD_EXTRA": "yes"}}
    result = run(once(pool, "sh", "-c", command, **more))
    assert result.output.startswith(f"{ws}/sub\nyes\nx") and "Read-only" in result.output
    assert (reports / "r.xml").read_text() == "done\n"
    assert not (plugin / "q").exists()
    for bad in ("..", "/etc", "nowhere"):
        with pytest.raises(SandboxError):
            run(once(pool, "true", cwd=bad))


def test_hashes_name_what_was_tested(pool: ShadowPool, ws: Path) -> None:
    write(ws, {"a.py": "a", "b.py": "b"})

    async def work() -> None:
        async with pool.lease() as shadow:
            snapshot = await shadow.refresh({"b.py": b"candidate", "n.py": b"new", "a.txt": None})
            await shadow.run(["sh", "-c", "echo spoiled > a.py"], timeout_s=30)
            hashes = await snapshot.hashes(["a.py", "b.py", "n.py", "a.txt", "none.py"])
            assert list(hashes) == ["a.py", "b.py", "n.py"]
            assert hashes["a.py"] == "sha256:ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"
            with pytest.raises(SandboxError):
                await snapshot.hashes(["../x"])

    run(work())


@pytest.mark.row("W4")
def test_saving_during_the_run_makes_it_stale(pool: ShadowPool, ws: Path) -> None:
    write(ws, {"a.py": "a", "b.py": "b", "c.py": "c", "d.py": "d"})

    async def work() -> None:
        async with pool.lease() as shadow:
            snapshot = await shadow.refresh({"b.py": b"buffer", "c.py": b"buffer", "new.py": b"n"})
            await shadow.run(["sh", "-c", "echo spoiled > d.py; touch elsewhere"], timeout_s=30)
            assert await snapshot.stale_paths() == ()
            write(
                ws, {"a.py": "a", "b.py": "buffer", ".#a.py": "lock", "a.py~": "backup"}
            )  # touched; saved as it was tested
            assert await snapshot.stale_paths() == ()
            write(ws, {"c.py": "more", "e.py": "new"})
            (ws / "d.py").unlink()
            assert await snapshot.stale_paths() == ("c.py", "d.py", "e.py")
            fresh = await shadow.refresh({})
            assert await fresh.stale_paths() == ()

    run(work())


@pytest.mark.parametrize(
    "path",
    [
        "../x",
        "/etc/passwd",
        "",
        ".",
        ".git/config",
        "out/x",
        "node_modules/a/i.js",
        "d",
        "a.py/x",
        "p/__pycache__/x.pyc",
        "a\0b",
    ],
)
def test_overlays_that_cannot_be(pool: ShadowPool, ws: Path, tmp_path: Path, path: str) -> None:
    write(ws, {"a.py": "", "d/b.py": "", "node_modules/a/i.js": "", ".gitignore": "node_modules/\n"})
    (ws / "out").symlink_to(tmp_path)
    with pytest.raises(SandboxError):
        run(once(pool, "true", overlay={path: b"x"}))
    assert not (tmp_path / "x").exists()


def test_an_overlay_goes_where_a_link_inside_leads(pool: ShadowPool, ws: Path) -> None:
    write(ws, {"real/a.py": "disk"})
    (ws / "alias").symlink_to("real")
    result = run(once(pool, "cat", "real/a.py", "alias/a.py", overlay={"alias/a.py": b"new "}))
    assert result.output == "new new "


@pytest.mark.row("O1")
def test_time_limit_output_cap_and_control_sequences(ws: Path, tmp_path: Path) -> None:
    pool = bwrap_pool(ws, tmp_path / "cache", settings=Settings(output_mb=1))
    flood = "printf 'first \\033[31mred\\033[0m\\n'; i=0; while [ $i -lt 40 ]; do head -c 100000 /dev/zero | tr '\\0' x; echo; i=$((i+1)); done; echo last >&2"
    result = run(once(pool, "sh", "-c", flood))
    assert result.truncated and len(result.output) < (1 << 20) + 200
    assert (
        result.output.startswith("first red\nxxx")
        and result.output.endswith("last\n")
        and "bytes left out" in result.output
    )
    started = time.monotonic()
    result = run(once(pool, "sh", "-c", "echo before; sleep 60", timeout_s=0.5))
    assert result.timed_out and result.exit_code == 137 and time.monotonic() - started < seconds(5)
    assert result.output == "before\n[stopped after 0.5 s]\n"


def test_a_daemon_holding_stdout_does_not_hold_the_run(pool: ShadowPool, ws: Path) -> None:
    token = f"3{os.getpid()}.5"
    result = run(once(pool, "sh", "-c", f"setsid sleep {token} & (setsid sleep {token} &) ; trap '' TERM; echo done"))
    assert (result.exit_code, result.output) == (0, "done\n")
    assert result.duration_s < seconds(10) and living(token) == []


@pytest.mark.parametrize("after_s", [0.0, 0.005, 0.02, 0.3])
def test_cancelling_kills_everything_at_once(pool: ShadowPool, ws: Path, after_s: float) -> None:
    token = f"4{os.getpid()}.25"

    async def work() -> None:
        async with pool.lease() as shadow:
            await shadow.refresh({})
            command = f"trap '' TERM HUP INT; setsid sleep {token} & sleep {token}"
            task = asyncio.ensure_future(shadow.run(["sh", "-c", command], timeout_s=60))
            await asyncio.sleep(after_s)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asyncio.wait_for(task, seconds(20))  # 20 ms on a quiet machine
            assert living(token) == []

    run(work())


@pytest.mark.parametrize("times", [20, pytest.param(500, marks=pytest.mark.full)])
def test_a_run_that_is_cancelled_while_bubblewrap_starts_leaves_nothing(pool: ShadowPool, ws: Path, times: int) -> None:
    """Bubblewrap's first child outlives it when bubblewrap is killed before it has said which one that is."""
    token = f"5{os.getpid()}.75"

    async def work() -> None:
        async with pool.lease() as shadow:
            await shadow.refresh({})
            for number in range(times):
                task = asyncio.ensure_future(shadow.run(["sleep", token], timeout_s=60))
                await asyncio.sleep(0.02 * number / times)
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
                assert living(token) == []

    run(work())


@pytest.mark.parametrize("isolated", [True, False])
def test_nothing_runs_where_its_starter_died_before_it_knew_the_tree(tmp_path: Path, isolated: bool) -> None:
    ran = tmp_path / "ran"
    argv = launcher_argv(["touch", str(ran)], Limits(), "nonce", prlimit=None, isolated=isolated)
    ended = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    assert (ended.returncode, ended.stdout, ran.exists()) == (125, b"nonce\n", False)


STARTER = """
import asyncio, sys
from pathlib import Path
from tests.support.sandboxes import plain_pool

async def work():
    async with plain_pool(Path(sys.argv[2]), Path(sys.argv[3])).lease() as shadow:
        await shadow.refresh({})
        script = "trap '' TERM HUP INT; setsid sleep $0 & sleep $0 & sleep $0"
        await shadow.run(["sh", "-c", script, sys.argv[1]], timeout_s=600)

asyncio.run(work())
"""


@pytest.mark.row("S9")
def test_a_tree_without_isolation_ends_with_its_starter(ws: Path, tmp_path: Path) -> None:
    """The starter is killed while the command runs: a process that was started beside it ends it, and what left its group."""
    token = f"6{os.getpid()}.5"
    starter = subprocess.Popen([sys.executable, "-c", STARTER, token, str(ws), str(tmp_path / "cache")])
    hung = time.monotonic() + seconds(30)
    try:
        while len(living(token)) < 5:  # the starter's own arguments and the shell's hold it too
            assert time.monotonic() < hung
            time.sleep(0.02)
        starter.kill()
        starter.wait()
        assert gone_within(token, seconds(30))
    finally:
        for pid in living(token):
            os.kill(pid, signal.SIGKILL)


def test_two_leases_do_not_share_a_slot_and_the_cap_waits(ws: Path, tmp_path: Path) -> None:
    write(ws, {"a.py": "disk"})
    pool = bwrap_pool(ws, tmp_path / "cache", slots=2)
    active = 0
    most = 0

    async def one(number: int) -> None:
        nonlocal active, most
        async with pool.lease() as shadow:
            active += 1
            most = max(most, active)
            await shadow.refresh({"a.py": f"{number}\n".encode()})
            result = await shadow.run(["cat", "a.py"], timeout_s=30)
            assert result.output == f"{number}\n"
            active -= 1

    async def work() -> None:
        await asyncio.gather(*(one(number) for number in range(5)))
        await pool.close()

    run(work())
    assert most == 2
    assert sorted(path.name for path in (tmp_path / "cache/shadow").glob("*/[0-9]")) == ["0", "1"]


def test_warming_ahead_and_a_lease_in_the_middle(ws: Path, tmp_path: Path) -> None:
    write(ws, {f"d{number % 40}/f{number}.py": str(number) for number in range(1500)})

    async def work() -> None:
        pool = bwrap_pool(ws, tmp_path / "cache")
        await pool.warm()
        copy = next((tmp_path / "cache/shadow").glob("*/0/tree"))
        assert (copy / "d0/f0.py").read_text() == "0"
        inode = os.stat(copy / "d0/f0.py").st_ino
        warming = asyncio.ensure_future(pool.warm())
        await asyncio.sleep(0)
        async with pool.lease() as shadow:
            await shadow.refresh({})
            assert shadow.read("d19/f1499.py") == b"1499"
        await warming
        await pool.close()
        assert os.stat(copy / "d0/f0.py").st_ino == inode
        assert [path.name for path in copy.parent.parent.glob("[0-9]")] == ["0"]

    run(work())


def test_unused_copies_are_reclaimed_and_held_ones_are_not(ws: Path, tmp_path: Path) -> None:
    write(ws, {"a.py": "x"})
    cache = tmp_path / "cache"

    async def work() -> None:
        pool = bwrap_pool(ws, cache)
        async with pool.lease() as shadow:
            await shadow.refresh({})
            assert reclaim(str(cache), 0) == 0
            assert shadow.read("a.py") == b"x"
        await pool.close()

    run(work())
    assert reclaim(str(cache)) == 0
    assert reclaim(str(cache), 0) == 1
    assert list((cache / "shadow").iterdir()) == []


def test_run_needs_a_refresh_and_a_command(pool: ShadowPool, ws: Path) -> None:
    async def work(shadow_use: str) -> None:
        async with pool.lease() as shadow:
            if shadow_use == "empty":
                await shadow.refresh({})
            await shadow.run([] if shadow_use == "empty" else ["true"], timeout_s=5)

    for use in ("empty", "not refreshed"):
        with pytest.raises(SandboxError):
            run(work(use))


def test_your_home_is_no_project(tmp_path: Path) -> None:
    home = tmp_path / "home/a"
    home.mkdir(parents=True)
    for root in (home, tmp_path, Path("/")):
        with pytest.raises(SandboxError, match="no project folder"):
            bwrap_pool(
                root, tmp_path / "cache", environment=sandbox_environment({"HOME": str(home), "PATH": "/usr/bin"})
            )


@pytest.mark.row("W6")
@pytest.mark.parametrize("seen_before", [True, False])
def test_a_full_disk_is_said_cleanly(tmp_path: Path, seen_before: bool) -> None:
    """On a real 2 MB file system, in a mount namespace of our own: before anything is copied, or in the middle of it."""
    root = write(tmp_path / "ws", {f"f{number}": "x" * 100_000 for number in range(40)})
    (tmp_path / "cache").mkdir()
    before = digest(root)
    script = f"""
import asyncio, os, sys
from tests.support.sandboxes import plain_pool
from ralphd.errors import NoIsolation, SandboxError
from pathlib import Path
if not {seen_before}:
    import ralphd.sandbox.workspace
    ralphd.sandbox.workspace.require_room = lambda *_: None
async def work():
    pool = plain_pool(Path({str(root)!r}), Path({str(tmp_path / "cache")!r}))
    try:
        async with pool.lease() as shadow:
            await shadow.refresh({{}})
    except SandboxError as error:
        print('said:', error)
    await pool.close()
    print('left:', [str(p) for p in Path({str(tmp_path / "cache")!r}).glob('shadow/*/0')])
asyncio.run(work())
"""
    mount = f'mount -t tmpfs -o size=2m none "{tmp_path}/cache" && exec "$@"'
    argv = ["unshare", "-Urm", "sh", "-c", mount, "sh", PYTHON, "-c", script]
    done = subprocess.run(
        argv, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}, timeout=60
    )
    if "unshare failed" in done.stderr or "permission denied" in done.stderr:
        pytest.skip(done.stderr)
    said = f"said: The disk of {tmp_path}/cache/shadow/" if seen_before else "said: There is no room on the disk"
    assert said in done.stdout, done.stderr
    assert "left: []" in done.stdout
    assert digest(root) == before


class TestWithoutIsolation:
    def test_it_has_to_be_allowed(self, ws: Path, tmp_path: Path) -> None:
        pool = plain_pool(ws, tmp_path / "cache", allow_unisolated=False)
        with pytest.raises(NoIsolation, match="without isolation"):
            run(once(pool, "touch", str(tmp_path / "ran")))
        assert not (tmp_path / "ran").exists()

    def test_runs_in_the_copy_with_a_private_home(
        self, ws: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("OPENAI_API_KEY", "sk-canary")
        write(ws, {"a.py": "disk", "node_modules/.bin/tool": "#!/bin/sh\necho tool\n"})
        os.chmod(ws / "node_modules/.bin/tool", 0o755)
        pool = plain_pool(ws, tmp_path / "cache")
        result = run(once(pool, "sh", "-c", "cat a.py; tool; env; touch ~/x $TMPDIR/y", overlay={"a.py": b"buffer\n"}))
        assert result.output.startswith("buffer\ntool\n") and "sk-canary" not in result.output
        assert f"HOME={tmp_path}/cache/shadow/" in result.output
        assert (ws / "a.py").read_text() == "disk"

    def test_refresh_removes_the_links_it_made_and_not_what_they_lead_to(self, ws: Path, tmp_path: Path) -> None:
        write(ws, {"node_modules/m/x.js": "kept"})
        pool = plain_pool(ws, tmp_path / "cache")

        async def work(shadow_pool: ShadowPool) -> None:
            for _ in range(2):
                async with shadow_pool.lease() as shadow:
                    await shadow.refresh({})
                    seen = await shadow.run(["cat", "node_modules/m/x.js"], timeout_s=30)
                    assert seen.output == "kept"

        run(work(pool))
        os.rename(ws / "node_modules", ws / "moved")
        (ws / "node_modules").mkdir()
        run(work_again(pool))
        assert (ws / "moved/m/x.js").read_text() == "kept"

    def test_strays_are_killed_on_every_ending(self, ws: Path, tmp_path: Path) -> None:
        token = f"5{os.getpid()}.75"
        pool = plain_pool(ws, tmp_path / "cache")
        command = f"setsid sleep {token} & (setsid sh -c 'trap \"\" TERM; sleep {token}' &) ; echo started; "
        done = run(once(pool, "sh", "-c", command + "exit 4"))
        assert (done.exit_code, done.output) == (4, "started\n") and gone_within(token, 1)
        timed = run(once(pool, "sh", "-c", command + f"sleep {token}", timeout_s=0.7))
        assert timed.timed_out and gone_within(token, 1)
        missing = run(once(pool, "no-such-command"))
        assert missing.not_found and missing.exit_code == 127


async def work_again(pool: ShadowPool) -> None:
    async with pool.lease() as shadow:
        await shadow.refresh({})
        assert not await missing(shadow, "node_modules/m/x.js")


async def missing(shadow: Shadow, path: str) -> bool:
    return (await shadow.run(["test", "-e", path], timeout_s=30)).exit_code == 0
