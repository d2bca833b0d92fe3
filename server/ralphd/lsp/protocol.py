"""pygls' protocol with its measured faults mended; each mend has a test that fails without it (tests/lsp/test_mends.py).

Mended: malformed messages and parameters are answered; requests before `initialize` and after `shutdown` are refused;
`shutdown` works with runs in flight; a second `initialize` is refused; documents follow LSP's line rules; commands
answer at once; errors reach the log in full and the client in one sentence, without paths or tracebacks.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from lsprotocol import types
from pygls.exceptions import JsonRpcException, JsonRpcInvalidParams
from pygls.lsp.server import LanguageServer
from pygls.protocol import LanguageServerProtocol, lsp_method
from pygls.protocol.json_rpc import JsonRPCRequestMessage

from ralphd.core import foreign_json
from ralphd.core.shown_json import ACTED_ON, shown
from ralphd.core.wording import OWN_DEFECT

log = logging.getLogger("ralphd.lsp")

PARSE_ERROR, INVALID_REQUEST, NOT_INITIALIZED, INTERNAL_ERROR = -32700, -32600, -32002, -32603


@dataclass(frozen=True)
class Handlers:
    """Who takes the messages that pygls would otherwise handle itself."""

    capabilities: Callable[[types.ServerCapabilities], types.ServerCapabilities]
    """Makes the server's capabilities out of those that pygls found."""
    opened: Callable[[types.TextDocumentItem], None]
    changed: Callable[[types.VersionedTextDocumentIdentifier, Sequence[Any]], None]
    closed: Callable[[str], None]
    cancel_progress: Callable[[int | str], None]
    commands: Mapping[str, Callable[[list[Any]], Any]]
    """By id. A handler gets the arguments, and may answer with a coroutine where it has to wait."""
    end_all: Callable[[], Awaitable[None]]
    """Ends all runs, before `shutdown` is answered."""
    leave: Callable[[int], None]
    """Ends the process with this exit code."""


