"""The profile for macOS, as text; on a Mac the product's own self-test runs it."""

from __future__ import annotations

import asyncio
import sys

import pytest

from ralphd.sandbox.isolation import detect
from ralphd.sandbox.seatbelt import SANDBOX_EXEC, argv, profile

TEXT = profile(
    readable=["/opt/homebrew"],
    hidden=["/Users/a/ws"],
    shown=["/Users/a/ws/node_modules"],
    writable=["/cache/slot"],
    network=False,
)


def test_nothing_is_allowed_but_what_is_named() -> None:
    lines = TEXT.splitlines()
    assert lines[:2] == ["(version 1)", "(deny default)"]
    writes = [line for line in lines if "file-write*" in line]
    assert writes == [
        '(allow file-read* file-write* (subpath "/cache/slot"))',
        '(allow file-write* (literal "/dev/null") (literal "/dev/zero") (literal "/dev/tty"))',
    ]
    assert not [
        line for line in lines if "/Users/a/.ssh" in line or line == "(allow file-read*)" or '(subpath "/")' in line
    ]
    assert [line for line in lines if "network" in line] and all(
        "localhost" in line for line in lines if "network" in line
    )
    assert "(allow network*)" in profile(readable=[], writable=[], network=True)


def test_later_rules_win_so_their_order_counts() -> None:
    order = ['(allow file-read* (subpath "/opt/homebrew"))', '(deny file-read* (subpath "/Users/a/ws"))',
             '(allow file-read* (subpath "/Users/a/ws/node_modules"))', '(allow file-read* file-write* (subpath "/cache/slot"))']  # fmt: skip
    assert sorted(order, key=TEXT.index) == order


def test_a_path_cannot_leave_its_quotes() -> None:
    text = profile(readable=['/a") (allow default) ("\\'], writable=[], network=False)
    assert '(subpath "/a\\") (allow default) (\\"\\\\")' in text
    assert text.count("(") - text.count("\\(") >= text.count(")") - 2
    assert argv(text, ["true"]) == [SANDBOX_EXEC, "-p", text, "true"]


@pytest.mark.skipif(sys.platform != "darwin", reason="needs a Mac")
def test_on_a_mac_it_isolates() -> None:
    assert asyncio.run(detect("auto")).kind == "seatbelt"
