"""Run by `sitecustomize` in every Python that the test command starts: waits for unittest, and lets the project's or
the installation's own `sitecustomize` run as it would have."""

import os
import sys
from importlib import util
from importlib.machinery import PathFinder

from . import channel

_RUNS_TESTS = ("unittest.main(", "pytest.main(", "TextTestRunner(")
_IMPORTS_UNITTEST = ("import unittest", "from unittest")
_LONGEST_SCRIPT = 1_000_000
_VALUED = ("-W", "-X", "--check-hash-based-pycs")


class _WaitsForUnittest:
    def find_spec(self, name, path=None, target=None):
        if name != "unittest.runner":
            return None
        sys.meta_path.remove(self)
        channel.take()  # what this process imports from here on may be code of the project
        spec = PathFinder.find_spec(name, path)
        if spec is None or spec.loader is None:
            return None
        execute = spec.loader.exec_module

        def exec_module(module):
            execute(module)
            from . import for_unittest

            for_unittest.watch(module)

        spec.loader.exec_module = exec_module
        return spec


def _take_early(argv):
    """unittest, Django's `manage.py test` and a script of tests import the project before they start their runner."""
    if any(argv[at : at + 2] == ["-m", "unittest"] for at in range(len(argv))):
        session = channel.take()
        session and session.begin()
    elif "test" in argv[2:] and argv[1].endswith(("manage.py", "django", "django-admin")):
        channel.take()
    elif text := _script(argv):
        runs_tests = any(word in text for word in _RUNS_TESTS)
        if runs_tests or any(word in text for word in _IMPORTS_UNITTEST):
            session = channel.take()
            runs_tests and session and session.begin()


def _script(argv):
    """The text of the file that this process runs, `python x.py` or `python -m x`; "" for one that is not the project's.

    A program that only starts others (tox, a script that calls pytest) has to hand the report's folder on to them."""
    at = 1
    while at < len(argv) and argv[at].startswith("-") and argv[at] != "-m":
        at += 2 if argv[at] in _VALUED else 1
    if at < len(argv) and argv[at] == "-m":
        module = "".join(argv[at + 1 : at + 2]).replace(".", os.sep)
        paths = [module + ".py", os.path.join(module, "__main__.py")]
    else:
        paths = argv[at : at + 1]
    for path in paths:
        try:
            with open(path, encoding="utf-8", errors="replace") as file:
                return file.read(_LONGEST_SCRIPT)
        except OSError:
            continue
    return ""


def begin(own_folder):
    if os.environ.get("RALPHD_REPORT_DIR"):
        sys.meta_path.insert(0, _WaitsForUnittest())
        _take_early(getattr(sys, "orig_argv", []))
    elsewhere = [entry for entry in sys.path if os.path.abspath(entry or ".") != own_folder]
    spec = PathFinder.find_spec("sitecustomize", elsewhere)
    if spec is not None and spec.loader is not None:
        module = util.module_from_spec(spec)
        sys.modules["sitecustomize"] = module
        spec.loader.exec_module(module)
