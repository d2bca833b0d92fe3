"""The workspace as the client opened it: its folders, its documents, its capabilities, and where each document lies.

A document's place is found by the paths as the client spells them, else by real paths: a project may be opened under
one name and its file through a link to it. What needs the disk for that happens in a thread.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ralphd.core.latest import Latest
from ralphd.core.paths import within
from ralphd.core.runner import EditorSettings
from ralphd.core.text import Document
from ralphd.lsp.client_capabilities import ClientCapabilities
from ralphd.lsp.convert import path_to_uri, uri_to_path
from ralphd.lsp.documents import Documents
from ralphd.settings.project import CONFIG_NAME, project_root

_PLACES_KEPT = 10_000
"""More than an editor has open documents and folders."""


@dataclass(frozen=True)
class Place:
    """Where a file lies: a workspace folder as the client spells it, and the path in it with forward slashes."""

    root: str
    path: str

    @property
    def absolute(self) -> str:
        return os.path.join(self.root, self.path)


@dataclass(frozen=True)
class DocumentSnapshot:
    """A document at one moment with all that a request on it needs; nothing in it changes while the request works."""

    document: Document
    place: Place | None
    """None: outside the workspace, or an untitled buffer."""
    client: ClientCapabilities
    settings: EditorSettings

    @property
    def uri(self) -> str:
        return self.document.uri

    @property
    def untitled(self) -> bool:
        return self.uri.startswith("untitled:")


@dataclass
class Workspace:
    client: ClientCapabilities = field(default_factory=ClientCapabilities)
    roots: list[str] = field(default_factory=list)
    """Absolute paths of the workspace folders, as the client spells them."""
    documents: Documents = field(default_factory=Documents)
    settings: Latest[tuple[str, str], EditorSettings] = field(default_factory=lambda: Latest(_PLACES_KEPT))
    """Settings by (root, folder of the file in it), as they were read last. `features/configuration.py` fills it."""
    own_configuration: str = ""
    """Path of the person's own configuration file, once the runner is loaded."""
    _looked_up: Latest[str, Place | None] = field(default_factory=lambda: Latest(_PLACES_KEPT))
    """Places by path that took a look at the disk; forgotten when the folders change."""

    def begin(self, params: Mapping[str, Any]) -> None:
        """From the raw `initialize` parameters."""
        self.client = ClientCapabilities.of(params)
        self.documents.encoding = self.client.encoding
        folders = [folder.get("uri") for folder in params.get("workspaceFolders") or []]
        if not folders and params.get("rootUri"):
            folders = [params["rootUri"]]
        self.roots = [path for uri in folders if uri and (path := uri_to_path(uri))]
        if not self.roots and params.get("rootPath"):
            self.roots = [os.path.normpath(params["rootPath"])]

    def folders_changed(self, added: Sequence[str], removed: Sequence[str]) -> None:
        gone = {uri_to_path(uri) for uri in removed}
        new = [path for uri in added if (path := uri_to_path(uri)) and path not in self.roots]
        self.roots = [root for root in self.roots if root not in gone] + new
        self._looked_up.clear()

    # ---- places ------------------------------------------------------------------------------------------------

    def is_placed(self, uri: str) -> bool:
        """Whether `place_of` knows the answer without a look at the disk."""
        path = uri_to_path(uri)
        return path is None or path in self._looked_up or _spelled_inside(path, self.roots) is not None

    def place_of(self, uri: str) -> Place | None:
        """From memory; None where the file is outside the workspace, or `locate` was not awaited yet."""
        path = uri_to_path(uri)
        if path is None:
            return None
        return _spelled_inside(path, self.roots) or self._looked_up.get(path)

    async def locate(self, uri: str) -> Place | None:
        """As `place_of`, with a look at the disk in a thread where that is needed."""
        if not self.is_placed(uri) and (path := uri_to_path(uri)) is not None:
            self._looked_up[path] = await asyncio.to_thread(_look_up, path, list(self.roots))
        return self.place_of(uri)

    def is_configuration(self, path: str) -> bool:
        """Whether a file is a `ralph.config.yaml`, or the person's own file."""
        return os.path.basename(path) == CONFIG_NAME or (bool(path) and path == self.own_configuration)

    def uri_of(self, place: Place) -> str:
        """The URI of a workspace file: the client's own spelling where the document is open."""
        open_here = (uri for uri in self.documents.open if self.place_of(uri) == place)
        return next(open_here, path_to_uri(place.absolute))

    def documents_in(self, root: str) -> list[tuple[Place, Document]]:
        """The open documents that belong to the workspace folder `root`."""
        placed = ((self.place_of(uri), document) for uri, document in self.documents.open.items())
        return [(place, document) for place, document in placed if place is not None and place.root == root]

    def snapshot(self, uri: str) -> DocumentSnapshot | None:
        """The open document `uri` as it is now; None where it is not open."""
        document = self.documents.get(uri)
        if document is None:
            return None
        place = self.place_of(uri)
        return DocumentSnapshot(document, place, self.client, self.settings_of(place))

    def settings_of(self, place: Place | None) -> EditorSettings:
        """As they were read last for files in the same folder, else for the root; the defaults before that."""
        if place is None:
            return EditorSettings()
        of_root = self.settings.get((place.root, ""), EditorSettings())
        return self.settings.get((place.root, os.path.dirname(place.path)), of_root)


def _spelled_inside(path: str, roots: Sequence[str]) -> Place | None:
    """The innermost root that `path` lies in as both are written."""
    around = [root for root in roots if within(path, root)]
    if not around:
        return None
    root = max(around, key=len)
    return Place(root, os.path.relpath(path, root).replace(os.sep, "/"))


def _look_up(path: str, roots: Sequence[str]) -> Place | None:
    """By real paths; without any workspace folder the file's own project is its root. Blocks on the disk."""
    if not roots:
        root = project_root(path) or os.path.dirname(path)
        return Place(root, os.path.relpath(path, root).replace(os.sep, "/"))
    real = os.path.realpath(path)
    around = [(os.path.realpath(root), root) for root in roots if within(real, os.path.realpath(root))]
    if not around:
        return None
    real_root, root = max(around, key=lambda pair: len(pair[0]))
    return Place(root, os.path.relpath(real, real_root).replace(os.sep, "/"))
