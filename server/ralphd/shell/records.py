"""The commands about what is kept: findings, past runs, replay, clean-up, the model's weights."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ralphd.app import build_service
from ralphd.core.result_json import result_json
from ralphd.core.run import EXIT_CODES
from ralphd.errors import UsageError
from ralphd.runs import history
from ralphd.runs.replay import replay as replay_run
from ralphd.shell import housekeeping
from ralphd.shell.headless import project_of
from ralphd.shell.terminal import say, say_json, tell
from ralphd.state import Dismissed, Folders


def findings(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    folders, root = Folders.of(environ), str(project_of(Path.cwd() / "_"))
    dismissed = Dismissed(folders, root)
    if options.revoke:
        gone = dismissed.revoke(options.revoke)
        say(f"{gone} will be shown again.")
        return 0 if gone else 1
    if options.dismissed:
        kept = dismissed.all()
        if options.json:
            say_json(kept, indent=1)
        else:
            say("\n".join(f"{k}  {v}" for k, v in sorted(kept.items())) or "None.")
        return 0
    listed = [f for entry in history.journals(folders, root) for f in (entry["result"] or {}).get("findings", [])]
    if options.json:
        say_json(listed)
    else:
        for finding in listed:
            say(f"{finding['path']}: {finding['severity']}: {finding['message']} ({finding['evidence']})")
    return 0


def runs(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    found, text = asyncio.run(_runs(environ))
    if options.json:
        say_json(found)
    else:
        say("\n".join(text))
    return 0


async def _runs(environ: Mapping[str, str]) -> tuple[list[dict[str, Any]], list[str]]:
    service = build_service(environ)
    try:
        return await service.history()
    finally:
        await service.close()


def journal_of(run: str, environ: Mapping[str, str]) -> Path:
    """The journal of a run that is given by its id, its journal's name or the path of that."""
    path = Path(run)
    if path.is_file():
        return path
    for entry in history.journals(Folders.of(environ), None):
        if entry["result"]["run_id"] == run or entry["path"].stem == run:
            return Path(entry["path"])
    raise UsageError(f"There is no run {run}.", "`ralphd runs` lists them.")


def replay(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    path = journal_of(options.run, environ)
    from ralphd.shell.headless import Shown

    result, then = asyncio.run(replay_run(path, Shown()))
    if options.json:
        shape = result_json(result, review_id=None, hunks=len(result.edits), findings=[])
        say_json({**shape, "edits": dict(result.edits), "recordedOutcome": then})
    tell(f"{result.outcome}: {result.reason}")
    if then is not None and then != result.outcome:
        tell(f"The recorded run ended as {then}.")
        return 1
    return EXIT_CODES.get(result.outcome, 1)


def clean(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    removed, freed, copies = housekeeping.clean(Folders.of(environ))
    say(
        f"Removed {removed} old journals ({freed / 1e6:.1f} MB) and {copies} unused copies. Weights, consents and the books stay."
    )
    return 0


def fetch_model(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    from ralphd.shell.weights import fetch_with_bar

    fetch_with_bar(Folders.of(environ).cache)
    return 0
