"""Goes through a recorded run again: offline, at no cost, from its journal alone."""

from __future__ import annotations

from pathlib import Path

from ralphd.attack.adapters import adapter_for
from ralphd.context.target import find_target
from ralphd.core.events import Emit
from ralphd.core.run import RunResult
from ralphd.loop.journal import Recording, ReplayBench, ReplayGateway, replay_admit
from ralphd.loop.loop import Loop
from ralphd.loop.recorded_calls import ReplayPoll
from ralphd.phases import chaos
from ralphd.phases.base import PhaseContext
from ralphd.settings.schema import Settings


async def replay(path: Path, emit: Emit) -> tuple[RunResult, str | None]:
    """(the result now, the outcome then; None where the record has no end)."""
    recording = Recording(path.read_text(encoding="utf-8").splitlines())
    request = recording.request()
    settings = Settings.model_validate(recording.begin["settings"])
    bench, gateway = ReplayBench(recording), ReplayGateway(recording)
    target = find_target(request.path, request.text, request.span)
    model = await gateway.describe("artisan")
    ctx = PhaseContext(request, settings, gateway, bench.tree, target, emit, model.local)
    adapter = adapter_for(request.path) if recording.of("admission") else None
    attack = chaos.Attack(adapter, replay_admit(recording), None) if adapter else None
    poll = ReplayPoll(recording) if recording.of("called") else None
    result = await Loop(ctx, bench, (), attack, poll=poll).run()
    return result, recording.end["outcome"] if recording.end else None
