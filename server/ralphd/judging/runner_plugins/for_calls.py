"""A pytest plugin that calls one function of one version with many inputs, and sends what it gave through the channel.

pytest only imports the module of the calls, so that imports work as they do in the project's tests; then this takes its
place. Each version runs in a process of its own: whatever it forges here is its own answer, one vote among others.
Each input is evaluated anew for each call, so that no call sees what another did to its arguments.
"""

import itertools
import json
import linecache
import os
import signal
import types

import pytest

from . import channel

CALL_CPU_S = 1.0
MOST_SLOW = 2
"""Calls that ran out of time; after so many no further one is made."""
SESSION_CPU_S = 60
MOST_ITEMS = 2000
"""Of one value, however deep; a bigger one is not compared."""
MOST_SHOWN = 300

_session = channel.take()


class TooSlow(BaseException):
    """Ends a call that used up its time. No Exception, so that a version's own `except Exception` does not catch it."""


class TooBig(Exception):
    """A value that cannot be compared."""


def _stop(number, frame):
    raise TooSlow


class Values:
    """Turns one value into JSON that two processes can compare: the same for equal values, whatever their identity."""

    def __init__(self):
        self.left = MOST_ITEMS
        self.inside = []

    def of(self, value):
        self.left -= 1
        if self.left < 0 or any(value is outer for outer in self.inside):
            raise TooBig
        kind = type(value)
        if value is None or kind is bool:
            return [str(value)]
        if kind in (int, float):
            return ["number", repr(value)]
        if kind in (str, bytes, bytearray):
            return [kind.__name__, str(value) if kind is str else bytes(value).hex()]
        if isinstance(value, complex):
            return ["complex", repr(value.real), repr(value.imag)]
        self.inside.append(value)
        try:
            return self.compound(value, kind)
        finally:
            self.inside.pop()

    def compound(self, value, kind):
        if isinstance(value, dict):
            return ["map", sorted([[self.of(k), self.of(v)] for k, v in value.items()], key=json.dumps)]
        if isinstance(value, (set, frozenset)):
            return ["set", sorted((self.of(item) for item in value), key=json.dumps)]
        if isinstance(value, (list, tuple, range)) or hasattr(kind, "__next__"):
            return ["items", [self.of(item) for item in itertools.islice(value, MOST_ITEMS)]]
        if isinstance(value, (types.FunctionType, types.BuiltinFunctionType, types.ModuleType, type)):
            raise TooBig
        if getattr(kind, "__repr__", None) is not object.__repr__ and kind.__module__.partition(".")[0] in (
            "decimal", "fractions", "datetime", "pathlib", "uuid", "ipaddress", "enum", "re",
        ):  # fmt: skip
            return ["object", kind.__name__, repr(value)]
        slots = [name for base in kind.__mro__ for name in getattr(base, "__slots__", ()) if hasattr(value, name)]
        fields = {**getattr(value, "__dict__", {}), **{name: getattr(value, name) for name in slots}}
        if not fields and hasattr(kind, "__iter__"):
            return ["items", [self.of(item) for item in itertools.islice(value, MOST_ITEMS)]]
        if not fields and kind.__repr__ is object.__repr__:
            raise TooBig
        if not fields:
            return ["object", kind.__name__, repr(value)[:MOST_SHOWN]]
        return ["object", kind.__name__, sorted([name, self.of(item)] for name, item in fields.items())]


