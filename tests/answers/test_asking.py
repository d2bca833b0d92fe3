"""Which answers ask to be shown something, and for what."""

from __future__ import annotations

import pytest

from ralphd.answers.asking import asked_for


@pytest.mark.parametrize(
    ("answer", "names"),
    [
        ("NEED: Cart.total\nNEED: shop/cart.py\n", ("Cart.total", "shop/cart.py")),
        ("<think>what is it</think>\n\n- NEED: `helper()`\r\n* NEED: \"LIMIT\"\n", ("helper", "LIMIT")),
        ("```text\nNEED: a\nNEED: a\n```", ("a",)),
        ("\n".join(f"NEED: n{number}" for number in range(20)), tuple(f"n{number}" for number in range(8))),
        ("I would like to see this first:\nNEED: a\n", ()),
        ("a.py\n<<<<<<< SEARCH\nNEED: a\n=======\nNEED: b\n>>>>>>> REPLACE\nEND OF EDITS", ()),
        ("NEED:\nNEED: ``\n", ()),
        ("<think>NEED: a", ()),
        ("", ()),
    ],
    ids=["names", "reasoning and lists", "fence", "too many", "prose", "edit", "nothing", "unfinished", "empty"],
)  # fmt: skip
def test_what_is_asked_for(answer: str, names: tuple[str, ...]) -> None:
    assert asked_for(answer) == names
