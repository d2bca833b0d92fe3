"""The commands about configuration and consent: `ralphd config …` and `ralphd trust …`."""

from __future__ import annotations

import argparse
import asyncio
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from ralphd.app import build_service
from ralphd.core.runner import KnownConsent
from ralphd.errors import UsageError
from ralphd.runs.consent import command_consents
from ralphd.runs.place import run_folder
from ralphd.settings import export, questions
from ralphd.settings.consents import Consent
from ralphd.settings.load import show, show_json
from ralphd.settings.project import CONFIG_NAME
from ralphd.settings.provenance import Configuration
from ralphd.settings.trust import TrustStore
from ralphd.shell.headless import project_of
from ralphd.shell.terminal import say, say_json, tell
from ralphd.state import Folders


def config(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    if options.action == "schema":
        say(export.schema_text(), end="")
        return 0
    if options.action == "init":
        return _init()
    place = Path(os.path.abspath(options.path))
    if not place.exists():
        raise UsageError(f"{options.path} does not exist.")
    file = place if place.is_file() else place / "_"
    root = project_of(file)
    configuration = build_service(environ).settings.read(str(root), os.path.relpath(file, root))
    if options.action == "show":
        if options.json:
            say_json(show_json(configuration), indent=1)
        else:
            say(show(configuration).rstrip("\n"))
        return 0
    return _check(configuration, as_json=options.json)


def _init() -> int:
    path = Path(CONFIG_NAME)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(export.starting_config())
    except FileExistsError:
        raise UsageError(f"{path} exists already; nothing was overwritten.") from None
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}.") from None
    say(f"Wrote {path}.")
    return 0


def _check(configuration: Configuration, *, as_json: bool) -> int:
    """Exit code 1 where there is an error or a warning."""
    if as_json:
        names = ("path", "line", "severity", "code", "message", "key")
        say_json([{name: getattr(problem, name) for name in names} for problem in configuration.problems])
    else:
        for line in (*map(str, configuration.problems), *map(questions.unused, configuration.asked)):
            say(line)
        if not configuration.problems:
            say("No problem found.")
    return 1 if configuration.stopping or configuration.told else 0


def trust(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    store = TrustStore(str(Folders.of(environ).trust))
    if store.problem:
        tell(store.problem)
    if options.action == "revoke":
        return _revoke(store, options.digest)
    workspace = os.path.abspath(options.workspace) if options.workspace else str(project_of(Path.cwd() / "_"))
    if options.action == "give":
        asked = [one for one in asyncio.run(_asked(workspace, environ)) if store.decision(one.digest) != "always"]
        return _give(store, asked, options.digest, workspace)
    for known in asyncio.run(_known(workspace, environ)):
        say(f"{known.digest[:12]}  {known.state:7} {known.text}")
    return 0


def _revoke(store: TrustStore, prefix: str) -> int:
    gone = sum(store.revoke(given.digest) for given in store.list()) if prefix == "all" else store.revoke(prefix)
    say(f"{gone} taken back.")
    return 0 if gone else 1


def _give(store: TrustStore, asked: list[Consent], prefix: str, workspace: str) -> int:
    """Agree, for good, to the one thing that the workspace asks for and whose digest begins with `prefix`."""
    found = [consent for consent in asked if prefix and consent.digest.startswith(prefix)]
    if len(found) != 1:
        how_many = "Nothing" if not found else "More than one thing"
        raise UsageError(
            f"{how_many} that {workspace} asks for has a digest that begins with {prefix!r}.",
            "`ralphd trust list` shows what is asked for here.",
        )
    store.decide(found[0].digest, "always", found[0])
    say(f"Agreed: {questions.in_full(found[0])}")
    return 0


def _here(workspace: str) -> str:
    """A file of the working folder, relative to the workspace; of the root where the working folder lies elsewhere."""
    here = os.path.relpath(os.path.join(os.getcwd(), "_"), workspace)
    return "_" if here.startswith("..") else here


async def _known(workspace: str, environ: Mapping[str, str]) -> Sequence[KnownConsent]:
    service = build_service(environ)
    try:
        return await service.known_consents(workspace, _here(workspace))
    finally:
        await service.close()


async def _asked(workspace: str, environ: Mapping[str, str]) -> list[Consent]:
    """What the configuration in force in the working folder, or in the workspace's root, needs the person's consent for."""
    service = build_service(environ)
    path = _here(workspace)
    try:
        configuration = service.settings.read(workspace, path)
        isolation = await service.benches.isolation(configuration.settings)
        folder = run_folder(workspace, path, configuration.settings.testing.command or ())
        return [*configuration.asked, *command_consents(workspace, folder, configuration, isolation, environ)]
    finally:
        await service.close()
