"""Every pattern over text of others is linear: a megabyte of its worst case takes time by its length, never by its square."""

from __future__ import annotations

import ast
from collections.abc import Callable

import pytest

from ralphd.answers.losses import lost
from ralphd.answers.missing_imports import with_missing_imports
from ralphd.answers.unused import without_unused_imports
from ralphd.attack import test_modules
from ralphd.attack.false_expectations import falsified
from ralphd.attack.ghostwriter import ghost_module, ghostwrite
from ralphd.attack.mutants import mutants
from ralphd.attack.neighbours import neighbours
from ralphd.attack.outside import outside
from ralphd.attack.outside import told as told_outside
from ralphd.attack.planting import broken_body, small_faults
from ralphd.attack.test_modules import falsifying, raw_example
from ralphd.context.file_graph import FileGraph
from ralphd.context.target import find_target
from ralphd.context.tree import MemoryTree
from ralphd.core.python_source import NOT_UNDERSTOOD
from ralphd.judging.failures import normalised, told
from ralphd.judging.suspicion import suspicions
from ralphd.opinions import inputs, outline
from ralphd.opinions.inputs import called_with
from ralphd.opinions.outline import Subject
from ralphd.phases import small_model, test_regions
from ralphd.phases.base import marked_task
from ralphd.phases.small_model import is_quoted
from ralphd.phases.stubs import is_stub
from ralphd.retrieval import pack
from ralphd.settings.assistance import description, suggestions
from ralphd.settings.variables import names_a_secret
from tests.support import growth

