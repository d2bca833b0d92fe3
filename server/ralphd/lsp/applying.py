"""Accepting: sends versioned edits, one file at a time, and believes the synced text, never the client's `applied`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from lsprotocol import types

from ralphd.lsp import convert
from ralphd.lsp.review import Hunk, Review

if TYPE_CHECKING:
    from ralphd.lsp.server import RalphServer

APPLY_TIMEOUT_S = 120.0
LANDED_TIMEOUT_S = 2.0


class Applying:
    def __init__(self, server: RalphServer) -> None:
        self._server = server
        self._landed: list[tuple[str, str, asyncio.Future[bool]]] = []

    async def apply(self, of: Review, chosen: Sequence[Hunk], label: str) -> bool:
        """Send the edit, one file at a time, and check that each landed. On a mismatch it stops and says so."""
        for uri in sorted({hunk.uri for hunk in chosen}):
            hunks = [hunk for hunk in chosen if hunk.uri == uri and hunk.state == "pending"]
            if not hunks:
                continue
            if (
                hunks[0].uri not in self._server.session.documents
                and not hunks[0].creates
                and not await self._open(uri)
            ):
                self._server.show_message(f"Open {hunks[0].path} to accept its changes.")
                return False
            edit = self._server.edits.workspace_edit(hunks)
            if edit is None:
                self._server.show_message(
                    f"{hunks[0].path} exists already: the new file was not made, nothing was overwritten.", error=True
                )
                return False
            expected = self._server.edits.expected(uri, hunks)
            landed = self._expect(uri, expected if expected is not None else hunks[0].new)
            await self._server.request(
                self._server.workspace_apply_edit_async(types.ApplyWorkspaceEditParams(edit=edit, label=label)),
                APPLY_TIMEOUT_S,
            )
            if not await self._has_landed(uri, hunks, landed):
                self._server.show_message("The editor did not make the change as proposed; it still waits.", error=True)
                return False
            self._settle_created(of, hunks)
        return True

    async def _open(self, uri: str) -> bool:
        if not self._server.session.client.show_document:
            return False
        await self._server.request(
            self._server.window_show_document_async(types.ShowDocumentParams(uri=uri, take_focus=False)), 5
        )
        for _ in range(20):
            if uri in self._server.session.documents:
                return True
            await asyncio.sleep(0.05)
        return False

    async def confirm(self, of: Review, chosen: Sequence[Hunk]) -> None:
        """After an accept action: the text follows within a moment, or the change still waits."""
        for uri in sorted({hunk.uri for hunk in chosen}):
            hunks = [hunk for hunk in chosen if hunk.uri == uri and hunk.state == "pending"]
            if hunks and hunks[0].creates and await self._has_landed(uri, hunks, self._expect(uri, hunks[0].new)):
                self._settle_created(of, hunks)

    def _settle_created(self, of: Review, hunks: Sequence[Hunk]) -> None:
        waiting = [hunk for hunk in hunks if hunk.creates and hunk.state == "pending"]
        if waiting:
            self._server.reviews.settle(of, waiting, "accepted")

    def _expect(self, uri: str, text: str) -> asyncio.Future[bool]:
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._landed.append((uri, text, future))
        self.check_landed(uri)
        return future

    def check_landed(self, uri: str) -> None:
        document = self._server.session.documents.get(uri)
        for wanted, text, future in list(self._landed):
            if (
                document is not None
                and convert.same_uri(wanted, uri)
                and not future.done()
                and _same_text(document.text.value, text)
            ):
                future.set_result(True)
            if future.done():
                self._landed = [entry for entry in self._landed if entry[2] is not future]

    async def _has_landed(self, uri: str, hunks: Sequence[Hunk], landed: asyncio.Future[bool]) -> bool:
        """Whether the synced text (or, for a new file, the disk) shows what was meant. The client's word is not asked."""
        try:
            return await asyncio.wait_for(asyncio.shield(landed), LANDED_TIMEOUT_S)
        except TimeoutError:
            path = convert.uri_to_path(uri)
            if not hunks[0].creates or path is None:
                return False
            on_disk = await asyncio.to_thread(_read, path)
            return on_disk is not None and (_same_text(on_disk, hunks[0].new) or on_disk == "")
        finally:
            landed.cancel()
            self._landed = [entry for entry in self._landed if entry[2] is not landed]

    async def preview(self, of: Review) -> None:
        """The client's own preview with a tick for each edit; what was ticked shows in the text."""
        for uri in sorted({hunk.uri for hunk in of.pending}):
            hunks = [hunk for hunk in of.pending if hunk.uri == uri]
            edit = self._server.edits.workspace_edit(hunks, annotate="Ralph's change")
            if edit is not None:
                await self._server.request(
                    self._server.workspace_apply_edit_async(types.ApplyWorkspaceEditParams(edit=edit, label="Ralph")),
                    3600,
                )


def _same_text(a: str, b: str) -> bool:
    """Equal but for line ends: clients normalise those of a document to its own."""
    return a.replace("\r\n", "\n") == b.replace("\r\n", "\n")


def _read(path: str) -> str | None:
    try:
        with open(path, encoding="utf-8", errors="replace", newline="") as file:
            return file.read(4_000_000)
    except OSError:
        return None
