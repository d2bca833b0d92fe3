"""The loop: its whole control flow. It knows phases, not models, processes or editors.

Every ending is a `RunResult` with one named outcome. Success is a `Verdict` of the tests, never a word of a model.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Collection
from dataclasses import replace

from ralphd.context.file_graph import FileGraph
from ralphd.core import events
from ralphd.core.findings import Finding
from ralphd.core.mends import mends_for
from ralphd.core.run import RunResult
from ralphd.errors import ModelError, OverBudget, RalphError, Unpriced
from ralphd.judging import hidden_characters
from ralphd.judging.comparing import Reach, reaching
from ralphd.judging.infrastructure import machine
from ralphd.judging.verdict import TestRun, judge, to_report
from ralphd.judging.workbench import Asked, Workbench
from ralphd.loop import changed_tests, proof, second_opinions
from ralphd.loop.attempts import Attempts
from ralphd.loop.endings import Endings
from ralphd.loop.scrutiny import Scrutiny
from ralphd.loop.state import State, Trial, phase
from ralphd.opinions.polling import Poll
from ralphd.phases import librarian, locked_files
from ralphd.phases.answer_reader import refuse_notebook
from ralphd.phases.artisan import Artisan, Locks
from ralphd.phases.base import PhaseContext
from ralphd.phases.chaos import Attack
from ralphd.phases.critic import Critic
from ralphd.phases.librarian import Brief
from ralphd.phases.opinions import ONLY_PYTHON, Opinions


class Loop:
    """One run on one workbench. `run` never raises but for cancellation and defects."""

    def __init__(
        self,
        ctx: PhaseContext,
        bench: Workbench,
        dismissed: Collection[str] = (),
        chaos: Attack | None = None,
        ready: Awaitable[None] | None = None,
        poll: Poll | None = None,
    ) -> None:
        """`dismissed`: fingerprints of findings that the person put away. `ready` is awaited before the first model is
        asked: it raises where the model cannot be called at all. `poll`: where versions vote; None: they do not."""
        self.ctx, self.bench, self.settings = ctx, bench, ctx.settings
        self._poll = poll
        self._dismissed, self._attack, self._ready = dismissed, chaos, ready
        self.state = State()
        self.endings = Endings(ctx, bench, self.state)

    async def run(self) -> RunResult:
        result = await self._run()
        return replace(result, findings=(*result.findings, *self._hidden(result)))

    def _hidden(self, result: RunResult) -> list[Finding]:
        """Findings on characters that hide something: in what is proposed, and in the text that was looked through."""
        texts = {self.ctx.request.path: self.ctx.request.text} if result.outcome == "reviewed" else result.edits
        found = [
            f for path, text in texts.items() for f in hidden_characters.findings(path, result.base.get(path), text)
        ]
        return [finding for finding in found if finding.fingerprint not in self._dismissed]

    async def _run(self) -> RunResult:
        try:
            async with asyncio.timeout(self.settings.loop.max_wall_s):
                refuse_notebook(self.ctx.target.path)
                command = self.ctx.request.command
                if command == "critique":
                    return await self.critique()
                if command == "chaosTests":
                    return await self.attack()
                if command == "opinions":
                    return await self.opinions()
                return await self.implement()
        except TimeoutError:
            limit = f"the time limit of {self.settings.loop.max_wall_s:g} s was reached"
            return self.endings.ended("iteration_limit", limit)
        except (OverBudget, Unpriced) as error:
            return replace(self.endings.ended("budget_exceeded", str(error)), mends=mends_for(error))
        except ModelError as error:
            return replace(self.endings.ended("provider_failed", str(error)), mends=mends_for(error))
        except RalphError as error:
            return replace(self.endings.result("misconfigured", str(error)), mends=mends_for(error))

    # ---- implement ---------------------------------------------------------------------------------------------

    async def implement(self) -> RunResult:
        if ending := self.endings.generated():
            return ending
        brief = await self._prepare()
        if isinstance(brief, RunResult):
            return brief
        scrutiny = Scrutiny(self.ctx, self.bench, self.state, brief, self._dismissed, self._attack)
        self.state.used = await asyncio.to_thread(  # it reads what tests and the command lead to
            locked_files.used_by, self.state.baseline, self.bench.tree, self.state.graph, self.ctx.target.path
        )
        doctests = locked_files.runs_doctests(self.state.baseline, self.bench.tree, self.ctx.target.path)
        own_tests = locked_files.own_tests_of(self.state.baseline, self.bench.tree, self.ctx.target.path)
        locks = Locks(self.state.used, doctests, own_tests)
        artisan = Artisan(self.ctx, brief, self._attempted_failures(), self.ctx.request.findings, locks)
        attempts = Attempts(self.ctx, self.bench, self.state, artisan, scrutiny)
        rounds = 0
        while self.state.iterations < self.settings.loop.max_iterations:
            trial = await attempts.next(rounds)
            if trial is None:
                return self.endings.ended("stuck", attempts.unusable())
            if not self.bench.argv:
                await scrutiny.critic(trial, 0)
                return await self.endings.unverified(await self._compared(trial, attempts))
            if not trial.green:
                if trial.run is not None and (why := machine(trial.run)):
                    return self.endings.ended("misconfigured", why)
                if attempts.feed_back(trial) == "stuck":
                    return self.endings.ended("stuck", f"the same failure came {attempts.stuck_after} times in a row")
                continue
            converged = self.state.green is not None and trial.texts == self.state.green.texts
            trial.proof = await proof.of(self.ctx, self.bench, self.state, trial)
            trial = await changed_tests.of(self.ctx, self.bench, self.state, trial)
            if trial.report is not None:
                trial.report = replace(trial.report, control=trial.proof.control)
            self.state.green = trial
            if converged:  # sent back, the Artisan stands by its answer: asking again would only cost
                break
            trial = self.state.green = await self._compared(trial, attempts)
            blocking = await scrutiny.critic(trial, rounds) or await scrutiny.chaos(trial)
            if not blocking or rounds >= self.settings.loop.critic_rounds:
                break
            rounds += 1
            attempts.send_back(trial, blocking)
        if self.state.green is not None:
            return await self.endings.proposed(self.state.green)
        limit = f"{self.state.iterations} attempts did not make the tests pass"
        return self.endings.ended("iteration_limit", limit)

    async def _compared(self, trial: Trial, attempts: Attempts) -> Trial:
        """The trial, or one of its peers: beside versions of it that were written from its outline alone. Unless they
        are always wanted, only where the tests leave something open: versions take longer than the answer did."""
        if self._poll is None or not await self._wants_opinions():
            return trial
        if self.settings.opinions.use == "auto" and proof.is_strong(trial, self.state, self.ctx.target.path):
            return trial
        second = second_opinions.of(self.ctx, self.bench, self.state, self._poll, self._dismissed)
        return await second_opinions.compared(self.ctx, self.bench, self.state, second, trial, attempts)

    async def _prepare(self) -> Brief | RunResult:
        """Baseline tests, then the Librarian, who is told which fail; what makes the run pointless ends it before any
        model is paid, and its ending is returned."""
        await self._tests_and_model()
        baseline = self.state.baseline
        if baseline is not None and (ending := self.endings.pointless(baseline)) is not None:
            return ending
        return await self._librarian()

    async def _tests_and_model(self) -> None:
        """Baseline tests, where there are any, beside the look whether the model can be called."""
        baseline = asyncio.create_task(self._baseline()) if self.bench.argv else None
        tasks = [task for task in (baseline, self._ready) if task is not None]
        try:
            await asyncio.gather(*tasks)
        finally:
            if baseline is not None:
                baseline.cancel()
                await asyncio.gather(baseline, return_exceptions=True)

    async def _baseline(self) -> TestRun:
        """Run the tests on the project as it is: what later verdicts are compared with."""
        with phase(self.ctx.emit, "baseline", 0):
            run = await self.bench.run(Asked(reach_of=self.ctx.target.path))
            graph = await self._proving_graph()
            self.state.baseline, self.state.graph = run, graph
            self.state.tested_s += run.duration_s
            self.state.reach = reaching(run, self.ctx.target.path, self._trusted(graph, run), self.bench.root)
            await self._set_apart(run)
            verdict = judge(run, None, self.state.reach.reaching)
            self.ctx.emit(events.TestsEnded(0, to_report(run, run, verdict), verdict.green))
        return run

    async def _set_apart(self, run: TestRun) -> None:
        """Tests that fail only for what the copy does not have neither have to be mended nor stand in the way."""
        if run.bad:
            self.state.apart = tuple(await self.bench.only_in_copy(run, self.ctx.target.path))
        names = {name for one in self.state.apart for name in one.tests}
        reach = self.state.reach
        self.state.reach = Reach(reach.reaching - names, reach.unknown - names)
        for one in self.state.apart:
            self.ctx.emit(events.Note(one.sentence))
            self.state.notes.append(one.sentence)

    async def _librarian(self) -> Brief:
        with phase(self.ctx.emit, "librarian", 0):
            reach = self.state.reach
            return await librarian.gather(self.ctx, await self._graph(), reach.reaching | reach.unknown)

    async def _graph(self) -> FileGraph | None:
        """Which files of the project use which, for a target of a language in which that is known."""
        return await self.bench.file_graph() if FileGraph.followed([self.ctx.target.path]) else None

    async def _proving_graph(self) -> FileGraph | None:
        """The same, where it may decide what a test's outcome has to do with the target."""
        return await self._graph() if FileGraph.proves(self.ctx.target.path) else None

    def _trusted(self, graph: FileGraph | None, baseline: TestRun) -> FileGraph | None:
        """The graph, where it may tell which red tests have to do with the target. In JavaScript, where neither it nor
        the measurement sees any test that reaches the target, it cannot see what bundlers see."""
        if graph is None or self.ctx.target.path.endswith(".py"):
            return graph
        near = graph.reaches(self.ctx.target.path)
        seen = any(case.reached or name.split("::")[0] in near for name, case in baseline.cases.items())
        return graph if seen else None

    def _attempted_failures(self) -> str:
        return self.endings.baseline_failures()

    # ---- critique and chaos ------------------------------------------------------------------------------------

    async def critique(self) -> RunResult:
        voted: Opinions | str = await self._voted() if await self._wants_opinions() else ""
        # Measured: the embedded model's reviews are noise; what versions of its give when they are run is not.
        if isinstance(voted, Opinions) and await self.ctx.is_local("critic"):
            return self.endings.result("reviewed", voted.summary)
        brief = await self._librarian()
        if self._ready:
            await self._ready
        shown: set[str] = set()

        def show(finding: Finding) -> None:
            shown.add(finding.fingerprint)
            self.ctx.emit(events.FindingAdded(finding))

        with phase(self.ctx.emit, "critic", 1):
            critic = Critic(self.ctx, brief, self.bench, self._dismissed)
            reviewed = await critic.review(self.ctx.request.text, self.ctx.target.span, iteration=1, show=show)
        if reviewed.problem:
            return self.endings.result("stuck", reviewed.problem)
        said, findings = "", reviewed.findings
        if isinstance(voted, Opinions):
            said = voted.summary
            findings = await second_opinions.weighed(self.ctx, self.bench, findings, voted)
        self.state.findings += findings
        for finding in findings:
            if finding.fingerprint not in shown or finding.evidence == "confirmed":
                self.ctx.emit(events.FindingAdded(finding))
        told = reviewed.in_words(local=await self.ctx.is_local("critic"))
        return self.endings.result("reviewed", " ".join(filter(None, [said, told])))

    async def opinions(self) -> RunResult:
        voted = await self._voted()
        if isinstance(voted, str):
            return self.endings.result("misconfigured", voted)
        return self.endings.result("reviewed", voted.summary)

    async def _wants_opinions(self) -> bool:
        """Whether a command that is not about them asks for second opinions too."""
        use = self.settings.opinions.use
        wanted = use == "always" or (use == "auto" and await self.ctx.is_local("critic"))
        return wanted and self._poll is not None

    async def _voted(self) -> Opinions | str:
        """What versions say of the text that the run is about; why there are none."""
        if self._poll is None:
            return ONLY_PYTHON
        text, span = self.ctx.request.text, self.ctx.target.span
        second = second_opinions.of(self.ctx, self.bench, self.state, self._poll, self._dismissed)
        if refusal := await second.refusal(text, span):
            return refusal
        await self._tests_and_model()
        with phase(self.ctx.emit, "opinions", 1):
            found = await second.of(text, span)
        self.state.found(found.findings, self.ctx.emit)
        return found

    async def attack(self) -> RunResult:
        if self._attack is None:
            return self.endings.result(
                "misconfigured", f"There are no chaos tests for {self.ctx.target.path}: only Python has an adapter."
            )
        with phase(self.ctx.emit, "chaos", 1):
            attacked = await self._attack.attack(self.ctx, self.ctx.request.text, in_loop=False)
        self.state.chaos = attacked.report
        self.state.found(attacked.findings, self.ctx.emit)
        if attacked.problem:
            return self.endings.result("misconfigured", attacked.problem)
        found = bool(attacked.findings or attacked.tests)
        result = self.endings.result("tests_proposed" if found else "no_change", attacked.summary)
        return replace(result, edits=dict(attacked.tests), base=dict.fromkeys(attacked.tests))
