"""What pygls 2.1 does wrong and ralphd mends. Each test is named after the fault and fails without its mend.

Most run the server in this process (tests/support/connection.py); what is about pipes and exits runs a real one.
"""

from __future__ import annotations

import asyncio
import dataclasses
import io
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from ralphd.lsp import stdio
from ralphd.lsp.features.code_actions import CodeActions
from ralphd.models.scripted import Reply
from tests.lsp.conftest import RIGHT, USER, Start
from tests.lsp.test_implement import cursor
from tests.support.connection import Connection
from tests.support.patience import seconds
from tests.support.processes import alive, cpu_seconds, descendants, gone
from tests.support.raw_rpc import MALFORMED, RawClient, frame

PARSE_ERROR, INVALID_REQUEST, INVALID_PARAMS, NOT_INITIALIZED, CANCELLED = -32700, -32600, -32602, -32002, -32800
FOREVER = Reply(RIGHT, delay_s=60)
Connect = Callable[..., Connection]


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    made: list[Connection] = []

    def make(*artisan: Reply | str) -> Connection:
        made.append(Connection({"artisan": artisan}))
        return made[-1]

    yield make
    for connection in made:
        await connection.stop()


async def run_started(connection: Connection, project: Path) -> tuple[str, int]:
    """A `ralph/run` whose artisan is being asked, and the request's id."""
    await connection.initialize(project, USER)
    uri = (project / "slug.py").as_uri()
    connection.open(uri, (project / "slug.py").read_text())
    msg_id = connection.begin("ralph/run", {"command": "implement", "uri": uri})
    await connection.until(lambda m: m.get("method") == "ralph/event" and m["params"].get("phase") == "artisan")
    return uri, msg_id


def ended(message: dict[str, Any]) -> bool:
    return message.get("method") == "ralph/runEnded"


# ---- requests that pygls never answers ---------------------------------------------------------------------------


@pytest.mark.row("P1")
@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{not json", PARSE_ERROR),
        (b"\xff\xfe", PARSE_ERROR),
        (b"[" * 100_000, PARSE_ERROR),
        (b'[{"jsonrpc":"2.0","id":1,"method":"shutdown"}]', INVALID_REQUEST),
        (b"7", INVALID_REQUEST),
        (b"{}", INVALID_REQUEST),
        (b'{"jsonrpc":"1.0","id":1,"method":"shutdown"}', INVALID_REQUEST),
        (b'{"jsonrpc":"2.0","id":1,"method":7}', INVALID_REQUEST),
        (b'{"jsonrpc":"2.0","id":1,"method":null}', INVALID_REQUEST),
        (b'{"jsonrpc":"2.0","id":{},"method":"workspace/executeCommand","params":{"command":"x"}}', INVALID_REQUEST),
        (b'{"jsonrpc":"2.0","id":[1],"result":null}', None),
        (b'{"jsonrpc":"2.0","id":99,"result":null}', None),
        (b'{"jsonrpc":"2.0","id":99}', None),
        (b'{"jsonrpc":"2.0"}', None),
        (b'{"jsonrpc":"2.0","method":"textDocument/didOpen","params":{"x":1}}', None),
        (b'{"jsonrpc":"2.0","method":"no/such/notification"}', None),
        (b'{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":{}}}', None),
        (b'{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":"never"}}', None),
        (b'{"jsonrpc":"2.0","id":1,"method":"no/such/request"}', -32601),
        (b'{"jsonrpc":"2.0","id":1,"method":"textDocument/codeAction","params":{"x":1}}', INVALID_PARAMS),
        (b'{"jsonrpc":"2.0","id":1,"method":"textDocument/codeAction"}', INVALID_PARAMS),
        (b'{"jsonrpc":"2.0","id":1,"method":"workspace/executeCommand","params":[]}', INVALID_PARAMS),
        (b'{"jsonrpc":"2.0","id":1,"method":"workspace/executeCommand","params":{"command":"rm -rf"}}', INVALID_PARAMS),
        (b'{"jsonrpc":"2.0","id":1,"method":"ralph/run","params":[1]}', INVALID_PARAMS),
        (b'{"jsonrpc":"2.0","id":1,"method":"ralph/run","params":{"command":"implement","spend":1}}', INVALID_PARAMS),
    ],
)
async def test_malformed_messages_have_no_answer(
    connect: Connect, tmp_path: Path, body: bytes, code: int | None
) -> None:
    connection = connect()
    await connection.initialize(tmp_path)
    before = len(connection.received)
    connection.raw(body)
    await asyncio.sleep(0.01)
    answers = [m for m in connection.received[before:] if "error" in m]
    assert [m["error"]["code"] for m in answers] == ([] if code is None else [code])
    shown = [m["method"] for m in connection.received[before:] if m.get("method", "").startswith("window/")]
    assert shown == [], "pygls pops up a message for each"
    status = await connection.request("workspace/executeCommand", {"command": "ralph.server.status"})
    assert "result" in status, "the next good message is answered"


