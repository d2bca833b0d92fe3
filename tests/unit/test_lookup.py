"""What the Artisan is shown for a name or a path that it writes."""

from __future__ import annotations

import pytest

from ralphd.context.target import Target
from ralphd.context.tree import MemoryTree
from ralphd.retrieval.lookup import look_up

CART = "class Cart:\n    def total(self):\n        return 1\n"
FILES = {
    "src/shop/cart.py": CART,
    "src/shop/__init__.py": "",
    "lib/other.py": CART,
    "web/tax.ts": "export class Tax { compute() { return 1 } }\n",
    "web/ui/index.ts": "export const UI = 1\n",
    "r/money.rs": "pub struct Rate;\nimpl Rate { pub fn new() -> Self { Rate } }\n",
    "main.py": "x = 1\npy = 2\n",
    ".env": "KEY=1\n",
}


@pytest.mark.parametrize(
    ("name", "paths"),
    [
        ("shop.cart", ["src/shop/cart.py"]),
        ("shop/cart", ["src/shop/cart.py"]),
        ("/home/me/project/src/shop/cart.py", ["src/shop/cart.py"]),
        ("src/shop/cart.py::Cart::total", ["src/shop/cart.py"]),
        ("cart.py::Cart", ["src/shop/cart.py"]),
        ("shop.cart.Cart", ["src/shop/cart.py"]),
        ("Cart#total", ["lib/other.py", "src/shop/cart.py"]),
        ("lib.other.Cart.total", ["lib/other.py"]),
        ("web/ui", ["web/ui/index.ts"]),
        ("Tax.prototype.compute", ["web/tax.ts"]),
        ("crate::money::Rate", ["r/money.rs"]),
        ("Vec<Rate>::new", ["r/money.rs"]),
        (".env", [""]),
        ("no/such/file.py", [""]),
        ("no/such/total.py", [""]),
        ("shop/cart.py:7", ["src/shop/cart.py"]),
        ("src/shop/cart.py#L2-L3", ["src/shop/cart.py"]),
    ],
)
def test_a_name_is_found_as_it_is_written(name: str, paths: list[str]) -> None:
    target = Target("main.py", (0, 0), "file", "")
    found = look_up(MemoryTree(FILES), target, FILES["main.py"], [name], None, (), 2000)
    assert sorted(one.path for one in found) == paths
    assert "KEY" not in "".join(one.text for one in found)


def test_of_a_folder_it_is_told_what_lies_in_it() -> None:
    target = Target("main.py", (0, 0), "file", "")
    found = look_up(MemoryTree(FILES), target, FILES["main.py"], ["shop/", "src/shop/*.py"], None, (), 2000)
    assert [one.text for one in found] == ["A folder. In it: src/shop/__init__.py, src/shop/cart.py."] * 2


def test_what_is_only_the_nearest_is_called_so() -> None:
    target = Target("main.py", (0, 0), "file", "")
    found = look_up(
        MemoryTree(FILES), target, FILES["main.py"], ["Money.total", "Cart.total", "x/a.py"], None, (), 2000
    )
    said = "Money.total is not in the project; the nearest of that name, Cart.total"
    assert [one.name for one in found] == [said, said, "Cart.total", "Cart.total", "x/a.py"]
    right = ["crate::money::Rate", "shop.Cart", "Cart#total"]
    for one in look_up(MemoryTree(FILES), target, FILES["main.py"], right, None, (), 2000):
        assert one.name in right
    assert "total" not in found[-1].text and not found[-1].path
