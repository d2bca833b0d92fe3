from csv_row import format_row, parse_row


def test_plain():
    assert format_row(["a", "b"]) == "a,b"
    assert parse_row("a,b") == ["a", "b"]


def test_comma():
    assert format_row(["a,b", "c"]) == '"a,b",c'
    assert parse_row('"a,b",c') == ["a,b", "c"]


def test_quote_beside_a_comma():
    assert parse_row(format_row(['say "hi", now'])) == ['say "hi", now']


def test_empty_fields():
    assert parse_row(format_row(["", "", "x"])) == ["", "", "x"]
