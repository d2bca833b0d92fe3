"""Writes accepted texts into files: the shell's own way, where there is no editor to do it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from ralphd.core.encodings import decoded, encoded_like
from ralphd.state import replace_file


def text_of(path: Path) -> str | None:
    """The text of a file; None where there is none or its bytes are not in the encoding that it declares."""
    try:
        return decoded(path.read_bytes())
    except (OSError, UnicodeError):
        return None


def write_texts(root: str, texts: Mapping[str, str]) -> list[str]:
    """Replace each file, whole or not at all, in its own encoding and with its own permissions; the paths, sorted.

    A link stays a link: what it stands for is replaced.
    """
    for path, text in sorted(texts.items()):
        target = Path(os.path.realpath(Path(root, path)))
        target.parent.mkdir(parents=True, exist_ok=True)
        disk = target.read_bytes() if target.exists() else None
        mode = target.stat().st_mode & 0o777 if disk is not None else 0o644
        replace_file(target, encoded_like(text, disk), mode)
    return sorted(texts)
