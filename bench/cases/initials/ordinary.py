from initials import initials


def test_two():
    assert initials("ada lovelace") == "AL"


def test_three():
    assert initials("john von neumann") == "JVN"
