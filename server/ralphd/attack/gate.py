"""The gate for generated tests: what a test must show in the shadow copy before a person sees it. Knows no model.

Each test on its own: it collects; it runs on the code; other seeds give the same verdict; then it passes and catches at
least one planted fault, or it fails on one input, every time, inside the code under test. All else is dropped and counted.
"""

from __future__ import annotations

import ast
import asyncio
from collections.abc import Awaitable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

from ralphd.attack import test_modules
from ralphd.attack.admission import Admission, Admitted, Counterexample, Dropped, Reason
from ralphd.attack.mutants import Mutant
from ralphd.attack.sessions import OUT_OF_CPU, Ended, GateSetup, Pool, PytestSession, SessionMode, SessionPlan, run
from ralphd.core.encodings import encoded_like
from ralphd.core.python_source import NOT_UNDERSTOOD, parsed

_TOUCHED: Mapping[str, Reason] = {
    "network": "touches the network",
    "files": "writes files",
    "process": "starts a process",
}
_KILLS_SHOWN = 3


@dataclass(frozen=True)
class Subject:
    """The code under attack. `buffers`: open documents whose text differs from the disk."""

    source: str
    mutants: Sequence[Mutant] = ()
    buffers: Mapping[str, bytes | None] = field(default_factory=dict)


async def admit(
    pool: Pool, setting: GateSetup, subject: Subject, module: str, *, repeat: int, timeout_s: float, parallel: int = 2
) -> Admission:
    """Judge every test of `module`, all within `timeout_s`."""
    try:
        suite = test_modules.parse(module)
    except NOT_UNDERSTOOD as error:
        count = max(1, test_modules.count_tests(module))
        text = f"{type(error).__name__}: {error}"
        return Admission(count, dropped=tuple(Dropped(f"test {n + 1}", "does not collect", text) for n in range(count)))
    return await _ModuleTrial(pool, setting, subject, suite, module, repeat, timeout_s, parallel).judge()


