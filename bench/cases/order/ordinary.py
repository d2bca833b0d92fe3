from order import Order


def test_round_trip():
    order = Order("tea", 3, "green")
    assert Order.from_dict(order.to_dict()) == order


def test_defaults():
    assert Order.from_dict({"article": "tea"}) == Order("tea", 1, "")
