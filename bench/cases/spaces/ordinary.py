from spaces import normalize_spaces


def test_double():
    assert normalize_spaces("a  b") == "a b"


def test_ends():
    assert normalize_spaces("  a b ") == "a b"


def test_tab_stays():
    assert normalize_spaces("a\tb") == "a\tb"
