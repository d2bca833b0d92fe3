"""The models of one process: the host, the embedded model's server, and who answers where nothing is set."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ralphd.errors import RalphError
from ralphd.local_model.server import LocalServer
from ralphd.local_model.weights import installed
from ralphd.model_host.client import HostClient
from ralphd.model_host.deployments import KEY_NAMES, Places, host_config, log_path
from ralphd.model_host.wire import HostConfig
from ralphd.models.gateway import ROLES, Gateway, ModelInfo, Role
from ralphd.settings.schema import Settings
from ralphd.state import Folders, make_private

log = logging.getLogger("ralphd")

LOCAL_IDLE_S = 1800.0
"""Longer than a run may last: the embedded model must not be dropped under one."""


class Models:
    """Opens the gateway for a run's settings. Keys are looked for by the host, never here."""

    def __init__(self, folders: Folders, environ: Mapping[str, str]) -> None:
        self._folders, self._environ = folders, environ
        self._client: HostClient | None = None
        self._local: LocalServer | None = None
        self._config: HostConfig | None = None
        self._present: tuple[str, ...] = ()
        self._opening = asyncio.Lock()

    async def open(self, settings: Settings, root: str, *, start_local: bool = True) -> Gateway:
        """The host, configured for these settings; the embedded model is started where a role is answered by it."""
        async with self._opening:
            client = await self._running(settings)
            self._present = await client.keys_present(KEY_NAMES)
            places = Places(self._folders.workspace(root), make_private(self._folders.cache / "answers"))
            config = host_config(settings, places, self._present, cache_scope=root)
            if start_local and any(d.local for chain in config.roles.values() for d in chain[:1]):
                places = await self._with_local(places)
                config = host_config(settings, places, self._present, cache_scope=root)
            if config != self._config:
                await client.configure(config)
                self._config = config
            return client

    def first(self, role: Role) -> ModelInfo:
        """The role's model as configured: known without waiting for the host's import."""
        chain = self._config.roles.get(role, ()) if self._config else ()
        if not chain:
            return ModelInfo(role=role, model="", provider="")
        return ModelInfo(role=role, model=chain[0].model, provider=chain[0].provider or "", local=chain[0].local)

    async def _running(self, settings: Settings) -> HostClient:
        if self._client is None:
            work = make_private(self._folders.state / "host")
            self._client = HostClient(HostConfig(), work_dir=work, idle_s=settings.host.idle_s)
        return self._client

    async def _with_local(self, places: Places) -> Places:
        if not await asyncio.to_thread(installed, self._folders.cache):
            hint = "The embedded model is not there yet: `ralphd fetch-model` fetches it (1.1 GB), or set models in your configuration."
            return Places(places.state, places.cache, None, hint)
        if self._local is None:
            self._local = LocalServer(self._folders.cache, idle_s=LOCAL_IDLE_S)
        try:
            return Places(places.state, places.cache, f"{await self._local.start()}/v1")
        except RalphError as error:
            return Places(places.state, places.cache, None, str(error))

    async def prewarm(self, settings: Settings) -> None:
        """Start the host at low priority, so that the first click does not pay for its import."""
        started = time.monotonic()
        client = await self._running(settings)
        await client.prewarm()
        log.info("host started in %.2f s", time.monotonic() - started)

    async def describe(self, settings: Settings, root: str) -> dict[str, list[dict[str, Any]]]:
        """For `doctor`: each role's chain, and whether something listens at its addresses. No paid call."""
        await self.open(settings, root, start_local=False)
        assert self._client is not None
        found: dict[str, list[dict[str, Any]]] = {}
        for role in ROLES:
            chain = await self._client.describe_chain(role)
            problems = await self._client.probe(role)
            found[role] = [
                {**info.model_dump(), "reachable": problem} for info, problem in zip(chain, problems, strict=False)
            ]
        return found

    def known(self) -> dict[str, Any]:
        """What `status` shows: each role's models by name, and whether the host runs."""
        roles = self._config.roles if self._config else {}
        return {
            "host": self._client.pid if self._client else None,
            "roles": {role: [d.model for d in chain] for role, chain in roles.items()},
        }

    def log_path(self, settings: Settings, root: str) -> Path:
        return log_path(settings.litellm.log_file, self._folders.workspace(root))

    async def close(self) -> None:
        if self._client is not None:
            await self._client.close()
        if self._local is not None:
            await self._local.stop()
