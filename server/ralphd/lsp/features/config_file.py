"""Completion and hover in `ralph.config.yaml` and in the person's own file, for any client: no extension for YAML is needed.

They are registered for those files alone where the client takes registrations, so no other document is asked about.
Completion is announced from the start to clients that take none; there, other documents are answered with nothing.
"""

from __future__ import annotations

from pathlib import Path

from lsprotocol import types
from pygls.lsp.server import LanguageServer

from ralphd.core.text import Text
from ralphd.lsp import convert
from ralphd.lsp.workspace import Workspace
from ralphd.settings import assistance
from ralphd.settings.files import MAX_CHARACTERS
from ralphd.settings.project import CONFIG_NAME

TRIGGERS = [" ", ":", "{"]


def registrations(workspace: Workspace) -> list[types.Registration]:
    """What to ask a client for that takes registrations."""
    names = [CONFIG_NAME, "/".join(Path(workspace.own_configuration).parts[-2:])]
    selector = [{"scheme": "file", "pattern": f"**/{name}"} for name in names]
    found = []
    if workspace.client.dynamic_completion:
        options = {"documentSelector": selector, "triggerCharacters": TRIGGERS}
        found.append(types.Registration("ralph-config-completion", types.TEXT_DOCUMENT_COMPLETION, options))
    if workspace.client.dynamic_hover:
        found.append(
            types.Registration("ralph-config-hover", types.TEXT_DOCUMENT_HOVER, {"documentSelector": selector})
        )
    return found


def register(server: LanguageServer, workspace: Workspace) -> None:
    @server.feature(types.TEXT_DOCUMENT_COMPLETION)
    def completion(params: types.CompletionParams) -> types.CompletionList | None:
        asked = _asked(params, workspace)
        if asked is None:
            return None
        text, line, column = asked
        found = assistance.suggestions(_lines(text), line, column)
        return types.CompletionList(
            is_incomplete=False, items=[_item(one, text, line, column, workspace) for one in found]
        )

    @server.feature(types.TEXT_DOCUMENT_HOVER)
    def hover(params: types.HoverParams) -> types.Hover | None:
        asked = _asked(params, workspace)
        if asked is None:
            return None
        text, line, column = asked
        found = assistance.description(_lines(text), line, column)
        if found is None:
            return None
        place = _range(text, line, found.start, found.end, workspace)
        return types.Hover(types.MarkupContent(types.MarkupKind.PlainText, found.about), place)


def _asked(params: types.CompletionParams | types.HoverParams, workspace: Workspace) -> tuple[Text, int, int] | None:
    """The text with the line and column (in code points) that a request is about; None for any other document."""
    text = _text(workspace, params.text_document.uri)
    return None if text is None else (text, *_place(text, params.position, workspace))


def _text(workspace: Workspace, uri: str) -> Text | None:
    """The text of a configuration file that is open; None for any other document."""
    path = convert.uri_to_path(uri)
    document = workspace.documents.get(uri)
    if document is None or path is None or not workspace.is_configuration(path):
        return None
    return document.text if len(document.text.value) <= MAX_CHARACTERS else None


def _lines(text: Text) -> list[str]:
    """Without their ends; by the editor's rules of what ends a line."""
    return [text.value[slice(*text.line_span(line))] for line in range(text.line_count)]


def _place(text: Text, position: types.Position, workspace: Workspace) -> tuple[int, int]:
    """Line and column, in code points."""
    span = convert.from_range(text, types.Range(position, position), workspace.client.encoding)
    line = text.line_of(span[0])
    return line, span[0] - text.line_starts[line]


def _range(text: Text, line: int, start: int, end: int, workspace: Workspace) -> types.Range:
    begin = text.line_starts[line]
    return convert.to_range(text, (begin + start, begin + end), workspace.client.encoding)


def _item(
    found: assistance.Suggestion, text: Text, line: int, column: int, workspace: Workspace
) -> types.CompletionItem:
    kind = types.CompletionItemKind.Property if found.is_key else types.CompletionItemKind.Value
    return types.CompletionItem(
        label=found.label,
        kind=kind,
        documentation=found.about or None,
        text_edit=types.TextEdit(_range(text, line, found.start, column, workspace), found.insert),
    )
