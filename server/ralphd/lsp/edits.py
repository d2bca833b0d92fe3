"""Pending hunks -> versioned workspace edits, in the form this client takes, and the check that they really landed."""

from __future__ import annotations

import os
from collections.abc import Sequence

from lsprotocol import types

from ralphd.core.edits import apply
from ralphd.lsp.convert import to_range, uri_to_path
from ralphd.lsp.review import Hunk
from ralphd.lsp.session import Session

BEYOND = types.Range(start=types.Position(line=0, character=0), end=types.Position(line=1, character=0))
"""Of an empty new file: an insertion at 0:0 alone is saved with an extra line end by Neovim."""


class Edits:
    def __init__(self, session: Session) -> None:
        self._session = session

    def workspace_edit(self, hunks: Sequence[Hunk], annotate: str = "") -> types.WorkspaceEdit | None:
        """One versioned edit of open documents and new files; None where this client cannot take it as one.

        Text edits come before file creations: Neovim checks the version of the first document only.
        """
        session = self._session
        changes: list[types.TextDocumentEdit | types.CreateFile | types.RenameFile | types.DeleteFile] = []
        created: list[types.TextDocumentEdit | types.CreateFile | types.RenameFile | types.DeleteFile] = []
        for uri in sorted({hunk.uri for hunk in hunks}):
            of_uri = [hunk for hunk in hunks if hunk.uri == uri]
            if of_uri[0].creates:
                path = uri_to_path(uri)
                if path is None or os.path.lexists(path):
                    return None
                if session.client.create_files:
                    created.append(types.CreateFile(uri=uri, options=types.CreateFileOptions(ignore_if_exists=True)))
                edit = types.TextEdit(range=BEYOND, new_text=of_uri[0].new)
                created.append(self._document_edit(uri, None, [edit], annotate))
                continue
            document = session.documents.get(uri)
            if document is None:
                return None
            edits = [
                types.TextEdit(range=to_range(document.text, hunk.span, session.client.encoding), new_text=hunk.new)
                for hunk in sorted(of_uri, key=lambda h: h.span)
            ]
            changes.append(self._document_edit(uri, document.version, edits, annotate))
        if not session.client.document_changes:
            if created:
                return None
            plain = {e.text_document.uri: list(e.edits) for e in changes if isinstance(e, types.TextDocumentEdit)}
            return types.WorkspaceEdit(changes=plain)  # type: ignore[arg-type]
        annotations = {"ralph": types.ChangeAnnotation(label=annotate, needs_confirmation=True)} if annotate else None
        return types.WorkspaceEdit(document_changes=[*changes, *created], change_annotations=annotations)

    def _document_edit(
        self, uri: str, version: int | None, edits: list[types.TextEdit], annotate: str
    ) -> types.TextDocumentEdit:
        identifier = types.OptionalVersionedTextDocumentIdentifier(uri=uri, version=version)
        if annotate:
            marked = [types.AnnotatedTextEdit(range=e.range, new_text=e.new_text, annotation_id="ralph") for e in edits]
            return types.TextDocumentEdit(text_document=identifier, edits=marked)
        return types.TextDocumentEdit(text_document=identifier, edits=list(edits))

    def expected(self, uri: str, hunks: Sequence[Hunk]) -> str | None:
        """The text that accepting `hunks` leaves in `uri`; None where the document is not open."""
        document = self._session.documents.get(uri)
        if document is None:
            return None
        return apply(document.text.value, [hunk.replacement for hunk in hunks if hunk.uri == uri])