async def test_malformed_initialize_ends_the_session(connect: Connect, tmp_path: Path) -> None:
    """It is answered, and does not count as the handshake: a right one may follow."""
    connection = connect()
    for params in ([], "x", None, {"capabilities": 7}, {"processId": "x", "capabilities": {}}, {"rootUri": 5}):
        assert "error" in await connection.request("initialize", params), params
    assert "result" in await connection.initialize(tmp_path)


async def test_malformed_answers_leave_our_requests_waiting(connect: Connect, tmp_path: Path) -> None:
    connection = connect()
    await connection.initialize(tmp_path, workspace={"configuration": True})
    asked = await connection.until(lambda m: m.get("method") == "workspace/configuration")
    waiting = connection.server.protocol._request_futures[asked["id"]]
    connection.say({"jsonrpc": "2.0", "id": asked["id"], "result": {"not": "a list"}, "error": 7})
    await asyncio.sleep(0.01)
    assert waiting.done() and waiting.exception() is not None


# ---- life cycle --------------------------------------------------------------------------------------------------


async def test_requests_before_initialize_are_served(connect: Connect, tmp_path: Path) -> None:
    connection = connect()
    early = await connection.request("workspace/executeCommand", {"command": "ralph.server.status"})
    assert early["error"]["code"] == NOT_INITIALIZED
    connection.open("file:///a.py", "x")
    connection.notify("initialize", {"capabilities": {}})  # no request: no handshake
    assert (await connection.request("shutdown"))["error"]["code"] == NOT_INITIALIZED
    assert connection.server.workspace_state.documents.open == {}
    assert "result" in await connection.initialize(tmp_path)


@pytest.mark.row("P5")
async def test_a_second_initialize_is_accepted(connect: Connect, tmp_path: Path) -> None:
    connection = connect()
    await connection.initialize(tmp_path)
    again = await connection.request("initialize", {"processId": None, "rootUri": None, "capabilities": {}})
    assert again["error"]["code"] == INVALID_REQUEST
    assert (
        connection.server.workspace_state.roots == [str(tmp_path)] and connection.server.workspace_state.client.events
    )


async def test_requests_after_shutdown_have_no_answer(connect: Connect, tmp_path: Path) -> None:
    connection = connect()
    await connection.initialize(tmp_path)
    assert (await connection.request("shutdown"))["result"] is None
    for method in ("textDocument/codeAction", "shutdown", "initialize", "no/such"):
        assert (await connection.request(method, {}))["error"]["code"] == INVALID_REQUEST


async def test_shutdown_fails_with_a_run_in_flight(connect: Connect, project: Path) -> None:
    connection = connect(FOREVER)
    _, msg_id = await run_started(connection, project)
    started = time.monotonic()
    assert (await connection.request("shutdown"))["result"] is None
    assert time.monotonic() - started < seconds(2)
    order = [m for m in connection.received if ended(m) or ("method" not in m and "id" in m)]
    assert [ended(m) or m["id"] for m in order[-3:]] == [True, msg_id, msg_id + 1]
    assert order[-3]["params"]["outcome"] == "cancelled"


async def test_cancel_answers_and_the_work_goes_on(connect: Connect, project: Path) -> None:
    connection = connect(FOREVER)
    _, msg_id = await run_started(connection, project)
    work = next(iter(connection.server.runs._work.values()))
    connection.notify("$/cancelRequest", {"id": msg_id})
    answer = await connection.answer(msg_id, 2)
    assert answer["error"]["code"] == CANCELLED and work.done() and connection.server.runs.live == {}
    messages = connection.received
    assert messages.index(next(m for m in messages if ended(m))) < messages.index(answer)


async def test_a_task_cancelled_before_its_first_step_never_ends(connect: Connect, project: Path) -> None:
    connection = connect(FOREVER)
    await connection.initialize(project, USER)
    uri = (project / "slug.py").as_uri()
    connection.open(uri, (project / "slug.py").read_text())
    connection.begin("workspace/executeCommand", {"command": "ralph.server.implement", "arguments": [{"uri": uri}]})
    connection.begin("workspace/executeCommand", {"command": "ralph.server.cancel"})
    result = (await connection.until(ended, 5))["params"]
    assert result["outcome"] == "cancelled" and connection.gateway.requests == []
    assert sum(1 for m in connection.received if ended(m)) == 1


