"""The request log: one JSON line per request to a provider, and one per answer that was refused or needed a rule to be read.

Each is masked before it is written; its owner alone may read it. Knows nothing of providers: it is handed a record and a redactor. Several hosts may write the same file.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from ralphd.model_host.child.redaction import Redactor
from ralphd.model_host.wire import LogConfig
from ralphd.models.gateway import Reading


class RequestLog:
    """Appends records; opens the file anew for each, so that a rotation by another window is seen."""

    def __init__(self, config: LogConfig) -> None:
        self._config = config
        self._path = Path(config.path)

    @property
    def bodies(self) -> bool:
        return self._config.bodies

    def write(self, record: Mapping[str, Any], redactor: Redactor) -> None:
        """A log that cannot be written must not cost a person the answer they paid for: such an error is dropped."""
        line = {"time": datetime.now(UTC).isoformat(timespec="milliseconds"), **record}
        data = json.dumps(redactor.value(line), ensure_ascii=True, default=str).encode("ascii") + b"\n"
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._rotate(len(data))
            # No link is followed: a log is never written through one to somewhere else.
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
            fd = os.open(self._path, flags, 0o600)
            try:
                os.write(fd, data)
            finally:
                os.close(fd)

    def _rotate(self, incoming: int) -> None:
        """Begin a new file where this one is full. While another host does so, this one writes to the file that is there: two
        that did it at once would drop what was just put by."""
        if not self._is_full(incoming):
            return
        with (
            contextlib.suppress(Timeout),
            FileLock(self._path.with_name(f"{self._path.name}.lock"), timeout=0, mode=0o600),
        ):
            if self._is_full(incoming):
                self._put_by()

    def _is_full(self, incoming: int) -> bool:
        try:
            return self._path.stat().st_size + incoming > self._config.max_bytes
        except FileNotFoundError:
            return False

    def _put_by(self) -> None:
        for number in range(self._config.keep, 0, -1):
            source = self._path if number == 1 else self._numbered(number - 1)
            with contextlib.suppress(FileNotFoundError):
                source.replace(self._numbered(number))

    def _numbered(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")


def reading_record(reading: Reading, *, bodies: bool) -> dict[str, Any]:
    """The line of an answer that was read. Its sentences quote the answer, so they stand there only with the texts."""
    record: dict[str, Any] = {
        "call": reading.call,
        "role": reading.role,
        "model": reading.model,
        "read": reading.verdict,
    }
    if bodies and reading.rules:
        record["mended"] = list(reading.rules)
    if bodies and reading.why:
        record["why"] = reading.why
    return record
