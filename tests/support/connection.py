"""The server inside the test's own process, its messages as JSON: for faults of the protocol that need no process.

The engine, the sandbox and the wire format are real; only the pipe and the model are not.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ralphd.app import build_service
from ralphd.lsp.server import RalphServer
from ralphd.models.scripted import Reply, ScriptedGateway
from tests.support.raw_rpc import split_frames

Json = dict[str, Any]


class Connection:
    """`received` keeps everything that the server wrote, in order."""

    def __init__(self, replies: Mapping[str, Sequence[Reply | str]] | None = None) -> None:
        self.gateway = ScriptedGateway(replies or {})
        self.server = RalphServer(lambda: build_service(dict(os.environ), scripted=self.gateway))
        self.received: list[Json] = []
        self.closed = False
        self._rest = b""
        self._ids = 0
        self.server.protocol.set_writer(self)  # type: ignore[arg-type]

    # What the protocol takes for its writer

    def write(self, data: bytes) -> None:
        messages, self._rest = split_frames(self._rest + data)
        self.received += messages

    def close(self) -> None:
        self.closed = True

    # What a client does

    def raw(self, body: bytes) -> None:
        self.server.protocol.handle_body(body)

    def say(self, message: object) -> None:
        self.raw(json.dumps(message).encode())

    def notify(self, method: str, params: Any = None) -> None:
        self.say({"jsonrpc": "2.0", "method": method, "params": params})

    def begin(self, method: str, params: Any = None) -> int:
        self._ids += 1
        self.say({"jsonrpc": "2.0", "id": self._ids, "method": method, "params": params})
        return self._ids

    async def answer(self, msg_id: Any, timeout: float = 20) -> Json:
        return await self.until(lambda m: "method" not in m and m.get("id") == msg_id, timeout)

    async def request(self, method: str, params: Any = None) -> Json:
        return await self.answer(self.begin(method, params))

    async def until(self, fits: Callable[[Json], bool], timeout: float = 20) -> Json:
        """The first message that fits, one that came already included."""
        async with asyncio.timeout(timeout):
            while True:
                found = next((m for m in self.received if fits(m)), None)
                if found is not None:
                    return found
                await asyncio.sleep(0.005)

    async def initialize(self, root: Path, user: Json | None = None, **capabilities: Any) -> Json:
        options = {"userSettings": {"host": {"prewarm": False}, **(user or {})}}
        given = {"experimental": {"ralph": {"events": True}}, "window": {"workDoneProgress": True}, **capabilities}
        params = {"processId": None, "rootUri": root.as_uri(), "capabilities": given, "initializationOptions": options}
        answer = await self.request("initialize", params)
        self.notify("initialized", {})
        await asyncio.sleep(0.05)
        return answer

    def open(self, uri: str, text: str, version: int = 1) -> None:
        item = {"uri": uri, "languageId": "python", "version": version, "text": text}
        self.notify("textDocument/didOpen", {"textDocument": item})

    def change(self, uri: str, version: int, *changes: tuple[tuple[int, int], tuple[int, int], str]) -> None:
        sent = [
            {
                "range": {"start": dict(zip(("line", "character"), a)), "end": dict(zip(("line", "character"), b))},
                "text": t,
            }
            for a, b, t in changes
        ]
        self.notify(
            "textDocument/didChange", {"textDocument": {"uri": uri, "version": version}, "contentChanges": sent}
        )

    def text(self, uri: str) -> str:
        return self.server.workspace_state.documents.open[uri].text.value

    async def stop(self) -> None:
        await self.server.end_all()
        if self.server._runner is not None:
            await self.server._runner.close()
