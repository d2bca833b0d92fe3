"""JUnit XML, which nearly every test runner can write -> test cases. Pure.

The file comes out of a test process: what is no well-formed report of a sane size is no report.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from xml.etree.ElementTree import Element, ParseError, fromstring

from ralphd.judging.reports import MAX_TESTS, CaseOutcome, Report, TestCase

_LONGEST_NAME = 4000


def parse_junit(files: Iterable[bytes]) -> Report | None:
    """The cases of all files together; None where none of them holds a `testsuite`, void where one cannot be read."""
    cases: dict[str, TestCase] = {}
    counts = Counter[str]()
    seen = False
    for data in files:
        try:
            elements = list(_test_cases(data))
        except (ParseError, ValueError, LookupError):  # the latter two for encodings that the parser does not know
            return Report(void="the JUnit XML of the test command cannot be read")
        seen = True
        for element in elements:
            name = _name(element)
            counts[name] += 1
            if counts[name] > 1:
                name = f"{name} #{counts[name]}"
            outcome, detail = _outcome(element)
            cases[name] = TestCase(name, outcome, detail, seconds=_seconds(element))
            if len(cases) > MAX_TESTS:
                return Report(void="the JUnit XML of the test command names too many tests")
    return Report(cases) if seen else None


def _test_cases(data: bytes) -> Iterable[Element]:
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        raise ParseError("a document type is no part of JUnit XML")
    for element in fromstring(data).iter():  # noqa: S314 -- nothing but the predefined entities is expanded
        if element.tag.rpartition("}")[2] == "testcase":
            yield element


def _name(element: Element) -> str:
    """`file::name`, where the runner names a file, else `class::name`."""
    place = element.get("file") or element.get("classname") or ""
    return "::".join(filter(None, (place, element.get("name"))))[:_LONGEST_NAME] or "(no name)"


def _outcome(element: Element) -> tuple[CaseOutcome, str]:
    for child in element:
        kind = child.tag.rpartition("}")[2]
        text = "\n".join(filter(None, (child.get("message"), (child.text or "").strip())))
        if kind == "failure":
            return "failed", text
        if kind == "error":
            return "error", text
        if kind in ("skipped", "disabled"):
            return ("xfailed" if child.get("type") == "pytest.xfail" else "skipped"), ""
    return "passed", ""


def _seconds(element: Element) -> float | None:
    try:
        return float(element.get("time", ""))
    except ValueError:
        return None
