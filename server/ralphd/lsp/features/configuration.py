"""Configuration: the editor's layers, the settings that requests need in memory, problems of a configuration file."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from typing import Any

from lsprotocol import types
from pygls.lsp.server import LanguageServer

from ralphd.core.runner import Runner
from ralphd.lsp import convert
from ralphd.lsp.diagnostics import Diagnostics
from ralphd.lsp.features import config_file
from ralphd.lsp.outbox import SHORT_TIMEOUT_S, Outbox
from ralphd.lsp.workspace import Workspace
from ralphd.settings.project import CONFIG_NAME

SECTION = "ralph"


class Configuration:
    """The editor's settings may come from a workspace file: they count as repository scope for user-only keys."""

    def __init__(
        self, outbox: Outbox, workspace: Workspace, diagnostics: Diagnostics, runner: Callable[[], Runner]
    ) -> None:
        self._outbox, self._workspace, self._diagnostics, self._runner = outbox, workspace, diagnostics, runner
        self._settings: Mapping[str, Any] | None = None
        self._user_settings: Mapping[str, Any] | None = None
        self._pulling = asyncio.Lock()
        self._begun = False
        """`begin` was called: the runner is loaded, and documents can be checked."""
        workspace.documents.on_opened.append(self._check)
        workspace.documents.on_changed.append(lambda change: self._check(change.uri))

    def register(self, server: LanguageServer) -> None:
        @server.feature(types.WORKSPACE_DID_CHANGE_CONFIGURATION)
        def did_change_configuration(params: types.DidChangeConfigurationParams) -> None:
            settings = params.settings
            if isinstance(settings, Mapping) and isinstance(settings.get(SECTION), Mapping):
                self._change(settings[SECTION])
            elif self._workspace.client.configuration:
                self._outbox.background(self._pull())

        @server.feature(types.WORKSPACE_DID_CHANGE_WATCHED_FILES)
        def did_change_watched_files(params: types.DidChangeWatchedFilesParams) -> None:
            self._files_changed()

    def given(self, options: Any) -> None:
        """From the `initializationOptions`."""
        given = options if isinstance(options, Mapping) else {}
        self._settings, self._user_settings = _mapping(given.get("settings")), _mapping(given.get("userSettings"))

    def apply_to(self, runner: Runner) -> None:
        """Give a runner the layers as they are now."""
        runner.configure(settings=self._settings, user_settings=self._user_settings)

    async def begin(self) -> None:
        """After `initialized`, when the runner is loaded: ask for what changes later, and read what there is."""
        client = self._workspace.client
        self._workspace.own_configuration = self._runner().own_configuration
        if client.configuration:
            await self._pull()
        registrations = []
        if client.dynamic_configuration:
            method, options = types.WORKSPACE_DID_CHANGE_CONFIGURATION, {"section": SECTION}
            registrations.append(types.Registration("ralph-configuration", method, options))
        if client.dynamic_watch:
            watchers = {"watchers": [{"globPattern": f"**/{CONFIG_NAME}"}]}
            registrations.append(types.Registration("ralph-files", types.WORKSPACE_DID_CHANGE_WATCHED_FILES, watchers))
        registrations += config_file.registrations(self._workspace)
        if registrations:
            params = types.RegistrationParams(registrations=registrations)
            await self._outbox.request(types.CLIENT_REGISTER_CAPABILITY, params, SHORT_TIMEOUT_S)
        self._begun = True
        await self._read_settings()
        self._check_all()

    async def _read_settings(self) -> None:
        """Keep the settings of each workspace folder in memory, for requests that must not wait for the disk."""
        for root in self._workspace.roots:
            self._workspace.settings[root, ""] = await self._runner().editor_settings(root, "_")

    async def ready(self) -> None:
        """Until the client has answered what it was asked for its settings: a change counts from the next run on."""
        async with self._pulling:
            pass

    async def _pull(self) -> None:
        params = types.ConfigurationParams(items=[types.ConfigurationItem(section=SECTION)])
        async with self._pulling:
            answer = await self._outbox.request(types.WORKSPACE_CONFIGURATION, params, SHORT_TIMEOUT_S)
            if answer.value:
                self._change(answer.value[0])

    def _change(self, settings: Any) -> None:
        self._settings = _mapping(settings)
        self.apply_to(self._runner())
        self._files_changed()

    def _files_changed(self) -> None:
        self._outbox.background(self._read_settings())
        self._check_all()

    # ---- problems of a configuration file ----------------------------------------------------------------------

    def _check_all(self) -> None:
        for uri in self._workspace.documents.open:
            self._check(uri)

    def _check(self, uri: str) -> None:
        path = convert.uri_to_path(uri)
        if self._begun and path is not None and self._workspace.is_configuration(path):
            self._outbox.background(self._publish_problems(uri, path))

    async def _publish_problems(self, uri: str, path: str) -> None:
        place = await self._workspace.locate(uri)
        document = self._workspace.documents.get(uri)
        root = place.root if place else os.path.dirname(path)
        found = await self._runner().problems(root, path, document.text.value if document else None)
        if document is self._workspace.documents.get(uri):  # else the check of the newer text is on its way
            self._diagnostics.set_problems(uri, found)


def _mapping(value: Any) -> Mapping[str, Any] | None:
    return value if isinstance(value, Mapping) else None
