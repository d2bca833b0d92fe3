"""A stub is what its body says on the syntax tree, not a word that stands somewhere in it."""

from __future__ import annotations

import pytest

from ralphd.phases.stubs import is_stub

STUBS = [
    ("a.py", "def f():\n    pass\n"),
    ("a.py", "def f():\n    ...\n"),
    ("a.py", 'def f():\n    """What it does."""\n'),
    ("a.py", 'def f():\n    """Doc."""\n    # TODO: write it\n    raise NotImplementedError("later")\n'),
    ("a.py", "    def f(self):\n        raise NotImplementedError\n"),
    ("a.py", "@cache\ndef f():\n    raise NotImplementedError\n"),
    ("a.py", "async def f():\n    pass\n"),
    ("a.py", "class A:\n    def f(self):\n        pass\n"),
    ("a.py", "def g():\n    return 1\n\n\ndef f():\n    raise NotImplementedError\n"),
    ("a.py", ""),
    ("a.js", "function f() {}\n"),
    ("a.js", 'function f() {\n  throw new Error("not implemented");\n}\n'),
    ("a.ts", 'export const f = (a: number) => {\n  throw new Error("Not yet implemented");\n};\n'),
    ("a.go", 'package a\n\nfunc F() int {\n\tpanic("not implemented")\n}\n'),
    ("a.rs", "fn f() -> i32 {\n    todo!()\n}\n"),
    ("a.rs", 'fn f() -> i32 {\n    unimplemented!("later")\n}\n'),
]
FINISHED = [
    ("a.py", "def f(x):\n    try:\n        return int(x)\n    except ValueError:\n        pass\n"),
    ("a.py", 'def f(x):\n    if x:\n        raise ValueError("not implemented for x")\n    return 1\n'),
    ("a.py", 'def f(kind):\n    if kind == "b":\n        raise NotImplementedError(kind)\n    return 1\n'),
    ("a.py", 'def f():\n    """Says not implemented."""\n    return 501\n'),
    ("a.py", "def f():\n    # not implemented\n    return 1\n"),
    ("a.py", "class E(Exception):\n    pass\n"),
    ("a.py", "class P(Protocol):\n    def f(self) -> int: ...\n"),
    ("a.py", "class A(ABC):\n    @abstractmethod\n    def f(self):\n        raise NotImplementedError\n"),
    ("a.py", "X = ...\n"),
    ("a.js", 'function f(x) {\n  if (!x) throw new Error("not implemented");\n  return x;\n}\n'),
    ("a.js", "const f = (x) => x + 1;\n"),
    ("a.rs", "fn f(x: i32) -> i32 {\n    match x { 1 => todo!(), _ => 2 }\n}\n"),
    ("a.go", 'package a\n\nfunc F(x int) int {\n\tif x > 1 {\n\t\tpanic("not implemented")\n\t}\n\treturn 1\n}\n'),
    ("notes.md", "This is not implemented.\n"),
]


@pytest.mark.parametrize(("path", "text"), STUBS)
def test_what_waits_to_be_written(path: str, text: str) -> None:
    assert is_stub(path, text)


@pytest.mark.parametrize(("path", "text"), FINISHED)
def test_what_is_finished(path: str, text: str) -> None:
    assert not is_stub(path, text)
