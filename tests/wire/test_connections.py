"""How a request gets to its server: connections that are never made, proxies, and certificates, each with its sentence.

Everything is on loopback: an HTTPS server with a certificate of an authority made here, and a proxy that speaks CONNECT.
"""

from __future__ import annotations

import json
import select
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from ralphd.errors import ModelError, TimedOut, Unreachable
from ralphd.model_host.client import HostClient
from ralphd.model_host.gateway import HostGateway
from ralphd.model_host.wire import ConfiguredModel, Limits
from tests.support.providers import Provider, Reply
from tests.wire.conftest import config, deployment, request
from tests.wire.test_host_life import Make, make

__all__ = ["make"]
pytestmark = pytest.mark.asyncio(loop_scope="session")
ANSWER = {
    "id": "1",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "over TLS"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3},
}


def openssl(folder: Path, *words: str) -> None:
    subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)


NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


class Tls:
    """HTTPS servers of one private authority. `authority`: its certificate, as a file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.authority = folder / "ca.pem"
        usage = "keyUsage=critical,keyCertSign,cRLSign"
        made = (
            "-keyout",
            "ca.key",
            "-out",
            "ca.pem",
            "-days",
            "30",
            "-subj",
            "/CN=Private Authority",
            "-addext",
            usage,
        )
        openssl(folder, "req", "-x509", *NEW_KEY, *made)
        self._servers: list[ThreadingHTTPServer] = []
        self.requests: list[bytes] = []

    def server(self, name: str = "localhost", *, days: int = 30) -> str:
        """A server whose certificate is for `name` and holds for `days`; its api_base."""
        names = f"subjectAltName=DNS:{name}"
        openssl(
            self._folder, "req", *NEW_KEY, "-keyout", "s.key", "-out", "s.csr", "-subj", f"/CN={name}", "-addext", names
        )
        signing = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-copy_extensions", "copy")
        openssl(self._folder, "x509", "-req", "-in", "s.csr", *signing, "-days", str(days), "-out", "s.pem")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._folder / "s.pem", self._folder / "s.key")
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                outer.requests.append(self.rfile.read(int(self.headers["Content-Length"])))
                body = json.dumps(ANSWER).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None: ...

        class Quiet(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request: object, client_address: object) -> None: ...

        server = Quiet(("127.0.0.1", 0), Handler)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        self._servers.append(server)
        return f"https://localhost:{server.server_address[1]}/v1"

    def close(self) -> None:
        for server in self._servers:
            server.shutdown()
            server.server_close()


@pytest.fixture
def tls(tmp_path: Path) -> Iterator[Tls]:
    found = Tls(tmp_path)
    yield found
    found.close()


class ConnectProxy:
    """A proxy that lets CONNECT through to this machine, whatever the host's name, and notes what was asked of it."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.refuses = b""
        """Answer with this status line instead."""
        self._socket = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._one, args=(client,), daemon=True).start()

    def _one(self, client: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            head += client.recv(4096)
        method, target, _ = head.split(b"\r\n")[0].split(b" ")
        self.asked.append(f"{method.decode()} {target.decode()}")
        if self.refuses:
            client.sendall(self.refuses + b"\r\nContent-Length: 0\r\n\r\n")
            client.close()
            return
        port = int(target.decode().rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port)) as server, client:
            client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            ends = {client: server, server: client}
            while True:
                for ready in select.select(list(ends), [], [])[0]:
                    data = ready.recv(65536)
                    if not data:
                        return
                    ends[ready].sendall(data)

    def close(self) -> None:
        self._socket.close()


@pytest.fixture(autouse=True)
def no_proxy_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def asking(client: HostClient, api_base: str) -> HostGateway:
    return HostGateway(client, config(ConfiguredModel(model="openai/x", api_base=api_base), retry_attempts=1))


async def test_an_authority_that_is_not_known(host: HostClient, tls: Tls) -> None:
    with pytest.raises(Unreachable, match=r"certificate of https://localhost.* was not accepted") as caught:
        await asking(host, tls.server()).complete(request())
    assert "SSL_CERT_FILE" in str(caught.value) and tls.requests == []


