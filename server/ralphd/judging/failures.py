"""Two texts of one failure: what the Artisan is told (real values), and what tells whether two failures are equal.

Feedback keeps every value of the person's own tests: a date, a duration or `0xDEADBEEF` in an assertion is what has to
be mended. Only what our own machinery and the runners' closing lines add is made stable, for equal prompts have equal
bytes. The signature leaves out everything that may change from run to run, also in the values.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from ralphd.judging.verdict import TestRun, Verdict

FEEDBACK_CHARACTERS = 3000
LOCAL_FEEDBACK_CHARACTERS = 700
"""For the embedded model, which reads some 50 tokens a second."""
MAX_CHARACTERS = 200_000
"""Of one failure's text, from its end: patterns run over no more than this, whatever a test prints."""
_SHOWN_TESTS = 5
_NAMED_TESTS = 20

_ANSI = re.compile(r"\x1b\[[0-9;?]{0,40}[@-~]")
_TRAILING = re.compile(r"(?<![ \t])[ \t]+$", re.MULTILINE)
_ADDRESS = re.compile(r"(?<= at )0x[0-9a-f]{6,16}(?=>)")
"""As `<Cart object at 0x7f3a…>` in Python: where an object lies, never a value that a test compares."""
_CLOSING_LINES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"^(=+ [^\n]{0,300} in )[\d.]+s(?: \([\d:.]+\))?( =+)$", re.MULTILINE), r"\1…s\2"),  # pytest
    (re.compile(r"^(\d+ [a-z][^\n]{0,300} in )[\d.]+s(?: \([\d:.]+\))?$", re.MULTILINE), r"\1…s"),  # pytest -q
    (re.compile(r"^(Ran \d+ tests? in )[\d.]+s$", re.MULTILINE), r"\1…s"),  # unittest
    (re.compile(r"^((?:ok|FAIL)[ \t]+[^\s]{1,300}[ \t]+)[\d.]+s$", re.MULTILINE), r"\1…s"),  # go, a package
    (re.compile(r"^([ \t]{0,40}--- (?:PASS|FAIL|SKIP): [^\n(]{1,300} )\([\d.]+s\)$", re.MULTILINE), r"\1(…s)"),  # go
    (re.compile(r"^(test result: [^\n]{0,300}; finished in )[\d.]+s$", re.MULTILINE), r"\1…s"),  # cargo
    (re.compile(r"^(# duration_ms )[\d.]+$", re.MULTILINE), r"\1…"),  # node --test
    (
        re.compile(r"^([ \t]{0,40}(?:Time|Duration|Start at):?[ \t]+)[^\n]{1,200}$", re.MULTILINE),
        r"\1…",
    ),  # jest, vitest
)
"""The runners' own closing lines, whole lines only: a duration in any other line is the person's."""
_UNSTABLE: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"0x[0-9a-fA-F]{4,64}"), "0x…"),
    (re.compile(r"(?<![\d.])\d{1,20}(?:\.\d{1,20})?\s?(?:ms|s|us|µs|ns|seconds?)\b"), "…s"),
    (re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?"), "<time>"),
    (re.compile(r"(?:/tmp|/var/folders|/private/tmp)/[^\s:'\"\]),]{1,1000}"), "<tmp>"),
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"), "<uuid>"),
    (re.compile(r"\bpid[ =:]{1,8}\d{1,10}", re.IGNORECASE), "pid …"),
)


_PLACE = re.compile(r"\s{1,40}at ")


def told(text: str, root: str) -> str:
    """A failure for a reader: workspace paths relative, no colours, the runners' durations and object addresses stable."""
    text = text[-MAX_CHARACTERS:]
    text = text.replace(root.rstrip("/") + "/", "") if root.strip("/") else text
    text = _ADDRESS.sub("0x…", _ANSI.sub("", text))
    for pattern, word in _CLOSING_LINES:
        text = pattern.sub(word, text)
    return _TRAILING.sub("", text).strip()


def normalised(text: str, root: str) -> str:
    """As `told`, without any value that may differ when the same failure comes again. Nobody reads it."""
    text = told(text, root)
    for pattern, word in _UNSTABLE:
        text = pattern.sub(word, text)
    return text


def failure_text(run: TestRun, verdict: Verdict, root: str, *, local: bool, first: Collection[str] = ()) -> str:
    """What the Artisan is told: the failures with their real values, capped; those of the tests `first` (ids) lead."""
    limit = LOCAL_FEEDBACK_CHARACTERS if local else FEEDBACK_CHARACTERS
    # Where nothing could be run, what stood in the way is told although it stood there before.
    failing = verdict.failing or (() if run.count("passed") else tuple(run.bad))
    if not failing:
        tail = told(run.output, root)[-limit:]
        return f"{verdict.why}\n{tail}".strip() if not run.cases or run.exit_code else verdict.why
    failing = tuple(sorted(failing, key=lambda case: (case.nodeid not in first, case.nodeid)))
    share = max(200, limit // min(len(failing), _SHOWN_TESTS))
    parts = []
    for case in failing[:_SHOWN_TESTS]:
        detail = told(case.detail, root)
        parts.append(f"{case.nodeid}\n{_shortened(detail, share)}")
    if more := failing[_SHOWN_TESTS:]:
        parts.append(f"… and {len(more)} more: " + ", ".join(case.nodeid for case in more[:_NAMED_TESTS]))
    return "\n\n".join(parts)


def _shortened(detail: str, most: int) -> str:
    """Both ends: JavaScript's runners begin with the message, Python's end with it."""
    head = most // 3
    return detail if len(detail) <= most else f"{detail[:head]}\n…\n{detail[-(most - head) :]}"


def signature(run: TestRun, verdict: Verdict, root: str) -> str:
    """Equal for equal failures: which tests fail, and how, without what changes from run to run."""
    if verdict.failing:
        return "\n".join(f"{c.nodeid}\n{_last_lines(normalised(c.detail, root))}" for c in verdict.failing)
    return f"{verdict.why}\n{normalised(run.output, root)[-500:] if not run.cases else ''}"


def _last_lines(detail: str) -> str:
    """The lines that pytest marks as the error, else the end of the text without the places of a JavaScript stack, which
    change with every edit."""
    marked = [line for line in detail.splitlines() if line.startswith("E ")]
    if marked:
        return "\n".join(marked[:5])
    return "\n".join(line for line in detail.splitlines() if not _PLACE.match(line))[-300:]
