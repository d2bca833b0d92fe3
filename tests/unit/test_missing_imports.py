"""Imports that an answer forgot are added where only one can be meant, and are told."""

import pytest

from ralphd.answers.missing_imports import with_missing_imports

STUB = "def f(x):\n    raise NotImplementedError\n"


@pytest.mark.parametrize(
    ("body", "statement"),
    [
        ("return Counter(x).most_common(1)", "from collections import Counter"),
        ("return re.sub('a', 'b', x)", "import re"),
        ("return math.floor(x)", "import math"),
        ("return datetime.now() - x", "from datetime import datetime"),
        ("return datetime.datetime.now() - x", "import datetime"),
        ("return timedelta(days=x)", "from datetime import timedelta"),
        ("y: List[int] = x\n    return y", "from typing import List"),
        ("return os.path.join(x, 'a')", "import os"),
    ],
)
def test_what_the_standard_library_has(body: str, statement: str) -> None:
    after = f"def f(x):\n    {body}\n"
    text, said = with_missing_imports("a.py", STUB, after)
    assert text.startswith(f"{statement}\n") and text.endswith(after)
    assert said == [f"added `{statement}`, which the answer forgot"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (STUB, "def f(x):\n    return helper(x)\n"),  # whose it is cannot be known
        (STUB, "def f(x):\n    return string + x\n"),  # a module is not added to something
        ("def f(x):\n    return re.x\n", "def f(x):\n    return re.y\n"),  # it was missing before
        (STUB, "import re\n\ndef f(x):\n    return re.sub('a', 'b', x)\n"),
        (STUB, "def f(re):\n    return re.sub('a')\n"),
        (STUB, "def f(x:\n"),
    ],
)
def test_what_is_left_alone(before: str, after: str) -> None:
    assert with_missing_imports("a.py", before, after) == (after, [])


def test_behind_the_docstring_and_the_other_imports() -> None:
    before = '"""A module."""\n\nimport os\n\n\ndef f(x):\n    return os.name\n'
    text, _ = with_missing_imports("a.py", before, before.replace("os.name", "json.dumps(os.name)"))
    assert text.startswith('"""A module."""\n\nimport os\nimport json\n\n\ndef f')


def test_other_languages_are_left_alone() -> None:
    assert with_missing_imports("a.js", "", "fs.read()") == ("fs.read()", [])
