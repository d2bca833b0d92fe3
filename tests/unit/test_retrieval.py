"""What the Artisan is shown of a project: the definitions behind the names that the target uses, by scope and by import."""

from __future__ import annotations

import pytest

from ralphd.context.file_graph import FileGraph
from ralphd.context.target import Target, find_target
from ralphd.context.tree import MemoryTree
from ralphd.retrieval.needs import Project, callers_in, needs_of
from ralphd.retrieval.pack import gather
from ralphd.retrieval.snippets import joined, snippets
from ralphd.retrieval.test_files import is_test_file
from ralphd.retrieval.tests_of_target import test_snippets as snippets_of_tests

PYTHON = {
    "pkg/__init__.py": "from .money import Money\n",
    "pkg/money.py": (
        "RATE = 3  # percent\n\n\nclass Base:\n    tax = 1\n\n    def shared(self):\n        return 1\n\n\n"
        "class Money:\n    def __init__(self, v):\n        self.v = v\n\n\ndef convert(m, rate=RATE):\n    return m\n"
    ),
    "pkg/cart.py": (
        "from . import money\nfrom .money import convert as conv, Base\nfrom pkg import Money\n\nLIMIT = 10\n"
        "uri = 'a constant that the function shadows'\n\n\ndef helper(x):\n    return x\n\n\ndef unrelated(x):\n    return x\n\n\n"
        "class Cart(Base):\n    size = 3\n\n    def total(self, uri, items=LIMIT):\n        filter = helper(uri)\n"
        "        self.add(1)\n        self.shared()\n        for one in items:\n            conv(one)\n"
        "        return Money(filter + self.size + money.RATE)\n\n    def add(self, x):\n        return x\n\n"
        "    def other(self):\n        return self.total(1)\n\n\ndef use(cart):\n    return cart.total(3)\n"
    ),
}
SCRIPT = {
    "a.js": (
        "const util = require('./util');\nconst { fmt, pad: p2 } = require('./lib/fmt');\nvar MAX = 3;\nfunction Foo() {}\n"
        "Foo.prototype.bar = function (x) { return this.baz(MAX) + util.norm(x) + fmt(x) + p2(x); };\n"
        "Foo.prototype.baz = function (y) { return y; };\nmodule.exports = Foo;\n"
    ),
    "util.js": "exports.norm = function (x) { return x; };\nexports.other = 1;\n",
    "lib/fmt/index.js": "function fmt(x) { return x; }\nfunction pad(x) { return x; }\nmodule.exports = { fmt, pad };\n",
}
TYPED = {
    "src/a.ts": "import { Shape, area as areaOf } from './shapes.js';\nconst SCALE = 2;\n"
    "export function grow(s: Shape): number { return areaOf(s) * SCALE; }\n",
    "src/shapes.ts": "export interface Shape { w: number }\nexport const area = (s: Shape) => s.w;\n",
}
GO = {
    "m/a.go": 'package m\n\nimport "ex.com/x/money"\n\nconst Max = 3\n\ntype T struct{ n int }\n\n'
    "func (t *T) Run(x int) int { return other(x) + Max + money.Conv(x) }\n",
    "m/b.go": "package m\n\nfunc other(x int) int { return x }\n",
    "money/c.go": "package money\n\nfunc Conv(x int) int { return x }\n",
}
RUST = {
    "src/a.rs": "const LIMIT: u32 = 3;\n\nstruct P { n: u32 }\n\nfn double(x: u32) -> u32 { x * 2 }\n\n"
    "fn run(p: P) -> u32 { double(p.n).min(LIMIT) }\n",
}


def at(files: dict[str, str], path: str, place: str) -> tuple[Project, Target, str]:
    tree = MemoryTree(files)
    uses = FileGraph(tree).uses
    offset = files[path].index(place)
    target = find_target(path, files[path], (offset, offset))
    return Project(tree, files, uses, {path: files[path]}), target, files[path]


