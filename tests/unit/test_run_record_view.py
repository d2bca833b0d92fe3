"""The record of a run as a document: what stands in it is shown, whatever that is."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ralphd.lsp.run_record_view import readable

KINDS = st.sampled_from(["begin", "call", "tests", "planted", "event", "end"])
KEYS = st.sampled_from(
    [
        "request",
        "answer",
        "run",
        "report",
        "cases",
        "result",
        "cost",
        "by_role",
        "messages",
        "output",
        "command",
        "usage",
    ]
)
VALUES: Any = st.recursive(
    st.none() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


def lines(*entries: dict[str, Any]) -> str:
    return "\n".join(map(json.dumps, entries))


def test_a_record_that_was_cut_short_is_shown_to_its_end() -> None:
    begin = {"kind": "begin", "request": {"command": "implement", "path": "a.py", "instruction": "be ``` quick"}}
    note = {"kind": "event", "type": "Note", "text": "The tests\nwere run. \u202e"}
    shown = readable(lines(begin, note) + '\n{"kind": "call", "req')
    assert "# implement · a.py\n" in shown and "````text\nbe ``` quick\n````\n" in shown
    assert "cut short" in shown and "The tests were run. \\u202e\n" in shown


def test_what_a_test_run_said() -> None:
    case = {"nodeid": "a", "outcome": "failed"}
    run = {"command": ["pytest", "-k", "a b"], "exit_code": 1, "output": "1 failed", "report": {"cases": {"a": case}}}
    shown = readable(lines({"kind": "tests", "what": "run", "run": run}))
    assert "## The tests: 1 failed, exit code 1\n\n`pytest -k 'a b'`\n\n```text\n1 failed\n```\n" in shown


@given(st.lists(st.tuples(KINDS, st.dictionaries(KEYS, VALUES, max_size=5)), max_size=4), st.text(max_size=20))
def test_anything_can_stand_in_it(entries: list[tuple[str, dict[str, Any]]], garbage: str) -> None:
    readable(lines(*({**values, "kind": kind} for kind, values in entries)) + "\n" + garbage)
