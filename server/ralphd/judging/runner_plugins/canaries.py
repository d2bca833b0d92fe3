"""Three tests of our own that go through the same hooks as the person's: one passes, one fails, one is skipped.

A session that reports them otherwise reports whatever the candidate wants. They are no part of the collection, the
counts, the exit status or the terminal: only the hooks that run an item and make its report are called.
"""

import types

import pytest


def held(session):
    """True: all three ended as they must. False: they did not. None: this pytest cannot run them."""
    try:
        from _pytest.fixtures import FuncFixtureInfo

        items = [(_item(session, FuncFixtureInfo, body), wanted) for body, wanted in _BODIES]
    except Exception:
        return None
    return all(_outcome(item) == wanted for item, wanted in items)


def _passes():
    pass


def _fails():
    raise AssertionError


def _is_skipped():
    pytest.skip("")


_BODIES = ((_fails, "failed"), (_passes, "passed"), (_is_skipped, "skipped"), (_fails, "failed"))


class _Module(pytest.Module):
    def _getobj(self):
        return types.ModuleType("checks")


def _item(session, fixture_info, body):
    parent = _Module.from_parent(session, path=session.config.rootpath / "checks.py")
    empty = fixture_info(argnames=(), initialnames=(), names_closure=[], name2fixturedefs={})
    return pytest.Function.from_parent(parent, name="test_" + body.__name__, callobj=body, fixtureinfo=empty)


def _outcome(item):
    hook = item.ihook
    for when, run in (("setup", hook.pytest_runtest_setup), ("call", hook.pytest_runtest_call)):
        call = pytest.CallInfo.from_call(lambda run=run: run(item=item), when=when)
        report = hook.pytest_runtest_makereport(item=item, call=call)
        if type(report) is not pytest.TestReport or when == "call" or report.outcome != "passed":
            break
    pytest.CallInfo.from_call(lambda: hook.pytest_runtest_teardown(item=item, nextitem=None), when="teardown")
    return report.outcome if type(report) is pytest.TestReport and not hasattr(report, "wasxfail") else "other"
