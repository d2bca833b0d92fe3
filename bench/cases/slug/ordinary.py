from slug import slugify


def test_words():
    assert slugify("Hello, World!") == "hello-world"


def test_ends():
    assert slugify("  --what? ") == "what"


def test_long():
    assert slugify("x" * 50) == "x" * 24


def test_empty():
    assert slugify("???") == ""
