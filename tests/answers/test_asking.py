"""Which answers ask to be shown something, and for what."""

from __future__ import annotations

import pytest

from ralphd.answers.asking import asked_for

ODD = {
    "need: Cart\nNEED LIMIT\nNEED：RATE": ("Cart", "LIMIT", "RATE"),
    "**NEED:** `Cart`\n1. NEED: a1\n> NEED: b1\n• NEED: c1": ("Cart", "a1", "b1", "c1"),
    "NEED:\n- Cart.total\n- `shop/cart.py`": ("Cart.total", "shop/cart.py"),
    "NEED: a1, `b1` and c1\nEND OF EDITS": ("a1", "b1", "c1"),
    "NEED: shop/cart.py (for the Cart class)\nNEED: Cart.total - to see how it rounds": ("shop/cart.py", "Cart.total"),
    "NEED: `Cart.total` in `shop/cart.py`\nNEED: function tax from src/tax.ts": (
        "shop/cart.py::Cart.total", "src/tax.ts::tax"),
    "NEED: shop/cart.py: Cart, total": ("shop/cart.py::Cart", "shop/cart.py::total"),
    "NEED: shop/a.py:42\nNEED: ./shop/b.py#L1-L9\nNEED: shop/c.py, lines 3-9": ("shop/a.py", "shop/b.py", "shop/c.py"),
    "NEED: def total(self, a: int, b=2) -> int\nNEED: class Cart(Base):\nNEED: const LIMIT = 3": ("total", "Cart", "LIMIT"),
    "NEED: from shop.cart import Cart, total": ("shop.cart.Cart", "shop.cart.total"),
    "NEED: the definition of Cart.total\nNEED: how is slug_of implemented": ("Cart.total", "slug_of"),
    "NEED: shop\\cart.py\nNEED: .github/ci.yml\nNEED: app/[id]/page.tsx\nNEED: <a.py>": (
        "shop/cart.py", ".github/ci.yml", "app/[id]/page.tsx", "a.py"),
    "NEED: x\n```python\ndef f():\n    pass\n```": (),
    "- a list\nNEED: a": (),
    "NEEDED: a": (),
}  # fmt: skip


@pytest.mark.parametrize(("answer", "names"), ODD.items())
def test_what_is_meant_by_odd_lines(answer: str, names: tuple[str, ...]) -> None:
    assert asked_for(answer) == names


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
