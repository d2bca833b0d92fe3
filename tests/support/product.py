"""The `ralphd` program as a person starts it: its own process, the person's own file, a model server on loopback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.support.projects import PYTEST
from tests.support.scripted_server import ScriptedServer

HANGS_S = 600.0
"""A limit that only a hang reaches, also on a machine with ten busy processes per core."""


@dataclass(frozen=True)
class Ended:
    """How a `ralphd run … --json` ended."""

    exit_code: int
    result: dict[str, Any]
    """The JSON on stdout; empty where there was none."""
    stderr: str
    prompts: tuple[str, ...]
    """The whole body of each request that the model server received."""
    kept: str
    """All that is in the person's state and cache folders afterwards, as one text: journals, logs, reports."""

    @property
    def everything(self) -> str:
        """All that a secret of the person could have been written to, or sent in."""
        return "\n".join([json.dumps(self.result), self.stderr, *self.prompts, self.kept])


def person_file(settings: Mapping[str, Any] | str) -> Path:
    """Write the person's own configuration file, where this test's `XDG_CONFIG_HOME` says. Text is written as it is."""
    path = Path(os.environ["XDG_CONFIG_HOME"], "ralphd", "config.yaml")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(settings if isinstance(settings, str) else yaml.safe_dump(dict(settings)), encoding="utf-8")
    return path


def person_settings(model: ScriptedServer, **sections: Mapping[str, Any]) -> dict[str, Any]:
    """Every role at `model`, no critic, no hostile tests, no answers from the cache; `sections` add to that."""
    settings: dict[str, Any] = {
        "models": {"default": {"model": "openai/scripted", "api_base": model.base_url}},
        "testing": {"command": list(PYTEST), "adversarial_tests": False},
        "loop": {"critic": "never", "librarian": "never"},
        "litellm": {"enable_caching": False, "retry_attempts": 1},
    }
    for name, section in sections.items():
        settings[name] = {**settings.get(name, {}), **section}
    return settings


def run(
    project: Path,
    place: str,
    model: ScriptedServer,
    *,
    action: str = "implement",
    environment: Mapping[str, str] | None = None,
    arguments: tuple[str, ...] = (),
    around: tuple[str, ...] = (),
    **sections: Mapping[str, Any],
) -> Ended:
    """`ralphd run ACTION PLACE --json` in `project`, to its end. `environment` is added to the program's own,
    `around` is a command that starts it."""
    person_file(person_settings(model, **sections))
    words = ("run", action, place, "--json", *arguments)
    done = ralphd(project, *words, environment=environment, around=around)
    try:
        result = json.loads(done.stdout)
    except ValueError:
        result = {}
    prompts = tuple(json.dumps(request.body) for request in model.requests)
    return Ended(done.returncode, result, done.stderr, prompts, kept())


def ralphd(
    folder: Path, *words: str, environment: Mapping[str, str] | None = None, around: tuple[str, ...] = ()
) -> subprocess.CompletedProcess[str]:
    """The program with the arguments `words`, started in `folder`, without a terminal."""
    return subprocess.run(
        [*around, sys.executable, "-m", "ralphd", *words],
        cwd=folder,
        env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=HANGS_S,
        check=False,
    )


def kept() -> str:
    """The text of every file in this test's state and cache folders."""
    texts = []
    for name in ("XDG_STATE_HOME", "XDG_CACHE_HOME"):
        for path in sorted(Path(os.environ[name]).rglob("*")):
            if path.is_file() and not path.is_symlink():
                texts.append(path.read_bytes().decode("utf-8", "replace"))
    return "\n".join(texts)
