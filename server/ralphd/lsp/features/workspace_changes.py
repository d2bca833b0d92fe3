"""What the client tells of the workspace: a document was saved, folders were added or removed."""

from __future__ import annotations

from lsprotocol import types
from pygls.lsp.server import LanguageServer

from ralphd.lsp.diagnostics import Diagnostics
from ralphd.lsp.workspace import Workspace


def register(server: LanguageServer, workspace: Workspace, diagnostics: Diagnostics) -> None:
    @server.feature(types.TEXT_DOCUMENT_DID_SAVE)
    def did_save(params: types.DidSaveTextDocumentParams) -> None:
        diagnostics.saved(params.text_document.uri)

    @server.feature(types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS)
    def did_change_workspace_folders(params: types.DidChangeWorkspaceFoldersParams) -> None:
        event = params.event
        workspace.folders_changed([folder.uri for folder in event.added], [folder.uri for folder in event.removed])
