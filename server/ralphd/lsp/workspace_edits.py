"""Pending hunks as versioned workspace edits, in the form that this client takes. `applying.py` sends them."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Sequence

from lsprotocol import types

from ralphd.core.edits import apply
from ralphd.lsp.convert import to_range, uri_to_path
from ralphd.lsp.hunks import Hunk
from ralphd.lsp.workspace import Workspace

BEYOND = types.Range(start=types.Position(line=0, character=0), end=types.Position(line=1, character=0))
"""Of an empty new file: an insertion at 0:0 alone is saved with an extra line end by Neovim."""
_Change = types.TextDocumentEdit | types.CreateFile | types.RenameFile | types.DeleteFile


def occupied(hunks: Iterable[Hunk]) -> set[str]:
    """URIs of new files whose place is taken on disk, or is no local file. Blocks on the disk: for worker threads."""
    places = {hunk.uri: uri_to_path(hunk.uri) for hunk in hunks if hunk.creates}
    return {uri for uri, path in places.items() if path is None or os.path.lexists(path)}


class WorkspaceEdits:
    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def edit(self, hunks: Sequence[Hunk], taken: Collection[str], annotate: str = "") -> types.WorkspaceEdit | None:
        """One versioned edit of open documents and new files; None where this client cannot take it as one.

        `taken`: what `occupied` says of the hunks; a new file is never made over an existing one. `annotate`: a label
        under which the client asks for confirmation. Text edits come before file creations: Neovim checks the version
        of the first document only.
        """
        client = self._workspace.client
        changed: list[_Change] = []
        created: list[_Change] = []
        for uri in sorted({hunk.uri for hunk in hunks}):
            of_uri = [hunk for hunk in hunks if hunk.uri == uri]
            if of_uri[0].creates:
                if uri in taken:
                    return None
                if client.create_files:
                    created.append(types.CreateFile(uri=uri, options=types.CreateFileOptions(ignore_if_exists=True)))
                whole = types.TextEdit(range=BEYOND, new_text=of_uri[0].new)
                created.append(_document_edit(uri, None, [whole], annotate))
                continue
            document = self._workspace.documents.get(uri)
            if document is None:
                return None
            edits = [
                types.TextEdit(range=to_range(document.text, hunk.span, client.encoding), new_text=hunk.new)
                for hunk in sorted(of_uri, key=lambda h: h.span)
            ]
            changed.append(_document_edit(uri, document.version, edits, annotate))
        if not client.document_changes:
            return None if created else _plain(changed)
        annotations = {"ralph": types.ChangeAnnotation(label=annotate, needs_confirmation=True)} if annotate else None
        return types.WorkspaceEdit(document_changes=[*changed, *created], change_annotations=annotations)

    def in_one(self, uri: str, version: int, change: types.TextEdit) -> types.WorkspaceEdit:
        """One edit of one open document, for the version that its place was found in."""
        changed = _document_edit(uri, version, [change], "")
        if not self._workspace.client.document_changes:
            return _plain([changed])
        return types.WorkspaceEdit(document_changes=[changed])

    def expected(self, uri: str, hunks: Sequence[Hunk]) -> str:
        """The text that accepting `hunks` leaves in `uri`."""
        mine = [hunk for hunk in hunks if hunk.uri == uri]
        document = self._workspace.documents.get(uri)
        if document is None:
            return mine[0].new if mine else ""
        return apply(document.text.value, [hunk.replacement for hunk in mine])


def _plain(changes: Sequence[_Change]) -> types.WorkspaceEdit:
    """For clients without `documentChanges`: an edit that carries no versions."""
    edits = {e.text_document.uri: list(e.edits) for e in changes if isinstance(e, types.TextDocumentEdit)}
    return types.WorkspaceEdit(changes=edits)  # type: ignore[arg-type]


def _document_edit(uri: str, version: int | None, edits: list[types.TextEdit], annotate: str) -> types.TextDocumentEdit:
    identifier = types.OptionalVersionedTextDocumentIdentifier(uri=uri, version=version)
    if annotate:
        marked = [types.AnnotatedTextEdit(range=e.range, new_text=e.new_text, annotation_id="ralph") for e in edits]
        return types.TextDocumentEdit(text_document=identifier, edits=marked)
    return types.TextDocumentEdit(text_document=identifier, edits=list(edits))
