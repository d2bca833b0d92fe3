"""How a run ends: one named outcome, one sentence, and what is offered for review."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from ralphd.core.mends import OPEN_COMMAND, Mend
from ralphd.core.run import Outcome, RunResult, TestReport
from ralphd.judging.failures import failure_text
from ralphd.judging.infrastructure import obstacle
from ralphd.judging.nothing_ran import Project, standstill
from ralphd.judging.suggested_command import suggest_command
from ralphd.judging.verdict import TestRun, judge, nothing_collected, to_report
from ralphd.judging.workbench import Workbench
from ralphd.loop.state import State, Trial
from ralphd.phases import edit_permissions
from ralphd.phases.base import PhaseContext
from ralphd.phases.generated_files import generator_of
from ralphd.phases.stubs import is_stub

_OTHERS_WORDS = ("provider_failed", "budget_exceeded")
"""Outcomes whose sentence may begin with a model's name."""

_LIMITS = ("sandbox.memory_mb", "sandbox.network")
"""Settings that a sentence about an obstacle may name: each is offered to be opened."""


class Endings:
    """Makes the `RunResult` of one run from what its state holds."""

    def __init__(self, ctx: PhaseContext, bench: Workbench, state: State) -> None:
        self.ctx, self.bench, self.state = ctx, bench, state

    def pointless(self, run: TestRun) -> RunResult | None:
        command = " ".join(run.command)
        request = self.ctx.request
        project = Project(
            self.bench.root, request.folder, frozenset(self.bench.tree.paths()), request.path, request.instruction
        )
        aside = {name for one in self.state.apart for name in one.tests}
        if run.bad and not run.count("passed") and all(case.nodeid in aside for case in run.bad):
            mends = tuple(one.mend for one in self.state.apart if one.mend is not None)
            ended = self.result("misconfigured", "Nothing could be tested, and no model was asked to write.")
            return replace(ended, mends=mends or (OPEN_COMMAND,))
        if found := standstill(run, project):
            return replace(self.result("misconfigured", found.sentence()), mends=(OPEN_COMMAND,))
        if why := obstacle(run):
            ended = self.result("misconfigured", f"Nothing could be tested: {why}. No model was asked to write.")
            return replace(ended, mends=tuple(Mend("openSetting", name) for name in _LIMITS if name in why))
        if nothing_collected(run):
            where = (
                f" It ran in {request.folder}, the folder of the file's package; a command that names paths of the root runs there."
                if request.folder
                else ""
            )
            ended = self.result(
                "misconfigured",
                f"`{command}` collects no test, so nothing could be verified. Point testing.command at the tests.{where}",
            )
            return replace(ended, mends=(OPEN_COMMAND,))
        idle = (
            not self.ctx.instruction
            and not self.ctx.request.findings
            and not self.ctx.request.tried
            and not self.ctx.request.sample
        )
        if (
            idle
            and judge(run, None, self.state.reach.reaching).green
            and not is_stub(self.ctx.target.path, self.ctx.target.text(self.ctx.request.text))
        ):
            return self.result("no_change", "All tests pass already and no instruction says what to change.")
        return None

    def generated(self) -> RunResult | None:
        """Where the target is a file that a program writes, and the person did not allow its edit: nothing is asked."""
        path, text = self.ctx.target.path, self.ctx.request.text
        generator = None if path in self.ctx.request.allowed else generator_of(path, text)
        if generator is None:
            return None
        self.state.found([edit_permissions.refused(path)], self.ctx.emit)
        by = f" by {generator}" if generator else ""
        return self.result(
            "misconfigured",
            f"{path} is generated{by}: an edit would be lost. Change what it is made from, or allow this edit.",
        )

    async def proposed(self, green: Trial) -> RunResult:
        assert green.verdict is not None and green.report is not None
        changed = await self.bench.changed_since() & set(green.report.hashes)
        if changed:
            return self.result(
                "stale", f"{', '.join(sorted(changed))} changed on disk during the run. Run it again.", trial=green
            )
        if not green.texts:
            return self.result("no_change", f"The answer changes nothing; {green.verdict.why}.", trial=green)
        unproven = [f for f in self.ctx.request.findings if f.evidence != "confirmed"]
        if any(f.quote in (green.texts.get(f.path) or self.ctx.before(f.path) or "") for f in unproven):
            self.state.notes.append("The lines that the finding quotes still stand: see whether it is dealt with.")
        confirmed = sum(1 for f in self.state.findings if f.evidence == "confirmed")
        left = f"; {confirmed} confirmed finding{'s' if confirmed != 1 else ''} left open" if confirmed else ""
        return self.result(*self._worth(green, left), trial=green)

    def _worth(self, green: Trial, rest: str) -> tuple[Outcome, str]:
        """The outcome of a green trial and its sentence: what proves nothing is offered as unverified."""
        assert green.verdict is not None
        proof, changed = green.proof, green.report.changed if green.report else None
        tests = f"tests were changed ({', '.join(changed.paths)}), with the old ones: {changed.old}" if changed else ""
        tried = f"one small change was found by trying: {green.tried}" if green.tried else ""
        why = "; ".join(filter(None, [green.verdict.why, proof.shown, proof.voted, tried, tests]))
        if proof.suspicions:
            return "proposed_suspect", f"{why}; but look at the change: {'; '.join(proof.suspicions)}{rest}."
        if unproven := green.verdict.unproven or proof.unproven:
            return "proposed_unverified", f"{why}; but {unproven}{rest}."
        return "proposed", f"{why}{rest}."

    async def unverified(self, trial: Trial) -> RunResult:
        if not trial.texts:
            return self.result(
                "no_change", "The answer changes nothing, and no test command is set to verify it.", trial=trial
            )
        suggestion = await asyncio.to_thread(
            suggest_command, self.bench.tree, self.ctx.request.folder, self.ctx.target.path
        )
        hint = (
            f" This project looks like `{' '.join(suggestion)}`: set testing.command to it."
            if suggestion
            else " Set testing.command."
        )
        voted = f" Second opinions: {trial.proof.voted}." if trial.proof.voted else ""
        why = f"Nothing was verified: no test command is set.{hint}{voted}"
        mends = (Mend("useTestCommand", "testing.command", suggestion),) if suggestion else ()
        return replace(self.result("proposed_unverified", why, trial=trial), mends=mends)

    def ended(self, outcome: Outcome, why: str) -> RunResult:
        """A limit, a dead provider, or stuck: green is still green; else the best attempt, when it beats the baseline."""
        if self.state.green is not None:
            return self.result(*self._worth(self.state.green, f"; then {why}"), trial=self.state.green)
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
            report = to_report(state.baseline, state.baseline, judge(state.baseline, None, state.reach.reaching))
        return RunResult(
            run_id=request.run_id,
            command=request.command,
            outcome=outcome,
            reason=" ".join(filter(None, [reason, *state.notes, state.attacked])),
            iterations=state.iterations,
            edits=dict(texts),
            base={path: self.ctx.before(path) for path in texts},
            findings=tuple(state.findings),
            tests=report,
            chaos=state.chaos,
            mended=trial.mended if trial is not None and texts else (),
        )

    def baseline_failures(self) -> str:
        baseline = self.state.baseline
        if baseline is None:
            return ""
        verdict = judge(baseline, None, self.state.reach.reaching)
        wanted = tuple(c for c in verdict.failing if c.nodeid in self.state.reach.reaching)
        return (
            failure_text(baseline, replace(verdict, failing=wanted), self.bench.root, local=self.ctx.local)
            if wanted or not baseline.count("passed")
            else ""
        )
