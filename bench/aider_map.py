"""aider's repo map for the cases of context.py. Run by the Python of an environment that has aider-chat, never by ours.

One JSON object a line on stdin: `{"root", "path", "name", "files", "tokens", "chat"}`; for each one line on stdout: `{"text"}`. `chat`:
the target's file is in aider's chat, so that its map shows the other files only.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from aider.io import InputOutput
from aider.repomap import RepoMap


class Estimate:
    """Counts tokens as ralphd does (three bytes each), so that both prompts have the same size."""

    def token_count(self, text: str) -> int:
        return -(-len(text.encode()) // 3)


def main() -> None:
    answers, sys.stdout = os.fdopen(os.dup(1), "w"), sys.stderr
    maps: dict[str, RepoMap] = {}
    for line in sys.stdin:
        asked = json.loads(line)
        root = asked["root"]
        if root not in maps:
            maps[root] = RepoMap(
                root=root, main_model=Estimate(), io=InputOutput(yes=True, pretty=False), refresh="always"
            )
        target = str(Path(root, asked["path"]))
        others = [str(Path(root, one)) for one in asked["files"]]
        chat = [target] if asked["chat"] else []
        text = maps[root].get_ranked_tags_map_uncached(
            chat,
            [one for one in others if one not in chat],
            max_map_tokens=asked["tokens"],
            mentioned_fnames={asked["path"]},
            mentioned_idents=set(asked["name"].split(".")),
        )
        answers.write(json.dumps({"text": text or ""}) + "\n")
        answers.flush()


main()
