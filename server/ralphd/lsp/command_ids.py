"""The ids of the server's commands, as they stand in code actions, code lenses and `workspace/executeCommand`."""

from __future__ import annotations

from typing import Any

from lsprotocol import types

PREFIX = "ralph.server."


def command(name: str, title: str, argument: dict[str, Any]) -> types.Command:
    """A command of this server with its one argument, for a code action or a code lens."""
    return types.Command(title=title, command=PREFIX + name, arguments=[argument])
