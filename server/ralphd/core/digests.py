"""How the content of a file is named in results, proofs and receipts: `sha256:` and the hexadecimal digest of its bytes."""

from __future__ import annotations

import hashlib
from io import BufferedReader

PREFIX = "sha256:"


def digest_of(data: bytes) -> str:
    return PREFIX + hashlib.sha256(data).hexdigest()


def digest_of_file(file: BufferedReader) -> str:
    """Of all that is left to read; the file is not held in memory."""
    return PREFIX + hashlib.file_digest(file, "sha256").hexdigest()
