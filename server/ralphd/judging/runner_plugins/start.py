"""Run by `sitecustomize` in every Python that the test command starts: waits for unittest, and lets the project's or
the installation's own `sitecustomize` run as it would have."""

import os
import sys
from importlib import util
from importlib.machinery import PathFinder

from . import channel


class _WaitsForUnittest:
    def find_spec(self, name, path=None, target=None):
        if name != "unittest.runner":
            return None
        sys.meta_path.remove(self)
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
    """unittest and Django's `manage.py test` import the project before they start their runner."""
    if any(argv[at : at + 2] == ["-m", "unittest"] for at in range(len(argv))):
        session = channel.take()
        session and session.begin()
    elif "test" in argv[2:] and argv[1].endswith(("manage.py", "django", "django-admin")):
        channel.take()


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
