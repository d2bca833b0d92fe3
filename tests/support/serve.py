"""`python -m tests.support.serve REPLIES.json`: the real server with the scripted gateway instead of the model host."""

from __future__ import annotations

import gc
import json
import os
import sys
import threading
from collections import Counter
from pathlib import Path
from typing import Any

from ralphd.core.runner import Runner
from ralphd.lsp.server import RalphServer


def make_runner() -> Runner:
    from ralphd.app import build_service
    from ralphd.models.scripted import Reply, ScriptedGateway

    script = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    replies = {role: [Reply(**r) if isinstance(r, dict) else r for r in given] for role, given in script.items()}
    gateway = ScriptedGateway(replies)
    gateway.requests = Forgotten()
    return build_service(dict(os.environ), scripted=gateway)


class Forgotten(list[Any]):
    """Keeps nothing: nobody asks this process what it was asked, and an hour's prompts look like a leak of the server."""

    def append(self, request: Any) -> None:
        pass


COUNTED = ("ralphd.", "asyncio.", "_asyncio.", "filelock.", "concurrent.futures.")


def counts(_: Any) -> dict[str, int]:
    """What this process holds: instances by type of ours and of what we start, entries of all containers, open files,
    threads. The answer to `test/counts`."""
    gc.collect()
    held: Counter[str] = Counter()
    for one in gc.get_objects():
        name = f"{type(one).__module__}.{type(one).__qualname__}"
        if name.startswith(COUNTED):
            held[name] += 1
        elif type(one) in (dict, list, set, tuple):
            held["entries"] += len(one)
    held["files"] = len(os.listdir("/proc/self/fd")) if sys.platform == "linux" else 0
    held["threads"] = threading.active_count()
    return held


def main() -> int:
    from ralphd.cli import _log_to_file

    _log_to_file(stderr=True)
    server = RalphServer(make_runner)
    server.feature("test/counts")(counts)
    return server.serve()


if __name__ == "__main__":
    sys.exit(main())