class RalphProtocol(LanguageServerProtocol):
    """One connection. `handle_body` is the only entrance of messages; `handlers` is set before the first one comes."""

    handlers: Handlers

    def __init__(self, server: LanguageServer, converter: Any) -> None:
        super().__init__(server, converter)
        self.raw_initialize: Mapping[str, Any] = {}
        self._initialized = False

    @property
    def was_shut_down(self) -> bool:
        return self._shutdown

    def handle_body(self, body: bytes) -> None:
        """One message as bytes. Never raises; what cannot be handled is answered, where it has an id."""
        try:
            data = foreign_json.parse(body)
        except (ValueError, RecursionError):
            self.answer_error(None, PARSE_ERROR, "The message is not JSON.")
            return
        if isinstance(data, list) or not isinstance(data, dict) or data.get("jsonrpc") != "2.0":
            self.answer_error(None, INVALID_REQUEST, "Not a JSON-RPC 2.0 message; batches are not part of LSP.")
            return
        method, has_id = data.get("method"), "id" in data
        good_id = isinstance(data.get("id"), int | str | None)
        if "method" in data and not (isinstance(method, str) and good_id):
            self.answer_error(
                data.get("id") if good_id else None, INVALID_REQUEST, "The method or the id is none that LSP knows."
            )
            return
        if not good_id:
            return  # an answer to nothing
        if method is not None and has_id and self._refused(method, data["id"]):
            return
        if method is not None and not has_id and not self._initialized and method != "exit":
            return  # LSP: notifications before initialize are dropped
        try:
            message = self._structured(data)
        except JsonRpcException:
            self._unreadable(data)
            return
        except Exception:
            log.exception("reading %s", method)
            if has_id and method is not None:
                self.answer_error(data["id"], INTERNAL_ERROR, f"{OWN_DEFECT}.")
            return
        if method == "initialize":  # read well: one that is refused is no handshake
            self.raw_initialize = data["params"]
            self._initialized = True
        try:
            self.handle_message(message)
        except Exception:
            log.exception("unhandled in %s", method)
            if has_id and method is not None:
                self.answer_error(data["id"], INTERNAL_ERROR, f"{OWN_DEFECT}.")
        if method == types.SHUTDOWN and has_id:
            self._shutdown = True  # at once: a client that does not wait for the answer sends `exit` right behind

    def _structured(self, data: dict[str, Any]) -> Any:
        """Our own requests and command arguments stay plain JSON: the converter would make named tuples of them."""
        method, params = data.get("method") or "", data.get("params")
        if "id" in data and method.startswith("ralph/"):
            return JsonRPCRequestMessage(id=data["id"], method=method, jsonrpc="2.0", params=params)
        if "id" in data and method == types.WORKSPACE_EXECUTE_COMMAND and isinstance(params, dict):
            command, arguments = params.get("command"), params.get("arguments")
            if isinstance(command, str) and (arguments is None or isinstance(arguments, list)):
                return types.ExecuteCommandRequest(
                    id=data["id"], params=types.ExecuteCommandParams(command=command, arguments=arguments)
                )
        if method and "params" not in data and self.get_message_type(method) is None:
            data = {**data, "params": None}  # pygls fails on unknown methods without parameters
        if "error" in data and isinstance(data.get("id"), str):
            self._result_types.pop(data["id"], None)  # pygls does so for results only
        return self.structure_message(data)

    def _refused(self, method: str, msg_id: Any) -> bool:
        if self._shutdown and method != "exit":
            self.answer_error(msg_id, INVALID_REQUEST, "The server was shut down.")
        elif method == "initialize" and self._initialized:
            self.answer_error(msg_id, INVALID_REQUEST, "The server is initialized already.")
        elif method != "initialize" and not self._initialized:
            self.answer_error(msg_id, NOT_INITIALIZED, "The server is not initialized yet.")
        else:
            return False
        return True

    def _unreadable(self, data: Mapping[str, Any]) -> None:
        """pygls drops what it cannot structure: a request then has no answer, and our own request never ends."""
        if "method" in data and "id" in data:
            self.answer_error(
                data["id"], types.ErrorCodes.InvalidParams.value, f"The parameters of {data['method']} cannot be read."
            )
        elif "id" in data:
            future = self._request_futures.pop(data["id"], None)
            if future is not None and not future.done():
                future.set_exception(JsonRpcInvalidParams("the client's answer cannot be read"))

    def forget(self, msg_id: str) -> None:
        """Nobody waits for the answer to this request of ours any more."""
        self._request_futures.pop(msg_id, None)
        self._result_types.pop(msg_id, None)

    def answer_error(self, msg_id: Any, code: int, message: str) -> None:
        self.send_json({"jsonrpc": "2.0", "id": msg_id, "error": {"code": code, "message": message}})

    def send_json(self, message: Any) -> None:
        """Send a message, plain JSON or pygls' types: the only way out. What a person sees of it is made visible."""
        if self.writer is not None:
            body = json.dumps(shown(message, ACTED_ON, self._serialize_message)).encode()
            self.writer.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)

    def _send_data(self, data: Any) -> None:
        """pygls' own way out leads through ours."""
        self.send_json(data)

    def _send_response(self, msg_id: Any, result: Any = None, error: Any = None) -> None:
        if error is not None and error.code == INTERNAL_ERROR:
            error = types.ResponseError(code=INTERNAL_ERROR, message=f"{OWN_DEFECT}.")
        super()._send_response(msg_id, result, error)

    def _send_handler_result(self, future: Any, *, msg_id: Any) -> None:
        """A handler answers at once where it can; where it has to wait for a thread it answers with a coroutine.

        A handler that is a coroutine function would begin one turn of the event loop later, after messages that
        arrived behind its own.
        """
        waits = not future.cancelled() and future.exception() is None and asyncio.iscoroutine(future.result())
        if not waits:
            super()._send_handler_result(future, msg_id=msg_id)
            return
        task = asyncio.ensure_future(future.result())
        self._request_futures[msg_id] = task
        task.add_done_callback(partial(super()._send_handler_result, msg_id=msg_id))

    @lsp_method(types.INITIALIZE)
    def lsp_initialize(self, params: types.InitializeParams) -> Any:
        result = yield from super().lsp_initialize(params)
        result.capabilities = self.handlers.capabilities(result.capabilities)
        return result

    @lsp_method(types.SHUTDOWN)
    async def lsp_shutdown(self, *args: Any) -> None:  # type: ignore[override]
        """End all runs, then answer. pygls iterates a dict that its own callbacks shrink, and fails."""
        await self.handlers.end_all()

    @lsp_method(types.EXIT)
    def lsp_exit(self, *args: Any) -> None:  # type: ignore[override]
        self.handlers.leave(0 if self._shutdown else 1)

    @lsp_method(types.TEXT_DOCUMENT_DID_OPEN)
    def lsp_text_document__did_open(self, params: types.DidOpenTextDocumentParams) -> None:
        self.handlers.opened(params.text_document)

    @lsp_method(types.TEXT_DOCUMENT_DID_CHANGE)
    def lsp_text_document__did_change(self, params: types.DidChangeTextDocumentParams) -> None:
        self.handlers.changed(params.text_document, params.content_changes)

    @lsp_method(types.TEXT_DOCUMENT_DID_CLOSE)
    def lsp_text_document__did_close(self, params: types.DidCloseTextDocumentParams) -> None:
        self.handlers.closed(params.text_document.uri)

    @lsp_method(types.WINDOW_WORK_DONE_PROGRESS_CANCEL)
    def lsp_work_done_progress_cancel(self, params: types.WorkDoneProgressCancelParams) -> None:
        self.handlers.cancel_progress(params.token)

    @lsp_method(types.WORKSPACE_EXECUTE_COMMAND)
    def lsp_workspace__execute_command(self, params: types.ExecuteCommandParams) -> Any:
        """Commands answer in milliseconds; the work goes on in the run's own task."""
        handler = self.handlers.commands.get(params.command)
        if handler is None:
            raise JsonRpcInvalidParams(f"There is no command {params.command!r}.")
        return handler(list(params.arguments or []))

    def _handle_cancel_notification(self, msg_id: Any) -> None:
        """Only what the client asked can be cancelled by it: our own requests to it have futures of another kind."""
        future = self._request_futures.get(msg_id)
        if future is not None and not isinstance(future, asyncio.Task):
            return
        super()._handle_cancel_notification(msg_id)
