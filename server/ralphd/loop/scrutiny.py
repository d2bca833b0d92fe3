"""What a green candidate goes through: the Critic's review and the Chaos agent's attack."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping

from ralphd.answers.review import Critique
from ralphd.answers.values import FormatError
from ralphd.core.edits import unified
from ralphd.core.findings import Finding
from ralphd.errors import ModelError
from ralphd.judging.workbench import Workbench
from ralphd.loop.state import State, Trial, phase
from ralphd.phases import critic as critic_phase
from ralphd.phases.base import PhaseContext
from ralphd.phases.chaos import Attack
from ralphd.phases.critic import Critic
from ralphd.phases.librarian import Brief


class Scrutiny:
    """Critic and Chaos on one run's candidates; only what a run confirmed sends the Artisan back."""

    def __init__(
        self,
        ctx: PhaseContext,
        bench: Workbench,
        state: State,
        brief: Brief,
        dismissed: Collection[str],
        attack: Attack | None,
    ) -> None:
        self.ctx, self.bench, self.state = ctx, bench, state
        self.settings = ctx.settings
        self._brief, self._dismissed, self._attack = brief, dismissed, attack
        self._beside: asyncio.Task[Critique | FormatError] | None = None

    def start_beside(self, candidate: Mapping[str, str], rounds: int) -> None:
        """Ask the Critic about `candidate` while its tests run; `critic` takes the answer."""
        self._beside = self._ask(candidate, rounds)

    async def drop_beside(self) -> None:
        """A review of what turned out red is of no use: it is cancelled, and booked as far as it came."""
        if self._beside is not None:
            self._beside.cancel()
            await asyncio.gather(self._beside, return_exceptions=True)
            self._beside = None

    async def critic(self, trial: Trial, rounds: int) -> list[Finding]:
        """Review a green candidate. Only findings that a run confirmed send the Artisan back."""
        # Measured: the embedded model's reviews are wrong, tests and all, and take as long as its code.
        if self.settings.loop.critic == "never" or not trial.texts or await self.ctx.is_local("critic"):
            return []
        text = trial.texts.get(self.ctx.target.path, self.ctx.request.text)
        with phase(self.ctx.emit, "critic", self.state.iterations):
            try:
                review = await (self._beside or self._ask(trial.texts, rounds))
            except ModelError as error:
                self.state.notes.append(f"The review was left out: {error.message}")
                return []
            finally:
                self._beside = None
            reviewed = await Critic(self.ctx, self._brief, self.bench, self._dismissed).examine(review, text)
        if reviewed.problem:
            self.state.notes.append(reviewed.problem)
        confirmed = [f for f in reviewed.findings if f.evidence == "confirmed"]
        self.state.findings = [f for f in self.state.findings if f.kind in ("locked", "opinion")]
        self.state.found(reviewed.findings, self.ctx.emit)
        return confirmed

    async def chaos(self, trial: Trial) -> list[Finding]:
        """Attack a green candidate; its counterexamples send the Artisan back."""
        if self._attack is None or not self.settings.testing.adversarial_tests or not trial.texts:
            return []
        self.state.findings = [f for f in self.state.findings if f.kind != "counterexample"]
        self.state.attacked, self.state.chaos = "", None
        with phase(self.ctx.emit, "chaos", self.state.iterations):
            try:
                attacked = await self._attack.attack(
                    self.ctx, trial.texts.get(self.ctx.target.path, self.ctx.request.text), in_loop=True
                )
            except ModelError as error:
                self.state.notes.append(f"The attack was left out: {error.message}")
                return []
        self.state.chaos = attacked.report
        did = f"Chaos attacked {self.ctx.what}: {attacked.summary}"
        self.state.attacked = f"Not attacked: {attacked.problem}" if attacked.problem else did
        self.state.found(attacked.findings, self.ctx.emit)
        return list(attacked.findings)

    def _ask(self, candidate: Mapping[str, str], rounds: int) -> asyncio.Task[Critique | FormatError]:
        """Start the Critic's call on a candidate; later rounds show it the difference only."""
        text = candidate.get(self.ctx.target.path, self.ctx.request.text)
        diff = "".join(unified(p, self.ctx.before(p), t) for p, t in sorted(candidate.items())) if rounds else ""
        critic = Critic(self.ctx, self._brief, self.bench, self._dismissed)
        span = critic_phase.span_in(self.ctx, text)
        return asyncio.create_task(critic.ask(text, span, iteration=self.state.iterations, diff=diff))
