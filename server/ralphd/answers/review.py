"""Reads the Critic's answer: one JSON object with findings, alone, fenced or in prose. Pure."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from ralphd.answers.fences import fences
from ralphd.answers.plain_text import plain
from ralphd.answers.reasoning import without_reasoning
from ralphd.answers.values import MAX_ANSWER, FormatError
from ralphd.core.findings import KINDS, SEVERITIES


@dataclass(frozen=True)
class RawFinding:
    """A finding as the Critic wrote it, before its quote was looked for in the file."""

    path: str
    quote: str
    kind: str
    severity: str
    message: str
    scenario: str
    test: str | None = None
    fix: str | None = None


@dataclass(frozen=True)
class Critique:
    """The findings of one answer. Its `verdict` is not read: no word of a model decides anything."""

    findings: tuple[RawFinding, ...]
    dropped: int = 0
    """Entries that lack a quote, a message or a scenario, or are no objects at all."""


_BEGINS = re.compile(r"\{(?=\s{0,200}[\"}])")
MAX_TRIES = 300
"""Places where an object may begin that are tried; each that is none may cost a look at the rest of the text."""


def _objects(text: str) -> list[Any]:
    """Every JSON object that stands in `text`, outermost first."""
    decoder = json.JSONDecoder()
    found: list[Any] = []
    at = 0
    for _ in range(MAX_TRIES):
        begins = _BEGINS.search(text, at)
        if begins is None or len(found) >= 50:
            break
        at = begins.start()
        try:
            value, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            at += 1
            continue
        found.append(value)
    return found


def partial_findings(text: str) -> list[RawFinding]:
    """The findings that are complete in a stream so far: they can be shown before the answer ends."""
    text = without_reasoning(text[:MAX_ANSWER]).text
    start = text.find('"findings"')
    if start == -1:
        return []
    raw = (_raw_finding(value) for value in _objects(text[start:]))
    return [f for f in raw if f is not None]


def read_review(answer: str) -> Critique | FormatError:
    """Read the Critic's answer. Of several objects that are reviews none is taken: either may be a draft."""
    bare = without_reasoning(answer[:MAX_ANSWER])
    candidates = [v for v in _objects(bare.text) if isinstance(v, dict) and ("findings" in v or "verdict" in v)]
    if len(candidates) != 1 or bare.unfinished:
        return FormatError(
            'Answer with exactly one JSON object: {"verdict": "pass" | "revise", "findings": [...]}.',
            truncated="{" in bare.text or bare.unfinished,
        )
    value = candidates[0]
    entries = value.get("findings", [])
    if not isinstance(entries, list):
        return FormatError('"findings" must be a list.')
    findings = [f for entry in entries[:500] if (f := _raw_finding(entry)) is not None]
    return Critique(tuple(findings), len(entries) - len(findings))


def _raw_finding(entry: Any) -> RawFinding | None:
    if not isinstance(entry, dict) or not isinstance(entry.get("quote"), str) or not entry["quote"].strip():
        return None
    message, scenario = plain(entry.get("message")), plain(entry.get("scenario"))
    if not message or not scenario:
        return None
    kind = entry.get("kind") if entry.get("kind") in KINDS else "logic"
    severity = entry.get("severity") if entry.get("severity") in SEVERITIES else "warning"
    test, path = entry.get("test"), entry.get("path")
    return RawFinding(
        path=path.replace("\\", "/").removeprefix("./") if isinstance(path, str) else "",
        quote=entry["quote"],
        kind=str(kind),
        severity=str(severity),
        message=message,
        scenario=scenario,
        test=_code(test) if isinstance(test, str) and test.strip() else None,
        fix=plain(entry.get("fix")) or None,
    )


def _code(text: str) -> str:
    found, _ = fences(text)
    return found[0].text if found else text
