"""What a test run may see, in pure functions: which folders below HOME are shown, and bubblewrap's arguments.

Starts nothing and reads neither files nor the process's environment: every function maps values to values, so that the
policy can be read and tested without a sandbox.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from ralphd.core.paths import within

BWRAP = "/usr/bin/bwrap"
"""Only this path: Ubuntu's AppArmor profile names it, and a PATH look-up could be answered by the repository."""

TMP_BYTES = 1 << 30
HOME_BYTES = 512 << 20
SHM_BYTES = 256 << 20
OTHER_BYTES = 16 << 20
"""These are memory: a run can fill all of them at once."""
PROCESSES = 512
FILE_BYTES = 1 << 30


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_SECRET = _names(
    ".ssh .aws .gnupg .gpg .azure .kube .docker .config .netrc .npmrc .pypirc .git-credentials .password-store .mozilla"
    " .thunderbird .claude .codex .gemini .ollama .terraform.d .vault-token .pki .local/share/keyrings"
)
_WHOLE = _names(
    ".pyenv .nvm .rustup .volta .fnm .asdf .bun .deno .sdkman .rbenv .rvm .ghcup .juliaup .nodenv .goenv .jenv .pixi"
    " .nodebrew .n .swiftly .opam miniconda3 anaconda3 miniforge3 mambaforge miniconda anaconda"
)
"""Version managers' folders: programs only, so shown whole."""
_PARTS = {
    # `.cargo` also holds credentials.toml, `go` the person's other projects.
    ".cargo": (".cargo/bin", ".cargo/registry", ".cargo/git", ".rustup"),
    "go": ("go/bin", "go/pkg"),
}
_SHARE = _names("uv pipx mise rtx fnm nvm pnpm pyenv hatch pdm virtualenv virtualenvs pypoetry rustup go")
_PROGRAM_DIRS = frozenset(("bin", "sbin", "shims", "Scripts"))
ALWAYS_SHOWN = (".local/lib", ".local/bin", ".cargo/registry", ".cargo/git", ".rustup", "go/pkg", ".m2/repository")
"""Libraries that tests load without any program of theirs on PATH; shown where they are there."""


class SandboxSettings(Protocol):
    """The part of the settings that is read here."""

    @property
    def network(self) -> bool: ...
    @property
    def read_only(self) -> Sequence[str]: ...
    @property
    def memory_mb(self) -> int: ...
    @property
    def output_mb(self) -> int: ...


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
class Plan:
    """One test run. `hidden`: real paths that an empty tmpfs covers; `binds`: applied in order, after that."""

    argv: tuple[str, ...]
    cwd: str
    home: str
    hidden: tuple[str, ...] = ()
    binds: tuple[Bind, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    network: bool = False
    disable_userns: bool = True
    limits: Limits = Limits()


def readable_in_home(relative: str) -> tuple[str, ...]:
    """Which folders below HOME to show so that the program at `relative` (below HOME) works; none for what may be secret."""
    parts = tuple(part for part in relative.split("/") if part not in ("", "."))
    if not parts or ".." in parts or parts[0] in _SECRET or "/".join(parts[:3]) in _SECRET:
        return (".config/nvm",) if parts[:2] == (".config", "nvm") else ()
    first = parts[0]
    if first in _WHOLE:
        return (first,)
    if first in _PARTS:
        return _PARTS[first]
    if first == ".local":
        if parts[1:2] == ("share",):
            return ("/".join(parts[:3]),) if len(parts) > 2 and parts[2] in _SHARE else ()
        if parts[1:2] in (("bin",), ("lib",)):
            return (".local/bin", ".local/lib")
    for index in range(len(parts) - 1, 0, -1):
        if parts[index] in _PROGRAM_DIRS:
            above = "/".join(parts[:index])
            # `~/.local/bin` and `~/bin` must not drag all of `~/.local` or `~` in.
            return (above,) if above not in (".local", ".cache", "Library") else (posixpath.join(above, parts[index]),)
    return (first,) if first in _PROGRAM_DIRS else ()


def outermost(paths: Iterable[str]) -> tuple[str, ...]:
    """`paths` without those that lie below another one, parents first."""
    kept: list[str] = []
    for path in sorted(set(paths)):
        if not any(within(path, folder) for folder in kept):
            kept.append(path)
    return tuple(kept)


def launcher_argv(
    argv: Sequence[str], limits: Limits, nonce: str, *, prlimit: str | None, count_processes: bool
) -> list[str]:
    """`argv` with its limits, run inside the sandbox. The first line it prints is `nonce`: what follows is the command's.

    The process limit is set in here because set before bwrap it counts all of the person's processes, and then no
    namespace can be made. The shell makes the run the first choice of the kernel when memory runs out, and tells a
    missing command from a failing one: its own message begins with `nonce`.
    """
    head: list[str] = []
    if prlimit is not None:
        head = [prlimit, f"--as={limits.memory_mb << 20}", f"--fsize={limits.file_bytes}", "--core=0"]
        head += [f"--nproc={limits.processes}"] if count_processes else []
        head += ["--"]
    script = 'printf "%s\\n" "$0"; { echo 900 >/proc/self/oom_score_adj; } 2>/dev/null; exec "$@"'
    return [*head, "/bin/sh", "-c", script, nonce, *argv]


def bwrap_argv(plan: Plan, *, status_fd: int, nonce: str, prlimit: str) -> list[str]:
    """The whole sandbox as one argv. Its order is its meaning: hide, then show, then put the shadow over the workspace."""
    argv = [BWRAP, "--unshare-user", "--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL"]
    argv += ["--disable-userns"] if plan.disable_userns else []
    argv += ["--share-net"] if plan.network else []
    argv += ["--json-status-fd", str(status_fd), "--clearenv"]
    for name, value in sorted(plan.env.items()):
        argv += ["--setenv", name, value]
    argv += ["--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc"]
    argv += ["--perms", "1777", "--size", str(SHM_BYTES), "--tmpfs", "/dev/shm"]
    for path in outermost(plan.hidden):
        size = TMP_BYTES if path == "/tmp" else HOME_BYTES if within(plan.home, path) else OTHER_BYTES
        argv += ["--perms", "1777" if path in ("/tmp", "/var/tmp") else "0755", "--size", str(size), "--tmpfs", path]
    if any(within(plan.home, path) for path in plan.hidden):
        argv += ["--dir", plan.home]
    for bind in plan.binds:
        argv += ["--bind" if bind.writable else "--ro-bind", bind.source, bind.target]
    argv += ["--chdir", plan.cwd, "--"]
    return argv + launcher_argv(plan.argv, plan.limits, nonce, prlimit=prlimit, count_processes=True)
