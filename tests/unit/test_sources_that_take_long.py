"""Sources that take a parser longer than anybody waits are not understood: there is one place for each parser, with its limit."""

from __future__ import annotations

import pytest
import tree_sitter

from ralphd.attack import programs
from ralphd.attack.ghostwriter import ghostwrite
from ralphd.attack.mutants import mutants
from ralphd.attack.planting import broken_body, small_faults
from ralphd.context import languages
from ralphd.context.file_graph import FileGraph
from ralphd.context.languages import GO, PHP, PYTHON, RUBY, RUST, TSX, Language
from ralphd.context.names import names_in
from ralphd.context.target import find_target
from ralphd.context.tree import MemoryTree
from ralphd.core import python_source
from ralphd.core.python_source import MOST_CHARACTERS, NOT_UNDERSTOOD, compiled, expression, parsed

SLOW = [(PHP, "`", "a.php"), (RUBY, "`", "a.rb"), (RUST, '"', "a.rs"), (TSX, "'", "a.tsx"), (GO, "`", "a.go")]
"""Quotes in a row: the time of these grammars grows with the square of their number."""


@pytest.mark.parametrize(("language", "piece", "path"), SLOW, ids=lambda value: getattr(value, "name", None))
def test_quotes_are_given_up(language: Language, piece: str, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once: whoever asks again for the same text is told at once. The parser goes on to read others."""
    monkeypatch.setattr(languages, "PARSE_S", 0.02)
    text = language.head + piece * 100_000
    assert languages.parse(language, text.encode()) is None
    monkeypatch.setattr(languages, "PARSE_S", -1.0)  # nothing could be read now
    assert languages.parse(language, text.encode()) is None
    monkeypatch.undo()
    after = languages.parse(language, f"{language.head}a".encode())
    assert after is not None and after.root_node.child_count
    assert find_target(path, text, (5, 5)).kind != "definition"
    assert broken_body(path, "", text) is None and small_faults(path, "", text, 4) == []
    assert names_in(path, text).defines == []
    assert FileGraph(MemoryTree({path: text})).uses.get(path, frozenset()) == frozenset()


@pytest.mark.parametrize(
    "source", ["", "def f():\n    return 'é'\n", "def f(:\n  x = '''\n", "cdef int f():\n    pass\n"]
)
def test_a_text_in_pieces_is_read_as_in_one(source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(languages, "_PIECE", 3)
    tree = languages.parse(PYTHON, source.encode())
    plain = tree_sitter.Parser(languages.grammar(PYTHON)).parse(languages.as_python(source.encode()))
    assert tree is not None and str(tree.root_node) == str(plain.root_node)
    assert [node.text for node in tree.root_node.children] == [node.text for node in plain.root_node.children]


@pytest.mark.parametrize("read", [parsed, expression, compiled])
def test_a_source_that_is_too_long_is_not_understood(read: object) -> None:
    assert callable(read)
    for source in ("1" + " " * MOST_CHARACTERS, "(" * MOST_CHARACTERS * 2):
        with pytest.raises(NOT_UNDERSTOOD):
            read(source)
    long = "def f(x: int) -> int:\n    '''Doubles x.'''\n    return x + 1\n" + "# data\n" * (MOST_CHARACTERS // 7)
    assert mutants(long, (0, len(long)), 4) == [] and ghostwrite(long, (0, len(long)), "a") == []


def test_a_fault_compiles_what_it_stands_in_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a module with many functions; a function of 100,000 characters has no faults."""
    lengths: list[int] = []

    def noted(source: str) -> object:
        lengths.append(len(source))
        return python_source.compiled(source)

    monkeypatch.setattr(programs, "compiled", noted)
    functions = [
        f"@wrapped\ndef f_{n}(x):  # é\n    if x > {n}:\n        return x * 2\n    return x\n\n\n" for n in range(100)
    ]
    found = mutants("".join(functions), (0, 100_000), 20)
    assert len(found) == 20 and len({mutant.text for mutant in found}) == 20 and max(lengths) < 100
    one = small_faults("a.py", "".join(functions).replace("x > 50", "x > 5"), "".join(functions), 4)
    assert {fault.line for fault in one} == {"".join(functions).splitlines().index("    if x > 50:") + 1}
    body = "    if x > 1:\n        x = x * 2\n"
    assert mutants("def f(x):\n" + body * 4_000, (0, 1_000_000), 4) == []
