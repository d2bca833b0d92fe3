"""The open documents of one connection, kept as the client's messages say. Changed on the event loop only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from lsprotocol import types

from ralphd.core.text import Document, Encoding, Replacement, Text, difference
from ralphd.lsp.convert import from_position, same_uri


@dataclass(frozen=True)
class Changed:
    """One `didChange`: the texts around it, and its replacements one after the other."""

    uri: str
    before: Text
    after: Text
    steps: tuple[Replacement, ...]


@dataclass
class Documents:
    """Open documents by URI. The functions in `on_*` are called after each change, in their order."""

    encoding: Encoding = "utf-16"
    """Unit of the client's positions, as agreed in the handshake."""
    open: dict[str, Document] = field(default_factory=dict)
    last_uri: str | None = None
    """The document that the person was in last: what a command without an argument works on."""
    on_opened: list[Callable[[str], None]] = field(default_factory=list)
    on_changed: list[Callable[[Changed], None]] = field(default_factory=list)
    on_closed: list[Callable[[str], None]] = field(default_factory=list)

    def get(self, uri: str) -> Document | None:
        return self.open.get(uri)

    def spelled(self, uri: str) -> str:
        """`uri` as the client spelled it when it opened the document; clients escape characters differently."""
        return uri if uri in self.open else next((known for known in self.open if same_uri(known, uri)), uri)

    def opened(self, item: types.TextDocumentItem) -> None:
        self.open[item.uri] = Document(item.uri, item.version, Text(item.text), item.language_id)
        self.last_uri = item.uri
        for call in self.on_opened:
            call(item.uri)

    def changed(self, identifier: types.VersionedTextDocumentIdentifier, changes: Sequence[Any]) -> None:
        """A version that does not rise is a message out of order: it is ignored rather than guessed at."""
        document = self.open.get(identifier.uri)
        if document is None or identifier.version < document.version:
            return
        before = text = document.text
        steps = []
        for change in changes:
            step = self._step(text, change)
            steps.append(step)
            text = Text(text.value[: step.start] + step.new + text.value[step.end :])
        self.open[identifier.uri] = Document(document.uri, identifier.version, text, document.language)
        self.last_uri = identifier.uri
        for call in self.on_changed:
            call(Changed(identifier.uri, before, text, tuple(steps)))

    def closed(self, uri: str) -> None:
        self.open.pop(uri, None)
        if self.last_uri == uri:
            self.last_uri = next(iter(self.open), None)
        for call in self.on_closed:
            call(uri)

    def _step(self, text: Text, change: Any) -> Replacement:
        """One change event, cut down to what differs: some clients send whole texts, or whole ranges on undo and on
        formatting, and what stays the same in them must not look edited. One without a range is the whole new text."""
        where = getattr(change, "range", None)
        if where is None:
            return difference(text.value, change.text)
        ends = [text.offset_at(from_position(position), self.encoding) for position in (where.start, where.end)]
        start, end = min(ends), max(ends)
        inner = difference(text.value[start:end], change.text)
        return Replacement(start + inner.start, start + inner.end, inner.new)
