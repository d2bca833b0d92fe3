"""Writes accepted texts into files: the shell's own way, where there is no editor to do it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from ralphd.core.encodings import decoded, encoded_like
from ralphd.core.regular_files import read_regular
from ralphd.errors import Misconfigured
from ralphd.state import replace_file

MAX_BYTES = 1 << 30


def text_of(path: Path) -> str | None:
    """The text of a file; None where there is none or its bytes are not in the encoding that it declares."""
    data = read_regular(path, MAX_BYTES)
    try:
        return decoded(data) if data is not None else None
    except UnicodeError:
        return None


def write_texts(root: str, texts: Mapping[str, str]) -> list[str]:
    """Replace each file, whole or not at all, in its own encoding and with its own permissions; the paths, sorted.

    A link stays a link: what it stands for is replaced.
    """
    for path, text in sorted(texts.items()):
        target = Path(os.path.realpath(Path(root, path)))
        target.parent.mkdir(parents=True, exist_ok=True)
        disk = read_regular(target, MAX_BYTES)
        if disk is None and os.path.lexists(target):
            raise Misconfigured(f"{path} is no file that can be read, so nothing is written in its place.")
        mode = target.stat().st_mode & 0o777 if disk is not None else 0o644
        replace_file(target, encoded_like(text, disk), mode)
    return sorted(texts)
