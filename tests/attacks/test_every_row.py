"""Each acceptance row of docs/security.md has a test that carries its mark, or says why it cannot be tried here."""

from __future__ import annotations

from tests.attacks import rows

IDS = [f"{letter}{number}" for letter, first, last in (
    ("T", 1, 9), ("S", 1, 12), ("W", 1, 7), ("L", 1, 8), ("E", 9, 13), ("O", 1, 3), ("B", 1, 5), ("H", 1, 3), ("G", 1, 4),
    ("P", 1, 7), ("C", 1, 3)) for number in range(first, last + 1)]  # fmt: skip


def test_every_row_is_there_and_held() -> None:
    page = rows.PAGE.read_text(encoding="utf-8")
    assert len(IDS) == 66 and [row for row, _, _ in rows.ROW.findall(page)] == IDS
    tests = rows.held()
    assert set(tests) <= set(IDS)
    for row, promise, last in rows.ROW.findall(page):
        assert promise.strip() and (row in tests or last.startswith(rows.NOT_TRIED)), row


def test_the_table_is_up_to_date() -> None:
    page = rows.PAGE.read_text(encoding="utf-8")
    assert rows.written(page) == page, "python -m tests.attacks.rows"
