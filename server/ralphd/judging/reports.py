"""Test runners' own reports -> test cases. Pure: knows neither processes nor verdicts.

pytest through our plugin (its TestReport objects), go through `-json`, Node's runner through its JUnit reporter, cargo
through its closing lines (libtest's JSON is unstable). Anything else has an exit code and no cases.
"""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

CaseOutcome = Literal["passed", "failed", "error", "skipped", "xfailed"]


@dataclass(frozen=True)
class TestCase:
    """One test as its runner reported it."""

    __test__ = False

    nodeid: str
    outcome: CaseOutcome
    detail: str = ""
    """The failure as the runner words it, unnormalised."""
    frames: tuple[tuple[str, int], ...] = ()
    """(path as reported, 0-based line) of the failure's traceback."""

    @property
    def bad(self) -> bool:
        return self.outcome in ("failed", "error")


@dataclass(frozen=True)
class Report:
    cases: Mapping[str, TestCase] = field(default_factory=dict)
    counts: tuple[int, int, int] | None = None
    """(passed, failed, skipped) where a runner tells only sums."""

    @property
    def present(self) -> bool:
        return bool(self.cases) or self.counts is not None


def parse_pytest(files: Iterable[str]) -> Report | None:
    """Join the JSON reports of all pytest sessions of one command; None where there is none."""
    cases: dict[str, TestCase] = {}
    seen = False
    for text in files:
        try:
            data: Any = json.loads(text)
        except ValueError:
            continue
        seen = True
        for entry in data.get("tests", []):
            detail = entry["longrepr"]
            detail += "".join(f"\n--- {name} ---\n{body}" for name, body in entry.get("sections", []) if "call" in name)
            cases[entry["nodeid"]] = TestCase(entry["nodeid"], entry["outcome"], detail, _frames(entry))
        for entry in data.get("errors", []):
            cases[entry["nodeid"]] = TestCase(entry["nodeid"], "error", entry["longrepr"], _frames(entry))
    return Report(cases) if seen else None


def _frames(entry: Mapping[str, Any]) -> tuple[tuple[str, int], ...]:
    return tuple((str(path), int(line)) for path, line in entry.get("frames", []))


def parse_junit(files: Iterable[str]) -> Report | None:
    """JUnit XML, as Node's test runner writes it."""
    cases: dict[str, TestCase] = {}
    seen = False
    for text in files:
        try:
            root = ET.fromstring(text)  # noqa: S314 (expat limits entity expansion)
        except ET.ParseError:
            continue
        seen = True
        for case in root.iter("testcase"):
            name = "::".join(part for part in (case.get("file"), case.get("classname"), case.get("name")) if part)
            failure = case.find("failure") if case.find("failure") is not None else case.find("error")
            skipped = case.find("skipped") is not None
            outcome: CaseOutcome = "failed" if failure is not None else "skipped" if skipped else "passed"
            detail = "" if failure is None else f"{failure.get('message', '')}\n{failure.text or ''}"
            cases[name] = TestCase(name, outcome, detail)
    return Report(cases) if seen else None


def parse_go(output: str) -> Report | None:
    """`go test -json`: one event a line."""
    outcomes: dict[str, CaseOutcome] = {}
    details: dict[str, str] = {}
    for line in output.splitlines():
        if not line.startswith("{"):
            continue
        try:
            event = json.loads(line)
        except ValueError:
            continue
        package, test, action = event.get("Package", ""), event.get("Test"), event.get("Action")
        name = f"{package}.{test}" if test else package
        if action == "output":
            details[name] = details.get(name, "") + event.get("Output", "")
        elif test and action in ("pass", "fail", "skip"):
            outcomes[name] = {"pass": "passed", "fail": "failed", "skip": "skipped"}[action]  # type: ignore[assignment]
        elif not test and action == "fail" and not any(key.startswith(f"{package}.") for key in outcomes):
            outcomes[name] = "error"
    if not outcomes:
        return None
    return Report(
        {n: TestCase(n, o, details.get(n, "") if o in ("failed", "error") else "") for n, o in outcomes.items()}
    )


_CARGO_TEST = re.compile(r"^test (\S+)(?: - should panic)? \.\.\. (ok|FAILED|ignored)", re.MULTILINE)
_CARGO_SUM = re.compile(r"^test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored", re.MULTILINE)


def parse_cargo(output: str) -> Report | None:
    sums = _CARGO_SUM.findall(output)
    if not sums:
        return None
    words: Mapping[str, CaseOutcome] = {"ok": "passed", "FAILED": "failed", "ignored": "skipped"}
    cases = {
        name: TestCase(name, words[word], _cargo_detail(output, name)) for name, word in _CARGO_TEST.findall(output)
    }
    passed, failed, skipped = (sum(int(row[i]) for row in sums) for i in range(3))
    return Report(cases, (passed, failed, skipped))


def _cargo_detail(output: str, name: str) -> str:
    match = re.search(
        rf"^---- {re.escape(name)} stdout ----\n(.*?)(?=^----|^failures:|\Z)", output, re.MULTILINE | re.DOTALL
    )
    return match[1] if match else ""
