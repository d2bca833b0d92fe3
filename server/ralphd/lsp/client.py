"""A small LSP client for `ralphd demo`: one document with a real buffer, driven as an editor drives the server."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ralphd.core import foreign_json
from ralphd.core.text import Document, Position, Text
from ralphd.errors import RalphError
from ralphd.lsp.convert import path_to_uri

CAPABILITIES: Mapping[str, Any] = {
    "workspace": {"applyEdit": True, "workspaceEdit": {"documentChanges": True, "resourceOperations": ["create"]}},
    "window": {"workDoneProgress": True, "showMessage": {}},
    "general": {"positionEncodings": ["utf-16"]},
    "experimental": {"ralph": {"events": True, "stream": True}},
}
START_TIMEOUT_S = 300.0
"""Only a server that hangs takes so long; one that ends is told at once, and a busy machine needs a minute."""


class Client:
    """Answers the server's requests, applies its edits to the buffer for real, and hands on what it tells."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._next = 0
        self._documents: dict[str, Document] = {}
        self._reader = asyncio.create_task(self._read())
        self.on_event: Callable[[Mapping[str, Any]], None] = lambda params: None
        self.on_stream: Callable[[Mapping[str, Any]], None] = lambda params: None

    @staticmethod
    async def spawn(
        argv: Sequence[str], root: Path, *, user_settings: Mapping[str, Any], env: Mapping[str, str]
    ) -> Client:
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(*argv, stdin=pipe, stdout=pipe, env=dict(env))
        client = Client(process)
        params = {
            "processId": None,
            "rootUri": path_to_uri(str(root)),
            "capabilities": CAPABILITIES,
            "clientInfo": {"name": "ralphd demo"},
            "initializationOptions": {"userSettings": dict(user_settings)},
        }
        try:
            await asyncio.wait_for(client.request("initialize", params), START_TIMEOUT_S)
        except TimeoutError:
            await client.stop()
            raise RalphError(f"The server did not start within {START_TIMEOUT_S:g} s.", "Try again.") from None
        client.notify("initialized", {})
        return client

    async def open(self, path: Path) -> str:
        uri, text = path_to_uri(str(path)), path.read_text(encoding="utf-8")
        self._documents[uri] = Document(uri, 1, Text(text), "python")
        self.notify(
            "textDocument/didOpen", {"textDocument": {"uri": uri, "languageId": "python", "version": 1, "text": text}}
        )
        return uri

    def text(self, uri: str) -> str:
        return self._documents[uri].text.value

    async def run(self, command: str, uri: str, line: int) -> Any:
        at = {"line": line, "character": 0}
        return await self.request(
            "ralph/run",
            {
                "command": command,
                "uri": uri,
                "version": self._documents[uri].version,
                "range": {"start": at, "end": at},
            },
        )

    async def accept_all(self, review_id: str, uri: str) -> None:
        version = self._documents[uri].version
        await self.request(
            "workspace/executeCommand", {"command": "ralph.server.accept", "arguments": [{"reviewId": review_id}]}
        )
        for _ in range(100):
            if self._documents[uri].version > version:
                return
            await asyncio.sleep(0.05)
        raise RalphError("The server did not send the accepted change.")

    async def stop(self) -> None:
        if not self._reader.done():
            with contextlib.suppress(TimeoutError, RalphError, ConnectionError):
                await asyncio.wait_for(self.request("shutdown", None), 5)
                self.notify("exit", None)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._process.wait(), 5)
        if self._process.returncode is None:
            self._process.kill()
        self._reader.cancel()
        await asyncio.gather(self._reader, return_exceptions=True)
        await self._process.communicate()

    # ---- wire --------------------------------------------------------------------------------------------------

    async def request(self, method: str, params: Any) -> Any:
        self._next += 1
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting[self._next] = future
        self._send({"jsonrpc": "2.0", "id": self._next, "method": method, "params": params})
        return await future

    def notify(self, method: str, params: Any) -> None:
        self._send({"jsonrpc": "2.0", "method": method, "params": params})

    def _send(self, message: Mapping[str, Any]) -> None:
        body = json.dumps(message).encode()
        assert self._process.stdin is not None
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)

    async def _read(self) -> None:
        out = self._process.stdout
        assert out is not None
        try:
            while header := await out.readline():
                if header.lower().startswith(b"content-length:"):
                    while (await out.readline()).strip():
                        pass
                    self._take(foreign_json.parse(await out.readexactly(int(header.split(b":")[1]))))
        except asyncio.IncompleteReadError:
            pass
        except Exception as error:
            # What takes the server's messages failed: whoever waits is told, for no answer will be read any more.
            self._end(error)
            return
        self._end(RalphError("The server ended.", "Its log has the details (`ralphd doctor` says where)."))

    def _end(self, error: Exception) -> None:
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(error)

    def _take(self, message: Mapping[str, Any]) -> None:
        method = message.get("method")
        if method is None:
            future = self._waiting.pop(message["id"], None)
            if future is not None and not future.done():
                if "error" in message:
                    future.set_exception(RalphError(message["error"]["message"]))
                else:
                    future.set_result(message.get("result"))
        elif "id" in message:
            result = self._apply(message["params"]["edit"]) if method == "workspace/applyEdit" else None
            self._send({"jsonrpc": "2.0", "id": message["id"], "result": result})
        elif method == "ralph/event":
            self.on_event(message["params"])
        elif method == "ralph/stream":
            self.on_stream(message["params"])

    def _apply(self, edit: Mapping[str, Any]) -> dict[str, bool]:
        """Apply versioned edits to the buffer, all or none, and sync it back."""
        for change in edit["documentChanges"]:
            document = self._documents[change["textDocument"]["uri"]]
            if change["textDocument"]["version"] != document.version:
                return {"applied": False}
        for change in edit["documentChanges"]:
            document = self._documents[change["textDocument"]["uri"]]
            for one in sorted(
                change["edits"],
                key=lambda e: (e["range"]["start"]["line"], e["range"]["start"]["character"]),
                reverse=True,
            ):
                start, end = (Position(one["range"][k]["line"], one["range"][k]["character"]) for k in ("start", "end"))
                document = document.changed(document.version, start, end, one["newText"], "utf-16")
            document = Document(document.uri, document.version + 1, document.text, document.language)
            self._documents[document.uri] = document
            self.notify(
                "textDocument/didChange",
                {
                    "textDocument": {"uri": document.uri, "version": document.version},
                    "contentChanges": [{"text": document.text.value}],
                },
            )
        return {"applied": True}
