"""The record of a run as a document for people: how it ended, then what it did in its order, each call of a model with its
prompt and its answer, each run of the tests with what they said.

The record itself is JSON lines (`loop/journal.py`), masked when it was written. It is read here as whatever stands in the
file: another version may have written it, and the end of one that was cut short is missing.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from ralphd.core import foreign_json
from ralphd.core.visible import in_editor
from ralphd.core.wording import dollars
from ralphd.lsp.code_block import code_block

MOST_BYTES = 20_000_000
"""Of a longer record the beginning is read."""
MOST_OUTPUT = 20_000
"""Characters that are shown of what tests printed: the last ones."""
Json = Mapping[str, Any]


def read_record(path: str) -> str:
    """The document, as Markdown. Raises `OSError`. Takes time in the size of the record: for worker threads."""
    with open(path, "rb") as file:
        return readable(file.read(MOST_BYTES).decode("utf-8", "replace"))


def readable(record: str) -> str:
    entries = [entry for line in record.splitlines() if (entry := foreign_json.object_in(line)) is not None]
    told = [part for entry in entries if (part := _told(entry))]
    return "\n".join([*_head(entries), *told])


def _head(entries: Sequence[Json]) -> list[str]:
    begin, end = (_first(entries, kind) for kind in ("begin", "end"))
    request, result = _part(begin, "request"), _part(end, "result")
    parts = [f"# {_line(request.get('command', 'run'))} · {_line(request.get('path', '?'))}\n"]
    if instruction := request.get("instruction"):
        parts.append(f"Instruction:\n\n{code_block(instruction)}")
    if not result:
        return [*parts, "**It was cut short: how it ended is not in its record.**\n"]
    by_role = _part(result, "cost").get("by_role")
    known = sum(usd for usd in by_role.values() if isinstance(usd, int | float)) if isinstance(by_role, dict) else 0.0
    unpriced = _part(result, "cost").get("unpriced")
    cost = f"{dollars(known)}{' and what has no known price' if unpriced else ''}"
    ended = str(result.get("outcome", "?")).replace("_", " ")
    facts = [f"**{ended}**", f"attempts: {result.get('iterations', '?')}", f"cost: {cost}"]
    return [*parts, f"{' · '.join(facts)}\n", f"{_line(result.get('reason', ''))}\n"]


def _told(entry: Json) -> str:
    """One entry; empty where it says nothing to people."""
    match entry.get("kind"):
        case "call":
            return _call(entry)
        case "tests":
            return _tests(_part(entry, "run"), "The tests" if entry.get("what") == "run" else "A hostile test")
        case "planted":
            runs = entry.get("runs")
            return f"## Planted faults\n\nThe tests ran on {len(runs)} of them.\n" if isinstance(runs, list) else ""
        case "event" if entry.get("type") == "Note":
            return f"{_line(entry.get('text', ''))}\n"
        case "event" if entry.get("type") == "IterationStarted":
            return f"## Attempt {entry.get('iteration')} of at most {entry.get('of')}\n"
    return ""


def _call(entry: Json) -> str:
    request, answer = _part(entry, "request"), _part(entry, "answer")
    facts = [str(answer.get("model", "")), f"{_part(answer, 'usage').get('completion_tokens', '?')} tokens written"]
    if isinstance(answer.get("duration_s"), int | float):
        facts.append(f"{answer['duration_s']:.1f} s")
    usd = answer.get("cost_usd")
    facts.append(dollars(usd) if isinstance(usd, int | float) else "price unknown")
    parts = [f"## {str(entry.get('role', 'model')).capitalize()}\n"]
    parts.append(f"{_line(' · '.join(facts))}\n" if answer else f"**{_line(entry.get('message', 'No answer.'))}**\n")
    messages = request.get("messages")
    for message in messages if isinstance(messages, list) else []:
        if isinstance(message, dict):
            parts.append(f"### Prompt: {_line(message.get('role', '?'))}\n\n{code_block(message.get('content'))}")
    if answer:
        parts.append(f"### Answer\n\n{code_block(answer.get('text'))}")
    return "\n".join(parts)


def _tests(run: Json, title: str) -> str:
    cases = _part(_part(run, "report"), "cases").values()
    outcomes = [str(case.get("outcome")) for case in cases if isinstance(case, dict)]
    counts = [f"{outcomes.count(outcome)} {outcome}" for outcome in dict.fromkeys(outcomes)]
    argv = run.get("command")
    command = f"`{_line(shlex.join(map(str, argv)))}`" if isinstance(argv, list) and argv else ""
    said = str(run.get("output", ""))[-MOST_OUTPUT:]
    facts = [*counts, f"exit code {run.get('exit_code', '?')}"]
    return "\n".join(
        [f"## {title}: {_line(', '.join(facts))}\n", *([f"{command}\n"] if command else []), code_block(said)]
    )


def _first(entries: Sequence[Json], kind: str) -> Json:
    return next((entry for entry in entries if entry.get("kind") == kind), {})


def _part(of: Json, key: str) -> Json:
    value = of.get(key)
    return value if isinstance(value, dict) else {}


def _line(text: object) -> str:
    return " ".join(in_editor(str(text)).split())
