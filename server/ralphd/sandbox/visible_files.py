"""Which files of the machine a test run sees: system folders, and the toolchains that it stands on. Everything else is absent.

Toolchains are found from the interpreter that runs: through PATH, the links and first lines of programs, the virtual
environment's configuration and the variables of version managers. What the repository controls (its `.venv`) never
widens the view beyond a real Python installation or a known version manager's folder. Reads directory entries, links
and first lines only.
"""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Iterable, Mapping, Sequence

from ralphd.core.paths import within
from ralphd.core.regular_files import read_regular
from ralphd.sandbox.bwrap import Bind


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store", "/gnu/store")
"""Programs and libraries that the machine's administrator installed."""
SYSTEM_LINKS = ("/run/current-system", "/run/booted-system")
"""NixOS: programs are found through these."""
_ETC = (
    "alternatives", "ca-certificates", "ca-certificates.conf", "crypto-policies", "debian_version", "fonts", "group",
    "gradle", "host.conf", "hostname", "hosts", "issue", "java-11-openjdk", "java-17-openjdk", "java-21-openjdk",
    "java-25-openjdk", "java-8-openjdk", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "locale.alias", "locale.conf",
    "localtime", "lsb-release", "mailcap", "maven", "mime.types", "nodejs", "nsswitch.conf", "os-release", "passwd", "perl",
    "php", "pki/ca-trust", "pki/java", "pki/tls/cert.pem", "pki/tls/certs", "protocols", "resolv.conf", "rpc", "ruby",
    "services", "shells", "ssl/cert.pem", "ssl/certs", "ssl/openssl.cnf", "timezone", "vconsole.conf",
)  # fmt: skip
"""Of /etc what programs read to start; the rest holds host keys, password hashes and service accounts."""
_SYS = ("/sys/devices/system/cpu", "/sys/devices/system/node")
"""From here C libraries and runtimes count processors."""

_SECRET = _names(
    ".ssh .aws .gnupg .gpg .azure .kube .docker .config .netrc .npmrc .pypirc .git-credentials .password-store .mozilla"
    " .thunderbird .claude .codex .gemini .ollama .terraform.d .vault-token .pki .local/share/keyrings"
)
_WHOLE = _names(
    ".pyenv .nvm .rustup .volta .fnm .asdf .bun .deno .sdkman .rbenv .rvm .ghcup .juliaup .nodenv .goenv .jenv .pixi"
    " .nodebrew .n .swiftly .opam miniconda3 anaconda3 miniforge3 mambaforge miniconda anaconda .linuxbrew"
)
"""Version managers' folders below a home: programs only, so shown whole."""
_PARTS = {
    # `.cargo` also holds credentials.toml, `go` the person's other projects.
    ".cargo": (".cargo/bin", ".cargo/registry", ".cargo/git", ".rustup"),
    "go": ("go/bin", "go/pkg"),
}
_SHARE = _names("uv pipx mise rtx fnm nvm pnpm pyenv hatch pdm virtualenv virtualenvs pypoetry rustup go")
_PROGRAM_DIRS = frozenset(("bin", "sbin", "shims", "Scripts"))
_ALWAYS = (".local/lib", ".local/bin", ".cargo/registry", ".cargo/git", ".rustup", "go/pkg", ".m2/repository")
"""Libraries below HOME that tests load without any program of theirs on PATH; shown where they are there."""
_VARIABLES: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(
        ("PYENV_ROOT", "ASDF_DIR", "ASDF_DATA_DIR", "NVM_DIR", "VOLTA_HOME", "FNM_DIR", "MISE_DATA_DIR", "N_PREFIX",
         "BUN_INSTALL", "RUSTUP_HOME", "GOROOT", "GOMODCACHE", "JAVA_HOME", "MAVEN_HOME", "SDKMAN_DIR", "DOTNET_ROOT",
         "CONDA_PREFIX", "VIRTUAL_ENV", "HOMEBREW_PREFIX", "UV_PYTHON_INSTALL_DIR"), ("",)
    ),
    "CARGO_HOME": ("bin", "registry", "git"),
    "GOPATH": ("bin", "pkg"),
}  # fmt: skip
"""Where a variable of the person's says a toolchain is, and which parts of that folder it needs."""
_PROGRAMS = ("python3", "python", "node", "go", "cargo", "rustc", "java", "pytest", "uv", "ruby")
_MAX_HOPS = 40


def is_system(path: str) -> bool:
    return any(within(path, folder) for folder in SYSTEM)


