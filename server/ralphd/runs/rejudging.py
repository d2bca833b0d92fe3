"""Has what a person made of a proposal judged again: the run's own test command, beside the run's own baseline.

A verdict holds for one exact set of texts. A person who takes a part of a proposal, or edits it, has another set.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace

from ralphd.core.latest import Latest
from ralphd.core.run import Judgement, RunRequest
from ralphd.errors import RalphError
from ralphd.judging.comparing import Reach, judge_with_rerun, without
from ralphd.judging.infrastructure import machine
from ralphd.judging.verdict import TestRun, cut_short
from ralphd.judging.workbench import Workbench
from ralphd.runs.bench import Benches
from ralphd.runs.consent import Consents
from ralphd.runs.settings_source import SettingsSource
from ralphd.settings.provenance import Configuration

RUNS_KEPT = 20


@dataclass(frozen=True)
class Evidence:
    """What the verdict of one run rested on. `hashes`: of the files that it held for."""

    request: RunRequest
    resolved: Configuration
    argv: tuple[str, ...]
    consents: frozenset[str]
    baseline: TestRun
    reach: Reach
    hashes: Mapping[str, str]


class Rejudging:
    """Keeps the evidence of the last runs that proposed something, in memory."""

    def __init__(self, settings: SettingsSource, consents: Consents, benches: Benches) -> None:
        self._settings, self._consents, self._benches = settings, consents, benches
        self._kept: Latest[str, Evidence] = Latest(RUNS_KEPT)

    async def keep(
        self,
        request: RunRequest,
        resolved: Configuration,
        argv: tuple[str, ...],
        baseline: TestRun,
        reach: Reach,
        hashes: Mapping[str, str],
    ) -> None:
        isolation = await self._benches.isolation(resolved.settings)
        consents = await self._consents.needed(request.root, request.folder, resolved, isolation)
        light = replace(request, buffers={})  # as large as all open documents
        self._kept[request.run_id] = Evidence(
            light, resolved, argv, consents, replace(baseline, output=""), reach, hashes
        )

    async def judge(self, run_id: str, buffers: Mapping[str, bytes], texts: Mapping[str, str]) -> Judgement:
        """See `core.runner.Runner.judge`."""
        evidence = self._kept.get(run_id)
        if evidence is None:
            return Judgement("unknown", "what the run rested on is not in memory any more")
        try:
            if not await self._allowed(evidence):
                return Judgement("unknown", "the test command is not the one that was allowed for the run")
            pinned = {f.test_path: f.test.encode() for f in evidence.request.findings if f.test and f.test_path}
            request = replace(evidence.request, buffers={**pinned, **buffers})
            async with self._benches.open(request, evidence.resolved.settings, evidence.argv) as bench:
                return await _judge(bench, evidence, texts)
        except RalphError as error:
            return Judgement("unknown", str(error).rstrip("."))

    async def _allowed(self, evidence: Evidence) -> bool:
        """Whether just this command would be run again, and the person has not forbidden it since."""
        request = evidence.request
        now = await asyncio.to_thread(self._settings.read, request.root, request.path)
        if tuple(now.settings.testing.command or ()) != evidence.argv:
            return False
        isolation = await self._benches.isolation(evidence.resolved.settings)
        needed = await self._consents.needed(request.root, request.folder, evidence.resolved, isolation)
        return needed <= evidence.consents and await self._consents.none_forbidden(needed)


async def _judge(bench: Workbench, evidence: Evidence, texts: Mapping[str, str]) -> Judgement:
    await bench.load(texts)
    run = await bench.run()
    tests = {name.split("::")[0] for name in run.cases} & set(bench.tree.paths())
    hashes = await bench.hashes({*evidence.hashes, *texts, *tests})
    if ended := machine(run) or cut_short(run):
        return Judgement("unknown", ended, (), hashes)
    edited = {path for path, known in evidence.hashes.items() if path not in texts and hashes.get(path) != known}
    verdict, _ = await judge_with_rerun(bench, run, without(evidence.baseline, edited), evidence.reach, texts)
    failing = tuple(case.nodeid for case in verdict.failing)
    if not verdict.green:
        return Judgement("red", verdict.why, failing, hashes)
    if verdict.unproven:
        return Judgement("unproven", f"{verdict.why}; but {verdict.unproven}", failing, hashes)
    return Judgement("green", verdict.why, failing, hashes)
