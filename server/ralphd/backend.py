"""The models of one process: the model host, the embedded model's server, and which models answer where none is set."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ralphd.core.own_program import ending_with_us
from ralphd.core.secret import Secret
from ralphd.errors import ModelError, RalphError
from ralphd.local_model.server import LocalServer, ollama_models
from ralphd.local_model.weights import describe, installed
from ralphd.model_host.chains import KEY_NAMES, Places, call_config, log_path
from ralphd.model_host.client import HostClient
from ralphd.model_host.gateway import HostGateway
from ralphd.models.gateway import ROLES
from ralphd.settings.schema import Settings
from ralphd.state import Folders, make_passing

log = logging.getLogger("ralphd")

LOCAL_IDLE_S = 1800.0
"""Longer than a run may last: the embedded model must not be dropped under one."""
_ARRIVED = re.compile(r"(\d{1,9}) of (\d{1,9}) MB")
"""A line of `ralphd fetch-model` where nobody is at a terminal."""


class ModelBackend:
    """Opens gateways to models, one for each workspace and its settings. Keys are looked for by the host, never here."""

    def __init__(self, folders: Folders, environ: Mapping[str, str]) -> None:
        self._folders, self._environ = folders, environ
        self._client: HostClient | None = None
        self._local: LocalServer | None = None
        self._starting_local = asyncio.Lock()
        self._opened: dict[str, HostGateway] = {}

    async def open(self, settings: Settings, root: str, *, start_local: bool = True) -> HostGateway:
        """A gateway bound to these settings: what is opened later, for whatever workspace, does not change it.

        The embedded model's server is started where it answers first for a role, unless `start_local` is off."""
        client = self._running(settings)
        present = await client.keys_present(KEY_NAMES)
        places = Places(self._folders.workspace(root), make_passing(self._folders.cache / "answers"))
        config = call_config(settings, places, present, cache_scope=root)
        if any(chain[0].local for chain in config.roles.values() if chain):
            config = call_config(settings, await self._with_local(places, start_local), present, cache_scope=root)
        self._opened[root] = HostGateway(client, config, self._local.busy if self._local is not None else None)
        return self._opened[root]

    def _running(self, settings: Settings) -> HostClient:
        if self._client is None:
            work = make_passing(self._folders.state / "host")
            self._client = HostClient(work_dir=work, idle_s=settings.host.idle_s)
        return self._client

    async def _with_local(self, places: Places, start: bool) -> Places:
        if not await asyncio.to_thread(installed, self._folders.cache):
            hint = "The embedded model is not there yet: `ralphd fetch-model` fetches it (1.1 GB), or set models in your configuration."
            return Places(places.state, places.cache, None, hint)
        if not start:
            return places
        async with self._starting_local:
            if self._local is None:
                place = self._folders.cache / "embedded"
                self._local = LocalServer(
                    self._folders.cache, lambda: make_passing(place), self._environ, idle_s=LOCAL_IDLE_S
                )
            try:
                return Places(places.state, places.cache, f"{await self._local.start()}/v1")
            except RalphError as error:
                return Places(places.state, places.cache, None, str(error))

    async def set_key(self, settings: Settings, provider: str, key: Secret) -> None:
        """Pass a key that the person typed on to the host."""
        await self._running(settings).set_key(provider, key)

    async def prewarm(self, settings: Settings) -> None:
        """Start the host at low priority, so that the first click does not pay for its import."""
        started = time.monotonic()
        await self._running(settings).prewarm()
        log.info("host started in %.2f s", time.monotonic() - started)

    async def describe(self, settings: Settings, root: str) -> dict[str, list[dict[str, Any]]]:
        """For `doctor`: each role's chain, and whether something listens at its addresses. No paid call."""
        gateway = await self.open(settings, root, start_local=False)
        found: dict[str, list[dict[str, Any]]] = {}
        for role in ROLES:
            chain = await gateway.describe_chain(role)
            problems = await gateway.probe(role)
            found[role] = [
                {**resolved.model_dump(), "reachable": problem}
                for resolved, problem in zip(chain, problems, strict=False)
            ]
        return found

    def embedded(self) -> dict[str, Any]:
        """For `doctor`: the embedded model, and whether it and its server are here. Blocks on the disk."""
        return dict(describe(self._folders.cache))

    async def pulled(self, address: str) -> list[str] | None:
        """The models that an Ollama has; None where none answers."""
        return await ollama_models(address)

    @property
    def starting(self) -> bool:
        """Whether a question to a model would have to wait for the host: it takes seconds to load its library."""
        return self._client is None or not self._client.loaded

    async def fetch_model(self, on_progress: Callable[[int, int], None]) -> None:
        """`ralphd fetch-model` as a process of its own, which ends with this call; it writes how far it is every few
        seconds. Raises `ModelError` with its words."""
        process = await asyncio.create_subprocess_exec(
            *ending_with_us("ralphd", "fetch-model"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        said = ""
        try:
            assert process.stderr is not None
            async for line in process.stderr:
                text = line.decode("utf-8", "replace").strip()
                if arrived := _ARRIVED.fullmatch(text):
                    on_progress(int(arrived[1]) * 1_000_000, int(arrived[2]) * 1_000_000)
                else:
                    said += f"{text}\n"
            await process.wait()
        finally:
            if process.returncode is None:
                process.kill()
        if process.returncode:
            raise ModelError(f"The embedded model could not be fetched: {said.strip()[-400:]}", "Try again.")

    def known(self) -> dict[str, Any]:
        """What `status` shows: whether the host runs, and by workspace each role's models by name, as last opened."""
        return {
            "host": self._client.pid if self._client else None,
            "workspaces": {
                root: {role: [model.model for model in chain] for role, chain in gateway.config.roles.items()}
                for root, gateway in self._opened.items()
            },
        }

    def log_path(self, settings: Settings, root: str) -> Path:
        return log_path(settings.litellm.log_file, self._folders.workspace(root))

    async def close(self) -> None:
        if self._client is not None:
            await self._client.close()
        if self._local is not None:
            await self._local.stop()
