"""Second opinions within a run: whether versions pass the person's tests, and what a vote says of the code that a run is
about."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import replace

from ralphd.core.findings import Finding
from ralphd.core.text import Span
from ralphd.errors import ModelError
from ralphd.judging.control import bounds, noticed
from ralphd.judging.verdict import TestRun
from ralphd.judging.workbench import Asked, Plant, Workbench
from ralphd.loop import proof
from ralphd.loop.attempts import Attempts
from ralphd.loop.state import State, Trial, phase
from ralphd.opinions.polling import Poll
from ralphd.opinions.voting import LEAST_SHARE, LEAST_VERSIONS
from ralphd.phases.answer_reader import Candidate
from ralphd.phases.base import PhaseContext
from ralphd.phases.critic import run_snippet, span_in
from ralphd.phases.opinions import Opinion, Opinions, SecondOpinions


def of(ctx: PhaseContext, bench: Workbench, state: State, poll: Poll, dismissed: Collection[str]) -> SecondOpinions:
    """On texts of the target's file, with what is loaded in the bench around it."""

    async def tested(texts: Sequence[str]) -> Sequence[bool]:
        clean = state.baseline
        if clean is None or not clean.cases:
            return [True] * len(texts)
        each = list(dict.fromkeys(texts))
        only = sorted(proof.related_tests(clean, state, ctx.target.path) | state.reach.reaching)
        asked = Asked(only=tuple(only) or None, stop=not clean.bad)
        plants = [Plant({ctx.target.path: text}, asked) for text in each]
        runs = await bench.run_planted(plants, bounds(clean, math.inf, len(each)))
        passed = {text: run is not None and _passes(run, clean, state) for text, run in zip(each, runs, strict=True)}
        return [passed[text] for text in texts]

    return SecondOpinions(ctx, poll, tested, dismissed)


def _passes(run: TestRun, clean: TestRun, state: State) -> bool:
    """All that passed before passes, and so do those that failed and have to do with the target."""
    mended = all(name in run.cases and not run.cases[name].bad for name in state.reach.reaching)
    return mended and noticed(run, clean) is False


async def weighed(
    ctx: PhaseContext, bench: Workbench, findings: Sequence[Finding], voted: Opinions
) -> tuple[Finding, ...]:
    """What a Critic alleges, with what the versions say of it: those of its tests that fail on the code are run on each
    version. A test that most of them fail as well asks for what nobody reads in the docstring: it is no error then."""
    found = []
    for finding in findings:
        versions = [v for about in voted.about if _is_about(finding, about.subject.span) for v in about.versions]
        failed: dict[str, bool | None] = {}
        if finding.evidence == "confirmed" and finding.test:
            for text in dict.fromkeys(version.text for version in versions):
                await bench.load({ctx.target.path: text})
                failed[text] = await run_snippet(bench, ctx, finding.test)
        votes = [failed.get(version.text) for version in versions]
        found.append(_weighed(finding, [one for one in votes if one is not None]))
    await bench.load({})
    return tuple(found)


def _is_about(finding: Finding, span: Span) -> bool:
    return finding.start < span[1] and span[0] < finding.end


def _weighed(finding: Finding, failed: Sequence[bool]) -> Finding:
    """`failed`: of each version whether it fails the finding's test."""
    most = max(LEAST_VERSIONS, LEAST_SHARE * len(failed))
    bad, good = failed.count(True), failed.count(False)
    if good >= most:
        said = f"{good} of {len(failed)} versions written from the docstring pass this test."
        return replace(finding, scenario=f"{finding.scenario} {said}".strip())
    if bad >= most:
        said = f"{bad} of {len(failed)} versions written from the docstring fail this test as well."
        return replace(finding, severity="info", scenario=f"{finding.scenario} {said}".strip())
    return finding


async def compared(
    ctx: PhaseContext, bench: Workbench, state: State, second: SecondOpinions, trial: Trial, attempts: Attempts
) -> Trial:
    """A green candidate (or one that no test command judges) beside versions of it: what they say becomes a part of its
    proof. Where they contradict it and one of them is as good by the tests, that one is taken.

    Only for what was to be written from its docstring: the versions know of no other words of the person."""
    request, path = ctx.request, ctx.target.path
    if state.compared or request.instruction or request.findings or set(trial.texts) != {path} or not ctx.target.name:
        return trial
    state.compared = True
    text = trial.texts[path]
    span = span_in(ctx, text)
    if await second.refusal(text, span):
        return trial
    with phase(ctx.emit, "opinions", state.iterations):
        try:
            await bench.load(trial.texts)
            found = await second.of(text, span)
        except ModelError as error:
            state.notes.append(f"Second opinions were left out: {error.message}")
            return trial
        opinion = found.about[0] if len(found.about) == 1 else None
        if opinion is None or not opinion.versions:
            return trial
        if opinion.finding is None:
            kept = tuple(one for one in trial.proof.suspicions if one != proof.TRIED)
            trial.proof = replace(trial.proof, suspicions=kept, voted=f"{len(opinion.versions)} other versions agree")
            return trial
        peer = await _peer(ctx, bench, state, opinion, trial, attempts)
        if peer is not None:
            state.found([_chosen(opinion.finding)], ctx.emit)
            return peer
        state.found([opinion.finding], ctx.emit)
        trial.proof = replace(trial.proof, voted=_differ(opinion.finding))
        await bench.load(trial.texts)
        return trial


async def _peer(
    ctx: PhaseContext, bench: Workbench, state: State, opinion: Opinion, trial: Trial, attempts: Attempts
) -> Trial | None:
    """The first of the versions that agree, as a candidate that was tested in full and has a proof of its own; None
    where it is not green, or less proven than the trial."""
    if not trial.green or opinion.finding is None:
        return None
    version = opinion.agreeing[0]
    mended = ("took one of the versions that agree with each other",)
    peer = await attempts.tested(Candidate({ctx.target.path: version.text}, version.own, mended=mended))
    if not peer.green or peer.report is None:
        return None
    peer.proof = await proof.of(ctx, bench, state, peer)
    if peer.proof.suspicions or peer.proof.unproven:
        return None
    peer.report = replace(peer.report, control=peer.proof.control)
    peer.proof = replace(peer.proof, voted=f"chosen, since {_differ(opinion.finding, 'the first answer')}")
    return peer


def _differ(finding: Finding, what: str = "it") -> str:
    votes = finding.votes
    assert votes is not None
    return f"{votes.agree} of {votes.versions} other versions differ from {what} on `{votes.input}`"


def _chosen(finding: Finding) -> Finding:
    """For the person, who says which is right: the proposal is one of those that agree now."""
    votes = finding.votes
    assert votes is not None
    message = (
        f"`{votes.input}` {votes.expected} here, as in {votes.agree} of {votes.versions} versions written from its "
        f"outline; the first answer {votes.got}, and your tests pass with both"
    )
    return replace(finding, message=message, severity="info", scenario="")