class Calls:
    def __init__(self, session, settings):
        self.session, self.settings = session, settings
        self.slow = 0

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session):
        if not session.items:
            return None  # the module cannot be imported: pytest says so, and nothing is sent
        names = vars(session.items[0].module)
        _into_nothing()
        answer = {"results": [], "drawn": {}}
        for recipe in self.settings.get("recipes", ()):
            answer["drawn"].setdefault(str(recipe["place"]), []).extend(self.drawn(recipe, names))
        answer["results"] = [self.result(text, names) for text in self.settings.get("inputs", ())]
        self.session.send(answer)
        os._exit(0)

    # calls

    def result(self, text, names):
        if self.slow >= MOST_SLOW:
            return {"kind": "none"}
        first = self.once(text, names)
        if first["kind"] == "slow":
            self.slow += 1
            return first
        return first if first == self.once(text, names) else {"kind": "varies"}

    def once(self, text, names):
        try:
            arguments = eval(text, dict(names))
            before = repr(arguments)
        except Exception:
            return {"kind": "none"}
        try:
            signal.setitimer(signal.ITIMER_PROF, CALL_CPU_S, 0.1)
            try:
                value = names[self.settings["name"]](*arguments)
                iterated = hasattr(type(value), "__next__")
                if iterated:
                    value = list(itertools.islice(value, MOST_ITEMS))
                if value is None and repr(arguments) != before:
                    return self.given("changed", list(arguments))
                return {**self.given("value", value), "iterated": iterated}
            finally:
                signal.setitimer(signal.ITIMER_PROF, 0)
        except TooSlow:
            return {"kind": "slow"}
        except (TooBig, RecursionError, MemoryError):
            return {"kind": "none"}
        except Exception as error:
            kinds = [kind.__name__ for kind in type(error).__mro__]
            return {
                "kind": "raise",
                "value": kinds[0],
                "shown": kinds[0][:MOST_SHOWN],
                "deliberate": self.deliberate(error),
            }
        except BaseException:
            return {"kind": "none"}

    def given(self, kind, value):
        return {"kind": kind, "value": Values().of(value), "shown": repr(value)[:MOST_SHOWN]}

    def deliberate(self, error):
        """Whether a statement of the project's own code raised it: then it is the code's answer, not an accident."""
        trace = error.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        if trace is None:
            return False
        path = os.path.realpath(trace.tb_frame.f_code.co_filename)
        own = path.startswith(os.path.realpath(self.settings["root"]) + os.sep) and "site-packages" not in path
        return own and linecache.getline(path, trace.tb_lineno).lstrip().startswith(("raise", "assert"))

    # inputs

    def drawn(self, recipe, names):
        """Sources of what Hypothesis makes; none where the environment has no Hypothesis."""
        try:
            from hypothesis import HealthCheck, Phase, given, seed, settings
            from hypothesis import strategies as st
        except ImportError:
            return []
        found = []
        characters = "aBnt01 -_,.:'\"\\\n\t"
        known = {"st": st, "any_text": st.text() | st.text(characters) | st.text(characters, min_size=20, max_size=80)}
        try:
            arguments = eval(recipe["strategy"], {**names, **known})

            @seed(0)
            @settings(
                max_examples=self.settings["most"],
                database=None,
                deadline=None,
                suppress_health_check=list(HealthCheck),
                phases=[Phase.generate],
            )
            @given(arguments)
            def collect(values):
                if recipe["place"] is None:
                    found.append(repr(values))
                else:
                    try:
                        found.append(repr(names[recipe["name"]](*values)))
                    except Exception:
                        pass

            collect()
        except Exception:
            pass
        return [text for text in dict.fromkeys(found) if len(text) <= MOST_SHOWN]


def _into_nothing():
    """What a version prints is of no interest, and may be without end."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)
    os.dup2(nothing, 2)


def pytest_configure(config):
    session = channel.begin()
    if session is None:
        return
    for name, value in (("numprocesses", None), ("dist", "no"), ("tx", []), ("keyword", ""), ("markexpr", "")):
        if hasattr(config.option, name):
            setattr(config.option, name, value)
    signal.signal(signal.SIGPROF, _stop)
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_CPU, (SESSION_CPU_S, SESSION_CPU_S + 1))
    except (ImportError, ValueError, OSError):
        pass
    config.pluginmanager.register(Calls(session, channel.settings()), "ralphd-calls")
