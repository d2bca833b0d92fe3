import pytest
from versions import compare_versions


def test_numbers_not_text():
    assert compare_versions("1.10", "1.9") == 1


def test_missing_parts():
    assert compare_versions("1.0.0", "1") == 0
    assert compare_versions("1.2", "1") == 1


def test_older():
    assert compare_versions("1.2", "1.2.1") == -1


def test_no_version():
    with pytest.raises(ValueError):
        compare_versions("one", "1")
