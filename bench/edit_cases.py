"""Reads answers of models and prints what each becomes: `python bench/edit_cases.py CASES.jsonl`.

One case a line: `path` and `before` (the target's file and its text; null: there is none), `files` (other files, path ->
text), `target` (`{"kind": "file"}`, `{"kind": "definition", "name": "Cart.size", "nth": 0}` or `{"kind": "selection",
"lines": [3, 5]}`, 1-based and inclusive), and `answer`. One JSON line a case comes out: `id`, `verdict` ("edited" or
"refused"), `texts` (path -> new text, of the files that change) and `why`.

Any file may be edited that is not locked or control. Nothing is read from the disk but the cases, and nothing is tested.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from ralphd.context.target import Target, definitions
from ralphd.core.text import Text
from ralphd.phases.answer_reader import AnswerReader, Candidate
from ralphd.settings.schema import Testing


def target_of(case: dict[str, Any]) -> Target:
    """The target that the case names; the whole file where nothing in it has that name."""
    path, text, wanted = case["path"], case["before"] or "", case["target"]
    if wanted["kind"] == "selection":
        value = Text(text)
        first, last = (min(max(n, 1), value.line_count) for n in wanted["lines"])
        span = (value.line_starts[first - 1], value.line_span(last - 1)[1])
        named = [d.name for d in definitions(path, text) if d.span == span]
        return Target(path, span, "selection", named[0] if named else "")
    if wanted["kind"] == "definition":
        found = [d for d in definitions(path, text) if d.name == wanted["name"]]
        if found:
            one = found[min(wanted.get("nth", 0), len(found) - 1)]
            return Target(path, one.span, "definition", one.name)
    return Target(path, (0, len(text)), "file")


def read(case: dict[str, Any]) -> dict[str, Any]:
    """The verdict on one case."""
    files: dict[str, str] = dict(case.get("files") or {})
    if case["before"] is not None:
        files[case["path"]] = case["before"]
    reader = AnswerReader(
        target=target_of(case),
        source=case["before"] or "",
        paths=frozenset(files),
        text_of=files.get,
        locked=Testing().locked,
        instruction=case.get("instruction", ""),
    )
    found = reader.read(case["answer"])
    if isinstance(found, Candidate):
        return {"id": case["id"], "verdict": "edited", "texts": dict(found.texts), "why": "; ".join(found.mended)}
    return {"id": case["id"], "verdict": "refused", "texts": {}, "why": found.feedback}


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        print("usage: python bench/edit_cases.py CASES.jsonl", file=sys.stderr)
        return 2
    with Path(arguments[0]).open(encoding="utf-8", newline="\n") as lines:
        for line in lines:
            if line.strip():
                print(json.dumps(read(json.loads(line)), ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