@pytest.mark.slow
async def test_a_private_authority_and_a_proxy(make: Make, monkeypatch: pytest.MonkeyPatch, tls: Tls) -> None:
    """One host for all that its environment says: the file of an authority, a proxy, hosts that need none, an address."""
    proxy = ConnectProxy()
    monkeypatch.setenv("SSL_CERT_FILE", str(tls.authority))
    monkeypatch.setenv("HTTPS_PROXY", proxy.address)
    monkeypatch.setenv("NO_PROXY", "localhost")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://localhost:99999/v1")
    client = make()
    assert (await asking(client, tls.server()).complete(request())).text == "over TLS"
    assert proxy.asked == []
    for api_base, why in ((tls.server(days=-1), "expired"), (tls.server("elsewhere.example"), "ostname mismatch")):
        with pytest.raises(Unreachable, match=f"was not accepted: .*{why}"):
            await asking(client, api_base).complete(request())
    assert len(tls.requests) == 1

    through = tls.server("inside.test").replace("localhost", "inside.test")
    assert (await asking(client, through).complete(request())).text == "over TLS"
    assert set(proxy.asked) == {f"CONNECT {through.removeprefix('https://').removesuffix('/v1')}"}
    proxy.refuses = b"HTTP/1.1 407 Proxy Authentication Required"
    elsewhere = through.replace("inside.test", "refused.test")
    with pytest.raises(Unreachable, match="proxy did not let the request through") as caught:
        await asking(client, elsewhere).complete(request())
    assert "407" in str(caught.value) and "HTTPS_PROXY" in str(caught.value)
    proxy.close()

    with pytest.raises(ModelError, match="OPENAI_BASE_URL"):
        await HostGateway(client, config(ConfiguredModel(model="openai/x"))).complete(request())


async def test_plain_http_where_tls_is_meant(host: HostClient, openai: Provider) -> None:
    with pytest.raises(Unreachable, match="TLS"):
        await asking(host, openai.api_base.replace("http:", "https:")).complete(request())


async def test_a_name_that_is_none(host: HostClient) -> None:
    with pytest.raises(Unreachable, match="not known to DNS"):
        await asking(host, "http://no-such-host.invalid/v1").complete(request())


async def test_nobody_there_says_so(host: HostClient) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(Unreachable, match=f"Nothing answers at http://127.0.0.1:{port}"):
        await asking(host, f"http://127.0.0.1:{port}/v1").complete(request())


async def test_a_connection_that_is_never_made(host: HostClient) -> None:
    """A server whose queue of connections is full lets a new one wait for ever."""
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        waiting = []
        for _ in range(4):
            one = socket.socket()
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
            waiting.append(one)
        limits = Limits(connect_s=1.0)
        model = ConfiguredModel(model="openai/x", api_base=f"http://127.0.0.1:{port}/v1", timeout_s=60.0)
        with pytest.raises(TimedOut, match=r"No connection to .* within 1 s"):
            await HostGateway(host, config(model, retry_attempts=1, limits=limits)).complete(request())
        for one in waiting:
            one.close()


@pytest.mark.slow
async def test_each_silence_is_named(host: HostClient, openai: Provider) -> None:
    async def why(reply: Reply, **limits: float) -> str:
        openai.default = reply
        model = deployment(openai, timeout_s=1.5)
        with pytest.raises(ModelError) as caught:
            await HostGateway(host, config(model, retry_attempts=1, limits=Limits(**limits))).complete(request())
        assert isinstance(caught.value, TimedOut), caught.value
        return caught.value.message

    from tests.support.providers import broken

    slow = Reply(pieces=tuple("a" for _ in range(1000)), pause_s=0.05)
    assert "accepted the request and sent no text for 1.5 s" in await why(broken(Reply(), "stall", events=1))
    assert "stopped in the middle of its answer: no text for 0.75 s" in await why(broken(Reply(), "stall", events=3))
    assert "was not at its end after 3 s" in await why(slow, total_factor=2.0)


async def test_a_server_that_does_not_answer_the_request(host: HostClient) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        model = ConfiguredModel(
            model="openai/x", api_base=f"http://127.0.0.1:{deaf.getsockname()[1]}/v1", timeout_s=1.5
        )
        with pytest.raises(TimedOut, match=r"did not answer (the request )?within 1.5 s"):
            await HostGateway(host, config(model, retry_attempts=1)).complete(request())
