"""Finds out, by trying it, whether test runs can be isolated here. Never guesses, never falls back in silence."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import stat
import sys
import tempfile
from dataclasses import dataclass
from typing import Literal

from ralphd.errors import SandboxError
from ralphd.sandbox import policy, process

Mode = Literal["auto", "bwrap", "none"]
_CANARY_S = 20.0
_TOOL_PATH = "/usr/bin:/bin:/usr/sbin:/sbin"
_CANARY = """
cd "$3" || exit 10
echo inside > canary || exit 10
echo x 2>/dev/null > "$1/outside" && exit 11
[ -e "$1/secret" ] && exit 12
while read -r name rest; do case $name in lo:|Inter-\\||face) ;; *) exit 13;; esac; done < /proc/net/dev
[ -e "/proc/$2/status" ] && [ "$2" -gt 100 ] && exit 14
echo ralph-canary-ok
"""
_MEANING = {
    10: "the copy cannot be written to",
    11: "the host's files can be written to",
    12: "hidden folders can be read",
    13: "the network can be reached",
    14: "the host's processes can be seen",
}


@dataclass(frozen=True)
class Isolation:
    """`detail` says why there is none, and the one line that mends it."""

    kind: Literal["bwrap", "none"]
    detail: str
    prlimit: str = ""
    disable_userns: bool = True
    """bubblewrap before 0.8 cannot forbid nested namespaces."""


async def detect(mode: Mode) -> Isolation:
    """What isolation there is, proven by a real run. A few tens of milliseconds; the caller keeps the answer."""
    prlimit = shutil.which("prlimit", path=_TOOL_PATH) or ""
    if mode == "none":
        return Isolation("none", "The setting sandbox.mode is none: test runs are not isolated.", prlimit)
    if sys.platform != "linux":
        return Isolation(
            "none", f"There is no isolation for {sys.platform} yet: tests run only after your own word.", ""
        )
    refusal = _refusal()
    if refusal:
        return Isolation("none", refusal, prlimit)
    if not prlimit:
        return Isolation("none", "prlimit is not installed. Install it: the package util-linux has it.", "")
    return await _prove(prlimit)


def _refusal() -> str:
    """Why this bwrap will not be used, by looking at the file; empty when it may be tried."""
    try:
        info = os.stat(policy.BWRAP)
    except OSError:
        return f"bubblewrap is not installed. Install it: {_install_line()}"
    if info.st_mode & (stat.S_ISUID | stat.S_ISGID):
        return f"{policy.BWRAP} is setuid, which is not safe to use here. Mend it: sudo chmod u-s,g-s {policy.BWRAP}"
    if info.st_uid != 0 or info.st_mode & 0o022:
        return f"{policy.BWRAP} can be changed by others than root. Mend it: sudo chown root {policy.BWRAP}; sudo chmod 755 {policy.BWRAP}"
    return ""


def _install_line() -> str:
    for tool, line in (("apt-get", "apt-get install -y bubblewrap"), ("dnf", "dnf install -y bubblewrap"),
                       ("pacman", "pacman -S --noconfirm bubblewrap"), ("apk", "apk add bubblewrap util-linux"),
                       ("zypper", "zypper install -y bubblewrap")):  # fmt: skip
        if shutil.which(tool, path=_TOOL_PATH):
            return line if os.geteuid() == 0 else f"sudo {line}"
    return "it is packaged as `bubblewrap`"


async def _prove(prlimit: str) -> Isolation:
    scratch = tempfile.mkdtemp(prefix="ralphd-canary-")
    try:
        host = os.path.join(os.path.realpath(scratch), "host")
        for name in ("slot", "workspace", "host", "host/secret"):
            os.mkdir(os.path.join(scratch, name))
        said = ""
        for disable_userns in (True, False):
            result = await _canary(scratch, host, prlimit, disable_userns)
            if isinstance(result, str):
                said = result
                # Only a bwrap too old to know the option may go without it.
                if "disable-userns" in result and "nknown option" in result:
                    continue
                break
            if result.exit_code == 0 and "ralph-canary-ok" in result.output and _wrote(scratch):
                detail = (
                    "bubblewrap" if disable_userns else "bubblewrap (older than 0.8: nested namespaces are not refused)"
                )
                return Isolation("bwrap", detail, prlimit, disable_userns)
            said = _MEANING.get(result.exit_code, result.output.strip()[-300:] or f"exit code {result.exit_code}")
            break
        return Isolation("none", f"bubblewrap does not isolate here: {said}. {_mend(said)}".strip(), prlimit)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


async def _canary(scratch: str, host: str, prlimit: str, disable_userns: bool) -> process.ProcessResult | str:
    real = os.path.realpath(scratch)
    workspace = os.path.join(real, "workspace")
    nonce = f"ralph-{secrets.token_hex(8)}"
    plan = policy.Plan(
        argv=("/bin/sh", "-c", _CANARY, "canary", host, str(os.getpid()), workspace),
        cwd=workspace,
        home="/tmp/home",
        hidden=tuple(dict.fromkeys((os.path.realpath("/tmp"), os.path.realpath("/run"), os.path.dirname(real)))),
        binds=(policy.Bind(os.path.join(real, "slot"), workspace, writable=True),),
        env={"PATH": "/usr/bin:/bin"},
        disable_userns=disable_userns,
    )
    launch = process.Launch(
        build=lambda fd: policy.bwrap_argv(plan, status_fd=fd, nonce=nonce, prlimit=prlimit),
        nonce=nonce,
        isolated=True,
        env={},
    )
    try:
        return await process.run(launch, timeout_s=_CANARY_S, output_bytes=1 << 16)
    except SandboxError as error:
        return re.sub(r"^The sandbox could not be started: ", "", error.message)


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
