"""A pytest plugin that runs in the person's own environment: judges generated tests one by one, as JSON lines.

Loaded by `-p ralphd_chaos`; standard library and pytest only, Hypothesis where it is there. Every line is written at
once, so that a test that kills its process is still known by name. What a generated test may not do (network, processes,
files outside the temporary folder) is refused here as well as by the sandbox: the person may run the test later without one.
"""

import dis
import functools
import json
import os
import re
import signal
import sys
import tempfile
import threading
import time

import pytest

NETWORK = frozenset(
    (
        "socket.connect", "socket.bind", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto", "socket.sendmsg",
        "urllib.Request", "http.client.connect", "ftplib.connect", "smtplib.connect", "imaplib.open", "poplib.connect",
    )
)  # fmt: skip
PROCESS = frozenset(
    (
        "subprocess.Popen", "os.system", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.kill", "os.killpg",
        "pty.spawn", "os.startfile", "_winapi.CreateProcess", "ctypes.dlopen",
    )
)  # fmt: skip
FILES = frozenset(
    (
        "os.remove",
        "os.rename",
        "os.rmdir",
        "os.mkdir",
        "os.link",
        "os.symlink",
        "os.truncate",
        "os.chmod",
        "os.chown",
        "os.utime",
    )
)
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
ADDRESS = re.compile(r"0x[0-9a-fA-F]{4,}")
LONGEST = 4000


def function_of(nodeid):
    """`tests/test_x.py::Class::test_y[1]` -> `Class::test_y`."""
    return nodeid.split("::", 1)[-1].split("[")[0]


