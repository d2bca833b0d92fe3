"""A pytest plugin that runs in the person's own environment: writes what pytest itself reports, as JSON.

Loaded by PYTEST_ADDOPTS, so that it is there however the test command starts pytest. Standard library and pytest only.
One file per session in $RALPHD_REPORT_DIR; a process that dies before the session's end leaves none, and no report is
not green. With $RALPHD_ONLY (JSON list of node ids) only those tests run.
"""

import json
import os

import pytest


def _frames(report):
    """[[path, 0-based line], ...] of a failure's traceback."""
    chain = getattr(report.longrepr, "chain", None)
    tracebacks = [part[0] for part in chain] if chain else [getattr(report.longrepr, "reprtraceback", None)]
    found = []
    for traceback in tracebacks:
        for entry in getattr(traceback, "reprentries", None) or []:
            place = getattr(entry, "reprfileloc", None)
            if place is not None:
                found.append([str(place.path), int(place.lineno or 1) - 1])
    return found


class Report:
    def __init__(self, directory, only):
        self.directory, self.only = directory, only
        self.tests, self.errors, self.collected = {}, [], 0

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, session, config, items):
        if self.only:
            kept = [item for item in items if item.nodeid in self.only]
            config.hook.pytest_deselected(items=[item for item in items if item not in kept])
            items[:] = kept

    def pytest_collectreport(self, report):
        if report.failed:
            self.errors.append({"nodeid": report.nodeid, "longrepr": str(report.longrepr), "frames": _frames(report)})

    def pytest_runtest_logreport(self, report):
        if report.when != "call" and report.passed:
            return
        known = self.tests.get(report.nodeid)
        if report.when == "call":
            outcome = "xfailed" if report.skipped and hasattr(report, "wasxfail") else report.outcome
        else:
            outcome = "skipped" if report.skipped else "error"
        if report.when == "setup" and report.skipped and hasattr(report, "wasxfail"):
            outcome = "xfailed"
        if known is not None and known["outcome"] in ("failed", "error"):
            return
        text = "" if outcome in ("passed", "xfailed") else str(report.longrepr)
        self.tests[report.nodeid] = {
            "nodeid": report.nodeid,
            "outcome": outcome,
            "longrepr": text,
            "frames": _frames(report) if outcome in ("failed", "error") else [],
            "sections": [[name, body] for name, body in report.sections] if outcome == "failed" else [],
        }

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session, exitstatus):
        data = {
            "exit": int(exitstatus),
            "rootdir": str(session.config.rootpath),
            "collected": session.testscollected,
            "tests": list(self.tests.values()),
            "errors": self.errors,
        }
        path = os.path.join(self.directory, "report-%d.json" % os.getpid())
        with open(path + ".part", "w", encoding="utf-8", errors="backslashreplace") as out:
            json.dump(data, out)
        os.replace(path + ".part", path)


def pytest_configure(config):
    if hasattr(config, "workerinput"):
        return  # an xdist worker: the controller sees its reports
    directory = os.environ.pop("RALPHD_REPORT_DIR", "")
    only = os.environ.pop("RALPHD_ONLY", "")
    if directory and os.path.isdir(directory):
        config.pluginmanager.register(Report(directory, set(json.loads(only)) if only else None), "ralphd-report")
