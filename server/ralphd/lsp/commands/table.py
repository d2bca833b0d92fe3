"""The commands of `workspace/executeCommand` as one table: id, the keys of its argument, handler.

Unknown keys are refused by name; no argument means the last active document. A handler answers in milliseconds, and
with a coroutine where it has to wait for the disk.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pygls.exceptions import JsonRpcInvalidParams

from ralphd.lsp.command_ids import PREFIX


@dataclass(frozen=True)
class ServerCommand:
    """`keys`: those that the argument may have; `handler` gets the argument."""

    name: str
    keys: frozenset[str]
    handler: Callable[[dict[str, Any]], Any]

    def call(self, arguments: list[Any]) -> Any:
        """Check the arguments of an `executeCommand` and hand the one object on."""
        name = PREFIX + self.name
        if len(arguments) > 1:
            raise JsonRpcInvalidParams(f"{name} takes one object.")
        given = arguments[0] if arguments and arguments[0] is not None else {}
        if not isinstance(given, Mapping):
            raise JsonRpcInvalidParams(f"{name} takes one object, not {type(given).__name__}.")
        unknown = sorted(set(given) - self.keys)
        if unknown:
            takes = ", ".join(sorted(self.keys)) or "nothing"
            raise JsonRpcInvalidParams(f"{name} does not know {', '.join(unknown)}; it takes {takes}.")
        return self.handler(dict(given))


def table(commands: Iterable[ServerCommand]) -> dict[str, Callable[[list[Any]], Any]]:
    """The handlers by id, as `protocol.Handlers` takes them."""
    return {PREFIX + command.name: command.call for command in commands}