@pytest.mark.parametrize(
    ("files", "path", "place", "needed"),
    [
        (
            PYTHON,
            "pkg/cart.py",
            "filter =",
            {
                "pkg/cart.py LIMIT",
                "pkg/cart.py helper",
                "pkg/cart.py Cart.size",
                "pkg/cart.py Cart.add",
                "pkg/money.py RATE",
                "pkg/money.py Base.shared",
                "pkg/money.py Money",
                "pkg/money.py convert",
            },
        ),
        (
            SCRIPT,
            "a.js",
            "this.baz",
            {"a.js MAX", "a.js Foo", "a.js Foo.baz", "util.js norm", "lib/fmt/index.js fmt", "lib/fmt/index.js pad"},
        ),
        (TYPED, "src/a.ts", "areaOf(s)", {"src/a.ts SCALE", "src/shapes.ts Shape", "src/shapes.ts area"}),
        (GO, "m/a.go", "other(x)", {"m/a.go Max", "m/a.go T", "m/b.go other", "money/c.go Conv"}),
        (RUST, "src/a.rs", "double(p", {"src/a.rs LIMIT", "src/a.rs P", "src/a.rs double"}),
    ],
    ids=["python", "es5", "typescript", "go", "rust"],
)
def test_what_the_target_names_is_found(files: dict[str, str], path: str, place: str, needed: set[str]) -> None:
    project, target, text = at(files, path, place)
    found = {f"{need.symbol.path} {need.symbol.name}" for need in needs_of(project, target, text)}
    assert found == needed


OF_ONE_CLASS = {
    "m/a.go": "package m\n\nfunc (o *Other) step() int { return 1 }\n\nfunc (t *T) step() int { return 2 }\n\n"
    "func (t *T) Run() int { return t.step() + t.far() }\n",
    "m/b.go": "package m\n\ntype T struct{ n int }\n\nfunc (o Other) far() int { return 1 }\n\nfunc (t *T) far() int { return 3 }\n",
    "cart.cpp": '#include "cart.h"\nint Table::sum() { return 1; }\nint Cart::sum() { return 2; }\n'
    "int Cart::total() { return sum() + tax(); }\n",
    "cart.h": "struct Table { int sum(); int tax() { return 1; } };\nstruct Cart { int sum(); int total(); int tax() { return 1; } };\n",
    "A.java": "class B { int sum() { return 1; } }\nclass A {\n  int sum() { return 2; }\n  int total() { return sum(); }\n}\n",
}


@pytest.mark.parametrize(
    ("path", "place", "needed"),
    [
        ("m/a.go", "return t.step", {("m/a.go", "T.step"), ("m/b.go", "T.far"), ("m/b.go", "T")}),
        ("cart.cpp", "return sum", {("cart.cpp", "Cart.sum"), ("cart.h", "Cart.tax")}),
        ("A.java", "return sum", {("A.java", "A.sum")}),
    ],
)
def test_of_methods_of_one_name_that_of_the_targets_class_is_shown(
    path: str, place: str, needed: set[tuple[str, str]]
) -> None:
    project, target, text = at(OF_ONE_CLASS, path, place)
    assert {(one.symbol.path, one.symbol.name) for one in needs_of(project, target, text)} == needed


HELD = {
    "store.py": "class Base:\n    def get(self):\n        return 1\n\n\nclass Store(Base):\n    def put(self, x):\n        return x\n\n\n"
    "class Clock:\n    def now(self):\n        return 1\n",
    "cart.py": "import store\nfrom store import Store, Base\n\n\nclass Cart(Base):\n    def __init__(self, clock: store.Clock):\n"
    "        self.kept = Store()\n        self.clock = clock\n\n    def get(self):\n"
    "        self.kept.put(self.clock.now())\n        self.kept.get()\n        return super().get()\n",
    "cart.ts": "import { Store } from './store';\nexport class Cart {\n  constructor() {\n    this.kept = new Store();\n  }\n"
    "  run() {\n    return this.kept.put(1);\n  }\n}\n",
    "store.ts": "export class Store {\n  put(x: number) {\n    return x;\n  }\n}\n",
}


@pytest.mark.parametrize(
    ("path", "place", "needed"),
    [
        (
            "cart.py",
            "self.kept.put",
            {"store.py Store.put", "store.py Base.get", "store.py Clock.now", "cart.py Cart.__init__"},
        ),
        ("cart.ts", "return this.kept", {"store.ts Store.put", "cart.ts Cart.constructor"}),
    ],
)
def test_what_a_class_holds_and_what_it_overrides_is_found(path: str, place: str, needed: set[str]) -> None:
    project, target, text = at(HELD, path, place)
    assert {f"{need.symbol.path} {need.symbol.name}" for need in needs_of(project, target, text)} == needed


