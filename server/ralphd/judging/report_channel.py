"""How reports come out of a test run: files that are open here before the run starts, and unlinked inside it.

The private folder of one channel:

    lib/sitecustomize.py      read-only in the run, on PYTHONPATH
    lib/settings.json         which tests to run, and how
    lib/ralphd_<random>/      a copy of `runner_plugins/`: nobody can know its name before the run
    lib/bin/node              first on PATH: starts the real node with our preload, whatever NODE_OPTIONS a script sets
    lib/bin/python, …         likewise: start the real program with `lib` on PYTHONPATH, whatever a script has set it to
    run-<random>/             writable in the run; a file for each session that may come, holding a secret word

A session takes one file, unlinks it and wipes the word, and at its end writes the word and its report through the
descriptor. So no path leads to a report once project code runs, and what the project leaves in the folder (gigabytes,
links, 100,000 files) is never looked at: only our own descriptors are read. A file that was taken and holds nothing but
the wiped word belongs to a process that turned out to be no test runner.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shlex
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

MAX_SESSIONS = 32
"""Processes of test runners within one test command (`tox` starts one for each environment)."""
_MAX_BYTES = 64 << 20
_NODE = """\
#!/bin/sh
# The node that follows on PATH, with ralphd's preload (a script that sets NODE_OPTIONS itself has taken it away) and
# ralphd's reporter for Node's own runner. Where the command names reporters of its own, the preload adds ours to them.
own={own}
case "$NODE_OPTIONS" in
*{package}*) ;;
*) NODE_OPTIONS={preload}" $NODE_OPTIONS"; export NODE_OPTIONS ;;
esac
case " $* " in
*" --test-reporter"*) ;;
*) NODE_OPTIONS="$NODE_OPTIONS "{reporters} ;;
esac
real=$(PATH="${{PATH%%"$own":*}}${{PATH#*"$own":}}"; command -v node) || {{ echo "node: not found" >&2; exit 127; }}
exec "$real" "$@"
"""
PYTHON_STARTERS = (
    *("python", "python3", *(f"python3.{minor}" for minor in range(9, 16)), "pytest", "py.test", "coverage"),
    *("uv", "poetry", "pdm", "pipenv", "hatch", "tox", "nox"),
)
"""Programs that start Python: a script may give each of them a PYTHONPATH without ours (`PYTHONPATH=src pytest`)."""
_PYTHON = """\
#!/bin/sh
# The program of this name that follows on PATH, with ralphd's folder on PYTHONPATH: a script that sets PYTHONPATH itself
# has taken it away, and pytest is told to load a plugin from there.
own={own}
library={library}
if [ -n "$RALPHD_REPORT_DIR" ]; then
    case ":$PYTHONPATH:" in
    *":$library:"*) ;;
    *) PYTHONPATH="$library${{PYTHONPATH:+:$PYTHONPATH}}"; export PYTHONPATH ;;
    esac
