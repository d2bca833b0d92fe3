"""Accepting: sends versioned edits, one file at a time, and believes the synced text, never the client's `applied`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from lsprotocol import types

from ralphd.core.regular_files import read_regular
from ralphd.lsp import convert
from ralphd.lsp.hunks import Hunk
from ralphd.lsp.outbox import Outbox
from ralphd.lsp.review import Review, Reviews
from ralphd.lsp.workspace import Workspace
from ralphd.lsp.workspace_edits import WorkspaceEdits, occupied

MAX_BYTES = 4_000_000
APPLY_TIMEOUT_S = 120.0
PREVIEW_TIMEOUT_S = 3600.0
LANDED_TIMEOUT_S = 2.0
OPEN_TIMEOUT_S = 5.0


class Applying:
    def __init__(self, outbox: Outbox, workspace: Workspace, reviews: Reviews, edits: WorkspaceEdits) -> None:
        self._outbox, self._workspace, self._reviews, self._edits = outbox, workspace, reviews, edits
        self._landed: list[tuple[str, str, asyncio.Future[bool]]] = []
        """Texts that documents are to have: (URI, text, resolved when the document has it)."""
        workspace.documents.on_opened.append(self.check_landed)
        workspace.documents.on_changed.append(lambda change: self.check_landed(change.uri))

    async def apply(self, review: Review, chosen: Sequence[Hunk], label: str) -> bool:
        """Send the edits, one file at a time, and check that each landed. On a mismatch it stops and says so."""
        for uri in sorted({hunk.uri for hunk in chosen}):
            hunks = [hunk for hunk in chosen if hunk.uri == uri and hunk.state == "pending"]
            if hunks and not await self._apply_one(review, uri, hunks, label):
                return False
        return True

    async def _apply_one(self, review: Review, uri: str, hunks: Sequence[Hunk], label: str) -> bool:
        path, creates = hunks[0].path, hunks[0].creates
        if self._workspace.documents.get(uri) is None and not creates and not await self._open(uri):
            self._outbox.show(f"Open {path} to accept its changes.")
            return False
        taken = await asyncio.to_thread(occupied, hunks) if creates else set()
        edit = self._edits.edit(hunks, taken)
        if edit is None:
            why = f"{path} exists already: the new file was not made, nothing was overwritten."
            self._outbox.show(why, error=True)
            return False
        landed = self._expect(uri, self._edits.expected(uri, hunks))
        params = types.ApplyWorkspaceEditParams(edit=edit, label=label)
        await self._outbox.request(types.WORKSPACE_APPLY_EDIT, params, APPLY_TIMEOUT_S)
        if not await self._has_landed(uri, hunks, landed):
            self._outbox.show("The editor did not make the change as proposed; it still waits.", error=True)
            return False
        self._settle_created(review, hunks)
        return True

    async def _open(self, uri: str) -> bool:
        if not await self._outbox.open_document(uri, take_focus=False, timeout_s=OPEN_TIMEOUT_S):
            return False
        for _ in range(20):  # the didOpen follows the answer
            if self._workspace.documents.get(uri) is not None:
                return True
            await asyncio.sleep(0.05)
        return False

    async def confirm(self, review: Review, chosen: Sequence[Hunk]) -> None:
        """After an accept action: the text follows within a moment, or the change still waits."""
        for uri in sorted({hunk.uri for hunk in chosen}):
            hunks = [hunk for hunk in chosen if hunk.uri == uri and hunk.state == "pending"]
            if hunks and hunks[0].creates and await self._has_landed(uri, hunks, self._expect(uri, hunks[0].new)):
                self._settle_created(review, hunks)

    async def preview(self, review: Review) -> None:
        """The client's own preview with a tick for each edit; what was ticked shows in the text."""
        for uri in sorted({hunk.uri for hunk in review.pending}):
            hunks = [hunk for hunk in review.pending if hunk.uri == uri]
            taken = await asyncio.to_thread(occupied, hunks)
            edit = self._edits.edit(hunks, taken, annotate="Ralph's change")
            if edit is not None:
                params = types.ApplyWorkspaceEditParams(edit=edit, label="Ralph")
                await self._outbox.request(types.WORKSPACE_APPLY_EDIT, params, PREVIEW_TIMEOUT_S)

    def _settle_created(self, review: Review, hunks: Sequence[Hunk]) -> None:
        waiting = [hunk for hunk in hunks if hunk.creates and hunk.state == "pending"]
        if waiting:
            self._reviews.settle(review, waiting, "accepted")

    def _expect(self, uri: str, text: str) -> asyncio.Future[bool]:
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._landed.append((uri, text, future))
        self.check_landed(uri)
        return future

    def check_landed(self, uri: str) -> None:
        """After each change of a document: resolves what waits for just this text."""
        document = self._workspace.documents.get(uri)
        for wanted, text, future in list(self._landed):
            here = document is not None and convert.same_uri(wanted, uri)
            if document is not None and here and not future.done() and _same_text(document.text.value, text):
                future.set_result(True)
        self._landed = [entry for entry in self._landed if not entry[2].done()]

    async def _has_landed(self, uri: str, hunks: Sequence[Hunk], landed: asyncio.Future[bool]) -> bool:
        """Whether the synced text (or, for a new file, the disk) shows what was meant."""
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


def _same_text(a: str, b: str) -> bool:
    """Equal but for line ends: clients normalise those of a document to its own."""
    return a == b or a.replace("\r\n", "\n") == b.replace("\r\n", "\n")


def _read(path: str) -> str | None:
    data = read_regular(path, MAX_BYTES)
    return data.decode("utf-8", "replace") if data is not None else None
