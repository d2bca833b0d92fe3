"""The loop: its whole control flow. It knows phases, not models, processes or editors.

Every ending is a `RunResult` with one named outcome. Success is a `Verdict` of the tests, never a word of a model.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Collection, Mapping, Sequence
from dataclasses import replace

from ralphd.answers.replies import FormatError, Review
from ralphd.context.tree import ImportGraph
from ralphd.core import events
from ralphd.core.edits import unified
from ralphd.core.findings import Finding
from ralphd.core.run import Outcome, RunResult, TestReport
from ralphd.errors import ModelError, OverBudget, RalphError, Unpriced
from ralphd.judging.verdict import TestRun, judge, to_report
from ralphd.judging.workbench import Workbench, failure_text, judge_with_rerun, reaching, signature, suggest_command
from ralphd.loop.state import PhaseEvents, State, Trial
from ralphd.loop.stuck import Progress, Step
from ralphd.phases import chaos as chaos_phase
from ralphd.phases import critic as critic_phase
from ralphd.phases import edit_permissions, librarian
from ralphd.phases.artisan import Artisan, Candidate, Rejected
from ralphd.phases.base import PhaseContext, is_stub
from ralphd.phases.critic import Critic
from ralphd.phases.librarian import Brief
from ralphd.prompts import render

_OTHERS_WORDS = ("provider_failed", "budget_exceeded")
"""Outcomes whose sentence may begin with a model's name."""


