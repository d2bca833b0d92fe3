"""The embedded model: pinned, resumable, verified downloads from real sources, and one server that nobody has to end."""

from __future__ import annotations

import asyncio
import base64
import fcntl
import hashlib
import http.server
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import platformdirs
import pytest

from ralphd.errors import Misconfigured, RalphError, Unreachable
from ralphd.local_model import server as server_module
from ralphd.local_model.fetch import describe, fetch, installed, weights_path
from ralphd.local_model.server import LocalServer, ollama_models
from ralphd.local_model.sources import Hub, Wheels
from ralphd.local_model.weights import QWEN, Weights, part_path

CONTENT = os.urandom(2_500)
PIECE = 1_000


def _sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


SMALL = Weights(
    name="small.gguf",
    title="Small",
    licence="none",
    size=len(CONTENT),
    sha256=_sha(CONTENT),
    piece_size=PIECE,
    pieces=tuple(_sha(CONTENT[i : i + PIECE]) for i in range(0, len(CONTENT), PIECE)),
    hub_url="",
    wheel="small-part{number}",
    wheel_version="1.0",
)


@dataclass
class Hosted:
    """A hub on loopback: serves ranges, counts them, and misbehaves as told."""

    content: bytes = CONTENT
    ranges: list[str] = field(default_factory=list)
    cut_after: int | None = None
    honours_ranges: bool = True
    weights: Weights = SMALL


class _Handler(http.server.BaseHTTPRequestHandler):
    def __init__(self, hosted: Hosted, *args: Any) -> None:
        self.hosted = hosted
        super().__init__(*args)

    def do_GET(self) -> None:
        hosted = self.hosted
        wanted = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers["Range"])
        assert wanted
        hosted.ranges.append(self.headers["Range"])
        if not hosted.honours_ranges:
            self.send_response(200)
            self.end_headers()
            return
        start, end = int(wanted[1]), int(wanted[2]) + 1
        body = hosted.content[start:end]
        self.send_response(206)
        self.send_header("Content-Range", f"bytes {start}-{end - 1}/{len(hosted.content)}")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if hosted.cut_after is not None and len(body) > 1:
            body, hosted.cut_after = body[: hosted.cut_after], None
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def hub() -> Iterator[Hosted]:
    hosted = Hosted()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, hosted))
    hosted.weights = replace(SMALL, hub_url=f"http://127.0.0.1:{server.server_port}/small.gguf")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield hosted
    server.shutdown()
    thread.join()
    server.server_close()