def system_view() -> tuple[tuple[tuple[str, str], ...], tuple[Bind, ...]]:
    """(links to make, read-only binds) for the system's part of the view."""
    links, binds = [], []
    for path in SYSTEM:
        if os.path.islink(path):
            links.append((os.readlink(path), path))
        elif os.path.isdir(path):
            binds.append(Bind(path, path))
    binds += [Bind(path, path) for path in _SYS if os.path.isdir(path)]
    for name in _ETC:
        path = os.path.join("/etc", name)
        if os.path.exists(path):
            binds.append(Bind(os.path.realpath(path), path))
    return tuple(links), tuple(binds)


def system_links() -> tuple[Bind, ...]:
    """Parts of /run that programs need to start at all on some systems; on top of the private /run."""
    return tuple(Bind(os.path.realpath(path), path) for path in SYSTEM_LINKS if os.path.exists(path))


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


def toolchains(
    person: Mapping[str, str], root: str, *, environments: Sequence[str] = (), programs: Sequence[str] = ()
) -> tuple[Bind, ...]:
    """Read-only binds for what the person's variables, `environments` (virtual ones of the workspace) and `programs`
    (paths of what is started) stand on."""
    view = _View(person, root)
    for entry in dict.fromkeys(part for part in person.get("PATH", "").split(":") if part.startswith("/")):
        view.path_entry(entry)
    for part in person.get("PYTHONPATH", "").split(":") + person.get("NODE_PATH", "").split(":"):
        view.library(part)
    for variable, parts in _VARIABLES.items():
        for part in parts if person.get(variable, "").startswith("/") else ():
            view.named(os.path.join(person[variable], part).rstrip("/"))
    for relative in _ALWAYS:
        view.show(os.path.join(view.home, relative))
    for environment in environments:
        view.environment(environment)
    for program in programs:
        view.program(program)
    return view.binds()


class _View:
    """Collects folders to show, and refuses those that are too wide or may hold secrets."""

    def __init__(self, person: Mapping[str, str], root: str) -> None:
        self.home = os.path.realpath(person.get("HOME", "/"))
        self._root = root
        self._shown: dict[str, None] = {}

    def show(self, path: str) -> None:
        """Show `path` unless it is there anyway, or so wide that it holds a home, the workspace or a whole disk."""
        too_wide = path.count("/") < 2 or any(within(place, path) for place in (self.home, self._root, "/var/tmp"))
        if not (too_wide or is_system(path) or within(path, self._root)) and os.path.exists(path):
            self._shown[path] = None

    def path_entry(self, entry: str) -> None:
        """A folder of PATH, and what the programs in it that are links lead to."""
        if within(entry, self._root):
            return
        self._trusted(os.path.join(entry, "."))
        for program in _PROGRAMS:
            candidate = os.path.join(entry, program)
            if os.path.islink(candidate):
                self._trusted(candidate)

    def library(self, path: str) -> None:
        """A folder of PYTHONPATH or NODE_PATH: below HOME only where nothing secret is."""
        if path.startswith("/") and not within(path, self._root):
            relative = os.path.relpath(path, self.home)
            if not within(path, self.home) or (relative != "." and not relative.startswith(".")):
                self.show(path)

    def named(self, path: str) -> None:
        """A toolchain's folder that a variable of the person's names."""
        known = self._known(path)
        parts = os.path.relpath(path, self.home).split("/") if within(path, self.home) else []
        if known is None or (parts and parts[0] not in _SECRET and "/".join(parts[:3]) not in _SECRET):
            self.show(path)

    def environment(self, environment: str) -> None:
        """A virtual environment of the workspace. A linked one is shown unless the link leads to where secrets may be."""
        real = os.path.realpath(environment)
        if real != environment and self._known(f"{real}/bin/python") != [] and os.path.isfile(f"{real}/pyvenv.cfg"):
            self.show(real)
        for interpreter in _interpreters(environment):
            self._from_repository(interpreter)

    def program(self, program: str) -> None:
        """What is started: its links, the interpreter that its first line names, and the environment that it lies in."""
        trust = self._from_repository if within(program, self._root) else self._trusted
        trust(program)
        interpreters = [_first_line_program(program)]
        base = os.path.dirname(os.path.dirname(program))
        if os.path.isfile(os.path.join(base, "pyvenv.cfg")):
            if not within(program, self._root):
                self.show(base)
            interpreters += _interpreters(base)
        for interpreter in interpreters:
            if interpreter:
                trust(interpreter)

    def binds(self) -> tuple[Bind, ...]:
        """Each folder at its real path, and at the path it is known by unless another folder shows it there already."""
        real = sorted({os.path.realpath(path) for path in self._shown} - {"/"})
        found = {path: Bind(path, path) for path in outermost(real) if not is_system(path)}
        for path in outermost(self._shown):
            target = os.path.realpath(path)
            if path != target and not any(within(path, shown) for shown in found):
                found[path] = Bind(target, path)
        return tuple(found[path] for path in sorted(found))

    def _known(self, path: str) -> list[str] | None:
        """What the tables show for a path below somebody's home; None for a path elsewhere."""
        above = _home_above(path, self.home)
        if above is None:
            return None
        return [os.path.join(above, relative) for relative in readable_in_home(os.path.relpath(path, above))]

    def _trusted(self, path: str) -> None:
        """A place that the person's own environment names."""
        for hop in _hops(path):
            listed, folder = self._known(hop), os.path.dirname(hop)
            if listed is None:
                prefix = os.path.dirname(folder) if os.path.basename(folder) in _PROGRAM_DIRS else folder
                narrow = prefix.count("/") < 2 or any(within(place, prefix) for place in (self.home, self._root))
                listed = [folder if narrow else prefix]
            for place in listed:
                self.show(place)

    def _from_repository(self, path: str) -> None:
        """An interpreter that the workspace's virtual environment names: only what looks like a Python is shown."""
        for hop in _hops(path):
            listed, prefix = self._known(hop), os.path.dirname(os.path.dirname(hop))
            if listed != [] and _is_python(prefix):
                self.show(prefix)
            for place in listed or ():
                # uv and the version managers reach their Pythons through further links of their own.
                if _manager(place):
                    self.show(place)