class Loop:
    """One run on one workbench. `run` never raises but for cancellation and defects."""

    def __init__(
        self,
        ctx: PhaseContext,
        bench: Workbench,
        dismissed: Collection[str] = (),
        chaos: chaos_phase.Attack | None = None,
        ready: Awaitable[None] | None = None,
    ) -> None:
        self.ctx, self.bench, self.dismissed, self.chaos = ctx, bench, dismissed, chaos
        self.state = State()
        self._ready = ready
        self._beside: asyncio.Task[Review | FormatError] | None = None
        self.settings = ctx.settings

    async def run(self) -> RunResult:
        try:
            async with asyncio.timeout(self.settings.loop.max_wall_s):
                command = self.ctx.request.command
                if command == "critique":
                    return await self.critique()
                if command == "chaosTests":
                    return await self.attack()
                return await self.implement()
        except TimeoutError:
            return self._ended("iteration_limit", f"the time limit of {self.settings.loop.max_wall_s:g} s was reached")
        except (OverBudget, Unpriced) as error:
            return self._ended("budget_exceeded", str(error))
        except ModelError as error:
            return self._ended("provider_failed", str(error))
        except RalphError as error:
            return self.result("misconfigured", str(error))

    # ---- implement ---------------------------------------------------------------------------------------------

    async def implement(self) -> RunResult:
        brief, ending = await self._prepare()
        if ending:
            return ending
        artisan = Artisan(self.ctx, brief, self._baseline_failures(), self.ctx.request.findings)
        progress = Progress(self.settings.loop.stuck_after, self.ctx.local, self._baseline_signature())
        step: Step = "repair"
        rounds = 0
        while self.state.iterations < self.settings.loop.max_iterations:
            trial = await self._next_trial(artisan, step, progress, brief, rounds)
            if trial is None:
                return self._ended("stuck", "two answers in a row could not be used as an edit")
            if not self.bench.argv:
                return await self._unverified(trial, brief)
            if not trial.green:
                step = self._feed_back(artisan, trial, progress)
                if step == "stuck":
                    return self._ended("stuck", f"the same failure came {progress.stuck_after} times in a row")
                continue
            converged = self.state.green is not None and trial.texts == self.state.green.texts
            self.state.green = trial
            if converged:  # sent back, the Artisan stands by its answer: asking again would only cost
                break
            blocking = await self._critic(brief, trial, rounds) or await self._chaos(trial)
            if not blocking or rounds >= self.settings.loop.critic_rounds:
                break
            rounds += 1
            step = self._send_back(artisan, trial, blocking)
        if self.state.green is not None:
            return await self._proposed(self.state.green)
        return self._ended("iteration_limit", f"{self.state.iterations} attempts did not make the tests pass")

    async def _prepare(self) -> tuple[Brief, RunResult | None]:
        """Baseline tests and the Librarian side by side; what makes the run pointless ends it before the Artisan is paid."""
        baseline = asyncio.create_task(self._baseline()) if self.bench.argv else None
        brief = asyncio.create_task(self._librarian())
        tasks = [task for task in (baseline, brief) if task is not None]
        try:
            await asyncio.gather(*tasks, *([self._ready] if self._ready else []))
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return brief.result(), self._pointless(baseline.result()) if baseline else None

    async def _baseline(self) -> TestRun:
        with self._phase("baseline"):
            run = await self.bench.run()
            graph = None
            if self.ctx.target.path.endswith(".py"):
                graph = await asyncio.to_thread(ImportGraph, self.bench.tree)
            self.state.baseline, self.state.graph = run, graph
            self.state.reach = reaching(run, self.ctx.target.path, graph, self.bench.root)
            verdict = judge(run, None, self.state.reach)
            self.ctx.emit(events.TestsEnded(0, to_report(run, run, verdict), verdict.green))
        return run

    async def _librarian(self) -> Brief:
        with self._phase("librarian"):
            return await librarian.gather(self.ctx)

    def _pointless(self, run: TestRun) -> RunResult | None:
        command = " ".join(run.command)
        if run.not_found:
            return self.result(
                "misconfigured", f"The test command `{command}` was not found. Correct testing.command or install it."
            )
        if run.exit_code == 5 and run.expects_report and not run.cases:
            return self.result(
                "misconfigured",
                f"`{command}` collects no test, so nothing could be verified. Point testing.command at the tests.",
            )
        idle = not self.ctx.instruction and not self.ctx.request.findings and not self.ctx.request.sample
        if (
            idle
            and judge(run, None, self.state.reach).green
            and not is_stub(self.ctx.target.path, self.ctx.target.text(self.ctx.request.text))
        ):
            return self.result("no_change", "All tests pass already and no instruction says what to change.")
        return None

    async def _next_trial(
        self, artisan: Artisan, step: Step, progress: Progress, brief: Brief, rounds: int
    ) -> Trial | None:
        """The next verified answer, tested. None: two in a row could not be read."""
        wanted = self.settings.models.artisan.candidates if step == "resample" else 1
        if wanted > 1 and self.bench.argv:
            return await self._side_by_side(artisan, progress, wanted)
        candidate = await self._readable(artisan, step, progress)
        if candidate is None:
            return None
        beside = self.settings.loop.critic == "beside" and self.bench.argv and candidate.texts
        if beside and not await self.ctx.is_local("critic"):
            self._beside = self._ask_critic(brief, candidate.texts, rounds)
        try:
            trial = await self._try(candidate)
        except BaseException:
            await self._drop_beside()
            raise
        if not trial.green:
            await self._drop_beside()
        return trial

    async def _drop_beside(self) -> None:
        """A review of what turned out red is of no use: it is cancelled, and booked as far as it came."""
        if self._beside is not None:
            self._beside.cancel()
            await asyncio.gather(self._beside, return_exceptions=True)
            self._beside = None

    async def _readable(self, artisan: Artisan, step: Step, progress: Progress) -> Candidate | None:
        sample = self.ctx.request.sample * 1000 + progress.samples
        temperature = progress.temperature(self._temperature()) if step == "resample" else None
        self._announce()
        with self._phase("artisan", self.state.iterations + 1):
            for _ in range(2):
                answer = await artisan.attempt(self.state.iterations + 1, sample=sample, temperature=temperature)
                if isinstance(answer, Candidate):
                    return answer
                self._refused(answer)
        return None

    async def _side_by_side(self, artisan: Artisan, progress: Progress, wanted: int) -> Trial | None:
        """Several fresh samples at once; the first green one wins and the others are cancelled."""

        async def sample(number: int) -> Candidate | Rejected:
            at = self.ctx.request.sample * 1000 + progress.samples * 10 + number
            quiet = replace(
                self.ctx, emit=lambda event: None if isinstance(event, events.TextStreamed) else self.ctx.emit(event)
            )
            twin = artisan.twin(quiet)
            return await twin.attempt(
                self.state.iterations + 1, sample=at, temperature=progress.temperature(self._temperature())
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
            trial = Trial(candidate.texts, None, None, None, candidate.answer)
            state.best = trial
            return trial
        with self._phase("tests", state.iterations):
            await self.bench.load(candidate.texts)
            run = await self._fast_then_full()
            verdict, flaky = await judge_with_rerun(self.bench, run, state.baseline, state.reach)
            run = replace(run, hashes=await self.bench.hashes(self._covered(run, candidate.texts)))
            report = to_report(run, state.baseline, verdict, flaky)
        trial = Trial(candidate.texts, run, verdict, report, candidate.answer)
        if state.best is None or (trial.green, trial.passed) > (state.best.green, state.best.passed):
            state.best = trial
        self.ctx.emit(events.TestsEnded(state.iterations, report, verdict.green))
        return trial

    async def _fast_then_full(self) -> TestRun:
        if self.settings.testing.fast_command:
            fast = await self.bench.run(fast=True)
            known = {case.nodeid for case in self.state.baseline.bad} if self.state.baseline else set()
            if any(case.nodeid not in known or case.nodeid in self.state.reach for case in fast.bad):
                return fast
        return await self.bench.run()

    def _covered(self, run: TestRun, texts: Mapping[str, str]) -> set[str]:
        """The files a verdict holds for: what was edited, the tests that ran, and what those import."""
        tests = {case.nodeid.split("::")[0] for case in run.cases.values()}
        known = set(self.bench.tree.paths())
        covered = {self.ctx.target.path, *texts, *(tests & known)}
        return self.state.graph.closure(covered) if self.state.graph else covered

    def _feed_back(self, artisan: Artisan, trial: Trial, progress: Progress) -> Step:
        assert trial.run is not None and trial.verdict is not None
        step = progress.failed(signature(trial.run, trial.verdict, self.bench.root))
        if step == "repair":
            failures = failure_text(trial.run, trial.verdict, self.bench.root, local=self.ctx.local)
            artisan.feed_back(
                trial.answer, render("artisan_repair", verdict=trial.verdict.why + ":", failures=failures)
            )
        elif step == "resample":
            hint = failure_text(trial.run, trial.verdict, self.bench.root, local=True) if self.ctx.local else ""
            artisan.start_afresh(hint)
        return step

    def _ask_critic(
        self, brief: Brief, candidate: Mapping[str, str], rounds: int
    ) -> asyncio.Task[Review | FormatError]:
        """Start the Critic's call on a candidate; later rounds show it the difference only."""
        text = candidate.get(self.ctx.target.path, self.ctx.request.text)
        diff = "".join(unified(p, self._before(p), t) for p, t in sorted(candidate.items())) if rounds else ""
        critic = Critic(self.ctx, brief, self.bench, self.dismissed)
        span = critic_phase.span_in(self.ctx, text)
        return asyncio.create_task(critic.ask(text, span, iteration=self.state.iterations, diff=diff))

    async def _critic(self, brief: Brief, trial: Trial, rounds: int) -> list[Finding]:
        """Review a green candidate. Only findings that a run confirmed send the Artisan back."""
        # Measured: the embedded model's reviews are wrong, tests and all, and take as long as its code.
        if self.settings.loop.critic == "never" or not trial.texts or await self.ctx.is_local("critic"):
            return []
        text = trial.texts.get(self.ctx.target.path, self.ctx.request.text)
        with self._phase("critic", self.state.iterations):
            try:
                review = await (self._beside or self._ask_critic(brief, trial.texts, rounds))
            except ModelError as error:
                self.state.notes.append(f"The review was left out: {error.message}")
                return []
            finally:
                self._beside = None
            reviewed = await Critic(self.ctx, brief, self.bench, self.dismissed).examine(review, text)
        if reviewed.problem:
            self.state.notes.append(reviewed.problem)
        confirmed = [f for f in reviewed.findings if f.evidence == "confirmed"]
        self.state.findings = [f for f in self.state.findings if f.kind == "locked"]
        self._found(reviewed.findings)
        return confirmed

    async def _chaos(self, trial: Trial) -> list[Finding]:
        """Attack a green candidate; its counterexamples send the Artisan back."""
        if self.chaos is None or not self.settings.testing.adversarial_tests or not trial.texts:
            return []
        self.state.findings = [f for f in self.state.findings if f.kind != "counterexample"]
        self.state.attacked, self.state.chaos = "", None
        with self._phase("chaos", self.state.iterations):
            try:
                attacked = await self.chaos.attack(
                    self.ctx, trial.texts.get(self.ctx.target.path, self.ctx.request.text), in_loop=True
                )
            except ModelError as error:
                self.state.notes.append(f"The attack was left out: {error.message}")
                return []
        self.state.chaos = attacked.report
        did = f"Chaos attacked {self.ctx.what}: {attacked.summary}"
        self.state.attacked = f"Not attacked: {attacked.problem}" if attacked.problem else did
        self._found(attacked.findings)
        return list(attacked.findings)

    def _send_back(self, artisan: Artisan, trial: Trial, blocking: list[Finding]) -> Step:
        listed = "\n\n".join(f"{f.message} {f.scenario}\n{f.test or f.trace}".strip() for f in blocking)
        artisan.feed_back(
            trial.answer,
            render("artisan_repair", verdict="The tests pass, but this was shown by a run:", failures=listed),
        )
        return "repair"

    async def _proposed(self, green: Trial) -> RunResult:
        assert green.verdict is not None and green.report is not None
        changed = await self.bench.changed_since() & set(green.report.hashes)
        if changed:
            return self.result(
                "stale", f"{', '.join(sorted(changed))} changed on disk during the run. Run it again.", trial=green
            )
        if not green.texts:
            return self.result("no_change", f"The answer changes nothing; {green.verdict.why}.", trial=green)
        unproven = [f for f in self.ctx.request.findings if f.evidence != "confirmed"]
        if any(f.quote in (green.texts.get(f.path) or self._before(f.path) or "") for f in unproven):
            self.state.notes.append("The lines that the finding quotes still stand: see whether it is dealt with.")
        confirmed = sum(1 for f in self.state.findings if f.evidence == "confirmed")
        left = f"; {confirmed} confirmed finding{'s' if confirmed != 1 else ''} left open" if confirmed else ""
        return self.result("proposed", f"{green.verdict.why}{left}.", trial=green)

    async def _unverified(self, trial: Trial, brief: Brief) -> RunResult:
        await self._critic(brief, trial, 0)
        if not trial.texts:
            return self.result(
                "no_change", "The answer changes nothing, and no test command is set to verify it.", trial=trial
            )
        suggestion = await asyncio.to_thread(suggest_command, self.bench.tree)
        hint = (
            f" This project looks like `{' '.join(suggestion)}`: set testing.command to it."
            if suggestion
            else " Set testing.command."
        )
        return self.result("proposed_unverified", f"Nothing was verified: no test command is set.{hint}", trial=trial)

    # ---- critique and chaos ------------------------------------------------------------------------------------

    async def critique(self) -> RunResult:
        with self._phase("librarian"):
            brief = await librarian.gather(self.ctx)
        if self._ready:
            await self._ready
        shown: set[str] = set()

        def show(finding: Finding) -> None:
            shown.add(finding.fingerprint)
            self.ctx.emit(events.FindingAdded(finding))

        with self._phase("critic", 1):
            critic = Critic(self.ctx, brief, self.bench, self.dismissed)
            reviewed = await critic.review(self.ctx.request.text, self.ctx.target.span, iteration=1, show=show)
        if reviewed.problem:
            return self.result("stuck", reviewed.problem)
        self.state.findings = list(reviewed.findings)
        for finding in reviewed.findings:
            if finding.fingerprint not in shown or finding.evidence == "confirmed":
                self.ctx.emit(events.FindingAdded(finding))
        count = len(reviewed.findings)
        confirmed = sum(1 for f in reviewed.findings if f.evidence == "confirmed")
        left_out = f" {reviewed.dropped} not shown ({reviewed.refuted} refuted by a run)." if reviewed.dropped else ""
        found = (
            f"{count} finding{'s' if count != 1 else ''}, {confirmed} confirmed by a run."
            if count
            else "Nothing found."
        )
        small = count > confirmed and await self.ctx.is_local("critic")
        doubt = " The embedded model is often wrong here: what no run confirmed is a hint." if small else ""
        return self.result("reviewed", found + left_out + doubt)

    async def attack(self) -> RunResult:
        if self.chaos is None:
            return self.result(
                "misconfigured", f"There are no chaos tests for {self.ctx.target.path}: only Python has an adapter."
            )
        with self._phase("chaos", 1):
            attacked = await self.chaos.attack(self.ctx, self.ctx.request.text, in_loop=False)
        self.state.chaos = attacked.report
        self._found(attacked.findings)
        if attacked.problem:
            return self.result("misconfigured", attacked.problem)
        found = bool(attacked.findings or attacked.tests)
        result = self.result("tests_proposed" if found else "no_change", attacked.summary)
        return replace(result, edits=dict(attacked.tests), base=dict.fromkeys(attacked.tests))

    # ---- endings -----------------------------------------------------------------------------------------------

    def _ended(self, outcome: Outcome, why: str) -> RunResult:
        """A limit, a dead provider, or stuck: green is still green; else the best attempt, when it beats the baseline."""
        if self.state.green is not None:
            assert self.state.green.verdict is not None
            return self.result("proposed", f"{self.state.green.verdict.why}; then {why}.", trial=self.state.green)
        best, better = self.state.best, self.state.improvement()
        if better is not None and outcome in ("stuck", "iteration_limit"):
            passed = f"The best attempt passes {better.passed} tests, {self.state.passed_before} passed before."
            return self.result("proposed_failing", f"Not green: {why}. {passed}", trial=better)
        last = f" Last: {best.verdict.why}." if best is not None and best.verdict is not None else ""
        text = why if why.endswith((".", "!")) else f"{why}."
        return self.result(
            outcome,
            f"{text if outcome in _OTHERS_WORDS else text[:1].upper() + text[1:]}{last}",
            report=best.report if best else None,
        )

    def result(
        self, outcome: Outcome, reason: str, *, trial: Trial | None = None, report: TestReport | None = None
    ) -> RunResult:
        state, request = self.state, self.ctx.request
        texts = trial.texts if trial is not None and outcome not in ("stale", "no_change") else {}
        if trial is not None:
            report = trial.report
        elif report is None and state.baseline is not None:
            report = to_report(state.baseline, state.baseline, judge(state.baseline, None, state.reach))
        return RunResult(
            run_id=request.run_id,
            command=request.command,
            outcome=outcome,
            reason=" ".join(filter(None, [reason, *state.notes, state.attacked])),
            iterations=state.iterations,
            edits=dict(texts),
            base={path: self._before(path) for path in texts},
            findings=tuple(state.findings),
            tests=report,
            chaos=state.chaos,
        )

    def _before(self, path: str) -> str | None:
        return self.ctx.request.text if path == self.ctx.target.path else self.ctx.tree.text(path)

    def _temperature(self) -> float:
        role = self.settings.models.artisan
        return role.temperature if role.temperature is not None else 0.7

    def _baseline_failures(self) -> str:
        baseline = self.state.baseline
        if baseline is None:
            return ""
        verdict = judge(baseline, None, self.state.reach)
        wanted = tuple(c for c in verdict.failing if c.nodeid in self.state.reach)
        return (
            failure_text(baseline, replace(verdict, failing=wanted), self.bench.root, local=self.ctx.local)
            if wanted or not baseline.cases
            else ""
        )

    def _baseline_signature(self) -> str:
        if self.state.baseline is None:
            return ""
        return signature(self.state.baseline, judge(self.state.baseline, None, self.state.reach), self.bench.root)

    def _found(self, findings: Sequence[Finding]) -> None:
        self.state.findings += findings
        for finding in findings:
            self.ctx.emit(events.FindingAdded(finding))

    def _announce(self) -> None:
        """Tell of the next iteration, once."""
        if self.state.announced <= self.state.iterations:
            self.state.announced = self.state.iterations + 1
            self.ctx.emit(events.IterationStarted(self.state.announced, self.settings.loop.max_iterations))

    def _refused(self, answer: Rejected) -> None:
        self.ctx.emit(events.Note(f"An answer could not be used: {answer.feedback.splitlines()[0]}"))
        told = {finding.path for finding in self.state.findings if finding.kind == "locked"}
        self._found([edit_permissions.refused(path) for path in answer.locked if path not in told])

    def _phase(self, phase: events.Phase, iteration: int | None = None) -> PhaseEvents:
        return PhaseEvents(self.ctx.emit, phase, self.state.iterations if iteration is None else iteration)
