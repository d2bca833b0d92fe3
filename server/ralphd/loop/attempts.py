"""Attempts of an implement run: ask the Artisan, verify the answer, test it, and decide how to ask again."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace

from ralphd.core import events
from ralphd.core.findings import Finding
from ralphd.judging.comparing import judge_with_rerun, without
from ralphd.judging.failures import failure_text, signature
from ralphd.judging.verdict import TestRun, judge, to_report
from ralphd.judging.workbench import Asked, Workbench
from ralphd.loop import changed_tests, near_misses
from ralphd.loop.failure_history import FailureHistory, Step
from ralphd.loop.scrutiny import Scrutiny
from ralphd.loop.state import State, Trial, phase
from ralphd.phases import edit_permissions
from ralphd.phases.answer_reader import Candidate, Rejected
from ralphd.phases.artisan import Artisan
from ralphd.phases.base import PhaseContext
from ralphd.prompts import render

DEFAULT_TEMPERATURE = 0.7
"""Of the Artisan, where the configuration names none."""


class Attempts:
    """The conversation with the Artisan, and what became of each answer."""

    def __init__(self, ctx: PhaseContext, bench: Workbench, state: State, artisan: Artisan, scrutiny: Scrutiny) -> None:
        self.ctx, self.bench, self.state = ctx, bench, state
        self.settings = ctx.settings
        self._artisan, self._scrutiny = artisan, scrutiny
        self._step: Step = "repair"
        self._last_refusal = ""
        """What the last answer that is no edit was answered with: its first line."""
        self._history = FailureHistory(self.settings.loop.stuck_after, ctx.local, self._baseline_signature())

    @property
    def stuck_after(self) -> int:
        return self._history.stuck_after

    async def next(self, rounds: int) -> Trial | None:
        """The next verified answer, tested. None: those that were asked for could not be read."""
        wanted = self.settings.models.artisan.candidates if self._step == "resample" else 1
        if wanted > 1 and self.bench.argv:
            return await self._side_by_side(wanted)
        candidate = await self._readable()
        if candidate is None:
            return None
        beside = self.settings.loop.critic == "beside" and self.bench.argv and candidate.texts
        if beside and not await self.ctx.is_local("critic"):
            self._scrutiny.start_beside(candidate.texts, rounds)
        try:
            trial = await self._try(candidate)
        except BaseException:
            await self._scrutiny.drop_beside()
            raise
        if not trial.green:
            await self._scrutiny.drop_beside()
        return trial

    async def _nearby(self, trial: Trial) -> Trial:
        """A green neighbour of what the small model just missed; else `trial` itself."""
        if trial.green or trial.run is None or not self.ctx.local:
            return trial
        found = await near_misses.search(self.ctx, self.bench, trial, self._own_tests(trial.run))
        if found is None:
            return trial
        texts, what = found
        mended = (*trial.mended, f"{what}, found by trying small changes")
        with phase(self.ctx.emit, "tests", self.state.iterations):
            near = await self.tested(Candidate(texts, trial.answer, mended=mended))
        return replace(near, tried=what) if near.green else trial

    async def _readable(self) -> Candidate | None:
        self._announce()
        with phase(self.ctx.emit, "artisan", self.state.iterations + 1):
            for _ in range(self._unread_at_most):
                sample = self.ctx.request.sample * 1000 + self._history.samples
                warm = self._history.temperature(self._temperature()) if self._step == "resample" else self._first()
                answer = await self._artisan.attempt(self.state.iterations + 1, sample=sample, temperature=warm)
                if isinstance(answer, Candidate):
                    return answer
                self._refused(answer)
                if self.ctx.local:
                    self._step = self._history.unread()
                    self._artisan.start_afresh(answer.feedback)
        return None

    @property
    def _unread_at_most(self) -> int:
        """So many answers in a row that are no edits end the run; a small model is asked afresh after each."""
        return 3 if self.ctx.local else 2

    async def _side_by_side(self, wanted: int) -> Trial | None:
        """Several fresh samples at once; the first green one wins and the others are cancelled."""

        async def sample(number: int) -> Candidate | Rejected:
            at = self.ctx.request.sample * 1000 + self._history.samples * 10 + number
            quiet = replace(
                self.ctx, emit=lambda event: None if isinstance(event, events.TextStreamed) else self.ctx.emit(event)
            )
            twin = self._artisan.twin(quiet)
            return await twin.attempt(
                self.state.iterations + 1, sample=at, temperature=self._history.temperature(self._temperature())
            )

        tasks = [asyncio.create_task(sample(number)) for number in range(wanted)]
        last: Trial | None = None
        try:
            for done in asyncio.as_completed(tasks):
                answer = await done
                if isinstance(answer, Rejected):
                    self._refused(answer)
                    continue
                if self.state.iterations >= self.settings.loop.max_iterations:
                    break
                last = await self._try(answer)
                if last.green:
                    break
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return last

    async def _try(self, candidate: Candidate) -> Trial:
        """Load the candidate into the shadow and run the tests on it: one iteration."""
        state = self.state
        self._announce()
        state.iterations += 1
        if not self.bench.argv:
            trial = Trial(candidate.texts, None, None, None, candidate.answer, candidate.mended)
            state.best = trial
            return trial
        with phase(self.ctx.emit, "tests", state.iterations):
            trial = await self.tested(candidate)
        return await self._nearby(trial)

    async def tested(self, candidate: Candidate) -> Trial:
        """Load the candidate and run the tests; the best one so far is kept."""
        state = self.state
        await self.bench.load(candidate.texts)
        run = await self._fast_then_full()
        before = self._comparable(candidate.texts)
        verdict, flaky = await judge_with_rerun(self.bench, run, before, state.reach, candidate.texts)
        run = replace(run, hashes=await self.bench.hashes(self._covered(run, candidate.texts)))
        report = to_report(run, state.baseline, verdict, flaky)
        state.tested_s += run.duration_s
        trial = Trial(candidate.texts, run, verdict, report, candidate.answer, candidate.mended)
        if state.best is None or (trial.green, trial.passed) > (state.best.green, state.best.passed):
            state.best = trial
        self.ctx.emit(events.TestsEnded(state.iterations, report, verdict.green))
        return trial

    def _comparable(self, texts: Mapping[str, str]) -> TestRun | None:
        """The baseline, without the tests that the person let be changed: they may have other names now."""
        baseline = self.state.baseline
        return without(baseline, changed_tests.among(texts, self.ctx, self.state)) if baseline is not None else None

    async def _fast_then_full(self) -> TestRun:
        if self.settings.testing.fast_command:
            fast = await self.bench.run(Asked(fast=True))
            known = {case.nodeid for case in self.state.baseline.bad} if self.state.baseline else set()
            if any(case.nodeid not in known or case.nodeid in self.state.reach.reaching for case in fast.bad):
                return fast
        return await self.bench.run()

    def _covered(self, run: TestRun, texts: Mapping[str, str]) -> set[str]:
        """The files a verdict holds for: what was edited, the tests that ran, and what those import."""
        tests = {case.nodeid.split("::")[0] for case in run.cases.values()}
        known = set(self.bench.tree.paths())
        covered = {self.ctx.target.path, *texts, *(tests & known)}
        return self.state.graph.closure(covered) if self.state.graph else covered

    def feed_back(self, trial: Trial) -> Step:
        assert trial.run is not None and trial.verdict is not None
        step = self._history.failed(signature(trial.run, trial.verdict, self.bench.root))
        if step == "repair":
            failures = failure_text(
                trial.run, trial.verdict, self.bench.root, local=self.ctx.local, first=self._own_tests(trial.run)
            )
            self._artisan.feed_back(
                trial.answer, render("artisan_repair", verdict=trial.verdict.why + ":", failures=failures)
            )
        elif step == "resample":
            self._artisan.start_afresh(failure_text(trial.run, trial.verdict, self.bench.root, local=True))
        self._step = step
        return step

    def _own_tests(self, run: TestRun) -> set[str]:
        """The tests of the target: measured to enter it at the baseline, or in a file that imports it."""
        state = self.state
        near = state.graph.reaches(self.ctx.target.path) if state.graph is not None else set()
        before = state.baseline.cases if state.baseline is not None else {}
        entered = {name for name in run.cases if (case := before.get(name)) is not None and case.reached}
        return entered | state.reach.reaching | {name for name in run.cases if name.split("::")[0] in near}

    def send_back(self, trial: Trial, blocking: Sequence[Finding]) -> None:
        listed = "\n\n".join(f"{f.message} {f.scenario}\n{f.test or f.trace}".strip() for f in blocking)
        self._artisan.feed_back(
            trial.answer,
            render("artisan_repair", verdict="The tests pass, but this was shown by a run:", failures=listed),
        )
        self._step = "repair"

    def _first(self) -> float | None:
        """Of the first sample: the small model's likeliest answer solves more than any single warm one."""
        fresh = self.ctx.local and not self._history.samples and not self.ctx.request.sample
        return 0.0 if fresh else None

    def _temperature(self) -> float:
        role = self.settings.models.artisan
        return role.temperature if role.temperature is not None else DEFAULT_TEMPERATURE

    def _baseline_signature(self) -> str:
        if self.state.baseline is None:
            return ""
        return signature(
            self.state.baseline, judge(self.state.baseline, None, self.state.reach.reaching), self.bench.root
        )

    def _announce(self) -> None:
        """Tell of the next iteration, once."""
        if self.state.announced <= self.state.iterations:
            self.state.announced = self.state.iterations + 1
            self.ctx.emit(events.IterationStarted(self.state.announced, self.settings.loop.max_iterations))

    def unusable(self) -> str:
        """Why the run is stuck after answers that are no edits, in the words that the last one was answered with."""
        count = {2: "two", 3: "three"}[self._unread_at_most]
        return f"{count} answers in a row could not be used as an edit. The last one: {self._last_refusal}"

    def _refused(self, answer: Rejected) -> None:
        files = ", ".join(sorted(set(answer.locked) - {self.ctx.target.path}))  # of the target only a part is locked
        self._last_refusal = (
            f"It edits {files}, which only you can allow." if files else answer.feedback.splitlines()[0]
        )
        self.ctx.emit(events.Note(f"An answer could not be used: {self._last_refusal}"))
        told = {finding.path for finding in self.state.findings if finding.kind == "locked"}
        self.state.found([edit_permissions.refused(path) for path in answer.locked if path not in told], self.ctx.emit)
