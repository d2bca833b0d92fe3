"""Each acceptance row of docs/security.md has a test that carries its mark, or says why it cannot be tried here."""

from __future__ import annotations

from tests.attacks import rows, without_protection

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


def test_every_protection_can_be_taken_out() -> None:
    """What `without_protection` replaces still stands in the code, and its tests are there; that they fail it shows itself."""
    page = rows.PAGE.read_text(encoding="utf-8")
    held = {row for row, _, last in rows.ROW.findall(page) if not last.startswith(rows.NOT_TRIED)}
    assert held == {*without_protection.TABLE} | {*without_protection.NOT_TRIED} - {"W5"}
    for row, taken in (without_protection.TABLE | without_protection.FURTHER).items():
        file, test = taken.test.split("::")
        assert f"def {test}(" in (without_protection.ROOT / file).read_text(encoding="utf-8"), row
        for changed, old, _ in taken.edits:
            assert old in (without_protection.ROOT / changed).read_text(encoding="utf-8"), (row, changed)