class Chaos:
    def __init__(self, out, setup):
        self.out, self.setup, self.pid = out, setup, os.getpid()
        self.root = os.path.realpath(setup["root"])  # the workspace, from the folder in which pytest was started
        self.module = os.path.realpath(os.path.join(self.root, setup["module"]))
        self.target = os.path.realpath(os.path.join(self.root, setup["target"]))
        self.allowed = [
            os.path.realpath(tempfile.gettempdir()) + os.sep,
            os.path.realpath(setup["scratch"]) + os.sep,
            "/dev/",
        ]
        self.running = self.importing = False
        self.touched, self.import_touched = set(), set()
        self.reached, self.files = False, {}
        self.tried = self.broke = 0
        self.wrapped = []
        self.failure, self.timer, self.cpu = None, None, 0.0

    def write(self, **record):
        if os.getpid() == self.pid:  # a forked child has no say
            os.write(self.out, (json.dumps(record, ensure_ascii=False) + "\n").encode("utf-8", "replace"))

    # limits

    def arm(self, test):
        def stop():
            self.write(event="timeout", test=test)
            os._exit(75)

        if hasattr(signal, "setitimer"):
            # CPU time, and the default action: ends a busy loop inside C code too, however loaded the machine is
            signal.signal(signal.SIGPROF, signal.SIG_DFL)
            signal.setitimer(signal.ITIMER_PROF, self.setup["cpu_s"])
        self.timer = threading.Timer(self.setup["wall_s"], stop)
        self.timer.daemon = True
        self.timer.start()
        self.cpu = time.process_time()

    def disarm(self):
        if hasattr(signal, "setitimer"):
            signal.setitimer(signal.ITIMER_PROF, 0)
        if self.timer is not None:
            self.timer.cancel()
        self.timer = None

    # what a test may not do

    def audit(self, event, args):
        if not (self.running or self.importing) or os.getpid() != self.pid:
            return
        what = None
        if event in NETWORK:
            what = "network"
        elif event in PROCESS:
            what = None if event == "ctypes.dlopen" and not self.ours() else "process"
        elif event == "open":
            path, mode, flags = (tuple(args) + (None, None, None))[:3]
            writes = any(c in str(mode or "") for c in "wax+") or (isinstance(flags, int) and flags & WRITING)
            what = "files" if writes and not self.may_write(path) else None
        elif event in FILES or event.startswith("shutil."):
            paths = [a for a in args if isinstance(a, (str, bytes, os.PathLike))]
            what = "files" if not all(map(self.may_write, paths)) else None
        if what is None or (self.importing and not self.ours()):
            return
        (self.import_touched if self.importing else self.touched).add(what)
        raise PermissionError("a generated test may not touch this: " + what)

    def may_write(self, path):
        if isinstance(path, int):
            return True
        try:
            real = os.path.realpath(os.fsdecode(path)) + os.sep
            return real.startswith(tuple(self.allowed)) and not real.startswith(self.root + os.sep)
        except (TypeError, ValueError):
            return False

    def ours(self):
        """Whether the nearest file of the workspace on the stack is the generated module, not the code it imports."""
        frame = sys._getframe(2)
        while frame is not None:
            name = frame.f_code.co_filename
            if name == self.module:
                return True
            if name.startswith(self.root + os.sep) and "site-packages" not in name:
                return False
            frame = frame.f_back
        return False

    def profile(self, frame, event, arg):
        """Whether the code under test is entered at all."""
        if event == "call":
            name = frame.f_code.co_filename
            if name not in self.files:
                self.files[name] = os.path.realpath(name) == self.target
            if self.files[name] and self.in_lines(frame.f_code):
                self.reached = True
                sys.setprofile(None)

    def in_lines(self, code):
        first, last = self.setup["lines"]
        inside = code.co_firstlineno <= last and max(line for _, line in dis.findlinestarts(code) if line) >= first
        return inside and code.co_name != "<module>"

    # pytest

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self, config):
        self.write(event="session")
        sys.addaudithook(self.audit)
        self.arm(None)

    @pytest.hookimpl(hookwrapper=True)
    def pytest_make_collect_report(self, collector):
        path = str(getattr(collector, "path", getattr(collector, "fspath", "")))
        self.importing = isinstance(collector, pytest.Module) and os.path.realpath(path) == self.module
        yield
        self.importing = False

    def pytest_collectreport(self, report):
        if report.failed:
            text = str(report.longrepr)
            kind = "import" if "ImportError" in text or "ModuleNotFoundError" in text else "collect"
            self.write(
                event="error", kind=kind, text=ADDRESS.sub("0x…", text[-LONGEST:]), touched=sorted(self.import_touched)
            )

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, session, config, items):
        self.disarm()
        if self.setup["reverse"]:
            items.reverse()
        for item in items:
            self.steady(item)
        tests = sorted({function_of(item.nodeid) for item in items})
        self.write(event="collected", tests=tests, touched=sorted(self.import_touched))

    def steady(self, item):
        """The same inputs for the same seed, whatever the test's own decorators say."""
        test = getattr(item.obj, "__func__", item.obj)
        if not getattr(test, "is_hypothesis_test", False):
            return
        from hypothesis import HealthCheck, Phase, settings

        dropped = {"reuse", "explain"} | ({"shrink", "target"} if self.setup["mode"] == "kill" else set())
        dropped |= {"generate", "target"} if self.setup["mode"] == "confirm" and self.has_example(test) else set()
        if self.setup["mode"] == "survey":
            dropped |= {"explicit", "shrink", "target"}
            self.wrap(test, self.counted)
        elif not self.setup["refill"]:
            self.wrap(test, functools.partial(self.content, most=self.setup["max_examples"]))
        test._hypothesis_internal_use_settings = settings(
            getattr(test, "_hypothesis_internal_use_settings", None) or settings.default,
            max_examples=self.setup["max_examples"],
            deadline=None,
            database=None,
            derandomize=False,
            print_blob=False,
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
            phases=[phase for phase in Phase if phase.name not in dropped],
        )
        test._hypothesis_internal_use_seed = None
        test._hypothesis_internal_use_reproduce_failure = None

    def wrap(self, test, around):
        """Once: parameters of one test share its function."""
        if test not in self.wrapped:
            self.wrapped.append(test)
            test.hypothesis.inner_test = around(test.hypothesis.inner_test)

    def counted(self, inner):
        """Goes on after a failure, so that all inputs are tried. Exceptions that steer Hypothesis and pytest pass through."""

        @functools.wraps(inner)
        def run(*args, **kwargs):
            try:
                value = inner(*args, **kwargs)
            except (KeyboardInterrupt, SystemExit, GeneratorExit):
                raise
            except BaseException as error:
                steers = type(error).__module__.startswith(("hypothesis", "_pytest"))
                if steers and not isinstance(error, pytest.fail.Exception):
                    raise
                self.broke += 1
                value = None
            self.tried += 1
            return value

        return run

    @staticmethod
    def content(inner, most):
        """Beyond `most`, an input that the test rejects counts as one that it passed: Hypothesis looks for no other in its
        place."""
        from hypothesis.errors import UnsatisfiedAssumption

        rejected = 0

        @functools.wraps(inner)
        def run(*args, **kwargs):
            nonlocal rejected
            try:
                return inner(*args, **kwargs)
            except UnsatisfiedAssumption:
                rejected += 1
                if rejected <= most:
                    raise
                return None

        return run

    @staticmethod
    def has_example(test):
        return bool(getattr(test, "hypothesis_explicit_examples", ()))

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_protocol(self, item):
        test = function_of(item.nodeid)
        self.write(event="start", test=test)
        self.failure, self.reached = None, False
        self.tried = self.broke = 0
        self.touched.clear()
        self.arm(test)
        yield
        self.disarm()

    @pytest.hookimpl(hookwrapper=True)
    def pytest_pyfunc_call(self, pyfuncitem):
        self.running = True
        if self.setup["mode"] == "confirm":
            sys.setprofile(self.profile)
        yield
        sys.setprofile(None)
        self.running = False

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(self, item, call):
        if call.excinfo is not None and self.failure is None:
            self.failure = self.describe(call.excinfo)
        result = yield
        report = result.get_result()
        bad = report.failed or (report.when == "setup" and report.skipped)
        if report.when == "call" or bad:
            outcome = report.outcome if report.when == "call" or report.skipped else "error"
            self.write(
                event="end",
                test=function_of(item.nodeid),
                outcome=outcome,
                touched=sorted(self.touched),
                reached=self.reached,
                share=self.broke / self.tried if self.tried else 0.0,
                cpu_s=time.process_time() - self.cpu,
                **((self.failure or {}) if bad else {}),
            )

    def describe(self, excinfo):
        frames, direct = [], False
        for entry, following in zip(excinfo.traceback, [*excinfo.traceback[1:], None]):
            path = os.path.realpath(str(entry.path))
            if path.startswith(self.root + os.sep) and "site-packages" not in path:
                source = str(entry.statement).strip().splitlines() or [""]
                name = os.path.relpath(path, self.root).replace(os.sep, "/")
                frames.append([name, entry.lineno + 1, entry.frame.code.name, source[0]])
                if path == self.module and following is not None:
                    direct = self.handed_on(entry.frame.raw, following.frame.raw)
        notes = "\n".join(str(note) for note in getattr(excinfo.value, "__notes__", None) or ())
        message = ADDRESS.sub("0x…", str(excinfo.value))[:LONGEST]
        names = [cls.__name__ for cls in type(excinfo.value).__mro__]
        return {
            "exception": names[0],
            "bases": names,
            "message": message,
            "notes": notes[:LONGEST],
            "frames": frames[-30:],
            "direct": direct,
        }

    @staticmethod
    def handed_on(test, called):
        """Whether a function got the test's own inputs and constants as they are, not what other code made of them."""

        def arguments(frame):
            code = frame.f_code
            return [
                frame.f_locals.get(n)
                for n in code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
                if n != "self"
            ]

        try:
            known = [*arguments(test), *test.f_code.co_consts]
            return all(any(a is k or (type(a) is type(k) and a == k) for k in known) for a in arguments(called))
        except Exception:
            return False


