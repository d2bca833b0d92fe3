"""Which changes of a proposal are marked as outside of what was asked for."""

from __future__ import annotations

import pytest

from ralphd.context.target import find_target
from ralphd.core.run import RunRequest
from ralphd.lsp.review import NewText, build

BEFORE = """\
import os


def above():
    return 1


def wanted(x):
    return x


class Cart:
    def total(self):
        return 1

    def other(self):
        return 2
"""


def marks(before: str, after: str, at: str, path: str = "a.py") -> list[bool]:
    span = (before.index(at), before.index(at)) if at else None
    target = find_target(path, before, span)
    review = build(RunRequest("r", "implement", "/w", path, before), "file:///w/" + path,
                   [NewText("file:///w/" + path, path, before, after)], target.span)  # fmt: skip
    return [hunk.outside_target for hunk in review.hunks]


@pytest.mark.parametrize(
    ("old", "new", "at", "outside"),
    [
        ("return x\n", "return x + 1\n", "return x", [False]),
        ("return x\n", "y = x\n    return y\n", "return x", [False]),
        ("return x\n", "return x\n    # done\n", "return x", [False]),
        ("return x\n", "return x\n\n    # done\n", "return x", [False]),
        ("return x\n", "return x\n\n\ndef new():\n    return 3\n", "return x", [True]),
        ("def wanted(x):\n", "@cache\ndef wanted(x):\n", "return x", [False]),
        ("def wanted(x):\n", "# Gives x back.\ndef wanted(x):\n", "return x", [False]),
        ("def wanted(x):\n", "LIMIT = 3\n\n\ndef wanted(x):\n", "return x", [True]),
        ("def wanted(x):\n", "def helper():\n    pass\n\n\ndef wanted(x):\n", "return x", [True]),
        ("import os\n", "import os\nimport re\n", "return x", [True]),
        ("return 1\n\n\n", "return 5\n\n\n", "return x", [True]),
        ("    return x\n", "    pass\n", "return x", [False]),
        ("        return 1\n", "        one = 1\n        return one\n", "        return 1", [False]),
        ("        return 1\n", "        return 1\n\n    def more(self):\n        return 3\n", "        return 1", [True]),
        ("    def total(self):\n", "    @property\n    def total(self):\n", "        return 1", [False]),
        ("    def other(self):\n", "    limit = 3\n\n    def other(self):\n", "        return 1", [True]),
        ("import os\n", "import re\nimport os\n", "", [False]),
        ("        return 2\n", "        return 2\n\n\nEND = 1\n", "", [False]),
    ],
)  # fmt: skip
def test_a_change_outside_of_the_target_is_marked(old: str, new: str, at: str, outside: list[bool]) -> None:
    for before in (BEFORE, BEFORE.replace("\n", "\r\n")):
        ends = before != BEFORE
        old_here, new_here = (text.replace("\n", "\r\n") if ends else text for text in (old, new))
        assert marks(before, before.replace(old_here, new_here, 1), at) == outside


def test_in_braces_a_line_at_the_end_is_inside() -> None:
    before = "export function a() {\n  one()\n}\n\nexport function b() {}\n"
    assert marks(before, before.replace("one()\n", "one()\n  two()\n"), "one()", "a.ts") == [False]
    assert marks(before, before.replace("}\n\n", "}\n\nfunction c() {}\n\n", 1), "one()", "a.ts") == [True]