class _ModuleTrial:
    def __init__(
        self,
        pool: Pool,
        setting: GateSetup,
        subject: Subject,
        suite: test_modules.Suite,
        module: str,
        repeat: int,
        timeout_s: float,
        parallel: int,
    ) -> None:
        self.pool, self.setting, self.subject, self.suite, self.text = pool, setting, subject, suite, module
        self.repeat, self.timeout_s = repeat, timeout_s
        self.until = asyncio.get_running_loop().time() + timeout_s
        self.slots = asyncio.Semaphore(max(1, parallel))
        self.dropped: dict[str, Dropped] = {}
        self.tests: list[str] = list(suite.tests)
        self.cpu_s = max(1.0, min(10.0, timeout_s / 12))

    # one session

    async def session(
        self,
        tests: Collection[str],
        *,
        text: str | None = None,
        code: str | None = None,
        seed: int = 0,
        mode: SessionMode = "explore",
        reverse: bool = False,
        refill: bool = True,
        cpu_s: float | None = None,
    ) -> PytestSession:
        """`text` instead of the module, `code` instead of the target's source."""
        target = self.setting.target
        overlay = {
            target: encoded_like(self.subject.source if code is None else code, self.subject.buffers.get(target)),
            self.setting.module: (self.text if text is None else text).encode("utf-8", "surrogatepass"),
        }
        limit = self.cpu_s if cpu_s is None else cpu_s
        plan = SessionPlan(
            overlay,
            tuple(sorted(tests)),
            seed,
            mode,
            limit,
            max(4 * limit, 10.0),
            reverse,
            refill,
            self.subject.buffers,
        )
        async with self.slots:
            return await run(self.pool, self.setting, plan, self.until)

    async def all(self, sessions: Sequence[Awaitable[PytestSession]]) -> list[PytestSession]:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(_as_task(session)) for session in sessions]
        return [task.result() for task in tasks]

    def drop(self, test: str, reason: Reason, detail: str = "") -> None:
        self.dropped.setdefault(test, Dropped(test, reason, detail))

    # the steps

    async def judge(self) -> Admission:
        self.refuse_imports()
        left = [test for test in self.tests if test not in self.dropped]
        if not left and self.tests:
            return self.result({}, [], 0, 0)
        first = await self.session(left if self.dropped else ())
        if not self.take_in(first):
            return self.result({}, [], 0, 0)
        left = self.runnable(first)
        if not left:
            return self.result({}, [], 0, 0)
        seeds = range(1, self.repeat + 1)
        others = await self.all([self.session(left, seed=n, reverse=n % 2 == 1, refill=False) for n in seeds])
        runs = {test: [s.tests[test] for s in (first, *others) if test in s.tests] for test in left}
        passing, failing = self.sort_out(runs)
        found = await self.confirm(failing) if failing else []
        kills, ran = await self.kill(passing, first) if passing else ({}, 0)
        killed = {mutant for names in kills.values() for mutant in names}
        found = await self.survey(found)
        return self.result({t: tuple(sorted(k, key=_by_line)) for t, k in kills.items() if k}, found, ran, len(killed))

    def refuse_imports(self) -> None:
        own = {PurePosixPath(part).stem for part in PurePosixPath(self.setting.target).parts}
        for test, kind in test_modules.forbidden(self.suite, own).items():
            self.drop(
                test, _TOUCHED[kind], f"it imports a module for {'the network' if kind == 'network' else 'processes'}"
            )
        if self.dropped and len(self.dropped) < len(self.tests):
            self.text = test_modules.keep(self.suite, {test: () for test in self.tests if test not in self.dropped})

    def take_in(self, first: PytestSession) -> bool:
        """Whether the module could be imported, and under which names pytest knows its tests."""
        reason: Reason | None = {"import": "import error", "timeout": "time-out", "collect": "does not collect"}.get(
            first.problem
        )  # type: ignore[assignment]
        if first.touched:
            reason = _TOUCHED[first.touched[0]]
        if reason is None:
            known = [test for test in self.tests if test in first.collected or test in self.dropped]
            self.tests = [*known, *(test for test in first.collected if test not in known)]
            return True
        self.tests = self.tests or ["the module"]
        for test in self.tests:
            self.drop(test, reason, _last_lines(first.detail))
        return False

    def runnable(self, first: PytestSession) -> list[str]:
        for test in self.tests:
            ended = first.tests.get(test)
            if test not in self.dropped and (why := self.disqualified(ended)):
                self.drop(test, *why)
        return [test for test in self.tests if test not in self.dropped]

    def disqualified(self, ended: Ended | None) -> tuple[Reason, str] | None:
        """Why this is neither a pass nor a failure that could be a counterexample."""
        if ended is None:
            return "time-out", "it never ran"
        if ended.touched:
            return _TOUCHED[ended.touched[0]], ended.message
        if ended.outcome == "timeout":
            return "time-out", f"it takes more than {self.cpu_s:g} s"
        if ended.outcome == "crash":
            return "crashes", "it ends the interpreter"
        if ended.outcome == "skipped":
            return "kills nothing", "it is skipped"
        said = f"{ended.exception}: {_last_lines(ended.message)}"
        if ended.outcome == "error":
            return "fails for another reason", said
        if ended.outcome == "failed":
            if any(name.startswith("Flaky") for name in (ended.exception, *ended.bases)):
                return "flaky", said
            if other := self.another_reason(ended):
                return "fails for another reason", f"{said} ({other})"
        return None

    def another_reason(self, ended: Ended) -> str:
        """A failure that says more about the test than about the code; empty where it may be a counterexample."""
        if "HypothesisException" in ended.bases or "HypothesisWarning" in ended.bases:
            return "Hypothesis refuses the test"
        if ended.exception == "MemoryError":
            return "it takes too much memory"
        if not ended.frames:
            return "no line of the project is part of it"
        path, line = ended.frames[-1][0], ended.frames[-1][1]
        if path == self.setting.module and not {"AssertionError", "Failed"} & {ended.exception, *ended.bases}:
            return "raised by the test itself"
        if path == self.setting.target and ended.direct and _is_raise(self.subject.source, line):
            return (
                f"the code refuses this input on purpose, at line {line}: leave such input out, or expect the exception"
            )
        return ""

    def sort_out(self, runs: Mapping[str, list[Ended]]) -> tuple[list[str], dict[str, list[Ended]]]:
        passing: list[str] = []
        failing: dict[str, list[Ended]] = {}
        for test, ended in runs.items():
            bad = next((why for e in ended if (why := self.disqualified(e))), None)
            if len(ended) <= self.repeat:
                self.drop(test, "time-out", "there was no time to repeat it")
            elif bad is not None:
                self.drop(test, *bad)
            elif all(e.outcome == "passed" for e in ended):
                passing.append(test)
            else:
                failing[test] = ended
        return passing, failing

    async def confirm(self, failing: Mapping[str, list[Ended]]) -> list[Counterexample]:
        """The same input must fail every time, in the code under test; seeds that did not find it are no objection."""
        examples: dict[str, dict[str, str]] = {}
        for test, runs in failing.items():
            first = next(e for e in runs if e.outcome == "failed")
            if (said := test_modules.falsifying(first.notes, test)) and (
                written := test_modules.reproducible(self.suite, said)
            ):
                examples[test] = written
        mixed = [t for t, runs in failing.items() if any(e.outcome == "passed" for e in runs)]
        for test in mixed:
            if test not in examples:
                self.drop(test, "flaky", "the verdict changes with the seed")
        tests = [t for t in failing if t not in self.dropped]
        text = test_modules.with_examples(self.text, examples)
        count = self.repeat if mixed else 1
        seeds = range(count)
        again = (
            await self.all([self.session(tests, text=text, seed=100 + n, mode="confirm") for n in seeds])
            if tests
            else []
        )
        found = []
        for test in tests:
            first = next(e for e in failing[test] if e.outcome == "failed")
            repeats = [s.tests[test] for s in again if test in s.tests]
            if len(repeats) < count:
                self.drop(test, "time-out", "there was no time to confirm it")
            elif any(e.outcome != "failed" or e.exception != first.exception for e in repeats):
                self.drop(test, "flaky", "its falsifying input does not fail again")
            elif not any(e.reached for e in repeats):
                self.drop(test, "fails for another reason", "it never enters the code under test")
            else:
                told = next(e for e in repeats if e.reached)
                found.append(self.counterexample(test, replace(first, message=told.message), examples.get(test)))
        return found

    async def survey(self, found: Sequence[Counterexample]) -> list[Counterexample]:
        """How many inputs break them: asked last, so that it takes no time from the rest."""
        told = (await self.session([c.test for c in found], seed=200, mode="survey")).tests if found else {}
        return [replace(c, share=told[c.test].share) if c.test in told else c for c in found]

    def counterexample(self, test: str, ended: Ended, example: Mapping[str, str] | None) -> Counterexample:
        pinned = test_modules.keep(self.suite, {test: ()})
        said = test_modules.falsifying(ended.notes, test)
        shown = (
            ", ".join(f"{name}={value}" for name, value in said.items())
            if said
            else test_modules.raw_example(ended.notes)
        )
        inside = [line for path, line, _, _ in ended.frames if path == self.setting.target]
        trace = [f"{path}:{line} in {name}: {source}" for path, line, name, source in ended.frames]
        return Counterexample(
            test,
            test_modules.docstring(self.suite, test),
            shown or ended.frames[-1][3],
            f"{ended.exception}: {ended.message.splitlines()[0]}" if ended.message.strip() else ended.exception,
            "\n".join([*trace, f"{ended.exception}: {ended.message}".strip().removesuffix(":")]),
            inside[-1] if inside else None,
            test_modules.with_examples(pinned, {test: example}) if example else pinned,
        )

    async def kill(self, passing: Sequence[str], first: PytestSession) -> tuple[dict[str, set[str]], int]:
        """Which mutants each test notices, and how many mutants could be tried."""
        slowest = max(first.tests[test].cpu_s for test in passing)
        limit = max(1.0, 5 * slowest + 0.5)
        sessions = await self.all(
            [self.session(passing, code=m.text, mode="kill", refill=False, cpu_s=limit) for m in self.subject.mutants]
        )
        kills: dict[str, set[str]] = {test: set() for test in passing}
        ran = 0
        for mutant, session in zip(self.subject.mutants, sessions, strict=True):
            if session.late or not session.collected:
                continue
            ran += 1
            for test in passing:
                ended = session.tests.get(test)
                if (
                    ended
                    and not ended.touched
                    and (ended.outcome in ("failed", "crash") or ended.message == OUT_OF_CPU)
                ):
                    kills[test].add(mutant.description)
        late = any(session.late for session in sessions)
        for test in [test for test, names in kills.items() if not names]:
            if late:
                self.drop(test, "time-out", "there was no time to try all mutants")
            else:
                self.drop(test, "kills nothing", "no planted fault makes it fail")
        return kills, ran

    def result(
        self, admitted: Mapping[str, tuple[str, ...]], found: Sequence[Counterexample], mutants: int, killed: int
    ) -> Admission:
        order = {test: n for n, test in enumerate(self.tests)}
        comments = {t: [f"kills: {k}" for k in kills[:_KILLS_SHOWN]] for t, kills in admitted.items()}
        return Admission(
            generated=len(self.tests),
            admitted=tuple(Admitted(t, admitted[t]) for t in sorted(admitted, key=order.__getitem__)),
            counterexamples=tuple(sorted(found, key=lambda c: order[c.test])),
            dropped=tuple(self.dropped[t] for t in sorted(self.dropped, key=order.__getitem__)),
            mutants=mutants,
            killed=killed,
            module=test_modules.keep(self.suite, comments) if comments else "",
        )


async def _as_task(session: Awaitable[PytestSession]) -> PytestSession:
    return await session


def _by_line(description: str) -> tuple[int, str]:
    return int(description.rsplit(" ", 1)[-1]), description


def _last_lines(text: str, most: int = 300) -> str:
    lines = [line.rstrip() for line in text.strip().splitlines() if line.strip()]
    return "\n".join(lines[-6:])[-most:]


def _is_raise(source: str, line: int) -> bool:
    try:
        tree = parsed(source)
    except NOT_UNDERSTOOD:
        return False
    return any(isinstance(n, ast.Raise) and n.lineno <= line <= (n.end_lineno or n.lineno) for n in ast.walk(tree))
