"""The peer of the start-up, memory and latency rows: a pygls server with one code action, and nothing else."""

from __future__ import annotations

from lsprotocol import types
from pygls.lsp.server import LanguageServer

server = LanguageServer("bare", "1")


@server.feature(types.TEXT_DOCUMENT_CODE_ACTION)
def code_action(params: types.CodeActionParams) -> list[types.CodeAction]:
    command = types.Command(title="Bare: act", command="bare.act", arguments=[{"uri": params.text_document.uri}])
    return [types.CodeAction(title="Bare: act", kind=types.CodeActionKind.RefactorRewrite, command=command)]


if __name__ == "__main__":
    server.start_io()
