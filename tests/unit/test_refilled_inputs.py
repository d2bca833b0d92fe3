"""How many inputs a hostile test gets that rejects nearly all of them."""

from __future__ import annotations

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ralphd.attack.pytest_plugins.ralphd_chaos import Chaos


def test_rejected_inputs_are_replaced_so_often_and_no_further() -> None:
    seen: list[int] = []

    @settings(max_examples=20, database=None)
    @given(st.integers())
    def picky(x: int) -> None:
        seen.append(x)
        assume(False)

    picky.hypothesis.inner_test = Chaos.content(picky.hypothesis.inner_test, 20)
    picky()
    assert 20 <= len(seen) <= 40


def test_a_failure_is_one_all_the_same() -> None:
    @settings(max_examples=200, database=None)
    @given(st.integers())
    def wrong(x: int) -> None:
        assume(x > 10)
        raise ArithmeticError(x)

    wrong.hypothesis.inner_test = Chaos.content(wrong.hypothesis.inner_test, 5)
    try:
        wrong()
    except ArithmeticError as error:
        assert error.args == (11,), "shrunk as ever"
    else:
        raise AssertionError("it was not seen")