APART = {
    "src/cart.rs": "/// What is bought.\npub struct Cart {\n    pub items: Vec<u32>,\n    rate: u32,\n}\n\nfn far() -> u32 { 1 }\n\n"
    "impl Cart {\n    pub fn total(&self) -> u32 {\n        self.sum() * self.rate\n    }\n\n"
    "    fn sum(&self) -> u32 { 1 }\n}\n",
    "m/a.go": "package m\n\ntype T struct {\n\trate int\n}\n\nfunc far() int { return 1 }\n\n"
    "func (t *T) Run() int {\n\treturn t.rate\n}\n",
}


@pytest.mark.parametrize(
    ("path", "place", "shown"),
    [
        ("src/cart.rs", "self.sum() *", ("    pub items: Vec<u32>,\n    rate: u32,", "impl Cart\n\n    fn sum")),
        ("m/a.go", "return t.rate", ("type T struct {\n\trate int\n}",)),
    ],
)
def test_of_a_type_that_has_its_methods_elsewhere_the_fields_are_shown(
    path: str, place: str, shown: tuple[str, ...]
) -> None:
    project, target, text = at(APART, path, place)
    found = joined(snippets(project, target, text))
    assert all(one in found for one in shown), found


def test_callers_in_the_same_file() -> None:
    project, target, text = at(PYTHON, "pkg/cart.py", "filter =")
    file = project.file("pkg/cart.py")
    assert file is not None
    assert [symbol.name for symbol in callers_in(file, target, text)] == ["Cart.other", "use"]


def test_names_that_do_not_lead_back_end() -> None:
    files = {"a.py": "from b import x\n\n\ndef f():\n    return x()\n", "b.py": "from a import x\n"}
    project, target, text = at(files, "a.py", "return")
    assert needs_of(project, target, text) == []


LONG = "".join(f"def filler_{n}(value):\n    '''Filler {n}.'''\n    return value * {n}\n\n\n" for n in range(80))
BIG = {
    "shop.py": "import re\nimport json\nfrom money import RATE\n\nLIMIT = 10\nOTHER = 11\n\n\n"
    + LONG
    + "class Cart:\n    '''What a person buys.'''\n\n    currency = 'EUR'\n\n    def total(self):\n"
    "        return re.sub('a', 'b', filler_7(LIMIT) + RATE + self.fee())\n\n    def fee(self):\n        return 1\n\n\n"
    "def receipt(cart):\n    return cart.total()\n",
    "money.py": "RATE = 3\nUNUSED = 4\n",
    "tests/test_shop.py": "import pytest\nfrom shop import Cart, receipt\n\n\n@pytest.fixture\ndef full():\n    return Cart()\n\n\n"
    "@pytest.mark.usefixtures('full')\ndef test_receipt(full):\n    assert receipt(full) == 71\n\n\ndef test_total():\n    assert Cart().total()\n\n\n"
    "def test_other():\n    assert Cart\n",
}


def test_a_long_file_is_shown_by_what_the_target_uses_of_it() -> None:
    tree = MemoryTree(BIG)
    text = BIG["shop.py"]
    offset = text.index("return re.sub")
    target = find_target("shop.py", text, (offset, offset))
    context, tests = gather(
        tree, target, text, max_tokens=2000, rules_files=(), exclude=(), local=False, graph=FileGraph(tree),
        failing=["tests/test_shop.py::test_receipt[a-1]"],
    )  # fmt: skip
    shown = "\n".join(piece.text for piece in context.pieces)
    for wanted in ("LIMIT = 10", "def filler_7", "RATE = 3", "class Cart:", "What a person buys", "currency", "def fee",
                   "def receipt", "import re"):  # fmt: skip
        assert wanted in shown, wanted
    for unwanted in ("OTHER", "filler_8", "UNUSED", "import json"):
        assert unwanted not in shown, unwanted
    assert tests[0].why == "fails now" and "def test_receipt" in tests[0].text and "def full" in tests[0].text
    assert "def test_total" in tests[1].text and "test_other" not in "".join(test.text for test in tests)


