"""The pytest plugin: sends what pytest itself reports. Loaded by PYTEST_ADDOPTS, however the command starts pytest."""

import os
import sys

import pytest

from . import canaries, channel, reach

# Here no conftest.py, and so no code of the project, has been imported yet.
_session = channel.take()
if _session is not None and not {"-h", "--help", "-V", "--version"} & set(sys.argv):
    _session.begin()


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


class Names:
    """Ids as the server has them: files relative to the workspace, wherever in it pytest found its own root."""

    def __init__(self, rootpath, workspace):
        self._rootpath, self._workspace, self._files = str(rootpath), workspace, {}

    def __call__(self, nodeid):
        file, separator, rest = nodeid.partition("::")
        if file not in self._files:
            found = os.path.relpath(os.path.join(self._rootpath, file), self._workspace) if self._workspace else file
            self._files[file] = file if found.startswith("..") else found.replace(os.sep, "/")
        return self._files[file] + separator + rest


class Report:
    def __init__(self, session, settings, name):
        self.session, self.only, self.collect = session, settings.get("only"), settings.get("collect")
        self.name = name
        self.reach = reach.Reach(settings["target"]) if settings.get("target") else None
        self.tests, self.part_skips, self.errors, self.worker_canaries, self.left = {}, {}, [], [], False

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, session, config, items):
        if self.only is not None:
            wanted = set(self.only)
            kept, others = [], []
            for item in items:
                name = self.name(item.nodeid)
                (kept if wanted & {name, name.split("[", 1)[0]} else others).append(item)
            config.hook.pytest_deselected(items=others)
            items[:] = kept

    def pytest_collectreport(self, report):
        if report.failed:
            entry = {"nodeid": self.name(report.nodeid), "longrepr": str(report.longrepr), "frames": _frames(report)}
            self.errors.append(entry)

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item, nextitem):
        if self.reach is None:
            yield
            return
        self.reach.start()
        yield
        reached = self.reach.stop()
        if (known := self.tests.get(self.name(item.nodeid))) is not None:
            known["reached"] = reached

    def pytest_runtest_logstart(self, nodeid, location):
        self.session.tick(self.name(nodeid))

    def pytest_runtest_logreport(self, report):
        if report.when != "call" and report.passed:
            return
        name = self.name(report.nodeid)
        if type(report).__name__.lower() == "subtestreport":  # pytest's own, or of pytest-subtests
            skipped = report.skipped and not hasattr(report, "wasxfail")
            self.part_skips[name] = self.part_skips.get(name, 0) + skipped
            if not report.failed:
                return  # the report of the whole test comes after those of its parts
        known = self.tests.get(name)
        if report.when == "call":
            outcome = "xfailed" if report.skipped and hasattr(report, "wasxfail") else report.outcome
        else:
            outcome = "skipped" if report.skipped else "error"
        if report.when == "setup" and report.skipped and hasattr(report, "wasxfail"):
            outcome = "xfailed"
        if known is not None and known["outcome"] in ("failed", "error"):
            return
        text = "" if outcome in ("passed", "xfailed") else str(report.longrepr)
        self.tests[name] = {
            "nodeid": name,
            "outcome": outcome,
            "longrepr": text,
            "frames": _frames(report) if outcome in ("failed", "error") else [],
            "sections": [[name, body] for name, body in report.sections] if outcome == "failed" else [],
            "reached": None,
        }

    def pytest_keyboard_interrupt(self, excinfo):
        self.left = True

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node, error):
        """An xdist worker ended: the tests ran there, so its canaries count."""
        self.worker_canaries.append(getattr(node, "workeroutput", {}).get("ralphd_canaries", "none"))

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session, exitstatus):
        items = [self.name(item.nodeid) for item in getattr(session, "items", [])]
        if self.worker_canaries:
            held = False if False in self.worker_canaries else all(h is True for h in self.worker_canaries) or None
        else:
            held = canaries.held(session) if items and not self.collect and not self.left else None
        for name, count in self.part_skips.items():
            if name in self.tests:
                self.tests[name]["part_skips"] = count
        data = {
            "exit": int(exitstatus),
            "left": self.left,
            "canaries": held,
            "unrun": [] if self.collect else [name for name in items if name not in self.tests],
            "collected": items if self.collect else [],
            "tests": list(self.tests.values()),
            "errors": self.errors,
        }
        self.session.send(data)


class WorkerCanaries:
    """In an xdist worker: the controller sees the tests' reports, but only the worker can run canaries."""

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session):
        session.config.workeroutput["ralphd_canaries"] = canaries.held(session)


def pytest_configure(config):
    if hasattr(config, "workerinput"):
        config.pluginmanager.register(WorkerCanaries(), "ralphd-canaries")
        return
    session = channel.begin()
    if session is None:
        return  # pytest within pytest
    settings = channel.settings()
    if settings.get("collect"):
        config.option.collectonly = True
    if settings.get("stop"):
        config.option.maxfail = 1
    names = Names(config.rootpath, settings.get("root"))
    config.pluginmanager.register(Report(session, settings, names), "ralphd-report")
