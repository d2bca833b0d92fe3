"""The kernel's own limit on the memory and the tasks of a run: a cgroup v2, which systemd makes for it as a transient scope.

`systemd-run --scope` asks the service manager for the scope, enters it and becomes the command by execve (systemd-run(1)), so
the command has the process id, the group and the descriptors that ralphd gave. Whether all that holds here is tried once
in a process. The watchdog looks on beside it, and is the only one where there is no such manager.
"""

from __future__ import annotations

import functools
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field

from ralphd.sandbox.bwrap import Limits

CGROUPS = "/sys/fs/cgroup"
TOOL_PATH = "/usr/bin:/bin:/usr/sbin:/sbin"
"""Where the system's own programs are looked for: never in the person's PATH, which may lead into a repository."""
_SLICE = "ralphd.slice"
"""The cgroup above all scopes of ralphd. It stays when a run's own is gone, and counts what happened in it."""
_OWN_TASKS = 8
"""Of bubblewrap and its launcher, beside those of the run."""
_LONGEST = "1d"
"""After this a scope ends. systemd keeps one whose only process was killed in the moment in which it was made."""
_ANSWER_S = 3.0
_TRIED = Limits(memory_mb=64, processes=32)
_TRIED_NAME = "ralphd-self-test"
_LITERAL = "$HOME ${HOME} $$"
_TRY = (
    'read -r group < /proc/self/cgroup; group=${group#0::}; read -r memory < "$0$group/memory.max"; '
    'read -r tasks < "$0$group/pids.max"; printf "%s\\n" "$group" "$memory" "$tasks" "$$" "$1"'
)
"""Run in a scope by the self-test. It tells its cgroup, the two limits that the kernel keeps for it, its process id, and
one of its arguments as it came. Its arguments: where cgroups are mounted, `_LITERAL`. A manager that may not limit the
memory of what it starts makes the scope all the same, without a word."""


@dataclass(frozen=True)
class MemoryScope:
    """How the service manager is asked for a scope. `head`: the words before the limits; `slice`: the folder of `_SLICE`."""

    head: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    """What systemd-run needs to find the manager. The command itself is given an empty environment."""
    slice: str = ""

    def argv(self, name: str, limits: Limits) -> list[str]:
        """The words in front of a command that is to run in the scope `name` under `limits`."""
        properties = (
            f"MemoryMax={limits.memory_mb}M",
            "MemorySwapMax=0",
            f"TasksMax={limits.processes + _OWN_TASKS}",
            f"RuntimeMaxSec={_LONGEST}",
        )
        return [*self.head, f"--unit={name}.scope", *(f"--property={one}" for one in properties), "--", *_EMPTY]

    def killed_in(self, name: str) -> bool:
        """Whether the kernel has ended a process of this scope, which lives, for its memory."""
        return _kills(f"{self.slice}/{name}.scope") > 0

    def kills(self) -> int:
        """How many processes the kernel has ended for their memory in scopes of ralphd, those that are gone included."""
        return _kills(self.slice)


_EMPTY = ("/usr/bin/env", "-i")
"""Becomes the command, without a variable. systemd-run's own leads to the person's session."""


@functools.cache
def find() -> MemoryScope | None:
    """The scopes that can be had here, proven by one that was; None where there are none. It waits for other programs."""
    systemd_run, setpriv = (shutil.which(name, path=TOOL_PATH) for name in ("systemd-run", "setpriv"))
    if sys.platform != "linux" or systemd_run is None or setpriv is None:
        return None
    for head, env in _ways(systemd_run, setpriv, os.geteuid()):
        try:
            found = _proven(MemoryScope(head, env))
        except (OSError, subprocess.TimeoutExpired):
            return None
        if found is not None:
            return found
    return None


def _ways(systemd_run: str, setpriv: str, user: int) -> list[tuple[tuple[str, ...], dict[str, str]]]:
    """The words to ask with, by systemd's age, and their environment: root asks the system's manager, others their own.

    systemd-run replaces variables in a command from version 254 on unless it is told not to; earlier ones do not know the
    option, and replace nothing in a scope. The description would else be the whole command, with its variables' values,
    in the system's log. setpriv has the kernel end it with ralphd while it waits for the manager. A person's manager is
    asked through a socket below /run/user, which is where pam_systemd puts it, whatever the environment says.
    """
    whose = [] if user == 0 else ["--user"]
    what = ["--scope", "--quiet", "--collect", "--no-ask-password", f"--slice={_SLICE}"]
    env = {"XDG_RUNTIME_DIR": f"/run/user/{user}"}
    start = [setpriv, "--pdeathsig", "KILL", systemd_run, *whose, *what, "--description=A test run of ralphd"]
    return [((*start, "--expand-environment=no"), env), (tuple(start), env)]


def _proven(scope: MemoryScope) -> MemoryScope | None:
    """`scope` with its slice, when a command in one is the process that was started, as it was said, and is limited."""
    command = ["/bin/sh", "-c", _TRY, CGROUPS, _LITERAL]
    argv = [*scope.argv(f"{_TRIED_NAME}-{secrets.token_hex(8)}", _TRIED), *command]
    with subprocess.Popen(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=dict(scope.env),
        text=True,
    ) as tried:
        try:
            said = tried.communicate(timeout=_ANSWER_S)[0].splitlines()
        finally:
            tried.kill()
    group = said[0] if said else ""
    limits = [str(_TRIED.memory_mb << 20), str(_TRIED.processes + _OWN_TASKS)]
    if said[1:] != [*limits, str(tried.pid), _LITERAL]:
        return None
    return MemoryScope(scope.head, scope.env, CGROUPS + os.path.dirname(group))


def _kills(group: str) -> int:
    """The count `oom_kill` of a cgroup and all below it; 0 where it cannot be read."""
    try:
        with open(f"{group}/memory.events", encoding="ascii") as file:
            return sum(int(line.split()[1]) for line in file if line.startswith("oom_kill "))
    except (OSError, ValueError, IndexError):
        return 0