async def test_a_cancel_ends_our_own_request_of_that_number(connect: Connect, tmp_path: Path) -> None:
    """Ids of the two directions are apart; a client's cancel may not touch what we wait for."""
    connection = connect()
    await connection.initialize(tmp_path, workspace={"configuration": True})
    asked = await connection.until(lambda m: m.get("method") == "workspace/configuration")
    waiting = connection.server.protocol._request_futures[asked["id"]]
    connection.notify("$/cancelRequest", {"id": asked["id"]})
    await asyncio.sleep(0.01)
    assert not waiting.done()
    connection.say({"jsonrpc": "2.0", "id": asked["id"], "result": [None]})


@pytest.mark.row("P7")
async def test_errors_show_tracebacks_and_paths(
    connect: Connect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    connection = connect()
    await connection.initialize(tmp_path)

    def broken(*_: object) -> None:
        raise RuntimeError("in /home/someone/secret")

    monkeypatch.setattr(CodeActions, "answer", broken)
    protocol = connection.server.protocol
    monkeypatch.setattr(protocol, "handlers", dataclasses.replace(protocol.handlers, opened=broken))
    here = {"line": 0, "character": 0}
    params = {
        "textDocument": {"uri": "file:///a.py"},
        "range": {"start": here, "end": here},
        "context": {"diagnostics": []},
    }
    error = (await connection.request("textDocument/codeAction", params))["error"]
    connection.open("file:///a.py", "x")
    await asyncio.sleep(0.01)
    assert error["code"] == -32603 and "data" not in error
    sent = str(connection.received)
    assert "secret" not in sent and "Traceback" not in sent and "window/showMessage" not in sent
    assert "secret" in caplog.text, "the log has it in full"


# ---- documents ---------------------------------------------------------------------------------------------------


async def test_form_feeds_and_line_separators_put_edits_on_wrong_lines(connect: Connect, tmp_path: Path) -> None:
    connection = connect()
    await connection.initialize(tmp_path)
    for char in "\f\v\x1c\x85\u2028\u2029":
        uri = f"file:///{ord(char)}.py"
        connection.open(uri, f"a{char}\nb\nC\n")
        connection.change(uri, 2, ((2, 0), (2, 1), "c"))
        assert connection.text(uri) == f"a{char}\nb\nc\n"


async def test_a_position_past_the_end_of_the_line_is_one_short(connect: Connect, tmp_path: Path) -> None:
    connection = connect()
    await connection.initialize(tmp_path)
    for number, (before, start, end, after) in enumerate(
        [
            ("ab", (0, 0), (0, 99), "Z"),
            ("ab\r\ncd", (0, 1), (0, 99), "aZ\r\ncd"),
            ("ab\n", (0, 1), (9, 9), "aZ"),
            ("", (0, 0), (4, 4), "Z"),
            ("🙂b", (0, 2), (0, 99), "🙂Z"),
        ]
    ):
        uri = f"file:///{number}.py"
        connection.open(uri, before)
        connection.change(uri, 2, (start, end, "Z"))
        assert connection.text(uri) == after


@pytest.mark.row("P5")
async def test_a_change_out_of_order_is_applied(connect: Connect, tmp_path: Path) -> None:
    connection = connect()
    await connection.initialize(tmp_path)
    connection.open("file:///a.py", "new\n", version=5)
    connection.change("file:///a.py", 3, ((0, 0), (0, 3), "old"))
    connection.change("file:///b.py", 1, ((0, 0), (0, 0), "never opened"))
    assert connection.text("file:///a.py") == "new\n" and list(connection.server.workspace_state.documents.open) == [
        "file:///a.py"
    ]


# ---- the pipe ----------------------------------------------------------------------------------------------------


@pytest.mark.row("P1")
def test_a_bad_header_loses_the_next_message() -> None:
    good = frame({"jsonrpc": "2.0", "id": 1})
    for bad in (
        b"X-Nothing: 1\r\n\r\n",
        b"Content-Length: many\r\n\r\n",
        b"Content-Length: -5\r\n\r\n",
        b"Content-Length: 99999999999\r\n\r\n",
        b"Content-Length: 999999999999999999999\r\n\r\n",
        b"\r\n\r\n\r\n",
        b"garbage\n",
        b"\x00\xff" * 50 + b"\r\n",
    ):
        bodies: list[bytes] = []
        faults: list[str] = []
        stdio.read_messages(io.BytesIO(good + bad + good), bodies.append, faults.append)
        assert bodies == [b'{"jsonrpc": "2.0", "id": 1}'] * 2, bad
        assert len(faults) == (1 if bad.strip() else 0), bad
    for typed in (b"content-length: 2\r\nContent-Type: application/vscode-jsonrpc; charset=utf-8\r\n\r\n{}",
                  b"Content-Type: x\r\nContent-Length:2\r\n\r\n{}"):  # fmt: skip
        bodies = []
        stdio.read_messages(io.BytesIO(typed + b"Content-Length: 9\r\n\r\ncut"), bodies.append, faults.append)
        assert bodies == [b"{}"], "half a message at the end is none"


def test_a_write_after_the_end_is_reported_by_writing() -> None:
    reads, writes = os.pipe()
    os.close(reads)
    told: list[int] = []
    writer = stdio.Writer(os.fdopen(writes, "wb", buffering=0), lambda: told.append(1))
    for _ in range(50):
        writer.write(frame({"jsonrpc": "2.0", "method": "x"}))
    assert told == [1]


BUSY = """
import asyncio, sys, threading, time
from ralphd.lsp.server import RalphServer
from tests.support.serve import make_runner

def busy():
    loop = asyncio.get_running_loop()
    for _ in range(64):
        loop.run_in_executor(None, time.sleep, 30)
    return make_runner()

threading.Thread(target=time.sleep, args=(30,)).start()
sys.exit(RalphServer(busy).serve())
"""


async def test_a_full_thread_pool_deafens_the_server_and_keeps_it_alive(tmp_path: Path) -> None:
    script = tmp_path / "replies.json"
    script.write_text("{}")
    rpc = await RawClient.spawn([sys.executable, "-c", BUSY, str(script)], cwd=str(tmp_path))
    try:
        await rpc.initialize({}, str(tmp_path))
        await asyncio.sleep(0.2)
        command = {"command": "ralph.server.cancel", "arguments": [{}]}
        assert "result" in await rpc.request("workspace/executeCommand", command, timeout=5)
        await rpc.close_stdin()
        started = time.monotonic()
        assert await rpc.wait_exit(6) == 1
        assert time.monotonic() - started < seconds(5)
    finally:
        await rpc.kill()


@pytest.mark.row("P1")
async def test_malformed_input_ends_the_server_and_exit_without_shutdown_is_success(start: Start) -> None:
    editor = await start()
    for data in MALFORMED.values():
        await editor.rpc.send_raw(data)
    assert "result" in await editor.rpc.request("workspace/executeCommand", {"command": "ralph.server.status"})
    faults = [m["error"]["code"] for way, m in editor.rpc.log if way == "<-" and "error" in m]
    assert faults.count(PARSE_ERROR) == 3 and set(faults) == {PARSE_ERROR, INVALID_REQUEST}
    await editor.rpc.notify("exit")
    assert await editor.rpc.wait_exit(5) == 1
    other = await start()
    assert await other.stop() == 0


@pytest.mark.row("P2")
async def test_a_client_that_vanishes_leaves_a_spinning_server_and_its_children(start: Start, project: Path) -> None:
    """In the middle of a test run, with both pipes gone at once, as when an editor is killed."""
    hang = "```python\ndef slug(text):\n    import time\n    time.sleep(60)\n```\n"
    editor = await start(artisan=[hang], freshly=True)
    uri = await editor.open(project / "slug.py")
    await editor.command("ralph.server.implement", {"uri": uri, "range": cursor(editor, uri, "raise")})
    await editor.rpc.wait_for(
        lambda: any(e["type"] == "phaseStarted" and e["phase"] == "tests" for e in editor.events), 30, "tests"
    )
    server = editor.rpc.pid
    while not (children := descendants(server)):
        await asyncio.sleep(0.05)
    before, started = cpu_seconds(server), time.monotonic()
    transport = editor.rpc.process._transport  # type: ignore[attr-defined]  # its own close() would kill the server
    for pipe in (0, 1):
        transport.get_pipe_transport(pipe).close()
    used = before
    while alive(server) and time.monotonic() - started < 6:
        used = max(used, cpu_seconds(server))
        await asyncio.sleep(0.05)
    assert not alive(server) and time.monotonic() - started < seconds(5)
    assert await editor.rpc.wait_exit(1) == 1, "it left by itself"
    assert used - before < 1.5
    await gone(children, 2)


@pytest.mark.row("P2")
async def test_nobody_watches_process_id(tmp_path: Path) -> None:
    parent = subprocess.Popen(["sleep", "60"])
    script = tmp_path / "replies.json"
    script.write_text("{}")
    rpc = await RawClient.spawn([sys.executable, "-m", "tests.support.serve", str(script)], cwd=str(tmp_path))
    try:
        await rpc.initialize({}, str(tmp_path), processId=parent.pid)
        assert "result" in await rpc.request("workspace/executeCommand", {"command": "ralph.server.status"})
        parent.kill()
        parent.wait()
        assert await rpc.wait_exit(8) == 1
    finally:
        parent.kill()
        await rpc.kill()