def _wheel(folder: Path, number: int, data: bytes) -> None:
    """A data wheel as pip wants it."""
    package = f"small_part{number}"
    info = f"{package}-1.0.dist-info"
    files = {
        f"{package}/__init__.py": b"raise SystemExit('imported')\n",
        f"{package}/data/part{number:02d}.bin": data,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: small-part{number}\nVersion: 1.0\n".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(
        f"{name},sha256={base64.urlsafe_b64encode(hashlib.sha256(body).digest()).rstrip(b'=').decode()},{len(body)}\n"
        for name, body in files.items()
    )
    files[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n".encode()
    with zipfile.ZipFile(folder / f"{package}-1.0-py3-none-any.whl", "w") as archive:
        for name, body in files.items():
            archive.writestr(name, body)


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of wheels as the person's own pip settings might name it."""
    folder = tmp_path / "index"
    folder.mkdir()
    for i in range(3):
        _wheel(folder, i + 1, CONTENT[i * PIECE : (i + 1) * PIECE])
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def test_the_pins_cover_the_whole_file() -> None:
    assert len(QWEN.pieces) == 22
    assert QWEN.span(21) == (21 * QWEN.piece_size, QWEN.size)
    assert len(set(QWEN.pieces)) == 22 and all(re.fullmatch("[0-9a-f]{64}", pin) for pin in QWEN.pieces)


def test_fetches_from_the_hub_once(tmp_path: Path, hub: Hosted) -> None:
    seen: list[tuple[int, int]] = []
    path = fetch(
        tmp_path,
        lambda done, total: seen.append((done, total)),
        weights=hub.weights,
        sources=[Hub()],
    )
    assert path == weights_path(tmp_path, SMALL) and path.read_bytes() == CONTENT
    assert installed(tmp_path, SMALL)
    assert seen[-1] == (SMALL.size, SMALL.size)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert len(hub.ranges) == 1 + 3
    fetch(tmp_path, weights=hub.weights, sources=[Hub()])
    assert len(hub.ranges) == 1 + 3
    assert not part_path(tmp_path, SMALL).exists()


def test_a_broken_line_goes_on_where_it_broke(tmp_path: Path, hub: Hosted) -> None:
    hub.cut_after = 300
    fetch(tmp_path, weights=hub.weights, sources=[Hub()])
    assert installed(tmp_path, SMALL)
    assert any(re.fullmatch(r"bytes=\d+300-\d+|bytes=300-\d+", wanted) for wanted in hub.ranges)


def test_an_interrupted_download_keeps_what_arrived(tmp_path: Path, hub: Hosted) -> None:
    part = part_path(tmp_path, SMALL)
    part.parent.mkdir(parents=True)
    part.write_bytes(CONTENT[:PIECE] + b"\0" * 500)  # one piece is right, the next was on its way
    fetch(tmp_path, weights=hub.weights, sources=[Hub()])
    assert "bytes=0-999" not in hub.ranges
    assert sorted(hub.ranges) == ["bytes=0-0", "bytes=1000-1999", "bytes=2000-2499"]


def test_ctrl_c_stops_and_keeps(tmp_path: Path, hub: Hosted) -> None:
    def interrupt(done: int, total: int) -> None:
        if done >= PIECE:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(tmp_path, interrupt, weights=hub.weights, sources=[Hub()])
    assert not installed(tmp_path, SMALL) and not weights_path(tmp_path, SMALL).exists()
    assert part_path(tmp_path, SMALL).exists()
    fetch(tmp_path, weights=hub.weights, sources=[Hub()])
    assert installed(tmp_path, SMALL)


def test_other_bytes_are_never_installed(tmp_path: Path, hub: Hosted) -> None:
    hub.content = CONTENT[:1500] + bytes([CONTENT[1500] ^ 1]) + CONTENT[1501:]
    with pytest.raises(Unreachable, match="not what was pinned"):
        fetch(tmp_path, weights=hub.weights, sources=[Hub()])
    assert not weights_path(tmp_path, SMALL).exists() and not installed(tmp_path, SMALL)


def test_a_hub_that_ignores_ranges_is_passed_over(tmp_path: Path, hub: Hosted, index: Path) -> None:
    hub.honours_ranges = False
    path = fetch(
        tmp_path,
        weights=hub.weights,
        sources=[Hub(), Wheels(weights_path(tmp_path, SMALL).parent)],
    )
    assert path.read_bytes() == CONTENT
    assert hub.ranges == ["bytes=0-0"]


@pytest.mark.slow
def test_packages_where_the_hub_is_unreachable(tmp_path: Path, index: Path) -> None:
    weights = replace(SMALL, hub_url="http://127.0.0.1:1/small.gguf")
    path = fetch(
        tmp_path,
        weights=weights,
        sources=[Hub(), Wheels(weights_path(tmp_path, SMALL).parent)],
    )
    assert path.read_bytes() == CONTENT and installed(tmp_path, SMALL)
    assert sorted(entry.name for entry in path.parent.iterdir()) == [
        "small.gguf",
        "small.gguf.lock",
        "small.gguf.verified",
    ]
    assert (
        subprocess.run(
            [sys.executable, "-c", "import small_part1"],
            check=False,
            capture_output=True,
        ).returncode
        == 1
    )


@pytest.mark.slow
@pytest.mark.slow
def test_a_bad_package_is_named_and_the_good_ones_kept(tmp_path: Path, index: Path) -> None:
    _wheel(index, 2, CONTENT[1000:1999] + bytes([CONTENT[1999] ^ 1]))
    weights = replace(SMALL, hub_url="http://127.0.0.1:1/small.gguf")
    with pytest.raises(Unreachable) as caught:
        fetch(
            tmp_path,
            weights=weights,
            sources=[Hub(), Wheels(weights_path(tmp_path, SMALL).parent)],
        )
    assert "the official hub:" in str(caught.value) and "part 2 is not what was pinned" in str(caught.value)
    assert "kept" in caught.value.hint
    assert not installed(tmp_path, SMALL)
    _wheel(index, 2, CONTENT[1000:2000])
    assert fetch(tmp_path, weights=weights, sources=[Wheels(tmp_path / "models")]).read_bytes() == CONTENT


def test_no_room_is_said_before_the_download(tmp_path: Path, hub: Hosted, monkeypatch: pytest.MonkeyPatch) -> None:
    full = shutil.disk_usage(tmp_path)._replace(free=1)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: full)
    with pytest.raises(RalphError, match="GB more") as caught:
        fetch(tmp_path, weights=hub.weights, sources=[Hub()])
    assert "Make room" in caught.value.hint and not hub.ranges


