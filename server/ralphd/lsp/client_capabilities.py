"""What the client can do, read once from its `initialize` request. Nothing that it did not announce is sent to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ralphd.core.text import Encoding


def _at(value: Any, *keys: str) -> Any:
    """The value under nested keys; None as soon as one is missing or what is there is no object."""
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


@dataclass(frozen=True)
class ClientCapabilities:
    """One flag for each thing that ralphd sends only to clients that take it."""

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
    dynamic_completion: bool = False
    dynamic_hover: bool = False
    inline_completion: bool = False
    text_document_content: bool = False
    events: bool = False
    stream: bool = False
    review: bool = False
    """The client draws reviews itself, from `hunksChanged`: it gets no lenses and no `ralph.change` diagnostics."""

    @staticmethod
    def of(params: Mapping[str, Any]) -> ClientCapabilities:
        """From the raw `initialize` parameters, for the fields that pygls' types do not carry.

        Some clients are known by name because they announce less or more than they do: Neovim applies
        `documentChanges` without announcing them, Emacs announces file creation and refuses it, and only VS Code shows
        change annotations.
        """
        offered = params.get("capabilities") or {}
        name = _at(params, "clientInfo", "name") or ""
        encodings = _at(offered, "general", "positionEncodings") or ["utf-16"]
        encoding: Encoding = next((e for e in encodings if e in ("utf-8", "utf-16", "utf-32")), "utf-16")
        edit = _at(offered, "workspace", "workspaceEdit")
        resources = _at(edit, "resourceOperations") or []
        document = _at(offered, "textDocument")
        diagnostics = _at(document, "publishDiagnostics")
        ralph = _at(offered, "experimental", "ralph")
        vscode = name.startswith(("Visual Studio Code", "Code", "VSCodium", "code-server"))
        return ClientCapabilities(
            name=name,
            encoding=encoding,
            progress=bool(_at(offered, "window", "workDoneProgress")),
            message_request=_at(offered, "window", "showMessage") is not None,
            show_document=bool(_at(offered, "window", "showDocument", "support")),
            apply_edit=bool(_at(offered, "workspace", "applyEdit")),
            document_changes=bool(_at(edit, "documentChanges") or resources or name.lower() == "neovim"),
            create_files="create" in resources and "emacs" not in name.lower(),
            annotations=_at(edit, "changeAnnotationSupport") is not None and vscode,
            disabled_actions=bool(_at(document, "codeAction", "disabledSupport")),
            code_lens_refresh=bool(_at(offered, "workspace", "codeLens", "refreshSupport")),
            related_information=bool(_at(diagnostics, "relatedInformation")),
            unnecessary_tag=1 in (_at(diagnostics, "tagSupport", "valueSet") or []),
            configuration=bool(_at(offered, "workspace", "configuration")),
            dynamic_configuration=bool(_at(offered, "workspace", "didChangeConfiguration", "dynamicRegistration")),
            dynamic_watch=bool(_at(offered, "workspace", "didChangeWatchedFiles", "dynamicRegistration")),
            dynamic_completion=bool(_at(document, "completion", "dynamicRegistration")),
            dynamic_hover=bool(_at(document, "hover", "dynamicRegistration")),
            inline_completion=_at(document, "inlineCompletion") is not None,
            text_document_content=_at(offered, "workspace", "textDocumentContent") is not None,
            events=bool(_at(ralph, "events")),
            stream=bool(_at(ralph, "stream")),
            review=bool(_at(ralph, "review")),
        )
