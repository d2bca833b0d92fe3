"""`ralphd demo`: the main job on a shipped project, through the real server over LSP, on the embedded model by default.

Copies the project to a scratch folder, opens it as an editor would, shows what the server tells, accepts the change,
saves, runs the tests, and says what happened. Exit 1 when it did not work.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from ralphd.app import build_service
from ralphd.core import events
from ralphd.core.edits import unified
from ralphd.core.own_program import own_command
from ralphd.lsp.client import Client
from ralphd.runs.service import RunService
from ralphd.sandbox.isolation import detect
from ralphd.settings.load import resolve
from ralphd.shell.demo_replay import replay
from ralphd.shell.terminal import Screen, ask, say
from ralphd.shell.weights import fetch_with_bar

TARGET, FUNCTION = "pages.py", "def expand"
IN_YOUR_EDITOR = """
In your own editor:
  VS Code   make vsix, then install vscode-extension/ralphd.vsix
  Neovim    put neovim/ on the runtime path, then vim.lsp.enable('ralphd')
  others    run `ralphd` on stdio; editors/ has a file for each"""


def demo(options: argparse.Namespace, environ: Mapping[str, str], screen: Screen | None = None) -> int:
    """`screen`: where to show it, instead of standard output."""
    screen = screen or Screen(rich=sys.stdout.isatty() and not options.plain)
    if options.replay:
        replay(screen)
        return 0
    service = build_service(environ)
    resolved = resolve(service.settings.layers(os.getcwd(), os.getcwd())[:1], environ)
    isolation = asyncio.run(detect(resolved.settings.sandbox.mode))
    settings: dict[str, Any] = {
        "testing": {"command": [sys.executable, "-m", "pytest", "-q"]},
        "loop": {"max_iterations": 8},
    }
    if isolation.kind == "none" and resolved.settings.sandbox.mode != "none":
        say(isolation.detail)
        if not _agreed("Run the model's code in this demo WITHOUT isolation?", options):
            say("Nothing was run. Install the isolation and try again, or pass --yes.")
            return 1
        settings["sandbox"] = {"mode": "none"}
    chosen = resolved.settings.models.artisan.model
    if chosen is None and not asyncio.run(_has_key(service, resolved)):
        settings["models"] = "local"
        fetch_with_bar(service.folders.cache, lambda: _meanwhile(screen))
        screen.say(
            "Model: the embedded Qwen2.5-Coder 1.5B, on this machine. Small and free: expect a wrong answer or two."
        )
    elif chosen == "local":
        fetch_with_bar(service.folders.cache, lambda: _meanwhile(screen))
    else:
        screen.say(
            f"Model: {chosen or 'the one your key belongs to'}, as configured. This costs what its provider asks; the budget of your configuration holds."
        )
    with tempfile.TemporaryDirectory(prefix="ralphd-demo-") as scratch:
        folder = Path(scratch) / "pages"
        with resources.as_file(resources.files("ralphd").joinpath("demo_project")) as shipped:
            shutil.copytree(shipped, folder, ignore=shutil.ignore_patterns("__pycache__", ".pytest_cache"))
        return asyncio.run(_play(folder, settings, screen, environ))


def _meanwhile(screen: Screen) -> None:
    """What is shown while the model is fetched for the first time."""
    screen.say(
        "\nMeanwhile, what will happen: a small project with failing tests is opened as an editor would open it; the model writes, "
        "the tests run on a copy in a sandbox, faults are planted to see whether they notice, and the change waits for your word.\n"
    )
    replay(screen)
    screen.say("\nThat was the recording. Yours begins when the model is here.\n", "italic")


async def _has_key(service: RunService, resolved: Any) -> bool:
    """Whether a provider's key is there, so that a default model answers: asked of the host, not looked up here."""
    try:
        gateway = await service.models.open(resolved.settings, os.getcwd(), start_local=False)
        return any(not chain[0].local for chain in gateway.config.roles.values())
    finally:
        await service.close()


def _agreed(question: str, options: argparse.Namespace) -> bool:
    if options.yes:
        return True
    if not sys.stdin.isatty():
        return False
    return ask(f"{question} [y/N] ").lower() in ("y", "yes")