def test_a_cache_that_cannot_be_written(tmp_path: Path, hub: Hosted) -> None:
    (tmp_path / "models").write_text("a file")
    with pytest.raises(RalphError, match="could not be written"):
        fetch(tmp_path, weights=hub.weights, sources=[Hub()])


def test_a_file_of_that_name_is_not_believed(tmp_path: Path) -> None:
    path = weights_path(tmp_path, SMALL)
    path.parent.mkdir(parents=True)
    path.write_bytes(CONTENT)
    assert not installed(tmp_path, SMALL)  # right, but nobody has looked
    assert fetch(tmp_path, weights=SMALL, sources=[]) == path  # verified where it stands, no download
    assert installed(tmp_path, SMALL)
    stat = path.stat()
    path.write_bytes(bytes([CONTENT[0] ^ 1]) + CONTENT[1:])
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1_000))
    assert not installed(tmp_path, SMALL)  # same size, another time
    assert describe(tmp_path, SMALL)["installed"] is False


def test_two_at_once_download_once(tmp_path: Path, hub: Hosted) -> None:
    work = partial(fetch, tmp_path, weights=hub.weights, sources=[Hub()])
    both = [threading.Thread(target=work) for _ in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert installed(tmp_path, SMALL) and len(hub.ranges) == 1 + 3


def test_describe_imports_nothing_heavy(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from ralphd.local_model.fetch import describe;"
        f"d = describe(Path({str(tmp_path)!r})); assert d['installed'] is False and d['bytes'] == 0, d;"
        "print([m for m in ('httpx', 'xllamacpp', 'huggingface_hub', 'litellm') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_without_weights_the_server_says_what_to_do(tmp_path: Path) -> None:
    async def go() -> None:
        server = LocalServer(tmp_path, lambda: tmp_path, os.environ)
        with pytest.raises(Misconfigured, match="weights are not installed"):
            await server.start()
        await server.stop()

    asyncio.run(go())


@pytest.fixture
def fake_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that passes for verified: what llama.cpp says to it is its own affair."""
    path = weights_path(tmp_path)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"GGUF" + bytes(100))
    monkeypatch.setattr(server_module, "installed", lambda cache_dir: True)
    return tmp_path


def test_weights_that_do_not_load_end_in_a_sentence(fake_weights: Path) -> None:
    async def go() -> None:
        server = LocalServer(fake_weights, lambda: fake_weights, os.environ)
        for _ in range(2):  # nothing of the first try stands in the way of the next
            with pytest.raises(Unreachable, match=r"did not start \(exit code [1-9-]"):
                await server.start()
        assert server.pid is None

    asyncio.run(go())


def test_what_a_process_that_died_left_behind_is_no_server(fake_weights: Path) -> None:
    async def go() -> None:
        server = LocalServer(fake_weights, lambda: fake_weights, os.environ)
        with pytest.raises(Unreachable):
            await server.start()
        (lock,) = fake_weights.glob("embedded-*.lock")
        owner = lock.with_suffix(".owner")
        owner.write_text(json.dumps({"url": "http://127.0.0.1:1/x", "pid": os.getpid()}))
        assert server.pid is None
        with lock.open() as held:  # and what one says that lives is believed
            fcntl.flock(held, fcntl.LOCK_EX)
            assert server.pid == os.getpid() and await server.start() == "http://127.0.0.1:1/x"
            assert not await server.busy(), "nobody answers there"
            for odd in ("[]", "{}", "[" * 100_000, '{"url": 1}'):
                owner.write_text(odd)
                assert server.pid is None
        await server.stop()

    asyncio.run(go())


def test_ollama_is_asked_and_its_absence_is_fast() -> None:
    class Tags(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps({"models": [{"name": "b:7b"}, {"name": "a:1b"}]}).encode()
            self.send_response(200 if self.path == "/api/tags" else 404)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Tags)
    threading.Thread(target=server.handle_request).start()
    assert asyncio.run(ollama_models(f"http://127.0.0.1:{server.server_port}", timeout_s=5.0)) == ["a:1b", "b:7b"]
    server.server_close()
    assert asyncio.run(ollama_models("http://127.0.0.1:1")) is None


CACHE = Path(platformdirs.user_cache_dir("ralphd"))
real_model = pytest.mark.skipif(
    not installed(CACHE),
    reason="the weights are not in the cache: `ralphd demo` fetches them",
)


def _gone(pid: int, within: float = 2.0) -> bool:
    """Ended: reaped, or a zombie that nobody waits for."""
    end = time.monotonic() + within
    while time.monotonic() < end:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.01)
    return False


async def _say(base: str) -> str:
    body = {
        "messages": [{"role": "user", "content": "Say hi"}],
        "max_tokens": 2,
        "temperature": 0,
    }
    async with httpx.AsyncClient(trust_env=False, timeout=900) as client:
        answer = await client.post(f"{base}/v1/chat/completions", json=body)
    return str(answer.json()["choices"][0]["message"]["content"])


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder for a server of this test's own, which ends soon after it."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def _slots(base: str) -> list[bool]:
    return [slot["is_processing"] for slot in httpx.get(f"{base}/slots", trust_env=False).json()]


@pytest.mark.e2e
@real_model
def test_one_process_for_all_that_answers_survives_a_crash_and_ends_when_idle(place: Path) -> None:
    async def go() -> None:
        one, other = (LocalServer(CACHE, lambda: place, os.environ, idle_s=3600, kept_s=1.0) for _ in range(2))
        base, same = await asyncio.gather(one.start(), other.start())
        assert base == same and one.pid == other.pid
        first = one.pid
        assert first and base.startswith("http://127.0.0.1:") and await _say(base)
        environment = Path(f"/proc/{first}/environ").read_bytes().split(b"\0")
        assert not [e for e in environment if e.startswith((b"XDG_", b"PYTEST"))], "it gets what it needs only"
        await one.stop()
        await asyncio.sleep(2.0)  # longer than it is kept: the other needs it, so it stays
        assert other.pid == first and await _say(base)
        os.kill(first, signal.SIGKILL)
        while other.pid:
            await asyncio.sleep(0.01)
        again = await other.start()
        second = other.pid
        assert second not in (None, first) and await _say(again)
        await other.stop()
        assert second and not _gone(second, 0.3), "whoever comes soon finds it"
        assert _gone(second, 60.0)
        assert not [p for p in place.iterdir() if p.suffix == ".owner"]

    asyncio.run(asyncio.wait_for(go(), 900))


@pytest.mark.e2e
@real_model
def test_a_cancelled_question_ends_and_the_next_one_waits_its_turn(place: Path) -> None:
    async def go() -> None:
        server = LocalServer(CACHE, lambda: place, os.environ, kept_s=0.1)
        base = await server.start()
        host = base.rpartition("/")[0]
        async with httpx.AsyncClient(trust_env=False, timeout=900) as client:
            for outside in (host, f"{host}/v1/models", f"{host}/slots", f"{host}/x/v1/models"):
                assert (await client.get(outside)).status_code in (401, 403, 404), "below its own path only"
            body = {"messages": [{"role": "user", "content": "Count to 2000."}], "max_tokens": 2000, "stream": True}
            long = asyncio.create_task(client.post(f"{base}/v1/chat/completions", json=body))
            while not await server.busy():
                await asyncio.sleep(0.05)
            next_one = asyncio.create_task(_say(base))
            await asyncio.sleep(0.3)
            assert not next_one.done()
            long.cancel()
            assert await next_one
            while any(await asyncio.to_thread(_slots, base)):
                await asyncio.sleep(0.05)
        await server.stop()

    asyncio.run(asyncio.wait_for(go(), 900))


@pytest.mark.e2e
@real_model
@pytest.mark.skipif(not Path("/proc/self").exists(), reason="reads /proc")
@pytest.mark.parametrize("loading", [True, False])
def test_the_process_goes_soon_after_whoever_needed_it_was_killed(loading: bool, place: Path) -> None:
    program = (
        "import asyncio, os; from pathlib import Path; from ralphd.local_model.server import LocalServer\n"
        "async def go():\n"
        f"    server = LocalServer(Path({str(CACHE)!r}), lambda: Path({str(place)!r}), os.environ, kept_s=1.0)\n"
        "    await server.start(); print('ready', flush=True); await asyncio.sleep(60)\n"
        "asyncio.run(go())"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as parent:
        assert parent.stdout
        if not loading:
            assert parent.stdout.readline() == b"ready\n"
        children: list[int] = []
        while not children:
            found = Path(f"/proc/{parent.pid}/task/{parent.pid}/children").read_text().split()
            children = [
                int(pid) for pid in found if b"local_model.shared_process" in Path(f"/proc/{pid}/cmdline").read_bytes()
            ]
        if loading:
            time.sleep(0.5)
        parent.kill()
    assert _gone(children[0], 60.0)
