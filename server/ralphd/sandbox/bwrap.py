"""One test run as arguments for bubblewrap. Pure: values in, arguments out; what a run may see is decided elsewhere.

The sandbox starts with an empty root. System folders, toolchains and the copy of the workspace are shown in it one by
one, so what nobody thought of is not there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

BWRAP = "/usr/bin/bwrap"
"""Only this path: Ubuntu's AppArmor profile names it, and a look-up in PATH could be answered by the repository."""
NOBODY = 65534
"""The user and group that root becomes. Every system has a passwd entry for it, which some programs insist on."""

TMP_BYTES = 1 << 30
HOME_BYTES = 512 << 20
SHM_BYTES = 256 << 20
OTHER_BYTES = 16 << 20
"""Sizes of the private /tmp, HOME, /dev/shm and the rest. They are memory: a run can fill all of them at once."""
PROCESSES = 512
FILE_BYTES = 1 << 30
PROC_READ_ONLY = ("acpi", "bus", "fs", "irq", "mtrr", "pressure", "scsi", "sys", "sysrq-trigger", "tty")
"""Parts of /proc that change the machine. The kernel lets the owner write to them, and root's sandbox is still the owner."""
PROC_HIDDEN = ("kcore", "keys", "key-users", "kallsyms", "kmsg", "latency_stats", "sched_debug", "timer_list")
"""Parts of /proc that tell of the kernel's memory or of the person's keys: nothing can be read there."""


@dataclass(frozen=True)
class Bind:
    """A host path shown inside, read-only unless said otherwise."""

    source: str
    target: str
    writable: bool = False


@dataclass(frozen=True)
class Limits:
    memory_mb: int = 4096
    processes: int = PROCESSES
    file_bytes: int = FILE_BYTES


@dataclass(frozen=True)
class RunPlan:
    """One test run. Later entries of `binds` lie on top of earlier ones, and all of them on top of `private`."""

    argv: tuple[str, ...]
    cwd: str
    env: Mapping[str, str] = field(default_factory=dict)
    links: tuple[tuple[str, str], ...] = ()
    """Symbolic links to make in the root: (what it leads to, where it stands)."""
    system: tuple[Bind, ...] = ()
    private: tuple[tuple[str, int], ...] = ()
    """Empty folders in memory that the run may write to: (path, bytes)."""
    binds: tuple[Bind, ...] = ()
    proc_read_only: tuple[str, ...] = ()
    proc_hidden: tuple[str, ...] = ()
    network: bool = False
    disable_userns: bool = True
    as_nobody: bool = False
    """Map the user to `NOBODY`: for root, who would otherwise be root inside as well."""
    limits: Limits = Limits()

    @property
    def in_memory(self) -> tuple[str, ...]:
        """The folders whose files are memory."""
        return ("/dev/shm", *(path for path, _ in self.private)) if self.private else ()


@dataclass(frozen=True)
class Descriptors:
    """What bubblewrap is handed: the pipe for its status, and the seccomp program (-1: none)."""

    status: int
    seccomp: int = -1


_BEGIN = 'printf "%s\\n" "$0"; read -r _ || exit 125; { echo 900 >/proc/self/oom_score_adj; } 2>/dev/null; '
MARK = "RALPHD_RUN"
"""The variable by which processes of a run without isolation are known, also those that left its group. Its value: the nonce."""
_END_ALL = (
    f'kill -9 $$; read -r self _ </proc/self/stat; for _ in 1 2 3; do for one in $(grep -ls "{MARK}=$0" /proc/[0-9]*/environ); '
    'do one=${one#/proc/}; one=${one%/environ}; [ "$one" = "$self" ] || kill -9 "$one"; done; done; kill -9 -$$; '
)
_WATCHED = f"exec 3<&0; ( {{ read -r _ <&3; {_END_ALL}}} >/dev/null 2>&1 & ); "
"""A process beside the command, of the same group, that ends it, all that carries the mark (on Linux), and the group when
standard input does: the starter is gone then. More than once, since what is ended may be starting others; itself last."""
_COMMAND = 'exec "$@" </dev/null 3<&-'


def launcher_argv(
    argv: Sequence[str], limits: Limits, nonce: str, *, prlimit: str | None, isolated: bool = False
) -> list[str]:
    """`argv` with its limits. The first line it prints is `nonce`: what follows is the command's.

    Then it waits for a line on its standard input, by which its starter says that it knows the tree and can end it; from
    then on the tree ends with its starter too. Where the starter has died before, there is no line, and nothing of the
    project runs. In a sandbox bubblewrap sees to that end, and is ready for it when the launcher begins; else a process
    beside the command does. The command itself reads nothing.

    The process limit is set in the sandbox because set before bwrap it counts all of the person's processes, and then no
    namespace can be made. Memory has no limit here: what a program reserves says nothing (WebAssembly reserves hundreds
    of gigabytes), so `watchdog.py` looks at what is really used. The shell makes the run the first choice of the
    kernel when memory runs out, and tells a missing command from a failing one: its own message begins with `nonce`.
    """
    head: list[str] = []
    if prlimit is not None:
        head = [prlimit, f"--fsize={limits.file_bytes}", "--core=0"]
        head += [f"--nproc={limits.processes}"] if isolated else []
        head += ["--"]
    return [*head, "/bin/sh", "-c", _BEGIN + ("" if isolated else _WATCHED) + _COMMAND, nonce, *argv]


def bwrap_argv(plan: RunPlan, given: Descriptors, *, nonce: str, prlimit: str, program: str = BWRAP) -> list[str]:
    """The whole sandbox as one argv. Its order is its meaning: what comes later lies on top."""
    argv = [program, "--unshare-user", "--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL"]
    argv += ["--uid", str(NOBODY), "--gid", str(NOBODY)] if plan.as_nobody else []
    argv += ["--disable-userns"] if plan.disable_userns else []
    argv += ["--share-net"] if plan.network else []
    argv += ["--json-status-fd", str(given.status), "--clearenv"]
    argv += ["--seccomp", str(given.seccomp)] if given.seccomp >= 0 else []
    for name, value in sorted(plan.env.items()):
        argv += ["--setenv", name, value]
    for leads_to, stands_at in plan.links:
        argv += ["--symlink", leads_to, stands_at]
    argv += _shown(plan.system)
    argv += ["--dev", "/dev", "--proc", "/proc"]
    for name in plan.proc_read_only:
        argv += ["--ro-bind", f"/proc/{name}", f"/proc/{name}"]
    for name in plan.proc_hidden:
        argv += ["--ro-bind", "/dev/null", f"/proc/{name}"]
    argv += ["--perms", "1777", "--size", str(SHM_BYTES), "--tmpfs", "/dev/shm"]
    for path, size in plan.private:
        argv += ["--perms", "1777" if path in ("/tmp", "/var/tmp") else "0755", "--size", str(size), "--tmpfs", path]
    argv += _shown(plan.binds)
    # The root itself is memory too, without a size: nothing more is made in it.
    argv += ["--remount-ro", "/", "--chdir", plan.cwd, "--"]
    return argv + launcher_argv(plan.argv, plan.limits, nonce, prlimit=prlimit, isolated=True)


def _shown(binds: Sequence[Bind]) -> list[str]:
    return [word for bind in binds for word in ("--bind" if bind.writable else "--ro-bind", bind.source, bind.target)]
