"""Where cached answers lie: an SQLite file of the person's own, or a Redis that a team shares. Texts by key, no more.

LiteLLM's own disk cache is not used: it unpickles what it finds, so that a planted row would run code.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol, TypeVar

from ralphd.model_host.wire import CacheConfig

FILE = "answers.sqlite3"
_MOST_BYTES = 256 * 1024 * 1024
"""The file's size; the oldest answers make room."""
_LONGEST = 4 * 1024 * 1024
"""Characters of one answer; a longer one is not kept."""
_SCHEMA = "CREATE TABLE IF NOT EXISTS answers (key TEXT PRIMARY KEY, value TEXT NOT NULL, expires REAL NOT NULL)"
_T = TypeVar("_T")


class AnswerStore(Protocol):
    """Raises whatever its backend raises; the cache takes that for a miss."""

    async def get(self, key: str) -> str | None: ...

    async def set(self, key: str, value: str, ttl_s: int) -> None: ...


def open_store(config: CacheConfig, url: str | None) -> AnswerStore:
    """`url` of a Redis; it may hold a password."""
    if config.type == "redis":
        return RedisStore(url or "redis://127.0.0.1:6379/0")
    return DiskStore(Path(config.dir or ".") / FILE)


class DiskStore:
    """One table of texts. All its work is done in one thread, never on the event loop."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="answers")
        self._db: sqlite3.Connection | None = None

    async def get(self, key: str) -> str | None:
        def read() -> str | None:
            row = self._open().execute("SELECT value, expires FROM answers WHERE key = ?", (key,)).fetchone()
            if row is None or not isinstance(row[0], str) or not isinstance(row[1], float) or row[1] < time.time():
                return None
            return row[0]

        return await self._run(read)

    async def set(self, key: str, value: str, ttl_s: int) -> None:
        def write() -> None:
            if len(value) > _LONGEST:
                return
            db, now = self._open(), time.time()
            with db:
                db.execute("DELETE FROM answers WHERE expires < ?", (now,))
                db.execute("INSERT OR REPLACE INTO answers VALUES (?, ?, ?)", (key, value, now + ttl_s))
                self._make_room(db)

        await self._run(write)

    def _make_room(self, db: sqlite3.Connection) -> None:
        pages = db.execute("PRAGMA page_count").fetchone()[0] - db.execute("PRAGMA freelist_count").fetchone()[0]
        if pages * db.execute("PRAGMA page_size").fetchone()[0] > _MOST_BYTES:
            db.execute(
                "DELETE FROM answers WHERE key IN (SELECT key FROM answers ORDER BY expires "
                "LIMIT (SELECT COUNT(*) / 2 + 1 FROM answers))"
            )

    def _open(self) -> sqlite3.Connection:
        if self._db is None:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            db = sqlite3.connect(self._path, timeout=1.0, check_same_thread=False)
            self._path.chmod(0o600)
            db.execute("PRAGMA trusted_schema=OFF")
            db.execute("PRAGMA journal_mode=WAL")
            db.execute("PRAGMA synchronous=OFF")  # an answer that a power cut loses is asked for again
            db.execute(_SCHEMA)
            self._db = db
        return self._db

    async def _run(self, work: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


class RedisStore:
    def __init__(self, url: str) -> None:
        from redis.asyncio import Redis

        self._redis: Any = Redis.from_url(url, socket_timeout=2.0, socket_connect_timeout=2.0)

    async def get(self, key: str) -> str | None:
        value = await self._redis.get(key)
        return value.decode("utf-8") if isinstance(value, bytes) else None

    async def set(self, key: str, value: str, ttl_s: int) -> None:
        if len(value) <= _LONGEST:
            await self._redis.set(key, value.encode("utf-8"), ex=max(1, ttl_s))
