"""What the server announces to the client in its answer to `initialize`."""

from __future__ import annotations

from collections.abc import Iterable

from lsprotocol import types

from ralphd.lsp.client_capabilities import ClientCapabilities
from ralphd.lsp.features import code_actions, config_file, virtual_documents


def server_capabilities(
    built: types.ServerCapabilities, client: ClientCapabilities, commands: Iterable[str]
) -> types.ServerCapabilities:
    """`built`: what pygls found by itself; `commands`: ids."""
    built.position_encoding = types.PositionEncodingKind(client.encoding)
    built.text_document_sync = types.TextDocumentSyncOptions(
        open_close=True, change=types.TextDocumentSyncKind.Incremental, save=types.SaveOptions(include_text=False)
    )
    kinds = list(code_actions.KINDS)
    built.code_action_provider = types.CodeActionOptions(code_action_kinds=kinds, resolve_provider=False)
    built.code_lens_provider = types.CodeLensOptions(resolve_provider=False)
    built.execute_command_provider = types.ExecuteCommandOptions(commands=sorted(commands))
    folders = types.WorkspaceFoldersServerCapabilities(supported=True, change_notifications=True)
    schemes = [virtual_documents.SCHEME]
    content = types.TextDocumentContentOptions(schemes=schemes) if client.text_document_content else None
    built.workspace = types.WorkspaceOptions(workspace_folders=folders, text_document_content=content)
    # Clients that take registrations are asked for these for one file only (features/config_file.py).
    announced = types.CompletionOptions(trigger_characters=config_file.TRIGGERS)
    built.completion_provider = None if client.dynamic_completion else announced
    built.hover_provider = None
    built.inline_completion_provider = types.InlineCompletionOptions() if client.inline_completion else None
    return built