def outermost(paths: Iterable[str]) -> tuple[str, ...]:
    """`paths` without those that lie below another one, sorted."""
    kept: list[str] = []
    for path in sorted(set(paths)):
        if not any(within(path, folder) for folder in kept):
            kept.append(path)
    return tuple(kept)


def _home_above(path: str, home: str) -> str | None:
    """The home folder that `path` lies in: the person's, or another's that PATH leads to (sudo)."""
    other = re.match(r"/root(?=/)|/(?:home|Users)/[^/]+(?=/)", path)
    if within(path, home) and home != "/":
        return home
    return other.group() if other else None


def _manager(place: str) -> bool:
    return os.path.basename(place) in (".pyenv", ".rye", ".asdf", "uv", "mise", "rtx")


def _hops(path: str) -> list[str]:
    """`path` and each place its chain of links leads through, the real one last."""
    hops = [os.path.normpath(path) if not path.endswith("/.") else path]
    at = path
    for _ in range(_MAX_HOPS):
        try:
            target = os.readlink(at)
        except OSError:
            break
        at = os.path.normpath(os.path.join(os.path.dirname(at), target))
        hops.append(at)
    hops.append(os.path.realpath(path) + ("/." if path.endswith("/.") else ""))
    return list(dict.fromkeys(hops))


def _first_line_program(path: str) -> str | None:
    """The program that a script's first line names (`#!/usr/bin/python3`), where it is one with a path."""
    line = (read_regular(path, 4096) or b"").split(b"\n", 1)[0]
    words = line[2:].split() if line.startswith(b"#!") else []
    return os.fsdecode(words[0]) if words and words[0].startswith(b"/") else None


def _interpreters(environment: str) -> list[str]:
    """The interpreters that a virtual environment stands on, by its configuration and its links."""
    found = [os.path.join(environment, "bin", name) for name in ("python", "python3")]
    found = [path for path in found if os.path.islink(path)]
    config = (read_regular(os.path.join(environment, "pyvenv.cfg"), 4096) or b"").decode("utf-8", "replace")
    for line in config.splitlines():
        key, _, value = line.partition("=")
        if key.strip() == "home" and value.strip().startswith("/"):
            return [*found, os.path.join(value.strip(), "python3")]
    return found


def _is_python(prefix: str) -> bool:
    """Whether a Python's standard library lies below `prefix`."""
    try:
        names = os.listdir(os.path.join(prefix, "lib"))
    except OSError:
        return False
    return any(
        re.fullmatch(r"python3\.\d+t?", name) and os.path.isfile(os.path.join(prefix, "lib", name, "os.py"))
        for name in names
    )
