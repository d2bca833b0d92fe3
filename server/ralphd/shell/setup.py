"""`ralphd setup`: from nothing to a first model. Asks on a terminal, writes the person's own file, tests the key with one call.

No prompt is sent anywhere but in that call, and only after the person agreed to it and to its price.
"""

from __future__ import annotations

import argparse
import asyncio
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

from ralphd.app import build_service
from ralphd.context.tree import MemoryTree
from ralphd.core.run import new_run_id
from ralphd.core.wording import dollars
from ralphd.errors import ModelError, UsageError
from ralphd.judging.suggested_command import suggest_command
from ralphd.models.budget import BudgetedGateway
from ralphd.models.gateway import CompletionRequest, Message
from ralphd.settings.project import CONFIG_NAME
from ralphd.shell.headless import project_of
from ralphd.shell.setup_choices import choose
from ralphd.shell.terminal import say
from ralphd.state import Folders, write_private

_QUESTION = Message(role="user", content="Answer with the one word: ready")
_MANIFEST_BYTES = 1 << 20
_ANSWER_TOKENS = 64
"""Enough for a model that reasons before it says one word."""


def setup(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    path = Folders.of(environ).user_config
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("`ralphd setup` asks questions, and there is no terminal.", f"Write {path} yourself.")
    if path.exists():
        raise UsageError(f"You have a configuration already: {path}; it was not changed.", "`ralphd doctor` checks it.")
    try:
        chosen = choose(environ)
    except EOFError:
        raise UsageError("Stopped; nothing was written.") from None
    write_private(path, chosen.settings)
    say(f"Wrote {path}.")
    _tell_tests(project_of(Path.cwd() / "_"))
    if chosen.then:
        say(chosen.then)
        return 0
    return asyncio.run(_try(environ))


def _tell_tests(root: Path) -> None:
    """The test command that the project seems to have. It is only told: what runs is the person's to say."""
    command = _test_command(root)
    if command and not (root / CONFIG_NAME).exists():
        say(f"Tests of {root}: write `testing: {{command: {command}}}` into its {CONFIG_NAME} if that runs them.")


def _test_command(root: Path) -> str:
    """As a run suggests it, from what lies in the project's folder and in its folders of tests."""
    texts = {}
    for path in (*root.glob("*"), *root.glob("test*/*.py")):
        if path.is_file() and path.stat().st_size < _MANIFEST_BYTES:
            texts[path.relative_to(root).as_posix()] = path.read_bytes().decode("utf-8", "replace")
    return shlex.join(suggest_command(MemoryTree(texts)) or ())


async def _try(environ: Mapping[str, str]) -> int:
    """One short question to the cheaper of the two models, booked like every other call."""
    service = build_service(environ)
    root = str(project_of(Path.cwd() / "_"))
    try:
        settings = service.settings.read(root, "_").settings
        inner = await service.models.open(settings, root)
        gateway = BudgetedGateway(inner, service.books.ledger, new_run_id(), settings.budget)
        model = (await gateway.describe("critic")).model
        request = CompletionRequest(role="critic", messages=(_QUESTION,), max_tokens=_ANSWER_TOKENS)
        most = dollars(await gateway.worst(request))
        answer = await asyncio.to_thread(
            input, f"Ask {model} for one word, to see that it answers? At most {most} [y/N]: "
        )
        if answer.strip().lower() not in ("y", "yes"):
            say("Not asked. `ralphd doctor` shows what is configured without a call.")
            return 0
        answered = await gateway.complete(request)
        say(f"{answered.model} answered. You are set up.")
        return 0
    except EOFError:
        say("Not asked.")
        return 0
    except ModelError as error:
        say(f"{error}\nMend your configuration, or remove it and run `ralphd setup` again.")
        return 1
    finally:
        await service.close()
