"""All state of one connection: documents, workspace folders, what the client can do. Changed on the event loop only."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lsprotocol import types

from ralphd.core.paths import within
from ralphd.core.text import Document, Encoding, Position, Replacement, Text
from ralphd.lsp.convert import from_position, uri_to_path
from ralphd.settings.project import nearest_project

MAX_CHARACTERS = 1_000_000


def _dig(value: Any, *keys: str) -> Any:
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


@dataclass(frozen=True)
class Client:
    """What the client announced, as plain answers. Nothing that it did not announce is sent to it."""

    name: str = ""
    encoding: Encoding = "utf-16"
    progress: bool = False
    message_request: bool = False
    show_document: bool = False
    apply_edit: bool = False
    document_changes: bool = False
    create_files: bool = False
    annotations: bool = False
    disabled_actions: bool = False
    code_lens_refresh: bool = False
    related_information: bool = False
    unnecessary_tag: bool = False
    configuration: bool = False
    dynamic_configuration: bool = False
    dynamic_watch: bool = False
    inline_completion: bool = False
    text_document_content: bool = False
    events: bool = False
    stream: bool = False

    @staticmethod
    def of(params: Mapping[str, Any]) -> Client:
        """Read the raw `initialize` parameters. Neovim applies documentChanges without announcing them."""
        caps = params.get("capabilities") or {}
        name = _dig(params, "clientInfo", "name") or ""
        offered = _dig(caps, "general", "positionEncodings") or ["utf-16"]
        encoding: Encoding = next((e for e in offered if e in ("utf-8", "utf-16", "utf-32")), "utf-16")
        resources = _dig(caps, "workspace", "workspaceEdit", "resourceOperations") or []
        neovim = name.lower() == "neovim"
        return Client(
            name=name,
            encoding=encoding,
            progress=bool(_dig(caps, "window", "workDoneProgress")),
            message_request=_dig(caps, "window", "showMessage") is not None,
            show_document=bool(_dig(caps, "window", "showDocument", "support")),
            apply_edit=bool(_dig(caps, "workspace", "applyEdit")),
            document_changes=bool(_dig(caps, "workspace", "workspaceEdit", "documentChanges"))
            or bool(resources)
            or neovim,
            create_files="create" in resources and "emacs" not in name.lower(),
            annotations=_dig(caps, "workspace", "workspaceEdit", "changeAnnotationSupport") is not None
            and name.startswith(("Visual Studio Code", "Code", "VSCodium", "code-server")),
            disabled_actions=bool(_dig(caps, "textDocument", "codeAction", "disabledSupport")),
            code_lens_refresh=bool(_dig(caps, "workspace", "codeLens", "refreshSupport")),
            related_information=bool(_dig(caps, "textDocument", "publishDiagnostics", "relatedInformation")),
            unnecessary_tag=1 in (_dig(caps, "textDocument", "publishDiagnostics", "tagSupport", "valueSet") or []),
            configuration=bool(_dig(caps, "workspace", "configuration")),
            dynamic_configuration=bool(_dig(caps, "workspace", "didChangeConfiguration", "dynamicRegistration")),
            dynamic_watch=bool(_dig(caps, "workspace", "didChangeWatchedFiles", "dynamicRegistration")),
            inline_completion=_dig(caps, "textDocument", "inlineCompletion") is not None,
            text_document_content=_dig(caps, "workspace", "textDocumentContent") is not None,
            events=bool(_dig(caps, "experimental", "ralph", "events")),
            stream=bool(_dig(caps, "experimental", "ralph", "stream")),
        )


@dataclass(frozen=True)
class Changed:
    """One didChange as the rest sees it: the texts around it, and its replacements one after the other."""

    uri: str
    before: Text
    after: Text
    steps: tuple[Replacement, ...]


@dataclass
class Session:
    """Documents by URI; `on_*` are called after each change, on the event loop."""

    client: Client = field(default_factory=Client)
    roots: list[str] = field(default_factory=list)
    documents: dict[str, Document] = field(default_factory=dict)
    last_uri: str | None = None
    on_opened: list[Callable[[str], None]] = field(default_factory=list)
    on_changed: list[Callable[[Changed], None]] = field(default_factory=list)
    on_closed: list[Callable[[str], None]] = field(default_factory=list)

    def begin(self, params: Mapping[str, Any]) -> None:
        self.client = Client.of(params)
        folders = [folder.get("uri") for folder in params.get("workspaceFolders") or []]
        if not folders and params.get("rootUri"):
            folders = [params["rootUri"]]
        self.roots = [path for uri in folders if uri and (path := uri_to_path(uri))]
        if not self.roots and params.get("rootPath"):
            self.roots = [os.path.normpath(params["rootPath"])]

    def folders_changed(self, added: Sequence[str], removed: Sequence[str]) -> None:
        gone = {uri_to_path(uri) for uri in removed}
        self.roots = [r for r in self.roots if r not in gone] + [
            p for u in added if (p := uri_to_path(u)) and p not in self.roots
        ]

    def opened(self, item: types.TextDocumentItem) -> None:
        self.documents[item.uri] = Document(item.uri, item.version, Text(item.text), item.language_id)
        self.last_uri = item.uri
        for call in self.on_opened:
            call(item.uri)

    def changed(self, identifier: types.VersionedTextDocumentIdentifier, changes: Sequence[Any]) -> None:
        """A version that does not rise is a message out of order: it is ignored rather than guessed at."""
        document = self.documents.get(identifier.uri)
        if document is None or identifier.version < document.version:
            return
        before, steps = document.text, []
        for change in changes:
            value = document.text.value
            where = getattr(change, "range", None)
            if where is None:
                step = _difference(value, change.text)
            else:
                start = document.text.offset_at(from_position(where.start), self.client.encoding)
                end = document.text.offset_at(from_position(where.end), self.client.encoding)
                step = Replacement(min(start, end), max(start, end), change.text)
            steps.append(step)
            text = Text(value[: step.start] + step.new + value[step.end :])
            document = Document(document.uri, identifier.version, text, document.language)
        if not changes:
            document = Document(document.uri, identifier.version, document.text, document.language)
        self.documents[identifier.uri] = document
        self.last_uri = identifier.uri
        for call in self.on_changed:
            call(Changed(identifier.uri, before, document.text, tuple(steps)))

    def closed(self, uri: str) -> None:
        self.documents.pop(uri, None)
        if self.last_uri == uri:
            self.last_uri = next(iter(self.documents), None)
        for call in self.on_closed:
            call(uri)

    def root_of(self, path: str) -> str | None:
        """The workspace folder that a file belongs to; without folders, its project; None: outside the workspace."""
        around = [root for root in self.roots if within(path, root)]
        if around:
            return max(around, key=len)
        if self.roots:
            return None
        return nearest_project(path) or os.path.dirname(path)

    def relative(self, uri: str) -> tuple[str, str] | None:
        """(root, path in it with forward slashes) of a document; None where it is outside the workspace."""
        path = uri_to_path(uri)
        root = self.root_of(path) if path else None
        if path is None or root is None:
            return None
        return root, os.path.relpath(path, root).replace(os.sep, "/")

    def buffers(self, root: str) -> dict[str, bytes]:
        """Open documents under `root`, as saving them would write them."""
        found = {}
        for uri, document in self.documents.items():
            place = self.relative(uri)
            if place and place[0] == root:
                found[place[1]] = document.text.value.encode("utf-8", "surrogatepass")
        return found


def _difference(old: str, new: str) -> Replacement:
    """The smallest single replacement between two texts: a client that syncs whole texts must not make all stale."""
    limit = min(len(old), len(new))
    start = 0
    while start < limit and old[start] == new[start]:
        start += 1
    end = 0
    while end < limit - start and old[-1 - end] == new[-1 - end]:
        end += 1
    return Replacement(start, len(old) - end, new[start : len(new) - end])


def position_of(value: Mapping[str, Any]) -> Position:
    return Position(int(value["line"]), int(value["character"]))
