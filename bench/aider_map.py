"""aider's repo map for the cases of context.py. Run by the Python of an environment that has aider-chat, never by ours.

One JSON object a line on stdin: `{"root", "path", "name", "files", "sizes"}`; for each one line on stdout: `{"texts"}`, a map
for each of the sizes (tokens). The files are ranked once for all sizes: their order does not depend on the size.
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


class Map(RepoMap):
    """Remembers the ranking of the last question."""

    _last: tuple[object, object] = (None, None)

    def get_ranked_tags(self, *asked, progress=None):  # type: ignore[no-untyped-def]
        if self._last[0] != asked:
            self._last = (asked, super().get_ranked_tags(*asked, progress=progress))
        return self._last[1]


def main() -> None:
    answers, sys.stdout = os.fdopen(os.dup(1), "w"), sys.stderr
    maps: dict[str, Map] = {}
    for line in sys.stdin:
        asked = json.loads(line)
        root = asked["root"]
        if root not in maps:
            maps[root] = Map(root=root, main_model=Estimate(), io=InputOutput(yes=True, pretty=False), refresh="always")
        files = [str(Path(root, one)) for one in asked["files"]]
        texts = [
            maps[root].get_ranked_tags_map_uncached(
                [],
                files,
                max_map_tokens=tokens,
                mentioned_fnames={asked["path"]},
                mentioned_idents=set(asked["name"].split(".")),
            )
            for tokens in asked["sizes"]
        ]
        answers.write(json.dumps({"texts": [text or "" for text in texts]}) + "\n")
        answers.flush()


main()
