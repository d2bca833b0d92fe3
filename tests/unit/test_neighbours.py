"""Neighbours of a program: one small change each, all of them parse, always the same ones."""

import ast

import pytest

from ralphd.attack.neighbours import neighbours


def near(source: str) -> dict[str, str]:
    return {one.text: one.what for one in neighbours(source, (0, len(source)), 40)}


@pytest.mark.parametrize(
    ("missed", "right"),
    [
        ("def f(a, b):\n    return a < b\n", "def f(a, b):\n    return a <= b\n"),
        ("def f(n):\n    return list(range(n))\n", "def f(n):\n    return list(range(n - 1))\n"),
        ("def f(xs):\n    return [x for x in xs]\n", "def f(xs):\n    return sorted([x for x in xs])\n"),
        ("def f(s):\n    return s.lower()\n", "def f(s):\n    return s.lower().strip()\n"),
        ("def f(s):\n    return s + 'a'\n", "def f(s):\n    return (s + 'a').strip()\n"),
        ("def f(a, b):\n    return divmod(a, b)\n", "def f(a, b):\n    return divmod(b, a)\n"),
        ("def f(a):\n    total = a * 2\n", "def f(a):\n    total = a * 2\n    return total\n"),
        ("def f(ä, b):\n    return pow('é', b)\n", "def f(ä, b):\n    return pow(b, 'é')\n"),
        ("\ufeffdef f(a, b):\n    return pow(a, b)\n", "\ufeffdef f(a, b):\n    return pow(b, a)\n"),
    ],
)
def test_a_near_miss_has_the_right_one_beside_it(missed: str, right: str) -> None:
    assert right in near(missed)


def test_they_parse_differ_and_are_bounded() -> None:
    source = "def f(a, b):\n" + "".join(
        f"    if a < {n} and b > {n}:\n        return g(a, b) + {n}\n" for n in range(30)
    )
    found = neighbours(source, (0, len(source)), 40)
    assert len(found) == 40 == len({one.text for one in found}) and source not in {one.text for one in found}
    assert all(ast.parse(one.text) for one in found)
    assert found == neighbours(source, (0, len(source)), 40)


def test_outside_the_span_nothing_changes() -> None:
    other = "def g(a, b):\n    return a < b\n\n\n"
    source = other + "def f(a, b):\n    return pow(a, b)\n"
    assert all(one.text.startswith(other) for one in neighbours(source, (len(other), len(source)), 40))


def test_what_does_not_parse_has_none() -> None:
    assert neighbours("def f(:\n", (0, 8), 40) == []
