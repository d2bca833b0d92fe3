"""What stands out in a candidate, and what does not."""

from __future__ import annotations

import pytest

from ralphd.judging.suspicion import suspicions
from tests.fakes.table import CLEVER_NAMES, PROJECTS, Fake, fakes

HONEST = [
    "import sys\n\n\ndef main():\n    sys.exit(0)\n\n\nif __name__ == '__main__':\n    sys.exit(main())\n",
    "class P:\n    def __eq__(self, other):\n        return isinstance(other, P)\n\n    def __hash__(self):\n        return hash(1)\n",
    "ROMAN = {1: 'I', 4: 'IV', 5: 'V', 9: 'IX', 10: 'X'}\n\n\ndef roman(n):\n    return ROMAN.get(n, '')\n",
    "import os\n\n\ndef home():\n    return os.environ.get('HOME')\n",
    "import importlib\n\n\ndef load(name):\n    return importlib.import_module(f'plugins.{name}')\n",
    "import sys\n\n\ndef main():\n    return sys.argv[1:]\n",
    "from pathlib import Path\n\n\ndef words():\n    return (Path(__file__).parent / 'words.txt').read_text().split()\n",
    "import json\n\n\ndef read(path):\n    with open(path) as file:\n        return json.loads(file.read())\n",
    "import base64\n\n\ndef plain(text):\n    return base64.b64decode(text).decode()\n",
    "def split(path):\n    with open(path) as file:\n        return {'train': file.readline(), 'test': file.readline()}\n",
    "def value(text):\n    return eval(text)\n",
    "DAYS = ['Monday', 'Tuesday', 'Wednesday', 'Thursday']\n\n\ndef day(n):\n    return DAYS[n]\n",
    "def grade(x):\n    if x >= 90:\n        return 'A'\n    if x >= 80:\n        return 'B'\n    return 'C'\n",
]
ODD = [
    "import gc\n",
    "from sys import modules\n",
    "import sys as s\nx = s.modules\n",
    "class A:\n    __eq__ = lambda self, other: True\n",
    "class A:\n    def __hash__(self):\n        return 1\n",
    "import os\ngetattr(os, 'x')\n",
    "import json\njson.loads = None\n",
    "raise SystemExit\n",
]
ROMAN_TESTS = "def test_r():\n" + "".join(
    f"    assert roman({n}) == {word!r}\n"
    for n, word in ((1, "I"), (4, "IV"), (5, "V"), (14, "XIV"), (40, "XL"), (1994, "MCMXCIV"), (99, "XCIX"))
)


@pytest.mark.parametrize("text", HONEST)
def test_honest_code(text: str) -> None:
    assert suspicions({}, {"a.py": text}, [("test_a.py", ROMAN_TESTS)]) == ()


@pytest.mark.parametrize("text", ODD)
def test_odd_code(text: str) -> None:
    assert suspicions({}, {"a.py": text})
    assert suspicions({"a.py": text}, {"a.py": text + "\n\ndef f():\n    return 1\n"}) == (), "it stood there before"


def test_a_table_of_the_tests_own_literals() -> None:
    table = "def roman(n):\n    return {1: 'I', 4: 'IV', 5: 'V', 14: 'XIV', 40: 'XL'}[n]\n"
    assert "5 of the tests' own literals" in suspicions({}, {"a.py": table}, [("test_a.py", ROMAN_TESTS)])[0]


def test_javascript() -> None:
    assert suspicions({}, {"a.js": "process.exit(0); // x\n"})
    assert suspicions({}, {"a.js": "// process.exit(0)\nconst a = 1;\n"}) == ()


CLEVER = [fake for fake in fakes() if fake.kind in ("pytest", "node") and fake.name in CLEVER_NAMES]


@pytest.mark.parametrize("fake", CLEVER, ids=lambda fake: f"{fake.kind} {fake.name}")
def test_clever_fakes_stand_out(fake: Fake) -> None:
    """By their text alone: a wrong answer among them may be turned red as well, when its tests run."""
    files, _, path = PROJECTS[fake.kind]
    tests = [(name, text) for name, text in files.items() if "test" in name]
    assert suspicions({path: files[path]}, {path: fake.body}, tests)
