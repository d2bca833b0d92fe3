"""Every system call that the filter refuses, made one by one by a test in the real sandbox."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from ralphd.sandbox import seccomp
from tests.support.sandboxes import bwrap_pool, run

MACHINE = seccomp.here()
pytestmark = pytest.mark.skipif(MACHINE is None, reason="the system calls of this processor are not known here")

CALLS = """
import ctypes, errno, json, os, socket, subprocess, sys, threading
numbers, special = json.loads(sys.argv[1])
libc = ctypes.CDLL(None, use_errno=True)
def call(number, *arguments):
    ctypes.set_errno(0)
    result = libc.syscall(number, *arguments)
    return errno.errorcode.get(ctypes.get_errno(), 'done')
out = {name: call(number, 0, 0, 0, 0, 0, 0) for name, number in numbers.items()}
for name, (number, arguments) in special.items():
    out[name] = call(number, *arguments)
for family in range(46):
    try:
        socket.socket(family, socket.SOCK_DGRAM).close()
    except OSError as error:
        out[f'socket {family}'] = errno.errorcode[error.errno]
    else:
        out[f'socket {family}'] = 'done'
thread = threading.Thread(target=lambda: out.update(thread='done'))
thread.start()
thread.join()
out['fork'] = 'done' if os.waitpid(os.fork() or os._exit(0), 0)[1] == 0 else 'failed'
out['program'] = subprocess.run(['true']).returncode
print(json.dumps(out))
"""


@pytest.mark.row("S12")
def test_call_by_call(tmp_path: Path) -> None:
    assert MACHINE is not None
    (tmp_path / "ws").mkdir()
    special: dict[str, tuple[int, list[int]]] = {
        "clone3": (MACHINE.clone3, [0, 0]),
        "ioctl TIOCSTI": (MACHINE.ioctl, [0, 0x5412, 0]),
        "ioctl TIOCLINUX": (MACHINE.ioctl, [0, 0x541C, 0]),
        "ioctl TIOCSTI, high bits set": (MACHINE.ioctl, [0, 0x100005412, 0]),
        "ioctl TCGETS": (MACHINE.ioctl, [-1, 0x5401, 0]),
        "unshare files": (MACHINE.unshare, [0x400]),
        "unshare time": (MACHINE.unshare, [0x80]),
    }
    for bit in range(25, 31):
        special[f"clone {1 << bit:#x}"] = (MACHINE.clone, [1 << bit | 17, 0, 0, 0, 0])
        special[f"unshare {1 << bit:#x}"] = (MACHINE.unshare, [1 << bit])
    special["clone 0x20000"] = (MACHINE.clone, [0x20011, 0, 0, 0, 0])
    special["unshare 0x20000"] = (MACHINE.unshare, [0x20000])
    if MACHINE.x32:
        special["x32 getpid"] = (0x40000000 + 39, [])
        special["x32 ptrace"] = (0x40000000 + 521, [0, 0, 0, 0])
    pool = bwrap_pool(tmp_path / "ws", tmp_path / "cache")

    async def work() -> str:
        async with pool.lease() as shadow:
            await shadow.refresh({})
            given = json.dumps([MACHINE.refused, special])
            return (await shadow.run([sys.executable, "-c", CALLS, given], timeout_s=120)).output

    said = json.loads(run(work()))
    for name in MACHINE.refused:
        assert said[name] == "EPERM", name
    for name in special:
        wanted = {"clone3": "ENOSYS", "ioctl TCGETS": "EBADF", "unshare files": "done"}.get(name)
        assert said[name] == (wanted or ("ENOSYS" if name.startswith("x32") else "EPERM")), name
    usable = {int(name.split()[1]) for name, result in said.items() if name.startswith("socket ") and result == "done"}
    assert usable <= set(seccomp.SOCKET_FAMILIES) and {1, 2} <= usable
    assert (said["thread"], said["fork"], said["program"]) == ("done", "done", 0)


@pytest.mark.parametrize("machine", [seccomp.X86_64, seccomp.AARCH64], ids=["x86_64", "aarch64"])
def test_the_program_is_whole(machine: seccomp.Machine) -> None:
    """Each jump stays inside; every path ends in a return; no two names share a number."""
    program = seccomp.program(machine)
    instructions = [program[at : at + 8] for at in range(0, len(program), 8)]
    assert len(program) % 8 == 0 and len(instructions) < 4096
    for at, one in enumerate(instructions):
        code, then, otherwise = int.from_bytes(one[:2], "little"), one[2], one[3]
        if code & 0x07 == 0x05:
            assert at + 1 + max(then, otherwise) < len(instructions)
    assert int.from_bytes(instructions[-1][:2], "little") == 0x06
    assert len(set(machine.refused.values())) == len(machine.refused)
