"""The person's consents, kept outside the repositories that need them. Runs nothing, asks nobody.

A consent holds for one digest (`consents.py` says what that covers). What cannot be read is no consent.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import stat
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ralphd.core import foreign_json
from ralphd.core.runner import DECISIONS, Decision
from ralphd.errors import RalphError
from ralphd.settings.consents import Consent, from_json, to_json

_DIGEST = re.compile("[0-9a-f]{64}")
_MAX_BYTES = 4_000_000
_MOST_OF_ONE = 4_000
"""Characters of a consent that is kept to be shown; of a longer one only the digest is. A repository may name a command of
megabytes, and what the person decides about it must not spoil the file."""
_LOCK_WAIT_S = 2.0
"""A window that hangs while it holds the lock may cost one decision, not the server."""
_VERSION = 2
"""Of the file. Consents of an earlier version were bound to less, so they do not count."""


@dataclass(frozen=True)
class Given:
    """A decision that is remembered. `consent` is None where only its digest was known."""

    digest: str
    decision: Decision
    consent: Consent | None = None


class TrustStore:
    """Decisions by digest. The file is read anew each time, so that a revocation in another window counts at once."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._once: set[str] = set()
        self._guard = threading.Lock()

    @property
    def problem(self) -> str | None:
        """Why nothing remembered is trusted at present, or None."""
        return self._read()[1]

    def decision(self, of: str) -> Decision | None:
        """What the person decided last; a `once` as long as it is not used up."""
        if of in self._once:
            return "once"
        kept = self._read()[0].get(of)
        return kept.decision if kept is not None else None

    def use(self, of: str) -> bool:
        """May it run now? Uses up a `once`."""
        decision = self.decision(of)
        if decision == "once":
            with self._guard:
                if of not in self._once:
                    return False
                self._once.discard(of)
        return decision in ("once", "always")

    def decide(self, of: str, decision: Decision, consent: Consent | None = None) -> None:
        """Remember; `once` in memory only. `consent` is what `list` shows; `of` must be made from it."""
        if consent is not None and consent.digest != of:
            raise ValueError("the digest does not belong to this consent")
        if decision not in DECISIONS or not _DIGEST.fullmatch(of):
            raise ValueError("no such decision or no digest")
        if decision == "once":
            with self._guard:
                self._once.add(of)
            return
        self._once.discard(of)
        if consent is not None and len(json.dumps(to_json(consent))) > _MOST_OF_ONE:
            consent = None
        with self._locked():
            given = self._read()[0]
            given[of] = Given(of, decision, consent)
            self._write(given)

    def list(self) -> tuple[Given, ...]:
        """Everything that is remembered on disk, in a stable order."""
        return tuple(given for _, given in sorted(self._read()[0].items()))

    def revoke(self, prefix: str) -> int:
        """Forget the decisions whose digest begins with `prefix`; how many there were."""
        if not prefix:
            return 0
        self._once = {of for of in self._once if not of.startswith(prefix)}
        with self._locked():
            given = self._read()[0]
            kept = {of: one for of, one in given.items() if not of.startswith(prefix)}
            if len(kept) != len(given):
                self._write(kept)
        return len(given) - len(kept)

    def _read(self) -> tuple[dict[str, Given], str | None]:
        try:
            handle = os.open(self.path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
        except FileNotFoundError:
            return {}, None
        except OSError as error:
            return {}, f"{self.path} cannot be read ({error.strerror}); no earlier consent counts."
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            os.close(handle)
            return {}, f"{self.path} is a folder; no earlier consent counts."
        with os.fdopen(handle, "rb") as file:
            info = os.fstat(file.fileno())
            if not stat.S_ISREG(info.st_mode) or _others_may_write(info):
                return (
                    {},
                    f"{self.path} can be written by others; no earlier consent counts. Make it yours alone: chmod 600.",
                )
            raw = file.read(_MAX_BYTES + 1)
        given = _parse(raw) if len(raw) <= _MAX_BYTES else None
        if given is None:
            return {}, f"{self.path} is damaged; no earlier consent counts. The next decision writes it anew."
        return given, None

    def _write(self, given: dict[str, Given]) -> None:
        folder = os.path.dirname(self.path)
        temporary = ""
        try:
            handle, temporary = tempfile.mkstemp(prefix=".trust-", dir=folder)  # 0600
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(
                    {"version": _VERSION, "decisions": [_to_json(one) for _, one in sorted(given.items())]},
                    file,
                    indent=1,
                )
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, self.path)
        except OSError as error:
            if temporary:
                with contextlib.suppress(OSError):
                    os.unlink(temporary)
            raise self._unwritable(error) from error

    def _unwritable(self, error: OSError) -> RalphError:
        return RalphError(
            f"The decision could not be remembered in {self.path} ({error.strerror}).", "Make that folder writable."
        )

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """One writer at a time, over threads and processes."""
        from filelock import FileLock, Timeout  # brings asyncio, which a reader of settings does not need

        with self._guard:
            try:
                os.makedirs(os.path.dirname(self.path), mode=0o700, exist_ok=True)
                lock = FileLock(f"{self.path}.lock", mode=0o600)
                lock.acquire(timeout=_LOCK_WAIT_S)
            except OSError as error:
                raise self._unwritable(error) from error
            except Timeout:
                raise RalphError(
                    f"The decision could not be remembered: another ralphd has held {self.path} for {_LOCK_WAIT_S:g} s.",
                    "Decide again.",
                ) from None
            try:
                yield
            finally:
                lock.release()


def _others_may_write(info: os.stat_result) -> bool:
    if sys.platform == "win32":
        return False
    return info.st_uid != os.getuid() or bool(info.st_mode & 0o022)


def _to_json(given: Given) -> dict[str, Any]:
    consent = None if given.consent is None else to_json(given.consent)
    return {"digest": given.digest, "decision": given.decision, "consent": consent}


def _parse(raw: bytes) -> dict[str, Given] | None:
    """None for anything that is not exactly what `_write` writes; one forged entry spoils the file."""
    try:
        data = foreign_json.parse(raw)
        out = {}
        for entry in data["decisions"] if data["version"] == _VERSION else ():
            consent = None if entry["consent"] is None else from_json(entry["consent"])
            given = Given(entry["digest"], entry["decision"], consent)
            if not _DIGEST.fullmatch(given.digest) or given.decision not in ("always", "never"):
                return None
            if consent is not None and consent.digest != given.digest:
                return None
            out[given.digest] = given
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return out