WAITING = {
    "shop/__init__.py": "",
    "shop/money.py": "RATE = 3\n\n\ndef convert(value: int, *, rate: int = RATE) -> int:\n    return value * rate\n",
    "shop/base.py": "class Shelf:\n    def weigh(self, grams: int) -> int:\n        return grams\n",
    "shop/cart.py": (
        "from shop import money\nfrom shop.base import Shelf\n\nKEY, VALUE = 'k', 'v'\nif KEY:\n    FAST = 1\nelse:\n    SLOW = 2\n\n\n"
        + LONG
        + "def _pick(\n    items: list[int],\n    most: int = 3,\n) -> list[int]:\n    '''Some of them.'''\n    return items[:most]\n\n\n"
        "class Cart(Shelf):\n    @property\n    def count(self) -> int:\n        return 1\n\n    @count.setter\n"
        "    def count(self, value: int) -> None:\n        self.n = value\n\n    def total(self) -> int:\n"
        "        '''What the cart costs.'''\n        raise NotImplementedError\n"
    ),
    "tests/test_cart.py": (
        "import unittest\nfrom shop.cart import Cart\n\n\nclass TestCart(unittest.TestCase):\n    def setUp(self):\n"
        "        self.cart = Cart()\n\n    def test_total(self):\n        self.assertEqual(self.cart.total(), 3)\n\n"
        "    def test_count(self):\n        self.assertEqual(self.cart.count, 1)\n\n\n"
        "class TestOther(unittest.TestCase):\n    def setUp(self):\n        self.other = 1\n"
    ),
}


def test_a_body_that_is_still_to_be_written_is_shown_what_it_may_use() -> None:
    tree, text = MemoryTree(WAITING), WAITING["shop/cart.py"]
    offset = text.index("raise")
    context, tests = gather(
        tree, find_target("shop/cart.py", text, (offset, offset)), text, max_tokens=1400, rules_files=(), exclude=(),
        local=False, graph=FileGraph(tree), failing=["tests/test_cart.py::TestCart::test_total"],
    )  # fmt: skip
    shown = "\n".join(piece.text for piece in context.pieces)
    for wanted in ("    items: list[int],\n    most: int = 3,\n) -> list[int]:", "KEY, VALUE", "FAST = 1", "SLOW = 2",
                   "    def count(self, value: int) -> None:", "def convert(value: int, *, rate: int = RATE) -> int:",
                   "RATE = 3", "def weigh(self, grams: int) -> int:", "class Shelf:"):  # fmt: skip
        assert wanted in shown, wanted
    assert "return items" not in shown, "only what a helper is called by"
    failing = tests[0].text
    assert "class TestCart" in failing and "def setUp" in failing and "def test_total" in failing
    assert "test_count" not in failing and "self.other" not in failing, "another class is prepared otherwise"


SCRIPT_TESTS = {
    "cart.js": "const LIMIT = 3;\nfunction helper(x) {\n  return x;\n}\nfunction total(items) {\n  return helper(items) + LIMIT;\n}\n"
    "exports.total = total;\n",
    "test/cart.test.js": "const { total } = require('../cart');\ndescribe('cart', () => {\n  it('adds', () => {\n    total([1]);\n  });\n"
    "  it('knows nothing of it', () => {\n    other();\n  });\n});\n",
}


def test_tests_of_a_script_are_its_calls() -> None:
    tree, text = MemoryTree(SCRIPT_TESTS), SCRIPT_TESTS["cart.js"]
    offset = text.index("return helper")
    target = find_target("cart.js", text, (offset, offset))
    _, tests = gather(tree, target, text, max_tokens=1000, rules_files=(), exclude=(), local=False,
                      graph=FileGraph(tree), failing=["test/cart.test.js::cart > adds"])  # fmt: skip
    assert [test.why for test in tests] == ["fails now"]
    assert "total([1])" in tests[0].text and "knows nothing" not in tests[0].text


MADE = {
    "grammar.js": "/** Counts.\n * @returns {number}\n */\nfunction count(n) {\n  return n ? count(n - 1) + ONE : 0;\n}\nconst ONE = 1;\n",
    "lark.py": "def parse(text):\n    return text\n",
    "test_lark.py": "import unittest\nfrom lark import parse\n\n\ndef make_tests(lexer):\n    class _Tests(unittest.TestCase):\n"
    "        def test_short(self):\n            assert parse(lexer)\n\n        def test_far(self):\n            pass\n    return _Tests\n\n\n"
    "def test_own_class():\n    class Text:\n        def test_me(self):\n            return 1\n    assert parse(Text())\n",
}  # fmt: skip


