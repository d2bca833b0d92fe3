"""Commands that start a run: implement, critique, chaosTests, opinions, fix; and those that start one again: retry, allow."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pygls.exceptions import JsonRpcInvalidParams

from ralphd.core.encodings import decoded
from ralphd.core.regular_files import read_regular
from ralphd.core.run import Command, RunRequest, new_run_id
from ralphd.core.text import Position, Span, Text
from ralphd.lsp.commands.table import ServerCommand
from ralphd.lsp.diagnostics import Diagnostics, ShownFinding
from ralphd.lsp.live_run import LiveRun
from ralphd.lsp.refusals import failed, outdated
from ralphd.lsp.review import Reviews
from ralphd.lsp.runs import Runs
from ralphd.lsp.workspace import Place, Workspace

RUN_KEYS: Mapping[Command, frozenset[str]] = {
    "implement": frozenset({"uri", "version", "range", "instruction"}),
    "critique": frozenset({"uri", "version", "range", "instruction"}),
    "chaosTests": frozenset({"uri", "version", "range"}),
    "opinions": frozenset({"uri", "version", "range"}),
    "fix": frozenset({"uri", "findingId"}),
}
"""The keys that the argument of each run may have."""
MAX_BYTES = 4_000_000


class Starting:
    def __init__(self, workspace: Workspace, runs: Runs, reviews: Reviews, diagnostics: Diagnostics) -> None:
        self._workspace, self._runs = workspace, runs
        self._reviews, self._diagnostics = reviews, diagnostics

    def commands(self) -> list[ServerCommand]:
        return [
            ServerCommand("implement", RUN_KEYS["implement"], lambda a: self._started("implement", a)),
            ServerCommand("critique", RUN_KEYS["critique"], lambda a: self._started("critique", a)),
            ServerCommand("chaosTests", RUN_KEYS["chaosTests"], lambda a: self._started("chaosTests", a)),
            ServerCommand("opinions", RUN_KEYS["opinions"], lambda a: self._started("opinions", a)),
            ServerCommand("fix", RUN_KEYS["fix"], lambda a: self._started("fix", a)),
            ServerCommand("retry", frozenset({"reviewId", "reason"}), self._retry),
            ServerCommand("allow", frozenset({"uri", "findingId"}), self._allow),
        ]

    def _started(self, command: Command, argument: dict[str, Any]) -> dict[str, Any] | Coroutine[Any, Any, Any]:
        run = self.start(command, argument)
        return {"runId": run.run_id} if isinstance(run, LiveRun) else _run_id(run)

    def start(self, command: Command, argument: Mapping[str, Any]) -> LiveRun | Coroutine[Any, Any, LiveRun]:
        """Check, snapshot, start. Refusals are errors; what is wrong with the work itself is the run's outcome.

        The run has started when this returns, with the document as it is now. Only where the disk has to be read first
        (a file that is not open, or one whose place is not known yet) it comes later, from a coroutine.
        """
        uri = self._document_of(argument)
        shown = self._to_fix(argument, uri) if command == "fix" else ()
        document = self._workspace.documents.get(uri)
        version = argument.get("version")
        if document is not None and version is not None and version != document.version:
            raise outdated("The document changed since. Try again.")
        self._check_free(uri)
        if document is None or not self._workspace.is_placed(uri):
            return self._start_later(command, argument, uri, document.text if document else None, shown)
        return self._start(command, argument, uri, document.text, shown)

    def _document_of(self, argument: Mapping[str, Any]) -> str:
        """The URI of the document that a command is about."""
        uri = argument.get("uri") or self._workspace.documents.last_uri
        if not isinstance(uri, str):
            raise failed("There is no active document. Open a file first.")
        return self._workspace.documents.spelled(uri)

    def _to_fix(self, argument: Mapping[str, Any], uri: str) -> Sequence[ShownFinding]:
        """The finding that is named, else all of the document that a change of code can deal with."""
        if "findingId" in argument:
            return (self._diagnostics.required(argument),)
        found = [shown for shown in self._diagnostics.of(uri) if shown.fixable]
        if not found:
            raise failed("There is no finding in this document to fix.")
        return found

    async def _start_later(
        self, command: Command, argument: Mapping[str, Any], uri: str, text: Text | None, shown: Sequence[ShownFinding]
    ) -> LiveRun:
        place = await self._workspace.locate(uri)
        if text is None:
            if place is None:
                raise failed("The file is outside the workspace. Add its folder to the workspace first.")
            text = await asyncio.to_thread(_read, place.absolute)
        self._check_free(uri)
        return self._start(command, argument, uri, text, shown)

    def _start(
        self, command: Command, argument: Mapping[str, Any], uri: str, text: Text, shown: Sequence[ShownFinding]
    ) -> LiveRun:
        return self._runs.start(self._request(command, argument, uri, text, shown), uri)

    async def preview(self, argument: Mapping[str, Any]) -> tuple[RunRequest, str]:
        """The request that a command would start a run with, and its document; starts nothing."""
        command = next((known for known in RUN_KEYS if known == argument.get("command", "implement")), None)
        if command is None or command == "fix":
            raise JsonRpcInvalidParams('command must be "implement", "critique", "chaosTests" or "opinions".')
        uri = self._document_of(argument)
        place = await self._workspace.locate(uri)
        document = self._workspace.documents.get(uri)
        if document is None and place is None:
            raise failed("The file is outside the workspace. Add its folder to the workspace first.")
        text = document.text if document else await asyncio.to_thread(_read, place.absolute if place else "")
        return await self._runs.with_buffers(self._request(command, argument, uri, text, ()), uri), uri

    def _request(
        self, command: Command, argument: Mapping[str, Any], uri: str, text: Text, shown: Sequence[ShownFinding]
    ) -> RunRequest:
        untitled = uri.startswith("untitled:")
        place = self._untitled_place(uri) if untitled else self._workspace.place_of(uri)
        if place is None:
            raise failed("The file is outside the workspace. Add its folder to the workspace first.")
        instruction = argument.get("instruction") or ""
        if not isinstance(instruction, str):
            raise JsonRpcInvalidParams("instruction must be a string.")
        request = RunRequest(
            run_id=new_run_id(),
            command=command,
            root=place.root,
            path=place.path,
            text=text.value,
            span=self._span(argument.get("range"), text) if command != "fix" else _place_of(shown),
            instruction=instruction,
            findings=tuple(one.finding for one in shown),
            tried=self._reviews.tried(uri),
            untitled=untitled,
        )
        return request

    def _untitled_place(self, uri: str) -> Place:
        root = self._workspace.roots[0] if self._workspace.roots else os.path.expanduser("~")
        return Place(root, f"untitled-{uri.split(':', 1)[1].strip('/')}")

    def _check_free(self, uri: str) -> None:
        if live := self._runs.on(uri):
            raise failed("Ralph is at work on this document already.", {"runId": live.run_id})

    def _span(self, value: Any, text: Text) -> Span | None:
        if value is None:
            return None
        try:
            ends = [Position(int(value[key]["line"]), int(value[key]["character"])) for key in ("start", "end")]
        except (TypeError, KeyError, ValueError):
            raise JsonRpcInvalidParams("range must be an LSP Range.") from None
        first, last = sorted(text.offset_at(position, self._workspace.client.encoding) for position in ends)
        return first, last

    # ---- again -------------------------------------------------------------------------------------------------

    def _retry(self, argument: dict[str, Any]) -> dict[str, Any]:
        """Reject the review, and run again as a fresh sample that is told what was rejected and why."""
        review = self._reviews.find(argument.get("reviewId"))
        if review is None:
            raise failed("This review is over.")
        self._check_free(review.home)
        self._reviews.remember_rejection(review, review.pending, argument.get("reason"))
        self._reviews.settle(review, review.pending, "rejected")
        request = replace(review.request, tried=self._reviews.tried(review.home))
        return {"runId": self._again(request, review.home).run_id}

    def _allow(self, argument: dict[str, Any]) -> dict[str, Any]:
        """Start the run again that was refused to edit a file, with this one file opened to edits."""
        shown = self._diagnostics.required(argument)
        uri, refused = shown.origin.uri, shown.origin.request
        self._check_free(uri)
        self._diagnostics.remove(shown)
        allowed = tuple(sorted({*refused.allowed, shown.finding.path}))
        return {"runId": self._again(replace(refused, allowed=allowed), uri).run_id}

    def _again(self, request: RunRequest, uri: str) -> LiveRun:
        """A fresh sample of `request`, on the document as it is now."""
        document = self._workspace.documents.get(uri)
        text = document.text.value if document else request.text
        span = None if request.span is None else (min(request.span[0], len(text)), min(request.span[1], len(text)))
        again = replace(request, run_id=new_run_id(), text=text, span=span, sample=request.sample + 1)
        return self._runs.start(again, uri)


def _place_of(shown: Sequence[ShownFinding]) -> Span | None:
    """Where one finding stands; of several, the whole file is the target."""
    return (shown[0].span[0], shown[0].span[0]) if len(shown) == 1 else None


async def _run_id(starting: Coroutine[Any, Any, LiveRun]) -> dict[str, Any]:
    return {"runId": (await starting).run_id}


def _read(path: str) -> Text:
    """A file that is not open in the editor. Blocks on the disk."""
    data = read_regular(path, MAX_BYTES + 1)
    if data is None:
        raise failed(f"{path} cannot be read: it is no file, or it is not yours.")
    if len(data) > MAX_BYTES:
        raise failed(f"{path} is too big for a model. Work on a smaller file.")
    try:
        return Text(decoded(data))
    except UnicodeError:
        raise failed(f"{path} cannot be read as text.") from None
