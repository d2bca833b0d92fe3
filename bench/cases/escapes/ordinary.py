from escapes import escape, unescape


def test_line_feed():
    assert escape("a\nb") == "a\\nb"
    assert unescape("a\\nb") == "a\nb"


def test_backslash():
    assert unescape(escape("C:\\temp")) == "C:\\temp"


def test_plain():
    assert unescape(escape("hello")) == "hello"
