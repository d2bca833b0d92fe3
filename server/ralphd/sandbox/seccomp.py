"""Which system calls a test run may make: a seccomp filter as the BPF program that bubblewrap takes by descriptor.

Refused is what tests have no use for and what has broken out of sandboxes: other processes' memory, io_uring (whose
requests no filter sees), userfaultfd, keyrings, BPF, performance counters, everything that mounts or makes namespaces,
what pushes characters into a terminal, and the calls of other ABIs (x32, i386), which have other numbers for the same
things. Numbers: the kernel's tables arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h.
"""

from __future__ import annotations

import errno
import platform
import struct
from collections.abc import Sequence
from dataclasses import dataclass

# From include/uapi/linux/bpf_common.h: load a word of the call's data, compare, return.
_LOAD = 0x20
_JUMP_EQUAL, _JUMP_GREATER_OR_EQUAL, _JUMP_ANY_BIT = 0x15, 0x35, 0x45
_RETURN = 0x06
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000
_NUMBER, _ARCH, _ARGUMENTS = 0, 4, 16
"""Offsets in `struct seccomp_data`. Arguments are 8 bytes each; both machines here keep the low half first."""
_X32_BIT = 0x40000000

NAMESPACES = 0x7E020000
"""CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID and NEWNET."""
NEW_TIME = 0x80
"""CLONE_NEWTIME; for `clone` the same bit belongs to the number of a signal."""
TERMINAL_INPUT = (0x5412, 0x541C)
"""ioctl TIOCSTI and TIOCLINUX: both can type into the terminal that a run was started from."""
SOCKET_FAMILIES = (1, 2, 10, 16)
"""AF_UNIX, AF_INET, AF_INET6 and AF_NETLINK (which lists interfaces). AF_VSOCK would reach past the network namespace."""


@dataclass(frozen=True)
class Machine:
    """One processor's numbers. `audit`: its AUDIT_ARCH value."""

    audit: int
    refused: dict[str, int]
    clone: int
    clone3: int
    unshare: int
    ioctl: int
    socket: int
    x32: bool = False


_SAME_EVERYWHERE = {
    "io_uring_setup": 425, "io_uring_enter": 426, "io_uring_register": 427, "open_tree": 428, "move_mount": 429,
    "fsopen": 430, "fsconfig": 431, "fsmount": 432, "fspick": 433, "pidfd_getfd": 438, "process_madvise": 440,
    "mount_setattr": 442, "quotactl_fd": 443, "open_tree_attr": 467,
}  # fmt: skip
X86_64 = Machine(
    0xC000003E,
    {
        **_SAME_EVERYWHERE,
        "ptrace": 101, "syslog": 103, "modify_ldt": 154, "pivot_root": 155, "adjtimex": 159, "chroot": 161, "acct": 163,
        "settimeofday": 164, "mount": 165, "umount2": 166, "swapon": 167, "swapoff": 168, "reboot": 169,
        "sethostname": 170, "setdomainname": 171, "iopl": 172, "ioperm": 173, "init_module": 175, "delete_module": 176,
        "quotactl": 179, "nfsservctl": 180, "lookup_dcookie": 212, "clock_settime": 227, "kexec_load": 246,
        "add_key": 248, "request_key": 249, "keyctl": 250, "perf_event_open": 298, "fanotify_init": 300,
        "open_by_handle_at": 304, "clock_adjtime": 305, "setns": 308, "process_vm_readv": 310, "process_vm_writev": 311,
        "kcmp": 312, "finit_module": 313, "kexec_file_load": 320, "bpf": 321, "userfaultfd": 323, "vhangup": 153,
    },
    clone=56,
    clone3=435,
    unshare=272,
    ioctl=16,
    socket=41,
    x32=True,
)  # fmt: skip
AARCH64 = Machine(
    0xC00000B7,
    {
        **_SAME_EVERYWHERE,
        "lookup_dcookie": 18, "umount2": 39, "mount": 40, "pivot_root": 41, "nfsservctl": 42, "chroot": 51,
        "vhangup": 58, "quotactl": 60, "acct": 89, "kexec_load": 104, "init_module": 105, "delete_module": 106,
        "clock_settime": 112, "syslog": 116, "ptrace": 117, "reboot": 142, "sethostname": 161, "setdomainname": 162,
        "settimeofday": 170, "adjtimex": 171, "add_key": 217, "request_key": 218, "keyctl": 219, "swapon": 224,
        "swapoff": 225, "perf_event_open": 241, "fanotify_init": 262, "open_by_handle_at": 265, "clock_adjtime": 266,
        "setns": 268, "process_vm_readv": 270, "process_vm_writev": 271, "kcmp": 272, "finit_module": 273, "bpf": 280,
        "userfaultfd": 282, "kexec_file_load": 294,
    },
    clone=220,
    clone3=435,
    unshare=97,
    ioctl=29,
    socket=198,
)  # fmt: skip
_MACHINES = {"x86_64": X86_64, "amd64": X86_64, "aarch64": AARCH64, "arm64": AARCH64}

