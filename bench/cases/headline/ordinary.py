from headline import headline


def test_words():
    assert headline("the LAST train") == "The Last Train"


def test_spaces_stay():
    assert headline("two  spaces ") == "Two  Spaces "


def test_nothing():
    assert headline("") == ""
