"""The table of docs/security.md: which test holds which acceptance row. `python -m tests.attacks.rows` writes it anew."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "security.md"
ROW = re.compile(r"^\| ([A-Z]\d+) \| ([^|]*) \| ?([^|]*?) ?\|$", re.MULTILINE)
NOT_TRIED = "Not tried here:"


def held() -> dict[str, list[str]]:
    """Each row's tests, as `file::name`, by the marks that the tests carry."""
    found: dict[str, list[str]] = {}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        if "scenarios" in path.parts:
            continue
        for test, row in _marks(ast.parse(path.read_text(encoding="utf-8"))):
            found.setdefault(row, []).append(f"{path.relative_to(ROOT).as_posix()}::{test}")
    return found


def _marks(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for mark in node.decorator_list:
                if isinstance(mark, ast.Call) and isinstance(mark.func, ast.Attribute) and mark.func.attr == "row":
                    yield from ((node.name, str(row.value)) for row in mark.args if isinstance(row, ast.Constant))


def written(page: str) -> str:
    """`page` with each row's last column brought up to date; a row that says why it is not tried keeps its words."""
    tests = held()

    def one(match: re.Match[str]) -> str:
        row, promise, last = match.groups()
        if last.startswith(NOT_TRIED) and row not in tests:
            return match[0]
        return f"| {row} | {promise} | {'<br>'.join(f'`{test}`' for test in tests.get(row, []))} |"

    return ROW.sub(one, page)


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
