"""Where a run's settings come from: the layers, read from the disk, the editor and the command line.

`read` looks at the disk anew, so what the files say when a run starts is what counts.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ralphd.core.runner import ConfigProblem
from ralphd.settings.files import find_repository_config, read_file
from ralphd.settings.load import resolve
from ralphd.settings.provenance import Configuration, Layer, LayerScope
from ralphd.settings.trust import TrustStore


class SettingsSource:
    """The settings of one process. `command_line` is the highest layer; the editor's two come with `configure`."""

    def __init__(
        self,
        environ: Mapping[str, str],
        user_file: str,
        trust: TrustStore,
        command_line: Mapping[str, Any] | None = None,
    ) -> None:
        self.environ = environ
        self.user_file = user_file
        self._trust = trust
        self._command_line = command_line
        self._editor: Mapping[str, Any] | None = None
        self._user: Mapping[str, Any] | None = None

    def configure(self, *, settings: Mapping[str, Any] | None, user_settings: Mapping[str, Any] | None) -> None:
        """The editor's layers: `settings` counts as a repository's word for keys of the person's own scope."""
        self._editor, self._user = settings, user_settings

    def layers(self, root: str, folder: str) -> list[Layer]:
        """All layers for a file in `folder` of the workspace `root`, lowest first. Reads two small files."""
        repository = find_repository_config(folder, root)
        files = [read_file("user", self.user_file), read_file("repository", repository) if repository else None]
        found = [layer for layer in files if layer is not None]
        if self._editor:
            found.append(Layer("editor", data=self._editor))
        if self._user:
            found.append(Layer("user", data=self._user))
        if self._command_line:
            found.append(Layer("command_line", data=self._command_line))
        return found

    def read(self, root: str, path: str, agreed: Collection[str] = ()) -> Configuration:
        """The settings in force for the file `path` (relative to `root`), as the disk says now. Blocks on two reads.

        A repository's models count where the person agreed to them for good, or where `agreed` has their digest.
        """
        folder = os.path.dirname(os.path.join(root, path))
        always = self._trust.decision
        return resolve(
            self.layers(root, folder),
            self.environ,
            root=root,
            agreed=lambda digest: digest in agreed or always(digest) == "always",
        )

    async def problems(self, path: str, text: str | None) -> Sequence[ConfigProblem]:
        """What is wrong in the configuration file at `path`. `text`: what an editor shows of it; None: the disk."""
        scope: LayerScope = "user" if path == self.user_file else "repository"

        def check() -> Sequence[ConfigProblem]:
            layer = read_file(scope, path) if text is None else Layer(scope, text=text, path=path)
            found = resolve([layer], self.environ).problems if layer is not None else ()
            return tuple(
                ConfigProblem(
                    path, p.line, p.start_col, p.end_col, p.severity, f"ralph.config.{p.code}", p.message, p.instead
                )
                for p in found
            )

        return await asyncio.to_thread(check)
