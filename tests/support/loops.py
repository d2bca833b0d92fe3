"""Drives the loop on a temporary project with the scripted gateway and the real sandbox."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ralphd.context.target import find_target
from ralphd.core import events
from ralphd.core.run import Command, RunRequest, RunResult
from ralphd.judging.workbench import Tester
from ralphd.loop.loop import Loop
from ralphd.models.scripted import Reply, ScriptedGateway
from ralphd.phases.base import PhaseContext
from ralphd.sandbox.environment import sandbox_environment
from ralphd.sandbox.isolation import detect
from ralphd.sandbox.shadow import ShadowPool
from ralphd.settings.load import Layer, resolve
from ralphd.settings.schema import Settings

PYTEST = ("python", "-m", "pytest", "-q", "-p", "no:cacheprovider")


def settings(**keys: Any) -> Settings:
    """Defaults with some keys set, as the person's own configuration would."""
    resolved = resolve([Layer("user", data=keys)], {})
    assert not [p for p in resolved.problems if p.severity == "error"], resolved.problems
    return resolved.settings


def write(root: Path, files: Mapping[str, str | bytes]) -> None:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else textwrap.dedent(content).encode())


def tree(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}


def code(text: str, info: str = "python") -> str:
    return f"```{info}\n{textwrap.dedent(text).strip()}\n```\n"


@dataclass
class Outcome:
    result: RunResult
    gateway: ScriptedGateway
    events: list[events.Event] = field(default_factory=list)

    def of(self, kind: type) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]


async def drive(
    root: Path,
    replies: Mapping[str, Sequence[Reply | str]],
    *,
    path: str,
    at: str | tuple[int, int] = "",
    command: Command = "implement",
    argv: Sequence[str] = PYTEST,
    config: Mapping[str, Any] | None = None,
    instruction: str = "",
    buffers: Mapping[str, bytes] | None = None,
    local: bool = False,
    text: str | None = None,
    gateway: ScriptedGateway | None = None,
    tell: events.Emit = lambda event: None,
    **request: Any,
) -> Outcome:
    """Run the loop on `path` with the cursor at the first `at`, or with a selection. `tell` hears each event at once."""
    chosen = settings(**{"loop": {"critic": "never"}, **(config or {})})
    source = text if text is not None else (root / path).read_bytes().decode()
    span = at if isinstance(at, tuple) else (source.index(at), source.index(at)) if at else None
    asked = RunRequest("run-1", command, str(root), path, source, span, instruction, buffers=buffers or {}, **request)
    gateway = gateway or ScriptedGateway(replies, local=local)
    seen: list[events.Event] = []

    def emit(event: events.Event) -> None:
        seen.append(event)
        tell(event)

    isolation = await detect("auto")
    pool = ShadowPool(
        str(root), str(root.parent / "cache"), chosen.sandbox, isolation, environment=sandbox_environment(os.environ)
    )
    try:
        async with pool.lease() as shadow:
            tester = Tester(
                shadow,
                root=str(root),
                argv=argv,
                fast_argv=chosen.testing.fast_command or (),
                buffers=asked.buffers,
                timeout_s=chosen.testing.timeout_s,
                sandbox=isolation.kind,
                report_root=root.parent / "reports",
            )
            async with tester:
                ctx = PhaseContext(asked, chosen, gateway, tester.tree, find_target(path, source, span), emit, local)
                result = await Loop(ctx, tester).run()
    finally:
        await pool.close()
    return Outcome(result, gateway, seen)