def test_a_rust_files_own_tests_are_shown() -> None:
    text = (
        "pub fn total(x: u32) -> u32 {\n    x\n}\n\nfn other() -> u32 { total(1) }\n\n#[cfg(test)]\nmod tests {\n"
        "    use super::*;\n\n    #[test]\n    fn it_adds() {\n        assert_eq!(total(1), 2);\n    }\n\n"
        "    #[test]\n    fn unrelated() {}\n}\n"
    )
    target = find_target("src/cart.rs", text, (0, 0))
    tree = MemoryTree({"src/cart.rs": text, "Cargo.toml": ""})
    found = snippets_of_tests(tree, target, ["cart::tests::it_adds"], None, 500)
    assert [(one.kind, one.path, one.row, "assert_eq!(total(1), 2)" in one.text) for one in found] == [
        ("failing", "src/cart.rs", 11, True)
    ]


def test_tests_that_a_function_makes_stand_alone() -> None:
    tree, text = MemoryTree(MADE), MADE["lark.py"]
    target = find_target("lark.py", text, (20, 20))
    made = "test_lark.py::make_tests::_Tests::test_short"
    _, tests = gather(tree, target, text, max_tokens=1000, rules_files=(), exclude=(), local=False,
                      graph=FileGraph(tree), failing=[made])  # fmt: skip
    assert "def test_short" in tests[0].text and "test_far" not in tests[0].text, "the class is made by a function"
    assert tests[1].text.startswith("def test_own_class") and "assert parse(Text())" in tests[1].text


def test_what_calls_itself_is_not_its_own_surroundings() -> None:
    project, target, text = at(MADE, "grammar.js", "return n")
    assert [need.symbol.name for need in needs_of(project, target, text)] == ["ONE"]


@pytest.mark.parametrize(
    ("path", "tests"),
    [
        ("shop/tests.py", True),
        ("test.py", True),
        ("test.mjs", True),
        ("cypress/e2e/cart.cy.ts", True),
        ("shop/contests.py", False),
        ("lib/test.js", False),
        ("shop/testing.py", False),
    ],
)
def test_which_files_hold_tests(path: str, tests: bool) -> None:
    assert is_test_file(path) is tests


GIVEN = {
    "shop/cart.py": "def total(x):\n    return x\n",
    "tests/__init__.py": "",
    "tests/conftest.py": "import pytest\n\nMONEY = 'of the base fixture'\n\n@pytest.fixture\ndef base():\n    return MONEY\n\n\n"
    "@pytest.fixture(name='rate')\ndef make_rate(base):\n    return 'the rate'\n\n\n"
    "@pytest.fixture(autouse=True)\ndef clean():\n    yield 'for all'\n\n\n@pytest.fixture\ndef unrelated():\n    return 'no'\n",
    "tests/support.py": "def far_helper():\n    return 'from the module beside'\n\n\nclass Prepared:\n    def setUp(self):\n        self.x = 'prepared'\n",
    "tests/test_cart.py": "import pytest\nfrom shop.cart import total\nfrom tests.support import Prepared, far_helper\n\n"
    "CASES = [(1, 2)]\nUNUSED = 'no'\n\n\ndef helper():\n    return far_helper()\n\n\n"
    "@pytest.mark.parametrize('a, b', CASES)\ndef test_total(rate, a, b):\n    assert total(a) == helper()\n\n\n"
    "class TestCart(Prepared):\n    def test_prepared(self):\n        assert total(self.x)\n",
}


def test_a_failing_test_is_shown_with_what_it_is_given() -> None:
    tree = MemoryTree(GIVEN)
    target = find_target("shop/cart.py", GIVEN["shop/cart.py"], (0, 0))
    failing = ["tests/test_cart.py::test_total[1-2]", "tests/test_cart.py::TestCart::test_prepared"]
    found = snippets_of_tests(tree, target, failing, FileGraph(tree), 500)
    assert {one.kind for one in found} == {"failing"}
    text = "\n".join(one.text for one in found)
    for part in (
        "CASES = [",
        "def helper",
        "def far_helper",
        "def make_rate",
        "def base",
        "MONEY =",
        "'for all'",
        "'prepared'",
    ):
        assert part in text, part
    assert "'no'" not in text and "def total" not in text
