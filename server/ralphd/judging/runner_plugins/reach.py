"""Which tests enter the target's file: a light trace, on for the baseline only.

`sys.monitoring` where Python has it (3.12): every other code object is switched off at its first call. Else a trace
function that looks at calls only, as long as it has cost no more than its share of the time since it was made: a test
that begins or goes on beyond that is unknown. A test that starts another process may reach the target there, so it and
all tests after it are unknown (None) unless they enter the file in this process.
"""

import os
import sys
import threading
import time

_TOOL = 4
_STARTS_A_PROCESS = ("subprocess.Popen", "os.fork", "os.forkpty", "os.system", "os.posix_spawn", "os.exec", "os.spawn")
_CALLS_BETWEEN_LOOKS = 2_000
_SHARE, _AT_LEAST_S = 0.15, 0.1  # the trace may take this much of the time that passed, and so many seconds beside


class Reach:
    """Use `with reach.of() as seen:` around a test; `seen.reached` is True, False or None afterwards."""

    def __init__(self, target):
        self.target = os.path.realpath(target)
        self._inside, self._spawned, self.gave_up = False, False, False
        self._known = {}
        self._calls, self._since, self._unknown = 0, time.perf_counter(), False
        self._monitoring = getattr(sys, "monitoring", None)
        sys.addaudithook(self._audit)
        if self._monitoring is not None:
            try:
                self._monitoring.use_tool_id(_TOOL, "ralphd")
                self._monitoring.register_callback(_TOOL, self._monitoring.events.PY_START, self._started)
            except ValueError:
                self._monitoring, self.gave_up = None, True
        if self._monitoring is None:
            self._seconds_a_call = self._price()

    def start(self):
        self._inside = False
        if self._monitoring is not None:
            self._monitoring.set_events(_TOOL, self._monitoring.events.PY_START)
            self._monitoring.restart_events()
        elif not self.gave_up and sys.gettrace() is None and not self._too_dear():
            self._unknown = False
            threading.settrace(self._called)
            sys.settrace(self._called)
        else:
            self._unknown = True

    def stop(self):
        """True: the target's file was entered. False: it was not. None: that cannot be told."""
        if self._monitoring is not None:
            self._monitoring.set_events(_TOOL, 0)
            unknown = False
        else:
            unknown = self._unknown or sys.gettrace() != self._called
            if sys.gettrace() == self._called:
                sys.settrace(None)
                threading.settrace(None)
            unknown = unknown and not self._inside
        if self._inside:
            return True
        return None if unknown or self._spawned else False

    def _audit(self, event, args):
        if event in _STARTS_A_PROCESS:
            self._spawned = True

    def _is_target(self, name):
        found = self._known.get(name)
        if found is None:
            found = self._known[name] = os.path.realpath(name) == self.target
        return found

    def _started(self, code, offset):
        if self._is_target(code.co_filename):
            self._inside = True
        return self._monitoring.DISABLE

    def _called(self, frame, event, arg):
        if self._is_target(frame.f_code.co_filename):
            self._inside = True
            sys.settrace(None)
            threading.settrace(None)
            return None
        self._calls += 1
        if self._calls % _CALLS_BETWEEN_LOOKS == 0 and self._too_dear():
            self._unknown = True
            sys.settrace(None)
            threading.settrace(None)
        return None

    def _too_dear(self):
        passed = time.perf_counter() - self._since
        return self._calls * self._seconds_a_call > _AT_LEAST_S + _SHARE * passed

    def _price(self):
        """Seconds that a call costs more under the trace, on this machine and Python: the least of a few tries."""

        def called():
            pass

        def took():
            began = time.perf_counter()
            for _ in range(500):
                called()
            return time.perf_counter() - began

        if sys.gettrace() is not None:
            return 0.0  # a debugger or coverage is there already: nothing will be traced
        plain = min(took() for _ in range(3))
        sys.settrace(self._called)
        traced = min(took() for _ in range(3))
        sys.settrace(None)
        self._calls = 0
        return max(traced - plain, 0.0) / 500