@pytest.hookimpl(hookwrapper=True)
def pytest_cmdline_main(config):
    """The project's own options stay, but for those that would hide, spread or stop the tests."""
    if os.environ.get("RALPHD_CHAOS"):
        for name, value in (
            ("numprocesses", None), ("dist", "no"), ("tx", []), ("maxfail", 0), ("keyword", ""), ("markexpr", ""), ("lf", False),
            ("failedfirst", False), ("newfirst", False), ("stepwise", False), ("usepdb", False), ("collectonly", False),
        ):  # fmt: skip
            if hasattr(config.option, name):
                setattr(config.option, name, value)
    yield


def pytest_addoption(parser):
    """Only asked what there is to test with: answer before the project's own code runs."""
    if os.environ.get("RALPHD_CHAOS_PROBE"):
        try:
            from hypothesis import __version__ as version
            from hypothesis import strategies as st

            st.text().validate()  # writes Hypothesis's tables of characters, which take seconds to make
        except ImportError:
            version = None
        answer = {"event": "session", "python": sys.executable, "pytest": pytest.__version__, "hypothesis": version}
        with open(os.path.join(os.environ["RALPHD_REPORT_DIR"], "chaos-probe.jsonl"), "w") as out:
            out.write(json.dumps(answer))
        os._exit(0)


def pytest_configure(config):
    directory, setup = os.environ.pop("RALPHD_REPORT_DIR", ""), os.environ.pop("RALPHD_CHAOS", "")
    if directory and setup:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_CLOEXEC", 0)
        out = os.open(os.path.join(directory, "chaos-%d.jsonl" % os.getpid()), flags, 0o600)
        config.pluginmanager.register(Chaos(out, json.loads(setup)), "ralphd-chaos")
