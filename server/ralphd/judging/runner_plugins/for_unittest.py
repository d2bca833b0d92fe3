"""The unittest reporter: watches the result object of `TextTestRunner.run`, which Django's runner uses as well."""

import functools
import os
import re
import sys
import traceback

from . import channel

_METHODS = {
    "addSuccess": "passed",
    "addFailure": "failed",
    "addError": "error",
    "addSkip": "skipped",
    "addExpectedFailure": "xfailed",
    "addUnexpectedSuccess": "failed",
}


def watch(module):
    """Wrap `TextTestRunner.run` of the module `unittest.runner`; the first run of a process is its session."""
    original = module.TextTestRunner.run

    @functools.wraps(original)
    def run(self, test):
        session = channel.begin()
        if session is None:
            return original(self, test)
        cases = {}
        make = self._makeResult
        self._makeResult = lambda: _watched(make(), cases, session)
        result = original(self, test)
        session.send({"unittest": True, "tests": list(cases.values()), "errors": []})
        return result

    module.TextTestRunner.run = run


def _watched(result, cases, session):
    start = result.startTest

    def start_test(test):
        session.tick(_name(test))
        return start(test)

    result.startTest = start_test
    for name, outcome in _METHODS.items():
        setattr(result, name, _recording(getattr(result, name), outcome, cases))
    original = result.addSubTest

    def add_sub_test(test, subtest, err):
        if err is not None:
            _note(cases, test, "failed", err)
        return original(test, subtest, err)

    result.addSubTest = add_sub_test
    return result


def _recording(original, outcome, cases):
    def add(test, *rest):
        _note(cases, test, outcome, rest[0] if rest else None)
        return original(test, *rest)

    return add


def _note(cases, test, outcome, detail):
    name = _name(test)
    if name in cases and cases[name]["outcome"] in ("failed", "error"):
        return
    text, frames = "", []
    if isinstance(detail, tuple):
        text = "".join(traceback.format_exception(*detail))
        frames = [[f.filename, (f.lineno or 1) - 1] for f in traceback.extract_tb(detail[2])]
    elif isinstance(detail, str):
        text = detail
    cases[name] = {
        "nodeid": name,
        "outcome": outcome,
        "longrepr": text,
        "frames": frames if outcome in ("failed", "error") else [],
        "sections": [],
        "reached": None,
    }


def _name(test):
    """`tests/test_x.py::Class::method`, as pytest would name it; a module that cannot be imported by its file alone."""
    kind, method = type(test), getattr(test, "_testMethodName", "")
    if kind.__name__ == "_FailedTest":
        path = method.replace(".", "/") + ".py"
        return path if os.path.exists(path) else method
    if not method:
        inner = re.search(r"\((?:[\w.]*\.)?([\w.]+)\)", str(test))
        return inner.group(0).strip("()") if inner else str(test)
    module = sys.modules.get(kind.__module__)
    path = os.path.relpath(getattr(module, "__file__", None) or kind.__module__)
    return "::".join((path.replace(os.sep, "/"), kind.__qualname__, method))
