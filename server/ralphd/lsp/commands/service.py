"""Commands about the service as a whole: cancel, status, consents, trust, showLog, showRun, openSetting, fetchModel,
setup, installIsolation, useTestCommand."""

from __future__ import annotations

import asyncio
import os
import shlex
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from pygls.exceptions import JsonRpcInvalidParams

from ralphd import __version__
from ralphd.core.own_program import own_command
from ralphd.core.runner import DECISIONS, Runner
from ralphd.errors import RalphError
from ralphd.lsp.commands.table import ServerCommand
from ralphd.lsp.convert import path_to_uri
from ralphd.lsp.features.virtual_documents import NO_RECORD, RECORDS, REQUEST_LOG
from ralphd.lsp.fetching import Fetching
from ralphd.lsp.outbox import Outbox
from ralphd.lsp.refusals import failed
from ralphd.lsp.request_log_view import RequestLogView
from ralphd.lsp.retesting import Retesting
from ralphd.lsp.review import Reviews
from ralphd.lsp.runs import Runs
from ralphd.lsp.workspace import Workspace

REVOKE = "revoke"
"""Beside the decisions: forget one, so that it is asked for again."""


class ServiceCommands:
    def __init__(
        self,
        outbox: Outbox,
        workspace: Workspace,
        runs: Runs,
        reviews: Reviews,
        retesting: Retesting,
        fetching: Fetching,
        journals: Mapping[str, str],
        runner: Callable[[], Runner],
        log: RequestLogView,
    ) -> None:
        """`journals`: paths by run id."""
        self._journals, self._log = journals, log
        self._outbox, self._workspace, self._runner = outbox, workspace, runner
        self._runs, self._reviews = runs, reviews
        self._retesting, self._fetching = retesting, fetching

    def commands(self) -> list[ServerCommand]:
        return [
            ServerCommand("cancel", frozenset({"runId"}), self._cancel),
            ServerCommand("status", frozenset(), self._status),
            ServerCommand("consents", frozenset({"uri"}), self._consents),
            ServerCommand("trust", frozenset({"digest", "decision"}), self._trust),
            ServerCommand("showLog", frozenset(), self._show_log),
            ServerCommand("showRun", frozenset({"runId"}), self._show_run),
            ServerCommand("openSetting", frozenset({"key", "uri", "onlySet"}), self._open_setting),
            ServerCommand("fetchModel", frozenset(), self._fetch_model),
            ServerCommand("setup", frozenset(), self._setup),
            ServerCommand("installIsolation", frozenset({"argv"}), self._install_isolation),
            ServerCommand("useTestCommand", frozenset({"uri", "command"}), self._use_test_command),
        ]

    def _cancel(self, argument: dict[str, Any]) -> dict[str, Any]:
        wanted = argument.get("runId")
        chosen = [run for run in self._runs.live.values() if wanted in (None, run.run_id)]
        for run in chosen:
            self._runs.cancel(run)
        if wanted is None:
            self._retesting.cancel()
        return {"cancelled": [run.run_id for run in chosen]}

    def _status(self, argument: dict[str, Any]) -> Any:
        status = self._runner().status()  # at once: where there is no service, that is the answer
        runs = [{"runId": r.run_id, "uri": r.uri, "command": r.request.command} for r in self._runs.live.values()]
        reviews = [
            {"reviewId": r.review_id, "runId": r.run_id, "pending": len(r.pending)}
            for r in self._reviews.live.values()
            if r.pending
        ]

        async def tell() -> dict[str, Any]:
            return {"version": __version__, "runs": runs, "reviews": reviews, **await status}

        return tell()

    async def _consents(self, argument: dict[str, Any]) -> dict[str, Any]:
        """What is remembered, and what the workspace of a document asks for."""
        uri = argument.get("uri")
        place = self._workspace.place_of(uri) if isinstance(uri, str) else None
        root = place.root if place else next(iter(self._workspace.roots), os.getcwd())
        known = await self._runner().known_consents(root)
        return {"consents": [asdict(consent) for consent in known]}

    def _trust(self, argument: dict[str, Any]) -> Any:
        digest, decision = argument.get("digest"), argument.get("decision")
        if decision not in (*DECISIONS, REVOKE) or not isinstance(digest, str) or not digest:
            raise JsonRpcInvalidParams('decision must be "once", "always", "never" or "revoke", and digest a string.')

        async def decide() -> dict[str, Any]:
            if decision == REVOKE:
                if not await self._runner().revoke(digest):
                    raise failed("There is no decision with this digest.")
            elif not await self._runner().decide(digest, decision):
                raise failed("This digest was not asked about: start the run first.")
            return {"digest": digest, "decision": decision}

        return decide()

    async def _show_log(self, argument: dict[str, Any]) -> dict[str, Any]:
        """As a readable document where the client shows documents of ours, else the file itself."""
        path = await self._log.path()
        self._outbox.background(self._open_log(path))
        return {"path": path}

    async def _open_log(self, path: str) -> None:
        if self._workspace.client.text_document_content and await asyncio.to_thread(os.path.exists, path):
            await self._outbox.open_document(REQUEST_LOG, take_focus=True)
        else:
            await self._open(path, "The request log", "No request was made yet: the log is empty.")

    def _show_run(self, argument: dict[str, Any]) -> dict[str, Any]:
        """The journal of a run of this session: what was asked, answered, tested and decided. As a readable document where
        the client shows documents of ours, else the file itself."""
        run_id = str(argument.get("runId"))
        path = self._journals.get(run_id)
        if path is None:
            raise failed("There is no record of this run.")
        self._outbox.background(self._open_record(run_id, path))
        return {"path": path}

    async def _open_record(self, run_id: str, path: str) -> None:
        if self._workspace.client.text_document_content:
            await self._outbox.open_document(f"{RECORDS}{run_id}.md", take_focus=True)
        else:
            await self._open(path, "The record of this run", NO_RECORD.strip())

    async def _open_setting(self, argument: dict[str, Any]) -> dict[str, Any]:
        """Show the place where a setting is decided, for the workspace of a document. `onlySet`: show nothing where no
        file sets it, for a client that has a page of settings of its own."""
        key, uri, only_set = argument.get("key"), argument.get("uri"), argument.get("onlySet", False)
        if not isinstance(key, str) or not (uri is None or isinstance(uri, str)) or not isinstance(only_set, bool):
            raise JsonRpcInvalidParams("key must be the name of a setting, uri a document's, and onlySet a boolean.")
        place = self._workspace.place_of(uri) if uri else None
        root = place.root if place else next(iter(self._workspace.roots), "")
        path, line, is_set = await self._runner().setting_place(root, key)
        if is_set or not only_set:
            self._outbox.background(self._show_setting(path, line, key))
        return {"path": path, "line": line, "set": is_set}

    async def _show_setting(self, path: str, line: int, key: str) -> None:
        if not await asyncio.to_thread(os.path.exists, path):
            self._outbox.show(f"Set `{key}` in {path}: it is not there yet. In a terminal, `ralphd setup` writes it.")
        elif not await self._outbox.open_document(path_to_uri(path), take_focus=True, line=line):
            self._outbox.show(f"`{key}` is set in {path}, line {line + 1}")

    def _fetch_model(self, argument: dict[str, Any]) -> dict[str, Any]:
        """Fetch the embedded model beside all else; what became of it is shown."""
        self._fetching.begin()
        return {}

    def _setup(self, argument: dict[str, Any]) -> dict[str, Any]:
        """The program that asks a person for what is missing. It needs a terminal, which only the client has."""
        folder = next(iter(self._workspace.roots), "")
        return {"argv": own_command("setup"), "folder": folder}

    def _install_isolation(self, argument: dict[str, Any]) -> dict[str, Any]:
        """As `setup`: an installer asks for a password, so it needs the client's terminal."""
        return {"argv": _words(argument, "argv"), "folder": ""}

    async def _use_test_command(self, argument: dict[str, Any]) -> dict[str, Any]:
        """Write the project's file with this test command; one that is there already is opened instead. The next run
        asks for consent to the command, as to every one that a repository names."""
        uri, command = argument.get("uri"), _words(argument, "command")
        place = self._workspace.place_of(uri) if isinstance(uri, str) else None
        if place is None:
            raise failed("The file is outside the workspace. Add its folder to the workspace first.")
        try:
            path, written = await self._runner().use_test_command(place.root, place.path, command)
        except RalphError as error:
            raise failed(str(error)) from None
        words = shlex.join(command)
        if written:
            self._outbox.tell(f"Tests are run by `{words}` now, by {path}. Run it again.")
        else:
            self._outbox.show(f"{path} is there already: write `testing: {{command: {words}}}` into it.")
            self._outbox.background(self._outbox.open_document(path_to_uri(path), take_focus=True))
        return {"path": path, "written": written}

    async def _open(self, path: str, what: str, missing: str) -> None:
        if not await asyncio.to_thread(os.path.exists, path):
            self._outbox.show(missing)
        elif not await self._outbox.open_document(path_to_uri(path), take_focus=True):
            self._outbox.show(f"{what} is {path}")


def _words(argument: Mapping[str, Any], key: str) -> list[str]:
    words = argument.get(key)
    if not isinstance(words, list) or not words or not all(isinstance(word, str) for word in words):
        raise JsonRpcInvalidParams(f"{key} must be a list of words.")
    return words
