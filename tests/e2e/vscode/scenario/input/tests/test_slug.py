from slug import initials, slug


def test_words_are_joined_by_hyphens():
    assert slug("hello world") == "hello-world"


def test_punctuation_and_case_go():
    assert slug("Hello,  World!") == "hello-world"


def test_nothing_is_left_of_punctuation():
    assert slug("?!") == ""


def test_the_cut_is_between_words():
    assert slug("the quick brown fox", limit=12) == "the-quick"


def test_initials():
    assert initials("ada king lovelace") == "AKL"
