"""The request log as a document for people: one section for each request, the latest first.

The log itself is one JSON line per request (`model_host/child/request_log.py`), masked when it was written. It is read
here as whatever stands in the file: another version, or a person, may have written there.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from typing import Any

from ralphd.core import foreign_json
from ralphd.core.runner import Runner
from ralphd.core.wording import dollars
from ralphd.lsp.code_block import code_block
from ralphd.lsp.workspace import Workspace

MOST_REQUESTS = 50
MOST_BYTES = 4_000_000
"""Of a long log, the end is read."""
EMPTY = "# Requests to models\n\nNo request was made yet.\n"


class RequestLogView:
    """The request log of the first workspace folder."""

    def __init__(self, workspace: Workspace, runner: Callable[[], Runner]) -> None:
        self._workspace, self._runner = workspace, runner

    async def path(self) -> str:
        root = self._workspace.roots[0] if self._workspace.roots else os.getcwd()
        return (await self._runner().editor_settings(root, "_")).request_log

    async def text(self) -> str:
        path = await self.path()
        return await asyncio.to_thread(lambda: readable(read_end(path)))


def read_end(path: str) -> str:
    """The last whole lines of the log, at most `MOST_BYTES`; empty where there is none. Blocks: for worker threads."""
    try:
        with open(path, "rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - MOST_BYTES))
            data = file.read(MOST_BYTES)
    except OSError:
        return ""
    return (data if size <= MOST_BYTES else data.partition(b"\n")[2]).decode("utf-8", "replace")


def readable(log: str) -> str:
    """The document, as Markdown. Takes time in the size of the log: for worker threads."""
    records = [record for line in log.splitlines() if (record := foreign_json.object_in(line)) is not None]
    if not records:
        return EMPTY
    shown = records[: -MOST_REQUESTS - 1 : -1]
    title = f"# Requests to models, the latest {len(shown)}, the newest first\n"
    return "\n".join([title, *(_section(record) for record in shown)])


def _section(record: Mapping[str, Any]) -> str:
    when = str(record.get("time", "")).replace("T", " ")[:19]
    parts = [f"## {str(record.get('role', 'request')).capitalize()} · {record.get('model', '?')} · {when} UTC\n"]
    parts.append(f"{' · '.join(_facts(record))}\n")
    if record.get("error"):
        parts.append(f"**{record['error']}**\n")
    request = record.get("request")
    for message in request.get("messages", []) if isinstance(request, Mapping) else []:
        if isinstance(message, Mapping):
            parts.append(f"### Prompt: {message.get('role', '?')}\n\n{code_block(message.get('content'))}")
    if record.get("response"):
        parts.append(f"### Answer\n\n{code_block(record['response'])}")
    return "\n".join(parts)


def _facts(record: Mapping[str, Any]) -> list[str]:
    """Who answered, how it ended, what it cost, in a few words each; what is not known is left out, but for a price."""
    facts = [str(record.get("outcome", "?")).replace("_", " ")]
    if record.get("status") not in (None, 200):
        facts.append(f"status {record['status']}")
    if record.get("cache") == "hit":
        return [*facts, "from the cache, at no cost"]
    if isinstance(record.get("prompt_tokens"), int):
        facts.append(f"{record['prompt_tokens']} tokens in, {record.get('completion_tokens', '?')} out")
    usd = record.get("cost_usd")
    facts.append(dollars(usd) if isinstance(usd, int | float) else "price unknown")
    if isinstance(record.get("duration_s"), int | float):
        facts.append(f"{record['duration_s']:.1f} s")
    if record.get("attempt", 1) != 1:
        facts.append(f"attempt {record['attempt']}")
    facts.append(f"{record.get('provider', '?')}, {record.get('endpoint', 'default')}, key: {record.get('key_from')}")
    return facts