fi
name=${{0##*/}}
real=$(PATH="${{PATH%%"$own":*}}${{PATH#*"$own":}}"; command -v "$name") || {{ echo "$name: not found" >&2; exit 127; }}
exec "$real" "$@"
"""
OWN_PACKAGE = re.compile(r"\bralphd_[0-9a-f]{16}\b")
"""How the copy of `runner_plugins/` is called: no package that anyone could install."""


class ReportChannel:
    """The reports of one test run after the other. `close` removes its folder."""

    def __init__(self, root: Path, plugin: str = "for_pytest") -> None:
        """`plugin`: the module of `runner_plugins/` that every pytest loads."""
        self._plugin = plugin
        root.mkdir(parents=True, exist_ok=True)
        self._folder = Path(tempfile.mkdtemp(prefix="report-", dir=root))
        self._package = f"ralphd_{secrets.token_hex(8)}"
        self.library = self._folder / "lib"
        package = self.library / self._package
        with resources.as_file(resources.files("ralphd.judging").joinpath("runner_plugins")) as source:
            shutil.copytree(source, package, ignore=shutil.ignore_patterns("__pycache__"))
        start = f"import os\n\nfrom {self._package} import start\n\nstart.begin(os.path.dirname(os.path.abspath(__file__)))\n"
        (self.library / "sitecustomize.py").write_text(start, encoding="utf-8")
        self._preload = package / "node" / "preload.cjs"
        self._node_reporter = (package / "node" / "for_node_test.mjs").as_uri()
        self._open: list[tuple[int, bytes]] = []
        self.inbox = self._folder / "run-none"

    def fresh(self, settings: Mapping[str, Any]) -> None:
        """Get ready for one run. `settings`: what the plugins read (`only`, `stop`, `collect`, `target`); `notes`, a
        folder for what Node's processes saw of the target, is added."""
        self._drop()
        self.inbox = Path(tempfile.mkdtemp(prefix="run-", dir=self._folder))
        told = {**settings, "notes": str(self.inbox / "notes")}
        (self.library / "settings.json").write_text(json.dumps(told), encoding="utf-8")
        for number in range(MAX_SESSIONS):
            word = secrets.token_hex(16).encode()
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0)
            fd = os.open(self.inbox / f"{number:02}", flags, 0o600)
            os.write(fd, word)
            self._open.append((fd, word))

    def environment(self) -> dict[str, str]:
        passed = "PYTEST_ADDOPTS,PYTHONPATH,RALPHD_REPORT_DIR,NODE_OPTIONS"
        return {
            "TOX_OVERRIDE": f"testenv.pass_env+={passed}",  # tox hands on only what it is told to
            "PYTEST_ADDOPTS": f"-p {self._package}.{self._plugin}",
            "PYTHONPATH": str(self.library),
            "RALPHD_REPORT_DIR": str(self.inbox),
        }

    def node_environment(self, *, reporters: bool = True) -> dict[str, str]:
        """What a command that may start Node needs besides; `reporters`: False for a Node whose options know none."""
        preload = f'--require="{self._preload}"'
        ours = f"--test-reporter={self._node_reporter} --test-reporter-destination=stdout"
        theirs = "--test-reporter=spec --test-reporter-destination=stdout"  # what people read, as without ours
        folder = self._programs()
        given = {
            "own": str(folder),
            "package": self._package,
            "preload": preload,
            "reporters": f"{ours} {theirs}" if reporters else "",
        }
        node = folder / "node"
        node.write_text(_NODE.format(**{name: shlex.quote(value) for name, value in given.items()}), encoding="utf-8")
        node.chmod(0o755)
        return {"NODE_OPTIONS": preload, "PATH": str(folder)}

    def python_environment(self, programs: Iterable[str]) -> dict[str, str]:
        """What a command that may start Python through another program needs besides. `programs`: those of
        `PYTHON_STARTERS` that there are; a script may ask which, so no other one may seem to be there."""
        folder = self._programs()
        text = _PYTHON.format(own=shlex.quote(str(folder)), library=shlex.quote(str(self.library)))
        for name in programs:
            (folder / name).write_text(text, encoding="utf-8")
            (folder / name).chmod(0o755)
        return {"PATH": str(folder)}

    def _programs(self) -> Path:
        folder = self.library / "bin"
        folder.mkdir(exist_ok=True)
        return folder

    def progress(self) -> int:
        """Grows with every test that starts; 0 before the first."""
        sizes = [(os.fstat(fd), len(word)) for fd, word in self._open]
        return sum(state.st_size - length for state, length in sizes if not state.st_nlink)

    def running(self) -> str:
        """The test that started last, in a session that has not ended; "" where none is known."""
        for fd, word in self._open:
            state = os.fstat(fd)
            if not state.st_nlink and state.st_size > len(word) and os.pread(fd, len(word), 0) != word:
                tail = os.pread(fd, 600, max(len(word), state.st_size - 600))
                return tail.rpartition(b"+")[2].decode("utf-8", "replace")
        return ""

    def collect(self) -> tuple[Sequence[bytes], int]:
        """What the sessions sent, and how many began and sent nothing that counts."""
        texts, silent = [], 0
        for fd, word in self._open:
            state = os.fstat(fd)
            if state.st_nlink or state.st_size == len(word):
                continue  # no session took it, or none began
            start = os.pread(fd, len(word) + 1, 0)
            if start != word + b"\n" or state.st_size > _MAX_BYTES:
                silent += 1
            else:
                texts.append(os.pread(fd, _MAX_BYTES, len(word) + 1))
        return texts, silent

    def close(self) -> None:
        self._drop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _drop(self) -> None:
        for fd, _ in self._open:
            os.close(fd)
        self._open.clear()
