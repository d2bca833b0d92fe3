"""A JSON-RPC client over stdio, written without pygls: what both shared would hide, this one sees.

It knows the framing, requests, notifications and bytes; it knows nothing of what the server means by them.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.support.forked_server import ForkedServer

CAPABILITIES = Path(__file__).parent / "capabilities"
Json = dict[str, Any]
Listener = Callable[[str, Any], None]


def load_capabilities(name: str) -> Json:
    """The capabilities of a real client, by its file's name or an unambiguous beginning ("neovim-0.12", "eglot")."""
    exact = CAPABILITIES / f"{name}.json"
    matches = [exact] if exact.is_file() else sorted(CAPABILITIES.glob(f"{name}*.json"))
    if len(matches) != 1:
        known = ", ".join(sorted(path.stem for path in CAPABILITIES.glob("*.json")))
        raise ValueError(f"{name!r} names {len(matches)} capability sets; there are: {known}")
    capabilities: Json = json.loads(matches[0].read_text("utf-8"))
    return capabilities


def frame(message: object) -> bytes:
    return frame_bytes(json.dumps(message, ensure_ascii=False).encode("utf-8"))


def frame_bytes(body: bytes) -> bytes:
    return b"Content-Length: %d\r\n\r\n%s" % (len(body), body)


MALFORMED: dict[str, bytes] = {
    "not JSON": frame_bytes(b"{not json"),
    "JSON, but a list": frame([]),
    "JSON, but a number": frame(7),
    "no version": frame({"id": 901, "method": "shutdown"}),
    "neither method nor id": frame({"jsonrpc": "2.0"}),
    "an answer to nothing": frame({"jsonrpc": "2.0", "id": 902, "result": None}),
    "an answer with neither result nor error": frame({"jsonrpc": "2.0", "id": 903}),
    "an id that is an object": frame({"jsonrpc": "2.0", "id": {}, "method": "workspace/executeCommand"}),
    "not UTF-8": frame_bytes(b'{"jsonrpc":"2.0","method":"\xff\xfe"}'),
    "a header that says nothing": b"X-Nothing: 1\r\n\r\n",
}
"""Whole inputs that no client should send, by what is wrong; a server answers the next good message all the same."""


class ProtocolViolation(AssertionError):
    """The server wrote something on its stdout that is no JSON-RPC message."""


