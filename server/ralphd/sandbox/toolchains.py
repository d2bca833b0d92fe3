"""Which folders of hidden places (HOME, /tmp, …) the test command needs to see: interpreters, version managers, libraries.

Reads directory entries and links only. What the repository controls (its .venv) never widens the view beyond a real
Python installation or a known version manager's folder; the rest comes from the person's own PATH.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence

from ralphd.core.paths import within
from ralphd.sandbox.policy import ALWAYS_SHOWN, Bind, readable_in_home

_PROGRAMS = ("python3", "python", "node", "go", "cargo", "rustc", "java", "pytest", "uv", "ruby")
_MAX_HOPS = 40


def hidden_places(home: str, *, also: Iterable[str] = ()) -> tuple[str, ...]:
    """Real paths of the folders that hold secrets, sockets and other people's files."""
    names = ("/tmp", "/var/tmp", "/run", "/home", "/root", "/Users", home, *also)
    return tuple(dict.fromkeys(os.path.realpath(name) for name in names if os.path.isdir(name)))


def system_links() -> tuple[str, ...]:
    """Parts of /run that programs need to start at all on some systems (NixOS)."""
    return tuple(path for path in ("/run/current-system", "/run/booted-system") if os.path.exists(path))


def needed(
    person: Mapping[str, str],
    root: str,
    hidden: Sequence[str],
    *,
    environments: Sequence[str] = (),
    programs: Sequence[str] = (),
) -> tuple[Bind, ...]:
    """Read-only binds for what PATH, PYTHONPATH, `environments` (virtual ones of the workspace) and `programs` stand on."""
    home = os.path.realpath(person.get("HOME", "/"))
    shown: dict[str, None] = {}

    def show(path: str) -> None:
        covered = any(within(path, place) for place in hidden)
        # Never a hidden place itself, nor what one lies in.
        open_place = covered and not any(within(place, path) for place in (*hidden, home)) and not within(path, root)
        if open_place and os.path.exists(path):
            shown[path] = None

    def known(path: str) -> list[str] | None:
        """What the table shows for a path below somebody's home; None for a path elsewhere."""
        above = _home_above(path, home)
        if above is None:
            return None
        return [os.path.join(above, relative) for relative in readable_in_home(os.path.relpath(path, above))]

    def trusted(path: str) -> None:
        """A place that the person's own environment names."""
        for hop in _hops(path):
            listed, folder = known(hop), os.path.dirname(hop)
            if listed is None:
                prefix = os.path.dirname(folder) if os.path.basename(folder) in ("bin", "sbin") else folder
                listed = [folder if prefix in hidden else prefix]
            for place in listed:
                show(place)

    def from_repository(path: str) -> None:
        """An interpreter that the workspace's virtual environment names: only what looks like a Python is shown."""
        for hop in _hops(path):
            listed, prefix = known(hop), os.path.dirname(os.path.dirname(hop))
            if listed != [] and _is_python(prefix):
                show(prefix)
            for place in listed or ():
                # uv and the version managers reach their Pythons through further links of their own.
                if _manager(place):
                    show(place)

    entries = [part for part in person.get("PATH", "").split(":") if part.startswith("/")]
    for entry in dict.fromkeys(entries):
        if within(entry, root):
            continue
        trusted(os.path.join(entry, "."))
        for program in _PROGRAMS:
            candidate = os.path.join(entry, program)
            if os.path.islink(candidate):
                trusted(candidate)
    for part in person.get("PYTHONPATH", "").split(":"):
        if part.startswith("/") and not within(part, root) and (not within(part, home) or _library(part, home)):
            show(part)
    for relative in ALWAYS_SHOWN:
        show(os.path.join(home, relative))
    for environment in environments:
        real = os.path.realpath(environment)
        # A linked environment is shown unless the link leads to where secrets may be.
        if real != environment and known(f"{real}/bin/python") != [] and os.path.isfile(f"{real}/pyvenv.cfg"):
            show(real)
        for interpreter in _interpreters(environment):
            from_repository(interpreter)
    for program in programs:
        if program.startswith("/") and not within(program, root):
            trusted(program)
            base = os.path.dirname(os.path.dirname(program))
            if os.path.isfile(os.path.join(base, "pyvenv.cfg")):
                show(base)
                for interpreter in _interpreters(base):
                    trusted(interpreter)
    binds: dict[str, Bind] = {}
    for path in sorted(shown):
        real = os.path.realpath(path)
        if real != path and any(within(real, place) for place in hidden):
            binds.setdefault(real, Bind(real, real))
        binds.setdefault(path, Bind(real, path))
    # Parents before children: a later bind lies on top of an earlier one.
    return tuple(binds[path] for path in sorted(binds))


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


def _interpreters(environment: str) -> list[str]:
    """The interpreters that a virtual environment stands on, by its configuration and its links."""
    found = [os.path.join(environment, "bin", name) for name in ("python", "python3")]
    found = [path for path in found if os.path.islink(path)]
    try:
        with open(os.path.join(environment, "pyvenv.cfg"), encoding="utf-8", errors="replace") as file:
            config = file.read(4096)
    except OSError:
        return found
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


def _library(path: str, home: str) -> bool:
    """A folder of the person's PYTHONPATH below HOME may be shown unless it is HOME itself or below a hidden name."""
    relative = os.path.relpath(path, home)
    return relative != "." and not relative.startswith((".", ".."))
