"""The book of what calls may cost and use before they are sent, and did after: SQLite, shared by all windows and
processes of a person. Knows nothing of models and prices; budget.py asks it before every call and settles after.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from ralphd.core.wording import dollars
from ralphd.errors import OverBudget, Unwritable

log = logging.getLogger("ralphd")

_T = TypeVar("_T")
_SCHEMA = """
CREATE TABLE IF NOT EXISTS calls (
  id INTEGER PRIMARY KEY, run TEXT NOT NULL, day TEXT NOT NULL, role TEXT NOT NULL, model TEXT NOT NULL,
  reserved REAL NOT NULL CHECK (reserved >= 0), actual REAL CHECK (actual >= 0), at REAL NOT NULL,
  tokens INTEGER NOT NULL DEFAULT 0, reserved_tokens INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS calls_by_run ON calls (run);
CREATE INDEX IF NOT EXISTS calls_by_day ON calls (day);
CREATE TABLE IF NOT EXISTS days (day TEXT PRIMARY KEY, calls_before INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS runs (run TEXT PRIMARY KEY, label TEXT NOT NULL, usd REAL, at REAL NOT NULL);
"""
_ROUNDING = 1e-9
UNBOOKED = 0
"""The number of a call that the books do not hold; SQLite begins with 1."""


_ADDED = ("tokens", "reserved_tokens")
"""Columns that books of older versions do not have."""
_USD = "COALESCE(actual, reserved)"
_OF_DAY = (
    "(day = :day OR (day > :day AND NOT EXISTS "
    "(SELECT 1 FROM days WHERE days.calls_before >= calls.id AND days.day < :day)))"
)
"""Calls of a later day count too, since a clock that was set back forgives nothing; but only until a whole day has begun
and ended since, since a clock that was once years ahead must not fill the books for years."""
_TOKENS = "CASE WHEN actual IS NULL THEN reserved_tokens ELSE tokens END"
"""What a call counts: what it was settled at, or what is reserved for it."""


@dataclass(frozen=True)
class Limits:
    """What a run and a day may use; None: no limit."""

    usd_per_run: float | None = None
    usd_per_day: float | None = None
    tokens_per_run: int | None = None
    tokens_per_day: int | None = None


class Ledger:
    """The book of all calls. Every method runs in one thread of its own, never on the event loop.

    A reservation that was never settled (a crash between the two) counts in full.
    """

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.time) -> None:
        self._path = path
        self._clock = clock
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="ledger")
        self._db: sqlite3.Connection | None = None

    async def reserve(
        self, run: str, role: str, model: str, worst: float, *, tokens: int = 0, limits: Limits = Limits()
    ) -> int:
        """Book `worst` USD and `tokens` before the call, or raise `OverBudget`: all under one write lock, across
        processes. `Unwritable` where nothing can be written down; `UNBOOKED` where that does not matter, since the call
        can cost nothing and no limit counts its tokens."""
        _check(worst)
        work = asyncio.ensure_future(self._run(lambda: self._reserve(run, role, model, worst, tokens, limits)))
        try:
            return await asyncio.shield(work)
        except Unwritable as error:
            if worst > 0 or limits.tokens_per_run is not None or limits.tokens_per_day is not None:
                raise
            log.info("a call that costs nothing is not booked: %s", error)
            return UNBOOKED
        except asyncio.CancelledError:
            # The booking may be under way in its thread; a call that is not going to be made gives it back.
            work.add_done_callback(self._give_back)
            raise

    async def settle(self, id: int, actual: float, tokens: int = 0) -> None:
        """Replace the reservation by what the call really cost, in USD, and used, in tokens.

        Where that cannot be written down, the reservation stands: the answer that was paid for is not lost with it."""
        _check(actual)
        if id == UNBOOKED:
            return
        try:
            await self._run(lambda: self._settle(id, actual, tokens))
        except Unwritable as error:
            log.warning("a call stays booked at the most that it could cost: %s", error)

    async def spent(self, *, run: str | None = None, day: str | None = None) -> float:
        """Open reservations included. `day` is UTC; `_OF_DAY` says what counts with it."""
        return await self._run(lambda: self._sum(run=run, day=day))

    async def tokens(self, *, run: str | None = None, day: str | None = None) -> int:
        """Open reservations included."""
        return int(await self._run(lambda: self._sum(_TOKENS, run=run, day=day)))

    async def today(self) -> float:
        return await self.spent(day=self.day())

    async def today_by_role(self) -> dict[str, tuple[float, int]]:
        """By role: USD booked today (open reservations and ceilings of unpriced models included), and tokens."""
        return await self._run(lambda: self._by_role(_OF_DAY, day=self.day()))

    async def of_run(self, run: str) -> dict[str, tuple[float, int]]:
        """By role: USD booked for a run, open reservations included, and tokens. Empty where the books cannot be read."""
        try:
            return await self._run(lambda: self._by_role("run = :run", run=run))
        except Unwritable:
            return {}

    async def close_run(self, run: str, label: str, usd: float | None) -> None:
        """Remember what a run cost in all, for the estimates of later ones; None: not known."""
        if usd is not None:
            _check(usd)
        await self._run(lambda: self._close_run(run, label, usd))

    async def history(self, label: str, limit: int = 50) -> list[float]:
        """What past runs of this kind cost, newest first; those of unknown cost are left out. Books that cannot be read
        have no history."""
        try:
            return await self._run(lambda: self._history(label, limit))
        except Unwritable:
            return []

    async def close(self) -> None:
        await self._run(self._close)
        self._thread.shutdown(wait=False)

    def day(self) -> str:
        return datetime.fromtimestamp(self._clock(), UTC).strftime("%Y-%m-%d")

    # in the thread

    async def _run(self, work: Callable[[], _T]) -> _T:
        """What `work` gives. `Unwritable` where the disk or the file does not let it."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except (sqlite3.Error, OSError) as error:
            raise Unwritable(
                f"What runs cost cannot be written down, so nothing that costs money is sent: {_why(error)} (the disk of "
                f"{self._path.parent}).",
                "Free some space there or make the folder writable, or choose another place with XDG_STATE_HOME.",
            ) from None

    def _open(self) -> sqlite3.Connection:
        if self._db is None:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._db = sqlite3.connect(self._path, timeout=30.0, isolation_level=None, check_same_thread=False)
            self._path.chmod(0o600)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=NORMAL")
            self._db.executescript(_SCHEMA)
            there = {row[1] for row in self._db.execute("PRAGMA table_info(calls)")}
            for column in _ADDED:
                if column not in there:
                    with contextlib.suppress(sqlite3.OperationalError):  # another window was first
                        self._db.execute(f"ALTER TABLE calls ADD COLUMN {column} INTEGER NOT NULL DEFAULT 0")
        return self._db

    def _reserve(self, run: str, role: str, model: str, worst: float, tokens: int, limits: Limits) -> int:
        db = self._open()
        self._note_day(db)  # whatever becomes of the call
        db.execute("BEGIN IMMEDIATE")
        try:
            self._refuse_what_passes(run, worst, tokens, limits)
            cursor = db.execute(
                "INSERT INTO calls (run, day, role, model, reserved, reserved_tokens, at) VALUES (?, ?, ?, ?, ?, ?, ?)",
                (run, self.day(), role, model, worst, tokens, self._clock()),
            )
            db.execute("COMMIT")
        except BaseException:
            if db.in_transaction:  # a full disk has rolled it back already
                db.execute("ROLLBACK")
            raise
        assert cursor.lastrowid is not None
        return cursor.lastrowid

    def _note_day(self, db: sqlite3.Connection) -> None:
        """Remember which calls were booked before this day was first seen. Days that a clock showed which was ahead were not
        seen: they are still to come."""
        today = self.day()
        db.execute("DELETE FROM days WHERE day > ?", (today,))
        db.execute("INSERT OR IGNORE INTO days SELECT ?, COALESCE(MAX(id), 0) FROM calls", (today,))

    def _refuse_what_passes(self, run: str, worst: float, tokens: int, limits: Limits) -> None:
        for key, limit, scope, name in (
            ("usd_per_run", limits.usd_per_run, {"run": run}, "this run"),
            ("usd_per_day", limits.usd_per_day, {"day": self.day()}, "today"),
        ):
            spent = self._sum(_USD, **scope)
            if limit is not None and spent + worst > limit + _ROUNDING:
                raise OverBudget(
                    f"The call was not sent: it may cost up to {dollars(worst)}, and {dollars(spent)} of the {dollars(limit)} "
                    f"for {name} is spent or reserved.",
                    f"Raise budget.{key}, or use a cheaper model.",
                ).about(f"budget.{key}")
        for key, most, scope, name in (
            ("tokens_per_run", limits.tokens_per_run, {"run": run}, "this run"),
            ("tokens_per_day", limits.tokens_per_day, {"day": self.day()}, "today"),
        ):
            used = int(self._sum(_TOKENS, **scope))
            if most is not None and used + tokens > most:
                raise OverBudget(
                    f"The call was not sent: it may use up to {tokens:,} tokens, and {used:,} of the {most:,} "
                    f"for {name} are used or reserved.",
                    f"Raise budget.{key}, or lower the role's max_tokens.",
                ).about(f"budget.{key}")

    def _settle(self, id: int, actual: float, tokens: int = 0) -> None:
        self._open().execute("UPDATE calls SET actual = ?, tokens = ? WHERE id = ?", (actual, tokens, id))

    def _by_role(self, which: str, **values: str) -> dict[str, tuple[float, int]]:
        rows = self._open().execute(
            "SELECT role, SUM(COALESCE(actual, reserved)), SUM(tokens) FROM calls "  # noqa: S608 - one of two conditions
            f"WHERE {which} GROUP BY role",
            values,
        )
        return {str(role): (float(usd), int(tokens)) for role, usd, tokens in rows}

    def _sum(self, what: str = _USD, *, run: str | None = None, day: str | None = None) -> float:
        row = self._open().execute(
            f"SELECT COALESCE(SUM({what}), 0.0) FROM calls "  # noqa: S608 - one of the two expressions above
            f"WHERE (:run IS NULL OR run = :run) AND (:day IS NULL OR {_OF_DAY})",
            {"run": run, "day": day},
        )
        return float(row.fetchone()[0])

    def _close_run(self, run: str, label: str, usd: float | None) -> None:
        self._open().execute("INSERT OR REPLACE INTO runs VALUES (?, ?, ?, ?)", (run, label, usd, self._clock()))

    def _history(self, label: str, limit: int) -> list[float]:
        rows = self._open().execute(
            "SELECT usd FROM runs WHERE label = ? AND usd IS NOT NULL ORDER BY rowid DESC LIMIT ?", (label, limit)
        )
        return [float(row[0]) for row in rows]

    def _close(self) -> None:
        if self._db is not None:
            self._db.close()
            self._db = None

    def _give_back(self, work: asyncio.Future[int]) -> None:
        if not work.cancelled() and work.exception() is None:
            id = work.result()
            self._thread.submit(lambda: self._settle(id, 0.0))


def _why(error: sqlite3.Error | OSError) -> str:
    return (error.strerror or "it cannot be opened") if isinstance(error, OSError) else str(error)


def _check(usd: float) -> None:
    if not math.isfinite(usd) or usd < 0:
        raise ValueError(f"not an amount of money: {usd!r}")
