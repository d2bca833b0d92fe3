"""`python -m tests.support.serve REPLIES.json`: the real server with the scripted gateway instead of the model host."""

from __future__ import annotations

import json
import os
import sys
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


def main() -> int:
    from ralphd.cli import _log_to_file

    _log_to_file(stderr=True)
    return RalphServer(make_runner).serve()


if __name__ == "__main__":
    sys.exit(main())
