"""Tests whose expectation is made false on purpose: each of them has to fail. Pure.

A test that passes with a false expectation as well was not decided by what the code returns: a result is equal to
everything, an assertion or the runner was replaced, or the code reads the answer out of the tests. Changed are only
expectations that are certainly checked: a comparison with a literal that stands directly in the body of a test, a literal
in the column of a parametrised test, or of rows that a test goes through, that such a comparison uses; and where there is
none, the first assertion as a whole.
"""

from __future__ import annotations

from dataclasses import dataclass

from ralphd.attack.false_elsewhere import elsewhere
from ralphd.attack.false_in_python import in_python


@dataclass(frozen=True)
class FalseExpectations:
    path: str
    text: str
    """The whole test file with the false expectations."""
    tests: frozenset[str]
    """The names of the tests that have one: functions, or titles in JavaScript."""


def falsified(path: str, text: str) -> FalseExpectations | None:
    """The test file with false expectations; None where none is certain to be checked."""
    source = text.encode("utf-8", "surrogatepass")
    found = list(in_python(source) if path.endswith(".py") else elsewhere(path, source))
    unsure = {name for name, changes in found if not changes}
    tests = frozenset(name for name, _ in found) - unsure  # several tests may have one name
    edits = {(start, end): new for name, changes in found if name in tests for start, end, new in changes}
    if not edits:
        return None
    for (start, end), new in sorted(edits.items(), reverse=True):
        source = source[:start] + new + source[end:]
    return FalseExpectations(path, source.decode("utf-8", "surrogatepass"), tests)


def named(nodeid: str) -> str:
    """The name of a test at the end of its id, without parameters: of `a_test.py::T::test_x[1]` it is `test_x`."""
    if "::" not in nodeid:  # `package.TestX/case` of Go; `adds` of a file under Rust's `tests/`
        _, found, rest = nodeid.rpartition(".Test")
        return f"Test{rest}" if found else nodeid
    if nodeid.split("::")[0].endswith(".py"):
        nodeid = nodeid.split("[", 1)[0]
    last = nodeid.rpartition("::")[2]
    return "." + last.rpartition(".")[2] if ".py::" in nodeid and "." in last else last  # examples of `module.function`
