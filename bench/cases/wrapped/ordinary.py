from wrapped import wrapped


def test_lines():
    assert wrapped("the end is near", 8) == ["the end", "is near"]


def test_a_long_word():
    assert wrapped("an extraordinary day", 6) == ["an", "extraordinary", "day"]


def test_nothing():
    assert wrapped("", 5) == []
