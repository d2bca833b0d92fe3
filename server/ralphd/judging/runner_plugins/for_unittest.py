"""The unittest reporter: watches the result object of `TextTestRunner.run`, which Django's runner uses as well."""

import functools
import os
import re
import sys
import time
import traceback
import unittest

from . import channel, reach

_workspace = channel.settings().get("root")
_UNITTEST = os.path.dirname(os.path.abspath(unittest.__file__))
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
        settings = channel.settings()
        if settings.get("stop"):
            self.failfast = True
        test = _selected(test, settings.get("only"))
        seen = _Seen(session, settings.get("target"))
        make = self._makeResult
        self._makeResult = lambda: seen.watched(make())
        result = original(self, test)
        session.send({"tests": list(seen.cases.values()), "errors": []})
        return result

    module.TextTestRunner.run = run


def _selected(suite, only):
    """A suite of the tests `only` (ids), in their order; `suite` itself where it is not unittest's own kind."""
    if not only or type(suite) is not unittest.TestSuite:
        return suite
    todo, kept = [suite], []
    while todo:
        one = todo.pop()
        if isinstance(one, unittest.TestSuite):
            todo.extend(reversed(list(one)))
        elif _name(one) in only:
            kept.append(one)
    return unittest.TestSuite(kept) if kept else suite


class _Seen:
    """What the result object of one run is told."""

    def __init__(self, session, target):
        self.session, self.cases, self.since = session, {}, 0.0
        self.parts = None  # of the test that runs: how many sub-tests passed and how many were skipped
        self.reach = reach.Reach(target) if target else None

    def watched(self, result):
        start, stop, subtest = result.startTest, result.stopTest, result.addSubTest

        def start_test(test):
            self.session.tick(_name(test))
            self.since, self.parts = time.perf_counter(), None
            start(test)
            if self.reach is not None:
                self.reach.start()

        def stop_test(test):
            reached = self.reach.stop() if self.reach is not None else None
            if self.parts is not None and _name(test) not in self.cases:
                _note(self.cases, test, "passed" if self.parts[0] else "skipped", None)  # no word comes of the whole
            if (case := self.cases.get(_name(test))) is not None:
                case.update(reached=reached, seconds=time.perf_counter() - self.since)
                case["part_skips"] = self.parts and self.parts[1]
            return stop(test)

        def add_sub_test(test, inner, err):
            self.part(err is None, False)
            if err is not None:
                _note(self.cases, test, "failed", err)
            return subtest(test, inner, err)

        result.startTest, result.stopTest, result.addSubTest = start_test, stop_test, add_sub_test
        for name, outcome in _METHODS.items():
            setattr(result, name, _recording(getattr(result, name), outcome, self))
        return result

    def part(self, passed, skipped):
        """A sub-test of the test that runs ended."""
        before = self.parts or (0, 0)
        self.parts = (before[0] + passed, before[1] + skipped)


def _recording(original, outcome, seen):
    def add(test, *rest):
        if hasattr(test, "test_case"):
            seen.part(False, outcome == "skipped")  # unittest tells of a sub-test that is skipped as of a test
        else:
            _note(seen.cases, test, outcome, rest[0] if rest else None)
        return original(test, *rest)

    return add


def _note(cases, test, outcome, detail):
    name = _name(test)
    if name in cases and cases[name]["outcome"] in ("failed", "error"):
        return
    text, frames = "", []
    if isinstance(detail, tuple):
        text = _told(detail)
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


def _told(exc_info):
    """The traceback without the frames of unittest itself."""
    whole = traceback.TracebackException(*exc_info)
    part, seen = whole, 0
    while part is not None and seen < 50:
        theirs = [frame for frame in part.stack if os.path.dirname(frame.filename) != _UNITTEST]
        part.stack = traceback.StackSummary.from_list(theirs)
        part, seen = part.__cause__ or part.__context__, seen + 1
    return "".join(whole.format())


def _name(test):
    """`tests/test_x.py::Class::method`, as pytest would name it; a module that cannot be imported by its file alone."""
    kind, method = type(test), getattr(test, "_testMethodName", "")
    if kind.__name__ == "_FailedTest":
        path = method.replace(".", "/") + ".py"
        return _relative(path) if os.path.exists(path) else method
    if not method:
        inner = re.search(r"\((?:[\w.]*\.)?([\w.]+)\)", str(test))
        return inner.group(0).strip("()") if inner else str(test)
    module = sys.modules.get(kind.__module__)
    path = _relative(getattr(module, "__file__", None) or kind.__module__)
    return "::".join((path, kind.__qualname__, method))


def _relative(path):
    """To the workspace; to the working folder for what lies outside it."""
    path = os.path.abspath(path)
    found = os.path.relpath(path, _workspace or None)
    return (os.path.relpath(path) if found.startswith("..") else found).replace(os.sep, "/")