class RawClient:
    """One server process. `notifications` keeps those that nobody waited for yet, `log` every message both ways."""

    def __init__(self, process: asyncio.subprocess.Process | ForkedServer) -> None:
        self.process = process
        self.notifications: list[tuple[str, Any]] = []
        self.requests: list[Json] = []
        self.answers: dict[str, Callable[[Any], Any]] = {}
        """What the server's requests are answered with, by method; null for the others. May be async; may raise."""
        self.unanswered: set[str] = set()
        """Methods whose requests are left without an answer, as a busy or broken client leaves them."""
        self.listeners: list[Listener] = []
        """Called with (method, params) of each notification as it arrives, before anybody who waits for it sees it."""
        self.log: list[tuple[str, Json]] = []
        self.raw_stdout = b""
        self.closed = False
        """The server's stdout has ended."""
        self.violation: ProtocolViolation | None = None
        self.initialize_result: Json = {}
        self._next_id = 0
        self._pending: dict[int | str, asyncio.Future[Json]] = {}
        self._changed = asyncio.Condition()
        self._answering: set[asyncio.Task[None]] = set()
        self._reader = asyncio.create_task(self._read())

    @classmethod
    async def spawn(
        cls,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        cwd: str | None = None,
        stderr_path: str | Path | None = None,
    ) -> RawClient:
        """`env` is the whole environment of the server where given, else it inherits this one."""
        stderr = Path(stderr_path).open("ab") if stderr_path else None  # noqa: SIM115  closed below
        try:
            process = await asyncio.create_subprocess_exec(
                *argv,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=stderr,
                env=None if env is None else dict(env),
                cwd=cwd,
                start_new_session=True,  # so that kill_group reaches what the server left behind
            )
        finally:
            if stderr:
                stderr.close()
        return cls(process)

    @classmethod
    async def serve(
        cls,
        replies: str | Path,
        *,
        env: Mapping[str, str] | None = None,
        cwd: str | None = None,
        stderr_path: str | Path | None = None,
    ) -> RawClient:
        """The real server with the scripted model of the file `replies`, without the time that a fresh start takes."""
        return cls(await ForkedServer.start(str(replies), env=env, cwd=cwd, stderr=stderr_path))

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def returncode(self) -> int | None:
        return self.process.returncode

    # What goes out

    async def send_raw(self, data: bytes) -> None:
        """Bytes as they are: broken headers, half a message, no JSON at all."""
        assert self.process.stdin
        self.process.stdin.write(data)
        await self.process.stdin.drain()

    async def send(self, message: Json) -> None:
        """A message as it is, well formed or not as JSON-RPC."""
        self.log.append(("->", message))
        await self.send_raw(frame(message))

    async def start_request(self, method: str, params: Any = None) -> tuple[int, asyncio.Future[Json]]:
        """Send a request and go on; the future is its whole response message."""
        if self.closed:
            raise self.violation or ConnectionError(f"the server has gone before {method}; {self._state()}")
        self._next_id += 1
        future: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        self._pending[self._next_id] = future
        message: Json = {"jsonrpc": "2.0", "id": self._next_id, "method": method}
        if params is not None:
            message["params"] = params
        await self.send(message)
        return self._next_id, future

    async def request(self, method: str, params: Any = None, timeout: float = 10) -> Json:
        """The whole response message: {"result": ...} or {"error": ...}."""
        number, future = await self.start_request(method, params)
        try:
            return await asyncio.wait_for(future, timeout)
        except TimeoutError:
            self._pending.pop(number, None)
            raise TimeoutError(f"no answer to {method} in {timeout} s; {self._state()}") from None

    async def result(self, method: str, params: Any = None, timeout: float = 10) -> Any:
        """The result of a request that must not fail."""
        answer = await self.request(method, params, timeout)
        assert "error" not in answer, f"{method}: {answer['error']}"
        return answer["result"]

    async def notify(self, method: str, params: Any = None) -> None:
        message: Json = {"jsonrpc": "2.0", "method": method}
        if params is not None:
            message["params"] = params
        await self.send(message)

    async def cancel(self, request_id: int) -> None:
        await self.notify("$/cancelRequest", {"id": request_id})

    # What comes in

    async def wait_notification(
        self, method: str, predicate: Callable[[Any], bool] = lambda _: True, timeout: float = 10
    ) -> Any:
        """The params of the first such notification, one that came already included; each is given out once."""

        def take() -> bool:
            for index, (name, params) in enumerate(self.notifications):
                if name == method and predicate(params):
                    found.append(params)
                    del self.notifications[index]
                    return True
            return False

        found: list[Any] = []
        await self.wait_for(take, timeout, what=f"the notification {method}")
        return found[0]

    async def wait_request(
        self, method: str, predicate: Callable[[Any], bool] = lambda _: True, timeout: float = 10
    ) -> Json:
        """The first request of the server that fits, whole message, one that came already included; each once."""

        def take() -> bool:
            for index, message in enumerate(self.requests):
                if message["method"] == method and predicate(message.get("params")):
                    found.append(message)
                    del self.requests[index]
                    return True
            return False

        found: list[Json] = []
        await self.wait_for(take, timeout, what=f"the request {method}")
        return found[0]

    async def wait_for(self, predicate: Callable[[], bool], timeout: float = 10, what: str = "a condition") -> None:
        """Until `predicate` holds; it is asked again after each message. Fails early when the server has gone."""

        async def wait() -> None:
            async with self._changed:
                while not predicate():
                    if self.closed:
                        raise self.violation or ConnectionError(f"the server has gone before {what}; {self._state()}")
                    await self._changed.wait()

        try:
            await asyncio.wait_for(wait(), timeout)
        except TimeoutError:
            raise TimeoutError(f"{what} did not come in {timeout} s; {self._state()}") from None

    def _state(self) -> str:
        recent = [
            m.get("method") or ("error " + json.dumps(m["error"])[:300] if "error" in m else f"answer {m.get('id')}")
            for way, m in self.log[-12:]
            if way == "<-"
        ]
        return f"exit code {self.returncode}, last received: {', '.join(recent) or 'nothing'}"

    async def _read(self) -> None:
        assert self.process.stdout
        buffer = b""
        try:
            while chunk := await self.process.stdout.read(65536):
                self.raw_stdout += chunk
                buffer += chunk
                messages, buffer = split_frames(buffer)
                for message in messages:
                    await self._receive(message)
            if buffer:
                self.violation = ProtocolViolation(f"stdout ends in the middle of a message: {buffer[:200]!r}")
        except ProtocolViolation as error:
            self.violation = error
        finally:
            for future in self._pending.values():
                if not future.done():
                    future.set_exception(self.violation or ConnectionError(f"the server closed; {self._state()}"))
                    future.exception()  # seen: a request that nobody waits for any more is no error of its own
            self.closed = True
            await self._wake()

    async def _wake(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def _receive(self, message: Json) -> None:
        self.log.append(("<-", message))
        method, params = message.get("method"), message.get("params")
        if method is None:
            future = self._pending.pop(message.get("id"), None)  # type: ignore[arg-type]
            if future and not future.done():
                future.set_result(message)
        elif "id" in message:
            self.requests.append(message)
            if method not in self.unanswered:
                task = asyncio.create_task(self._answer(message))
                self._answering.add(task)
                task.add_done_callback(self._answering.discard)
        else:
            for listener in self.listeners:
                listener(method, params)
            self.notifications.append((method, params))
        await self._wake()

    async def _answer(self, message: Json) -> None:
        reply: Json = {"jsonrpc": "2.0", "id": message["id"]}
        try:
            handler = self.answers.get(message["method"])
            result = handler(message.get("params")) if handler else None
            reply["result"] = await result if asyncio.iscoroutine(result) else result
        except Exception as error:  # as a client does: a handler that breaks is an error response
            reply["error"] = {"code": -32603, "message": f"{type(error).__name__}: {error}"}
        if self.returncode is None:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                await self.send(reply)
        await self._wake()

    # A session

    async def initialize(self, capabilities: Json, root: str | None, **extra: Any) -> Json:
        """initialize + initialized; answers the InitializeResult. `extra` goes into the params (clientInfo, ...)."""
        params: Json = {
            "processId": os.getpid(),
            "rootUri": None if root is None else Path(root).as_uri(),
            "workspaceFolders": None if root is None else [{"uri": Path(root).as_uri(), "name": Path(root).name}],
            "capabilities": capabilities,
            **extra,
        }
        self.initialize_result = await self.result("initialize", params, timeout=30)
        await self.notify("initialized", {})
        return self.initialize_result

    async def shutdown(self, timeout: float = 10) -> int:
        """shutdown + exit, in order; the exit code. A server that does not go is killed, and that is an error."""
        await self.request("shutdown", None, timeout)
        await self.notify("exit")
        return await self.wait_exit(timeout)

    async def close_stdin(self) -> None:
        """What a client that crashed leaves: end of file."""
        assert self.process.stdin
        self.process.stdin.close()

    async def wait_exit(self, timeout: float = 10) -> int:
        try:
            code = await asyncio.wait_for(self.process.wait(), timeout)
        except TimeoutError:
            await self.kill()
            raise TimeoutError(f"the server did not exit in {timeout} s and was killed; {self._state()}") from None
        await self._reader
        return code

    async def kill(self) -> None:
        """End the server and all that it left in its process group. Safe to call twice, and after an exit."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        await self.process.wait()
        await self._reader


def split_frames(buffer: bytes) -> tuple[list[Json], bytes]:
    """Whole messages at the head of `buffer`, and the rest. Anything that is not a message raises ProtocolViolation."""
    messages: list[Json] = []
    while buffer:
        head, found, rest = buffer.partition(b"\r\n\r\n")
        if not b"Content-".startswith(head[:8]) and not head.startswith(b"Content-"):
            raise ProtocolViolation(f"not a header: {buffer[:200]!r}")
        if not found:
            break
        fields = dict(line.split(b":", 1) for line in head.split(b"\r\n") if b":" in line)
        try:
            length = int(fields[b"Content-Length"])
        except (KeyError, ValueError):
            raise ProtocolViolation(f"no Content-Length: {head[:200]!r}") from None
        if len(rest) < length:
            break
        try:
            message = json.loads(rest[:length])
        except ValueError as error:
            raise ProtocolViolation(f"not JSON ({error}): {rest[: min(length, 200)]!r}") from None
        if not isinstance(message, dict) or message.get("jsonrpc") != "2.0":
            raise ProtocolViolation(f"not a JSON-RPC 2.0 message: {rest[: min(length, 200)]!r}")
        messages.append(message)
        buffer = rest[length:]
    return messages, buffer
