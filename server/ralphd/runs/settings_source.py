"""Where a run's settings come from: the layers, read from the disk, the editor and the command line.

`read` looks at the disk anew, so what the files say when a run starts is what counts.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from typing import Any

from ralphd.core.runner import ConfigProblem
from ralphd.settings.load import Layer, Resolved, find_repository_config, resolve, user_config_path

MAX_FILE_CHARACTERS = 1_000_000


class SettingsSource:
    """The settings of one process. `command_line` is the highest layer; the editor's two come with `configure`."""

    def __init__(
        self, environ: Mapping[str, str], config_folder: str, command_line: Mapping[str, Any] | None = None
    ) -> None:
        self._environ = environ
        self._user_path = user_config_path(environ, config_folder)
        self._command_line = command_line
        self._editor: Mapping[str, Any] | None = None
        self._user: Mapping[str, Any] | None = None

    def configure(self, *, settings: Mapping[str, Any] | None, user_settings: Mapping[str, Any] | None) -> None:
        """The editor's layers: `settings` counts as a repository's word for keys of the person's own scope."""
        self._editor, self._user = settings, user_settings

    def layers(self, root: str, folder: str) -> list[Layer]:
        """All layers for a file in `folder` of the workspace `root`, lowest first. Reads two small files."""
        found: list[Layer] = []
        if (text := _read_text(self._user_path)) is not None:
            found.append(Layer("user", text=text, path=self._user_path))
        repository = find_repository_config(folder, root)
        if repository is not None and (text := _read_text(repository)) is not None:
            found.append(Layer("repository", text=text, path=repository))
        if self._editor:
            found.append(Layer("editor", data=self._editor))
        if self._user:
            found.append(Layer("user", data=self._user))
        if self._command_line:
            found.append(Layer("command_line", data=self._command_line))
        return found

    def read(self, root: str, path: str) -> Resolved:
        """The settings in force for the file `path` (relative to `root`), as the disk says now. Blocks on two reads."""
        folder = os.path.dirname(os.path.join(root, path))
        return resolve(self.layers(root, folder), self._environ)

    async def problems(self, path: str, text: str | None) -> Sequence[ConfigProblem]:
        """What is wrong in the configuration file at `path`. `text`: what an editor shows of it; None: the disk."""

        def check() -> Sequence[ConfigProblem]:
            given = text if text is not None else _read_text(path)
            if given is None:
                return ()
            found = resolve([Layer("repository", text=given, path=path)], self._environ).problems
            return tuple(
                ConfigProblem(path, p.line, p.start_col, p.end_col, p.severity, f"ralph.config.{p.code}", p.message)
                for p in found
            )

        return await asyncio.to_thread(check)


def _read_text(path: str) -> str | None:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read(MAX_FILE_CHARACTERS)
    except OSError:
        return None
