"""`ralph/run`: one long request for first-party clients. It answers when the run ends; `$/cancelRequest` cancels it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from pygls.exceptions import JsonRpcInvalidParams
from pygls.lsp.server import LanguageServer

from ralphd.core.run import COMMANDS
from ralphd.lsp.commands.starting import RUN_KEYS, Starting
from ralphd.lsp.live_run import LiveRun
from ralphd.lsp.runs import Runs


def register(server: LanguageServer, starting: Starting, runs: Runs) -> None:
    @server.feature("ralph/run")
    async def run(params: Any) -> Any:
        argument = dict(params) if isinstance(params, Mapping) else {}
        name = argument.pop("command", None)
        command = next((known for known in COMMANDS if known == name), None)
        if command is None:
            raise JsonRpcInvalidParams('command must be "implement", "critique", "chaosTests", "opinions" or "fix".')
        if unknown := sorted(set(argument) - RUN_KEYS["fix" if command == "fix" else "implement"]):
            raise JsonRpcInvalidParams(f"ralph/run does not know {', '.join(unknown)}.")
        found = starting.start(command, argument)
        live = found if isinstance(found, LiveRun) else await found
        try:
            return await asyncio.shield(live.ended)
        except asyncio.CancelledError:
            runs.cancel(live)
            await asyncio.shield(live.ended)
            raise