async def _play(folder: Path, settings: Mapping[str, Any], screen: Screen, environ: Mapping[str, str]) -> int:
    target = folder / TARGET
    before = target.read_text(encoding="utf-8")
    screen.say(f"\nA small project with {_count_tests(folder)} failing tests, in a scratch folder:", "bold")
    screen.say(before.rstrip())
    client = await Client.spawn(own_command("serve"), folder, user_settings=settings, env=environ)
    try:
        result = await _implement(client, target, before, screen)
    finally:
        await client.stop()
    if result["outcome"] != "proposed":
        screen.say("The demo did not succeed this time. Nothing was changed.")
        return 1
    tests = subprocess.run(  # noqa: ASYNC221 (the server is gone; nothing waits)
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    screen.say(tests.stdout.strip().splitlines()[-1] if tests.stdout.strip() else "no output of pytest")
    usage, cost = result["usage"], result["cost"]
    spent = "unknown (no price is known for its model)" if cost["usd"] is None else f"${cost['usd']:.4f}"
    screen.say(
        f"{result['iterations']} attempt(s), {usage['totalTokens']} tokens in {usage['calls']} calls, cost {spent}"
    )
    if tests.returncode != 0:
        screen.say("The accepted change does not pass the tests: that is a defect of ralphd.", "bold red")
        return 1
    screen.say("Done: red tests, a loop of attempts, a verified proposal, accepted by you, green tests.", "bold green")
    screen.say(IN_YOUR_EDITOR)
    return 0


async def _implement(client: Client, target: Path, before: str, screen: Screen) -> Mapping[str, Any]:
    """Trigger the run, show it and its review, accept what was proposed, and save it; the run's result."""
    waiting: list[Mapping[str, Any]] = []

    def on_event(params: Mapping[str, Any]) -> None:
        if params["type"] == "hunksChanged":
            waiting[:] = [hunk for hunk in params["hunks"] if hunk["state"] == "pending"] or waiting
        _show(params, screen)

    client.on_event = on_event
    client.on_stream = lambda params: screen.stream(params["delta"])
    uri = await client.open(target)
    screen.say("\n> Ralph: implement", "bold")
    result: Mapping[str, Any] = await client.run("implement", uri, before[: before.index(FUNCTION)].count("\n"))
    green = result["outcome"] == "proposed"
    screen.say(f"\n{result['outcome']}: {result['reason']}", "bold green" if green else "bold red")
    if green:
        assert client.text(uri) == before, "the buffer changed before anything was accepted"
        _review(waiting, result, screen)
        await client.accept_all(result["reviewId"], uri)
        screen.say("\nAccepted, as you would in your editor with one key.", "bold")
        target.write_text(client.text(uri), encoding="utf-8")
    return result


def _review(hunks: Sequence[Mapping[str, Any]], result: Mapping[str, Any], screen: Screen) -> None:
    """Each change with its proof beside it, as the editors show them."""
    control = (result["tests"] or {}).get("control")
    proof = f"{result['tests']['passed']} tests passed" if result["tests"] else "NOT verified"
    if control and control["planted"]:
        proof += f", {control['noticed']} of {control['planted']} planted faults noticed"
    for number, hunk in enumerate(hunks, 1):
        screen.say(f"\nchange {number} of {len(hunks)} · {proof}", "bold")
        screen.diff("".join(unified(TARGET, hunk["oldText"], hunk["newText"]).splitlines(keepends=True)[2:]))


def _count_tests(folder: Path) -> int:
    return sum(path.read_text(encoding="utf-8").count("\ndef test_") for path in folder.rglob("test_*.py"))


PHASES: Mapping[events.Phase, str] = {
    "baseline": "Tests, as they are",
    "librarian": "Librarian",
    "artisan": "Artisan",
    "tests": "Tests, on a copy",
    "control": "Planted faults, which the tests should notice",
    "critic": "Critic",
    "opinions": "Versions written without seeing it, which vote on what it should give",
    "chaos": "Chaos",
}


def _show(event: Mapping[str, Any], screen: Screen) -> None:
    kind = event["type"]
    if kind == "phaseStarted":
        attempt = f", attempt {event['iteration']}" if event["phase"] == "artisan" else ""
        screen.say(f"· {PHASES[event['phase']]}{attempt}", "cyan")
    elif kind == "testsEnded":
        tests = event["tests"]
        screen.say(
            f"  {tests['passed']} passed, {tests['failed']} failed, {tests['errors']} errors in {tests['durationS']:.1f} s ({tests['sandbox']})"
        )
    elif kind == "modelChosen":
        screen.say(f"  {event['role']} asks {event['model']}")
    elif kind == "findingAdded":
        screen.say(f"  finding: {event['finding']['message']}", "yellow")
    elif kind in ("fallback", "retry"):
        screen.say(f"  {kind}: {event['why']}", "yellow")
