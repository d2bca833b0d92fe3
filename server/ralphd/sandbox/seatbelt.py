"""The isolation on macOS as a Seatbelt profile: what a test run may read, write and reach. Pure; text out.

macOS has no mount namespaces, so the copy stays at its own path and HOME and TMPDIR are folders beside it. The workspace
itself may not be read: an editable install that leads there fails loudly instead of giving a false green. Source of the
operations' names: the profiles in /System/Library/Sandbox/Profiles.
"""

from __future__ import annotations

from collections.abc import Sequence

SANDBOX_EXEC = "/usr/bin/sandbox-exec"
_SYSTEM = ("/usr", "/bin", "/sbin", "/System", "/Library/Frameworks", "/Library/Developer", "/Library/Java", "/private/var/db/dyld",
           "/private/var/db/timezone", "/private/etc/hosts", "/private/etc/passwd", "/private/etc/resolv.conf", "/private/etc/ssl",
           "/private/etc/localtime", "/dev", "/Applications/Xcode.app/Contents/Developer")  # fmt: skip
_MACH = (
    "com.apple.system.opendirectoryd.libinfo",
    "com.apple.system.notification_center",
    "com.apple.system.logger",
    "com.apple.SystemConfiguration.configd",
)
"""Services of the system that C libraries ask for users, time zones and logging."""


def profile(
    *,
    readable: Sequence[str],
    writable: Sequence[str],
    hidden: Sequence[str] = (),
    shown: Sequence[str] = (),
    network: bool,
) -> str:
    """`hidden` wins over `readable`, `shown` (what may be read below a hidden folder) over that, `writable` over all.

    Paths are real ones: Seatbelt follows no link.
    """
    lines = [
        "(version 1)",
        "(deny default)",
        "(allow process-fork)",
        "(allow process-exec)",
        "(allow signal (target same-sandbox))",
        "(allow process-info* (target same-sandbox))",
        "(allow sysctl-read)",
        "(allow file-read-metadata)",
        *(f"(allow mach-lookup (global-name {_quoted(name)}))" for name in _MACH),
        "(allow ipc-posix-shm*)",
        "(allow pseudo-tty)",
        *(f"(allow file-read* (subpath {_quoted(path)}))" for path in (*_SYSTEM, *readable)),
        *(f"(deny file-read* (subpath {_quoted(path)}))" for path in hidden),
        *(f"(allow file-read* (subpath {_quoted(path)}))" for path in shown),
        *(f"(allow file-read* file-write* (subpath {_quoted(path)}))" for path in writable),
        '(allow file-write* (literal "/dev/null") (literal "/dev/zero") (literal "/dev/tty"))',
    ]
    if network:
        lines.append("(allow network*)")
    else:
        lines += [
            '(allow network-bind (local ip "localhost:*"))',
            '(allow network-inbound (local ip "localhost:*"))',
            '(allow network-outbound (remote ip "localhost:*"))',
        ]
    return "\n".join(lines) + "\n"


def argv(text: str, command: Sequence[str]) -> list[str]:
    """`command` under the profile `text`."""
    return [SANDBOX_EXEC, "-p", text, *command]


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
