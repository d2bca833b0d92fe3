"""`ralph/setKey`: a key that the person typed goes to the model host, unread, for its provider's own host and this session.

It is no command: clients log those. The server keeps it in no setting, log, journal or environment.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from typing import Any

from pygls.exceptions import JsonRpcInvalidParams
from pygls.lsp.server import LanguageServer

from ralphd.core.runner import Runner
from ralphd.core.secret import Secret
from ralphd.errors import RalphError
from ralphd.lsp.refusals import failed
from ralphd.lsp.workspace import Workspace

_PROVIDER = re.compile(r"[A-Za-z0-9_.-]{1,60}")
_KEY = re.compile(r"[!-~]{1,10000}")
"""What can stand in a header: visible ASCII, nothing that ends a line."""


def register(server: LanguageServer, workspace: Workspace, runner: Callable[[], Runner]) -> None:
    @server.feature("ralph/setKey")
    async def set_key(params: Any) -> Any:
        provider, key = _given(params)
        root = workspace.roots[0] if workspace.roots else os.getcwd()
        try:
            await runner().set_key(root, provider, key)
        except RalphError as error:
            raise failed(str(error)) from None
        return {"provider": provider, "set": bool(key.reveal())}


def _given(params: Any) -> tuple[str, Secret]:
    """The parameters, checked. No refusal repeats what was sent."""
    given = params if isinstance(params, Mapping) else {}
    if set(given) != {"provider", "key"} or not all(isinstance(value, str) for value in given.values()):
        raise JsonRpcInvalidParams("ralph/setKey takes {provider, key}, both strings.")
    key = given["key"].strip()
    if not _PROVIDER.fullmatch(given["provider"]):
        raise JsonRpcInvalidParams("provider must be a name such as openai.")
    if key and not _KEY.fullmatch(key):
        raise JsonRpcInvalidParams("This is no key: it holds white space or characters that no key has.")
    return given["provider"].lower(), Secret(key)