MEGABYTE = 1_000_000
TEXTS = {
    "blanks": " " * MEGABYTE,
    "a mark and blanks": "# TODO" + " " * MEGABYTE + "x",
    "stars": "*" * MEGABYTE,
    "hashes and blanks": "#   " * (MEGABYTE // 4),
    "opening quotes": "“" * MEGABYTE,
    "quotes": '"' * MEGABYTE,
    "digits": "1" * MEGABYTE,
    "digits and dots": "1." * (MEGABYTE // 2),
    "0x": "0x" + "f" * MEGABYTE,
    "dashes": "- " * (MEGABYTE // 2),
    "equals": "= " * (MEGABYTE // 2),
    "go lines": "--- FAIL: x" * (MEGABYTE // 11),
    "escapes": "\x1b[" + "1;" * (MEGABYTE // 2),
    "temporary paths": "/tmp/" * (MEGABYTE // 5),
    "falsifying": "Falsifying example: test_a(\n" * (MEGABYTE // 28),
    "falsifying and closing": "Falsifying example: test_a(\n" + ")\n" * (MEGABYTE // 2),
    "line ends": "\n" * MEGABYTE,
    "letters": "a" * MEGABYTE,
    "underscores": "_" * MEGABYTE,
    "words": "a " * (MEGABYTE // 2),
    "opening calls": "f(" * (MEGABYTE // 2),
    "opening braces": "a{" * (MEGABYTE // 2),
}
FUNCTION = ast.FunctionDef("f", ast.arguments([], [], None, [], [], None, []), [], [])
READERS: dict[str, Callable[[str], object]] = {
    "told": lambda text: told(text, "/work"),
    "normalised": lambda text: normalised(text, "/work"),
    "marked task": marked_task,
    "quoted": lambda text: is_quoted(text, "x = 1"),
    "falsifying": lambda text: falsifying(text, "test_a"),
    "raw example": raw_example,
    "stub": lambda text: is_stub("a.py", text),
    "number of tests": lambda text: test_modules.count_tests(text + "\n("),
    "a script's tests": lambda text: outside("a.test.js", text[:20_000], {"a.js": ("", "x")}),
    "what was seen outside": told_outside,
    "hover": lambda text: description([text], 0, MEGABYTE),
    "completion": lambda text: suggestions([text], 0, MEGABYTE),
    "name of a variable": names_a_secret,
    "calls of a docstring": lambda text: called_with(
        Subject("f", (0, 1), text[:20_000], "docstring", ("x",), FUNCTION), []
    ),
}


@pytest.mark.parametrize("text", TEXTS, ids=str)
@pytest.mark.parametrize("reader", READERS, ids=str)
def test_a_megabyte_is_read_by_its_length(reader: str, text: str) -> None:
    growth.within(1500, lambda: READERS[reader](TEXTS[text]))


@pytest.mark.parametrize("source", ["-" * 20_000, "(" * 20_000, "x = " + "not " * 20_000 + "1", "a" + ".b" * 20_000])
def test_what_the_parser_cannot_take_is_not_understood(source: str) -> None:
    """No `MemoryError` and no `RecursionError` leaves the places that parse what others wrote."""
    mutants(source, (0, len(source)), 4)
    assert FileGraph(MemoryTree({"a.py": source, "b.py": "import a\n"})).uses["b.py"] == {"a.py"}
    is_stub("a.py", source)


DEPTH = 400
"""More than a function takes that calls itself three times for each level, and less than stops the parser."""
DEEP: dict[str, Callable[[int], str]] = {
    "a sum of names": lambda depth: "+".join(["a"] * depth),
    "a sum of texts": lambda depth: "+".join(['"a"'] * depth),
    "attributes": lambda depth: ".".join(["a"] * depth),
    "calls": lambda depth: "f" + "()" * depth,
    "nots": lambda depth: "not " * depth + "1",
    "a choice": lambda depth: "a if b else " * depth + "c",
    "a union": lambda depth: "|".join(["int"] * depth),
    "lambdas": lambda depth: "lambda: " * depth + "1",
    "a number": lambda depth: "0x" + "f" * depth * 10,
}
SHAPES = {
    "a value": "def f(x: int) -> int:\n    '''Doubles x.'''\n    return {}\n",
    "an annotation": "def f(x: {}) -> int:\n    '''Doubles x.'''\n    return 1\n",
    "what it returns": "def f(x: int) -> {}:\n    '''Doubles x.'''\n    return 1\n",
    "a literal type": "def f(x: Literal[{}]) -> int:\n    '''Doubles x.'''\n    return 1\n",
    "a decorator": "@{}\ndef f(x: int) -> int:\n    '''Doubles x.'''\n    return 1\n",
    "a base": "N = {}\nclass C({}):\n    def m(self): return 1\ndef f(x: int) -> int:\n    '''Doubles x by N.'''\n    return 1\n",
    "a field": "@dataclass\nclass C:\n    a: {}\ndef f(x: 'C') -> int:\n    '''Doubles x.'''\n    return 1\n",
    "a condition": "def f(x: int) -> int:\n    '''Doubles x.'''\n    return 1\nif {}:\n    raise SystemExit({})\n",
    "a test": "from a import f\ndef test_f():\n    assert f(1) == {}\n    assert f({}) == 2\n",
    "a table": "@pytest.mark.parametrize('x, y', [({}, 1), (2, {})])\ndef test_f(x, y):\n    with self.subTest({}):\n        assert f(x) == y\n",
    "a property": "@given({})\ndef test_f(x):\n    '''says: \"{}\" '''\n    assert f(x) == 1\n",
    "an example": "def f(x: int) -> int:\n    '''Doubles x.\n\n    >>> f({})\n    {}\n    '''\n    return 1\n",
}
PLAIN = "def f(x: int) -> int:\n    '''Doubles x.'''\n    return 1\n"
TESTS = "from a import f\n" + "".join(f"def test_{n}():\n    assert f({n}) == 'word{n}'\n" for n in range(8))


def hostile_tests(source: str) -> None:
    try:
        suite = test_modules.parse(source)
    except NOT_UNDERSTOOD:
        return
    for test in suite.tests:
        test_modules.docstring(suite, test)
    test_modules.forbidden(suite)
    test_modules.keep(suite, dict.fromkeys(suite.tests, ("x",)))
    test_modules.join([source, source])


def second_opinions(source: str) -> None:
    for text, tests in ((source, TESTS), (PLAIN, source)):
        for subject in outline.subjects(text, (0, len(text))):
            outline.outline(text, subject)
            inputs.recipes(text, subject)
            inputs.chosen(subject, inputs.called_with(subject, [tests]), ["(1,)"], [text, source], 100)


def retrieval(source: str) -> None:
    for files in (
        {"a.py": source, "tests/test_a.py": TESTS},
        {"a.py": PLAIN, "tests/test_a.py": source, "b.py": source},
    ):
        tree, text = MemoryTree(files), files["a.py"]
        pack.gather(tree, find_target("a.py", text, (5, 5)), text, max_tokens=8000, rules_files=(), exclude=(),
                    local=False, graph=FileGraph(tree))  # fmt: skip


ANALYSES: dict[str, Callable[[str], object]] = {
    "mutants": lambda source: mutants(source, (0, len(source)), 8),
    "neighbours": lambda source: neighbours(source, (0, len(source)), 8),
    "properties": lambda source: ghost_module(ghostwrite(source, (0, len(source)), "a")),
    "false expectations": lambda source: falsified("tests/test_a.py", source),
    "hostile tests": hostile_tests,
    "planted faults": lambda source: (broken_body("a.py", PLAIN, source), small_faults("a.py", PLAIN, source, 8)),
    "suspicions": lambda source: (
        suspicions({"a.py": PLAIN}, {"a.py": source}, [("tests/test_a.py", TESTS)]),
        suspicions({"a.py": PLAIN}, {"a.py": f"{PLAIN}X = 1\n"}, [("tests/test_a.py", source)]),
    ),
    "locked regions": lambda source: (
        test_regions.changed("a.py", PLAIN, source, None, doctests=True),
        test_regions.changed("tests/test_a.py", source, PLAIN, None, doctests=True),
    ),
    "a small model's answer": lambda source: small_model.read(f"```python\n{source}```", PLAIN, "a", 4),
    "missing imports": lambda source: with_missing_imports("a.py", PLAIN, source),
    "unused imports": lambda source: without_unused_imports("a.py", PLAIN, source),
    "losses": lambda source: lost("a.py", source, PLAIN, {}),
    "second opinions": second_opinions,
    "retrieval": retrieval,
}


QUICK = ("properties", "second opinions")


@pytest.mark.parametrize(
    "analysis", [one if one in QUICK else pytest.param(one, marks=pytest.mark.full) for one in ANALYSES], ids=str
)
def test_what_parses_and_is_too_deep_for_more_is_no_defect(analysis: str) -> None:
    for deep in DEEP.values():
        for shape in SHAPES.values():
            ANALYSES[analysis](shape.replace("{}", deep(DEPTH)))
