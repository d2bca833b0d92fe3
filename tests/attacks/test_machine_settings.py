"""What a test can change of the machine, read of its secrets, or keep of its keys: nothing, also when ralphd runs as root."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.support.projects import write
from tests.support.sandboxes import bwrap_pool, run

PROBE = """
import json, os, stat
found = []
for top in ('/proc', '/sys'):
    for at, folders, names in os.walk(top):
        if at == '/proc':
            folders[:] = [name for name in folders if not name.isdigit() and name not in ('self', 'thread-self')]
        for name in names:
            path = os.path.join(at, name)
            try:
                if stat.S_ISREG(os.lstat(path).st_mode):
                    os.close(os.open(path, os.O_WRONLY | os.O_NONBLOCK))
                    found.append(path)
            except OSError:
                pass
status = dict(line.split(':\\t', 1) for line in open('/proc/self/status').read().splitlines() if ':\\t' in line)
print(json.dumps({
    'writable': found, 'uid': os.getuid(), 'caps': [status[n] for n in ('CapPrm', 'CapEff', 'CapBnd', 'CapAmb')],
    'filtered': status['Seccomp'], 'new': status['NoNewPrivs'], 'root': sorted(os.listdir('/')),
    'etc': [name for name in ('shadow', 'sudoers', 'ssh', 'ssl/private') if os.path.exists('/etc/' + name)],
}))
"""


def inside(tmp_path: Path, *argv: str) -> str:
    """What a test run in an empty workspace prints."""
    (tmp_path / "ws").mkdir(exist_ok=True)
    pool = bwrap_pool(tmp_path / "ws", tmp_path / "cache")

    async def work() -> str:
        async with pool.lease() as shadow:
            await shadow.refresh({})
            return (await shadow.run([sys.executable, "-c", *argv], timeout_s=300)).output

    return run(work())


@pytest.mark.row("S5", "S12")
def test_nothing_of_the_machine_can_be_written(tmp_path: Path) -> None:
    seen = json.loads(inside(tmp_path, PROBE))
    assert seen["writable"] == []
    assert seen["uid"] != 0 and seen["caps"] == ["0000000000000000"] * 4
    assert (seen["filtered"], seen["new"], seen["etc"]) == ("2", "1", [])
    assert not {"srv", "mnt", "media", "boot", "opt", "home"} & set(seen["root"]) - {str(Path.home()).split("/")[1]}


REACHES = """
import os, socket, sys
for path in sys.argv[1:]:
    try:
        with socket.socket(socket.AF_UNIX) as one:
            one.connect(path)
        print('reached', path)
    except OSError:
        pass
    print(*(['read ' + path] if os.path.exists(path) else []))
"""


@pytest.mark.row("S2", "S5")
@pytest.mark.parametrize(
    "place",
    ["/opt", *(pytest.param(place, marks=pytest.mark.full) for place in ("/run", "/var/lib", "/srv", "/var/tmp"))],
)
def test_sockets_and_moved_configuration_are_not_there(
    tmp_path: Path, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not os.access(place, os.W_OK):
        pytest.skip(f"{place} cannot be written to")
    with tempfile.TemporaryDirectory(dir=place) as folder, socket.socket(socket.AF_UNIX) as server:
        server.bind(f"{folder}/s")
        server.listen()
        write(Path(folder), {"config/gh/hosts.yml": "token", "tool/bin/x": "", "tool/.env": "in a toolchain's folder"})
        monkeypatch.setenv("XDG_CONFIG_HOME", f"{folder}/config")
        paths = [f"{folder}/s", f"{folder}/config/gh/hosts.yml"]
        free = subprocess.run([sys.executable, "-c", REACHES, *paths], capture_output=True, text=True, check=True)
        assert free.stdout.count("reached") == 1 and free.stdout.count("read") == 2
        assert inside(tmp_path, REACHES, *paths).split() == []


KEYS = """
import ctypes
libc = ctypes.CDLL(None)
libc.syscall.restype = ctypes.c_long
try:
    print(open('/proc/keys').read())
except OSError as error:
    print(error)
"""


@pytest.mark.skipif(not Path("/proc/keys").exists(), reason="a kernel without keyrings")
def test_the_persons_session_keyring_stays_outside(tmp_path: Path) -> None:
    """A key that the server's session possesses is neither listed inside nor can it be asked for."""
    from ralphd.sandbox import seccomp

    machine = seccomp.here()
    assert machine is not None
    add = "import ctypes, os, sys; l = ctypes.CDLL(None); l.syscall({keyctl}, 1, None); l.syscall({add_key}, b'user', b'ralph-canary-key', b'x', 1, -3); os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
    inside = f"""
import sys; sys.path[:0] = {[p for p in sys.path if p]!r}
from pathlib import Path
from tests.support.sandboxes import bwrap_pool, run
pool = bwrap_pool(Path({str(tmp_path)!r}), Path({str(tmp_path.parent / "cache")!r}))
async def work():
    async with pool.lease() as shadow:
        await shadow.refresh({{}})
        return (await shadow.run([sys.executable, '-c', {KEYS!r}], timeout_s=120)).output
print('OUTSIDE', open('/proc/keys').read(), 'INSIDE', run(work()))
"""
    code = add.format(keyctl=machine.refused["keyctl"], add_key=machine.refused["add_key"])
    done = subprocess.run([sys.executable, "-c", code, "-c", inside], capture_output=True, text=True, check=True)
    outside, within = done.stdout.split("INSIDE")
    if "ralph-canary-key" not in outside:
        pytest.skip("keyrings cannot be used here")
    assert "ralph-canary-key" not in within
