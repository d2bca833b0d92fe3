"""Which expectations of a test file can be made false."""

from __future__ import annotations

import pytest

from ralphd.attack.false_expectations import falsified, named

PYTEST = """\
import pytest


def test_plain():
    got = f("a")
    assert got == "b"


def test_conditional():
    if got := f("a"):
        assert got == "b"


def test_other():
    with pytest.raises(ValueError):
        assert f(None) == 1


@pytest.mark.parametrize("given, wanted", [("a", 1), ("é", 2)])
def test_rows(given, wanted):
    assert f(given) == wanted


class TestF:
    def test_inside(self):
        self.assertEqual(f("é"), [1, "two"])
"""
ROWS = """\
ROWS = [pytest.param("a", 1, id="x"), ("b", 2)]
BOTH = [(1, 2)]


@pytest.mark.parametrize("given, wanted", ROWS)
def test_named_rows(given, wanted):
    assert f(given) == wanted


def test_loop():
    for given, wanted in [("c", "d")]:
        with self.subTest(given):
            self.assertEqual(f(given), wanted)


def test_one_way():
    for given, wanted in BOTH:
        assert f(given) == wanted


def test_the_other_way():
    for given, wanted in BOTH:
        assert g(wanted) == given


def test_about():
    assert f(1) == pytest.approx(0.5)


def test_within():
    assert f(1) == pytest.approx(1, abs=3)


def test_whole():
    assert "é" in f("é")


class TestTwice:
    def test_twice(self):
        self.assertIsNone(f())


class TestAgain:
    def test_twice(self):
        for n in (1, 2):
            f(n)
"""
OTHER_FORMS = """\
def test_close():
    assert abs(f(1) - 0.5) < 1e-9
    assert math.isclose(f(2), 2.5)


def test_named():
    expected = "x"
    got = f(3)
    assert got == expected, got


def test_named_twice():
    expected = "y"
    assert f(expected) == expected


class TestF(TestCase):
    def test_almost(self):
        self.assertAlmostEqual(f(1), 20.0)

    def test_within(self):
        self.assertAlmostEqual(f(1), 2, delta=3)

    def test_same(self):
        self.assertCountEqual(f(1), ["a", "b"])
"""
NODE = """\
test("plain", () => assert.strictEqual(f("a"), "b"));
describe("f", () => {
  it('block', () => {
    const got = f(1);
    expect(got).toEqual([1]);
    expect(got).not.toBe(3);
  });
  it("conditional", () => { if (f(1)) expect(f(1)).toBe(true); });
  it.skip("skipped", () => expect(f(1)).toBe(1));
});
"""
NODE_FORMS = """\
test("named", () => {
  const expected = "a";
  const got = f(1);
  assert.equal(got, expected);
});
test("compared", () => { assert.ok(f(1) === "b"); });
test("near", () => { assert(Math.abs(f(1) - 0.5) < 1e-9); });
test("close", () => expect(f(1)).toBeCloseTo(2.5));
test("long", () => expect(f(1)).toHaveLength(3));
test("twice", () => { const x = "c"; assert.equal(f(x), x); });
"""
GO = 'package a\n\nfunc TestF(t *testing.T) {\n\tif got := F(1); got != 2 {\n\t\tt.Error(got)\n\t}\n\tif F(3) != "x" {\n\t\tt.Error()\n\t}\n}\n'
RUST = "#[cfg(test)]\nmod tests {\n    #[test]\n    fn f_adds() {\n        assert_eq!(f(1, 2), 3);\n    }\n}\n"


@pytest.mark.parametrize(
    "path, text, tests, parts",
    [
        ("test_f.py", PYTEST, {"test_plain", "test_rows", "test_inside"},
         ['assert got == "bqz"\n', '[("a", 2), ("é", 3)]', '[[1, "two"]]']),
        ("test_f.py", ROWS, {"test_named_rows", "test_loop", "test_about", "test_within", "test_whole"},
         ['("a", 2, id="x"), ("b", 3)]', '[("c", "dqz")]', "approx(1.5)", "assert not (f(1) ==", '"éqz" in f("é")', "BOTH = [(1, 2)]", "assertIsNone"]),
        ("test_f.py", OTHER_FORMS, {"test_close", "test_named", "test_named_twice", "test_almost", "test_within", "test_same"},
         ["f(1) - 1.5)", "isclose(f(2), 3.5)", 'expected = "xqz"', 'expected = "y"', "assert not (f(expected)", "40.0)", "assertNotAlmostEqual(f(1), 2, delta=3)",
          '[["a", "b"]]']),
        ("f.test.js", NODE, {"plain", "block"}, ['f("a"), "bqz")', "toEqual([[1]])", ".not.toBe(3)"]),
        ("f.test.js", NODE_FORMS, {"named", "compared", "near", "close", "long"},
         ['const expected = "aqz"', '=== "bqz"', "f(1) - 1.5)", "toBeCloseTo(3.5)", "toHaveLength(4)", 'const x = "c"']),
        ("f.test.ts", NODE, {"plain", "block"}, ['"bqz"']),
        ("f_test.go", GO, {"TestF"}, ["got != 3", '!= "xqz"']),
        ("lib.rs", RUST, {"f_adds"}, ["f(1, 2), 4)"]),
    ],
)  # fmt: skip
def test_only_what_is_certainly_checked(path: str, text: str, tests: set[str], parts: list[str]) -> None:
    found = falsified(path, text)
    assert found is not None and found.tests == tests
    assert all(part in found.text for part in parts), found.text
    assert len(found.text.splitlines()) == len(text.splitlines())


@pytest.mark.parametrize("path, text", [("test_f.py", "def test_a(:\n"), ("a.txt", "x"), ("test_f.py", "def test_a():\n    if f():\n        assert g()\n")])  # fmt: skip
def test_none(path: str, text: str) -> None:
    assert falsified(path, text) is None


@pytest.mark.parametrize(
    "nodeid, name",
    [
        ("a/test_x.py::T::test_y[a::b]", "test_y"),
        ("a.test.js::f::adds [two]", "adds [two]"),
        ("example.com/m/p.TestX/case_1", "TestX/case_1"),
        ("example.com/m/p.TestX", "TestX"),
        ("slug.py::slug.slug", ".slug"),
        ("tests::f_adds", "f_adds"),
        ("adds", "adds"),
    ],
)
def test_the_name_at_the_end_of_an_id(nodeid: str, name: str) -> None:
    assert named(nodeid) == name
