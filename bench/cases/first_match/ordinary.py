from first_match import first_match


def test_match():
    assert first_match(["alpha", "beta", "bet"], "be") == "beta"


def test_no_match():
    assert first_match(["alpha"], "z") == "z"