Instruction = tuple[int, int, int, int]
"""Code, instructions to skip when the comparison holds, when it does not, and the operand."""


def here() -> Machine | None:
    """This machine's numbers; None where they are not known and no filter can be made."""
    return _MACHINES.get(platform.machine().lower())


def program(machine: Machine) -> bytes:
    """The filter for `machine`: an array of `struct sock_filter`."""
    return b"".join(struct.pack("<HBBI", *one) for one in _instructions(machine))


def _instructions(machine: Machine) -> list[Instruction]:
    out: list[Instruction] = [
        (_LOAD, 0, 0, _ARCH),
        (_JUMP_EQUAL, 1, 0, machine.audit),
        _refuse(errno.ENOSYS),
        (_LOAD, 0, 0, _NUMBER),
    ]
    if machine.x32:
        out += [(_JUMP_GREATER_OR_EQUAL, 0, 1, _X32_BIT), _refuse(errno.ENOSYS)]
    for number in sorted(machine.refused.values()):
        out += [(_JUMP_EQUAL, 0, 1, number), _refuse(errno.EPERM)]
    # C libraries fall back to `clone`, whose flags a filter can see; those of `clone3` are behind a pointer.
    out += [(_JUMP_EQUAL, 0, 1, machine.clone3), _refuse(errno.ENOSYS)]
    out += _when(machine.clone, [_argument(0), (_JUMP_ANY_BIT, 0, 1, NAMESPACES), _refuse(errno.EPERM)])
    out += _when(machine.unshare, [_argument(0), (_JUMP_ANY_BIT, 0, 1, NAMESPACES | NEW_TIME), _refuse(errno.EPERM)])
    typed = [one for request in TERMINAL_INPUT for one in ((_JUMP_EQUAL, 0, 1, request), _refuse(errno.EPERM))]
    out += _when(machine.ioctl, [_argument(1), *typed])
    known = [(_JUMP_EQUAL, len(SOCKET_FAMILIES) - at, 0, family) for at, family in enumerate(SOCKET_FAMILIES)]
    out += _when(machine.socket, [_argument(0), *known, _refuse(errno.EAFNOSUPPORT)])
    return [*out, (_RETURN, 0, 0, _ALLOW)]


def _refuse(error: int) -> Instruction:
    return (_RETURN, 0, 0, _ERRNO | error)


def _argument(index: int) -> Instruction:
    """The low half of an argument: what the kernel itself looks at for all of these."""
    return (_LOAD, 0, 0, _ARGUMENTS + 8 * index)


def _when(number: int, checks: Sequence[Instruction]) -> list[Instruction]:
    """`checks` for the call `number` only. They end with the call allowed, so that the number need not be loaded again."""
    return [(_JUMP_EQUAL, 0, len(checks) + 1, number), *checks, (_RETURN, 0, 0, _ALLOW)]
