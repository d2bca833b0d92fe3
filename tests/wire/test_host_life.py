"""The host as a process: start, stray prints, cancel, crash, idling, and what it must not load or leave behind."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from ralphd.errors import Unreachable
from ralphd.model_host import process
from ralphd.model_host.client import CANCEL_S, HostClient
from ralphd.model_host.gateway import HostGateway
from ralphd.model_host.wire import ConfiguredModel
from ralphd.models.gateway import Delta
from tests.support.providers import Provider, Reply
from tests.wire.conftest import Watch, config, deployment, request, until

pytestmark = pytest.mark.asyncio(loop_scope="session")
Make = Callable[..., HostClient]


@pytest_asyncio.fixture(loop_scope="session")
async def make(tmp_path: Path) -> AsyncIterator[Make]:
    """Clients of their own, closed afterwards."""
    made: list[HostClient] = []

    def build(**options: object) -> HostClient:
        made.append(HostClient(work_dir=tmp_path / "work", **options))  # type: ignore[arg-type]
        return made[-1]

    yield build
    for client in made:
        await client.close()


def variant(monkeypatch: pytest.MonkeyPatch, patch: str) -> None:
    """Start the real host with a fault put into it."""
    code = f"import sys; sys.path.append(sys.argv.pop(1))\n{textwrap.dedent(patch)}\nsys.exit(m.main())"
    monkeypatch.setattr(process, "_BOOT", code)


async def test_keys_are_told_by_name_without_loading_anything(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RALPH_THERE", "value")
    monkeypatch.setenv("RALPH_EMPTY", "")
    client = make()
    assert await client.keys_present(("RALPH_THERE", "RALPH_EMPTY", "RALPH_NOT_THERE")) == ("RALPH_THERE",)
    assert not client.loaded


async def test_messages_of_megabytes(host: HostClient) -> None:
    text = "é\n\u2028x" * 1_000_000
    assert await host.ping(text) == text


async def test_stray_prints_break_nothing(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    variant(
        monkeypatch,
        """
        import os, ralphd.model_host.child.main as m
        receive = m.Host.receive
        def noisy(self, line):
            print("a library says hello", flush=True)
            os.write(1, b"Give Feedback / Get Help: {not json}\\n")
            print("key is sk-proj-0123456789abcdefghij", end="")
            print("klmn and more")
            return receive(self, line)
        m.Host.receive = noisy
        """,
    )
    lines: list[str] = []
    client = make(on_stderr=lines.append)
    assert [await client.ping(str(n)) for n in range(3)] == ["0", "1", "2"]
    await client.close()
    text = "\n".join(lines)
    assert "a library says hello" in text and "Give Feedback" in text
    assert "sk-proj-0123456789" not in text and "klmn" not in text


async def test_a_flood_on_stderr_blocks_nothing(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    variant(
        monkeypatch,
        """
        import os, ralphd.model_host.child.main as m
        receive = m.Host.receive
        def noisy(self, line):
            os.write(2, b"x" * 3_000_000 + b"\\n")
            return receive(self, line)
        m.Host.receive = noisy
        """,
    )
    lines: list[str] = []
    client = make(on_stderr=lines.append)
    assert await client.ping("still there") == "still there"
    assert sum(map(len, lines)) < 2_000_000


async def test_cancel_stops_the_request_quickly(host: HostClient, openai: Provider) -> None:
    openai.default = Reply(pieces=tuple("word " for _ in range(2000)), pause_s=0.01)
    gateway = HostGateway(host, config(deployment(openai)))
    watch = Watch()
    call = asyncio.create_task(gateway.complete(request(), watch))
    await until(lambda: len(watch.of(Delta)) >= 3, call)
    started, pid = time.monotonic(), host.pid
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert time.monotonic() - started < CANCEL_S
    heard = len(watch.of(Delta))
    assert await asyncio.to_thread(openai.hung_up.wait, 2.0)  # the provider saw the connection go
    assert len(watch.of(Delta)) == heard
    assert host.pid == pid and len(openai.requests) == 1


@pytest.mark.slow
async def test_a_host_that_ignores_a_cancel_is_killed(
    make: Make, monkeypatch: pytest.MonkeyPatch, openai: Provider
) -> None:
    variant(
        monkeypatch,
        """
        import time, ralphd.model_host.child.main as m
        receive = m.Host.receive
        def deaf(self, line):
            if b'"cancel"' in line:
                time.sleep(30)
            return receive(self, line)
        m.Host.receive = deaf
        """,
    )
    openai.default = Reply(pieces=tuple("word " for _ in range(2000)), pause_s=0.01)
    client = make()
    gateway = HostGateway(client, config(deployment(openai)))
    watch = Watch()
    call = asyncio.create_task(gateway.complete(request(), watch))
    await until(lambda: watch.of(Delta), call)
    pid = client.pid
    assert pid is not None
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert await asyncio.to_thread(openai.hung_up.wait, 60.0)
    async with asyncio.timeout(60):
        while _alive(pid):
            await asyncio.sleep(0.02)


@pytest.mark.full
async def test_a_host_that_dies_in_mid_stream(make: Make, openai: Provider) -> None:
    """A SIGKILL fails what is under way, by name, and no more: the next question starts a new one."""
    openai.default = Reply(pieces=tuple("word " for _ in range(2000)), pause_s=0.01)
    client = make()
    gateway = HostGateway(client, config(deployment(openai)))
    watch = Watch()
    call = asyncio.create_task(gateway.complete(request(), watch))
    await until(lambda: watch.of(Delta), call)
    assert client.pid is not None
    os.kill(client.pid, signal.SIGKILL)
    with pytest.raises(Unreachable, match="signal 9"):
        await asyncio.wait_for(call, 2.0)
    assert await client.ping("again") == "again"


async def test_an_idle_host_is_dropped_and_comes_back(make: Make) -> None:
    client = make(idle_s=0.1)
    assert await client.keys_present(("PATH",)) == ("PATH",)
    pid = client.pid
    assert pid is not None
    for _ in range(100):
        if client.pid is None and not _alive(pid):
            break
        await asyncio.sleep(0.05)
    assert client.pid is None and not _alive(pid)
    assert await client.ping("again") == "again"


async def test_close_leaves_no_process(make: Make) -> None:
    client = make()
    await client.ping()
    pid = client.pid
    assert pid is not None
    await client.close()
    assert not _alive(pid)
    with pytest.raises(Unreachable):
        await HostGateway(client, config()).complete(request())


async def test_without_the_provider_library_it_says_so(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    variant(
        monkeypatch,
        """
        import sys
        sys.modules["litellm"] = None
        import ralphd.model_host.child.main as m
        """,
    )
    client = make()
    gateway = HostGateway(client, config(ConfiguredModel(model="openai/x")))
    assert await client.ping("alive") == "alive"
    with pytest.raises(Unreachable, match="could not be loaded"):
        await gateway.complete(request())
    info = await gateway.describe("artisan")
    assert info.problem is not None and "could not be loaded" in info.problem


@pytest.mark.row("T4")
@pytest.mark.slow
async def test_a_hostile_repository_and_a_killed_server(tmp_path: Path, openai: Provider) -> None:
    """A `litellm.py`, `httpx.py` and `.env` in the server's folder are nothing to the host; it dies with the server."""
    repo = tmp_path / "repo"
    repo.mkdir()
    for name in ("litellm.py", "httpx.py", "yaml.py", "sitecustomize.py"):
        (repo / name).write_text(f"open({str(tmp_path / 'pwned')!r}, 'a').write({name!r})\n")
    (repo / ".env").write_text("OPENAI_API_KEY=sk-from-the-repository\nLITELLM_LOG=DEBUG\n")
    before = {path.name for path in repo.iterdir()}
    script = tmp_path / "server.py"
    script.write_text(
        textwrap.dedent(f"""
        import asyncio, sys
        from pathlib import Path
        from ralphd.model_host.client import HostClient
        from ralphd.model_host.gateway import HostGateway
        from ralphd.model_host.wire import ConfiguredModel, CallConfig
        from ralphd.models.gateway import CompletionRequest, Message

        async def main():
            chain = (ConfiguredModel(model="openai/gpt-4o", api_base={openai.api_base!r}),)
            client = HostClient(work_dir=Path({str(tmp_path / "work")!r}))
            gateway = HostGateway(client, CallConfig(roles={{"artisan": chain}}))
            ask = CompletionRequest(role="artisan", messages=(Message(role="user", content="hi"),))
            answer = await gateway.complete(ask)
            assert "litellm" not in sys.modules and "httpx" not in sys.modules, "the server loaded it"
            print(client.pid, answer.text, flush=True)
            await asyncio.Event().wait()

        asyncio.run(main())
        """)
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(process.__file__).resolve().parents[2])}
    server = await asyncio.create_subprocess_exec(
        sys.executable, str(script), cwd=repo, env=environment, stdout=subprocess.PIPE
    )
    assert server.stdout is not None
    line = (await asyncio.wait_for(server.stdout.readline(), 60)).decode()
    pid, _, text = line.strip().partition(" ")
    assert text == "Hello, world"
    assert not (tmp_path / "pwned").exists()
    assert {path.name for path in repo.iterdir()} == before
    assert openai.requests[0].headers["authorization"] == "Bearer no-key"
    server.kill()
    await server.wait()
    for _ in range(100):
        if not _alive(int(pid)):
            break
        await asyncio.sleep(0.02)
    assert not _alive(int(pid))


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
