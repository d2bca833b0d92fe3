"""The file of the request log: what several hosts that write it at once leave in it."""

from __future__ import annotations

from pathlib import Path
from threading import Barrier, Thread

from ralphd.model_host.child.redaction import Redactor
from ralphd.model_host.child.request_log import RequestLog
from ralphd.model_host.wire import LogConfig


def test_several_hosts_that_rotate_at_once_drop_nothing(tmp_path: Path) -> None:
    """Three lines fill the file. Of three hosts that write the next one at the same time, one puts the file by."""
    redactor = Redactor()
    for turn in range(100):
        config = LogConfig(path=str(tmp_path / f"{turn}.log"), max_bytes=400, keep=1)
        hosts = [RequestLog(config) for _ in range(3)]
        for host in hosts:
            host.write({"text": "x" * 60}, redactor)
        together = Barrier(len(hosts))

        def write(host: RequestLog, together: Barrier = together) -> None:
            together.wait()
            host.write({"text": "x" * 60}, redactor)

        writers = [Thread(target=write, args=(host,)) for host in hosts]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
        kept = [path.read_text().splitlines() for path in (tmp_path / f"{turn}.log", tmp_path / f"{turn}.log.1")]
        assert sum(map(len, kept)) == 6, kept
