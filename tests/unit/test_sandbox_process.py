from __future__ import annotations

import pytest

from ralphd.sandbox.output import Output, clean


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"plain\n\ttab", "plain\n\ttab"),
        (b"\x1b[1;31mred\x1b[0m", "red"),
        (b"\x1b]0;title\x07x\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\", "xlink"),
        (b"\x1b]52;c;c2VjcmV0\x07clip", "clip"),
        (b"\x1bP1;2|payload\x1b\\after", "after"),
        (b"a\x1b]unended\nnext line", "a\nnext line"),
        (b"a\x1b", "a"),
        (b"\x1b[", ""),
        (b"1%\r2%\r\nend", "1%\n2%\nend"),
        ("\u009b31mc1\u0085".encode(), "31mc1"),
        ("a\u202eevil\u2066b\U000e0041".encode(), "aevilb"),
        (b"nul\x00 bell\x07 back\x08", "nul bell back"),
        (b"bad \xff\xfe utf", "bad \ufffd\ufffd utf"),
        ("ünï ☃ 𝄞".encode(), "ünï ☃ 𝄞"),
    ],
)
def test_control_sequences_go(raw: bytes, text: str) -> None:
    assert clean(raw) == text


def test_cleaning_in_pieces_loses_nothing() -> None:
    lines = "".join(f"\x1b[3{number % 8}mline {number} é\x1b[0m\n" for number in range(30_000))
    assert clean(lines.encode()) == "".join(f"line {number} é\n" for number in range(30_000))
    assert clean(b"x" * 1_000_000) == "x" * 1_000_000


@pytest.mark.parametrize("sizes", [[1] * 9000, [5000, 1, 5000], [100_000], [1024, 1024, 1], [0, 10]])
def test_head_and_tail_are_kept(sizes: list[int]) -> None:
    output = Output(2048)
    whole = b""
    for number, size in enumerate(sizes):
        data = bytes([number % 251]) * size
        whole += data
        output.feed(data)
    head, dropped, tail = output.parts()
    assert len(head) + dropped + len(tail) == len(whole)
    assert whole.startswith(head) and whole.endswith(tail)
    assert (dropped == 0) == (len(whole) <= 2048)
    assert len(head) + len(tail) <= 2048
