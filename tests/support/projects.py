"""Small projects on disk, and the answers that a model gives about them."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from pathlib import Path

DOUBLE = {
    "pyproject.toml": "",
    "double.py": "def double(x):\n    raise NotImplementedError\n",
    "tests/test_double.py": "from double import double\n\ndef test_double():\n    assert double(2) == 4\n",
}
"""A function to be implemented at its second line, and the test that says when that is done."""
PYTEST = ("python", "-m", "pytest", "-q", "-p", "no:cacheprovider")


def write(root: Path, files: Mapping[str, str | bytes]) -> None:
    """Write `files` under `root`: text dedented, bytes as they are."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else textwrap.dedent(content).encode())


def tree(root: Path) -> dict[str, bytes]:
    """Every file under `root`, by its relative path."""
    return {str(p.relative_to(root)): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}


def code(text: str, info: str = "python") -> str:
    """`text` as a fenced block, the way a model answers."""
    return f"```{info}\n{textwrap.dedent(text).strip()}\n```\n"
