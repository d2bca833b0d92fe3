"""Model text -> typed value, or a FormatError that goes back to the model. Pure: no file, no judgement of content.

The format is recognised from the answer, not from what was asked for. An answer without its end sentinel (the closing
fence; for blocks the line END OF EDITS) is truncated, whatever its finish_reason says: LiteLLM reports "stop" for a
stream that was cut off cleanly.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Literal

from ralphd.core.edits import Block, FileEdit
from ralphd.core.findings import KINDS, SEVERITIES

END_OF_EDITS = "END OF EDITS"


@dataclass(frozen=True)
class FormatError:
    """What was wrong, written for the model. `truncated`: the answer stopped early."""

    feedback: str
    truncated: bool = False
    incomplete: tuple[FileEdit, ...] = ()
    """Blocks that parse completely although the last line is missing: two such answers that agree count as one."""


@dataclass(frozen=True)
class Fence:
    """One fenced block: its info string, the line before it, and its text (with a final line end)."""

    info: str
    before: str
    text: str


@dataclass(frozen=True)
class Region:
    """The full new text of the target."""

    text: str


@dataclass(frozen=True)
class Files:
    """Edits by file: whole texts or blocks."""

    edits: tuple[FileEdit, ...]
    form: Literal["whole", "blocks"]


_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})[ \t]*([^`\r\n]*)$")
_SEARCH = re.compile(r"^<{5,9} ?SEARCH\s*$")
_DIVIDER = re.compile(r"^={5,9}\s*$")
_REPLACE = re.compile(r"^>{5,9} ?REPLACE\s*$")
_PATH = re.compile(r"^[\w.@+~()\[\] -]*(?:[\\/][\w.@+~()\[\] -]+)*\.?[\w-]+$")
_PATH_LABEL = re.compile(r"^(?:file(?:name)?|path)\s*:\s*", re.IGNORECASE)


def fences(text: str) -> tuple[list[Fence], bool]:
    """Closed fenced blocks in order, and whether a last one is open. A fence closes with at least its own length."""
    found: list[Fence] = []
    lines = text.replace("\r\n", "\n").split("\n")
    opened: tuple[str, str, str, int] | None = None
    before = ""
    body: list[str] = []
    for line in lines:
        match = _FENCE.match(line)
        if opened is None:
            if match:
                indent = len(line) - len(line.lstrip(" "))
                opened, body = (match[1], match[2].strip(), before, indent), []
            elif line.strip():
                before = line.strip()
            continue
        mark, info, label, indent = opened
        if match and not match[2].strip() and match[1][0] == mark[0] and len(match[1]) >= len(mark):
            found.append(Fence(info, label, "".join(f"{part}\n" for part in body)))
            opened, before = None, ""
        else:
            body.append(line[indent:] if line[:indent].isspace() else line)
    begun = bool(before) and not before.strip("`~")  # a fence that was cut in its first characters
    return found, opened is not None or begun


def as_path(line: str) -> str | None:
    """The path that a line before a fence (or an info string's tail) names; None when it is prose."""
    bare = line.strip().strip("*`#:").strip().strip("`*").strip()
    bare = _PATH_LABEL.sub("", bare).strip("`* ")
    if not bare or len(bare) > 300 or not ("/" in bare or "." in bare or "\\" in bare):
        return None
    if not _PATH.match(bare) or (" " in bare and not re.search(r"[\\/].*\.\w{1,8}$", bare)) or bare.endswith("."):
        return None
    return bare.replace("\\", "/").removeprefix("./")


def _info_path(info: str) -> str | None:
    for part in re.split(r"[\s:]+", info):
        part = part.removeprefix("path=").removeprefix("file=").removeprefix("title=").strip("\"'{}")
        if ("." in part or "/" in part) and (path := as_path(part)):
            return path
    return None


def parse_edits(text: str, target_path: str, target_name: str = "") -> Region | Files | FormatError:
    """Read the Artisan's answer. `target_name`: the definition asked for; it decides between several bare blocks."""
    if not text.strip():
        return FormatError("The answer was empty. Answer with the code in one fenced block.")
    if any(_SEARCH.match(line.strip("\r")) for line in text.split("\n")):
        return _parse_blocks(text, target_path)
    found, still_open = fences(text)
    if still_open:
        return FormatError("The answer stopped before its closing fence. Send it again, whole.", truncated=True)
    if not found:
        return FormatError("There was no code in the answer. Answer with the code in one fenced block, nothing else.")
    named = [(_info_path(f.info) or as_path(f.before), f) for f in found]
    whole = [FileEdit(path, whole=f.text) for path, f in named if path]
    if whole:
        if as_path(text.rstrip().rpartition("\n")[2]):
            return FormatError(
                "The answer stopped after naming a file. Send it again, whole, with nothing after the last fence.",
                truncated=True,
            )
        paths = [edit.path for edit in whole]
        if len(set(paths)) != len(paths):
            return FormatError("One file was given twice. Give each file once, whole.")
        return Files(tuple(whole), "whole")
    if len(found) == 1:
        return Region(found[0].text)
    short = target_name.rsplit(".", 1)[-1]
    fitting = [
        f
        for f in found
        if short and re.search(rf"\b(?:def|class|function|func|fn|const|let)\s+{re.escape(short)}\b", f.text)
    ]
    if len(fitting) == 1:
        return Region(fitting[0].text)
    return FormatError(
        f"The answer had {len(found)} code blocks and it is not clear which one is meant. Answer with exactly one fenced block."
    )


def _parse_blocks(text: str, target_path: str) -> Files | FormatError:
    edits: dict[str, list[Block]] = {}
    path, marker, body = target_path, "", list[str]()
    ended = False
    for line in text.replace("\r\n", "\n").split("\n"):
        if not marker:
            if _SEARCH.match(line):
                marker, body = line, []
            elif line.strip() == END_OF_EDITS:
                ended = True
            elif line.strip() and not _FENCE.match(line):
                ended = False
                path = as_path(line) or path
        elif _REPLACE.match(line):
            at = _divider(body, marker)
            if isinstance(at, FormatError):
                return at
            edits.setdefault(path, []).append(Block("\n".join(body[:at]), "\n".join(body[at + 1 :])))
            marker, ended = "", False
        elif _SEARCH.match(line):
            return FormatError("A SEARCH block had no >>>>>>> REPLACE line. Send the edits again, whole.")
        else:
            body.append(line)
    parsed = tuple(FileEdit(p, tuple(blocks)) for p, blocks in edits.items())
    if marker:
        return FormatError("The answer stopped inside an edit block. Send it again, whole.", truncated=True)
    if not ended:
        feedback = (
            f"The last line must be {END_OF_EDITS}; without it the answer counts as cut off. Send it again, whole."
        )
        return FormatError(feedback, truncated=True, incomplete=parsed)
    return Files(parsed, "blocks")


def _divider(body: list[str], marker: str) -> int | FormatError:
    """Index of the line between old and new: as long as its SEARCH marker where there is one, for a heading's underline
    is a row of `=` too. Two that could be it are refused: either guess may be a wrong edit."""
    rows = [(i, line.rstrip()) for i, line in enumerate(body) if _DIVIDER.match(line)]
    exact = [i for i, row in rows if len(row) == marker.count("<")]
    places = exact or [i for i, _ in rows]
    if len(places) == 1:
        return places[0]
    wrong = "no ======= line between old and new text" if not places else "more than one ======= line"
    return FormatError(f"A SEARCH block had {wrong}. Send the edits again, whole.")


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
class Review:
    verdict: Literal["pass", "revise"]
    findings: tuple[RawFinding, ...]
    dropped: int = 0
    """Entries that lack a quote, a message or a scenario, or are no objects at all."""


_CONTROL = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb"
    r"\U000e0000-\U000e01ef]"
)
_ESCAPE = re.compile(r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?)")
# Only what a renderer would act on: `handlers[key](event)` and `Vec<u8>` are code that a finding talks about.
_LINK = re.compile(r"!?\[([^\]]*)\]\((?:[a-zA-Z][\w+.-]*:|\.{0,2}/|#|www\.)[^)]*\)")
_TAG = re.compile(
    r"</?(?:a|abbr|audio|b|base|blockquote|body|br|button|code|details|div|em|embed|font|form|frame|h[1-6]|head|hr|html|i"
    r"|iframe|img|input|kbd|li|link|math|meta|object|ol|p|pre|script|source|span|strong|style|sub|summary|sup|svg|table"
    r"|tbody|td|textarea|th|thead|title|tr|u|ul|video)(?:[\s/][^<>]{0,200})?>",
    re.IGNORECASE,
)


def plain(text: object, limit: int = 600) -> str:
    """Model text as plain text for a person: no escape sequences, no invisible characters, no HTML, capped."""
    if not isinstance(text, str):
        return ""
    bare = _CONTROL.sub("", _ESCAPE.sub("", text))
    bare = _LINK.sub(r"\1", bare)
    while (less := _TAG.sub("", bare)) != bare:  # `<<b>script>`: what one pass takes out may leave a tag behind
        bare = less
    bare = " ".join(bare.split())
    return bare if len(bare) <= limit else bare[: limit - 1] + "…"


def _objects(text: str) -> list[Any]:
    """Every JSON object that stands in `text`, outermost first."""
    decoder = json.JSONDecoder()
    found: list[Any] = []
    at = 0
    while (at := text.find("{", at)) != -1 and len(found) < 50:
        try:
            value, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            at += 1
            continue
        found.append(value)
        at = end
    return found


def partial_findings(text: str) -> list[RawFinding]:
    """The findings that are complete in a stream so far: they can be shown before the answer ends."""
    start = text.find('"findings"')
    if start == -1:
        return []
    raw = (_raw_finding(value) for value in _objects(text[start:]))
    return [f for f in raw if f is not None]


def parse_review(text: str) -> Review | FormatError:
    """Read the Critic's answer: one JSON object, alone, fenced or in prose."""
    candidates = [v for v in _objects(text) if isinstance(v, dict) and ("findings" in v or "verdict" in v)]
    if len(candidates) != 1:
        return FormatError(
            'Answer with exactly one JSON object: {"verdict": "pass" | "revise", "findings": [...]}.',
            truncated="{" in text,
        )
    value = candidates[0]
    entries = value.get("findings", [])
    if not isinstance(entries, list):
        return FormatError('"findings" must be a list.')
    findings = [f for entry in entries[:500] if (f := _raw_finding(entry)) is not None]
    verdict: Literal["pass", "revise"] = "revise" if value.get("verdict") == "revise" else "pass"
    return Review(verdict, tuple(findings), len(entries) - len(findings))


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


def parse_module(text: str) -> str | FormatError:
    """Read the Chaos agent's answer: one fenced block with a complete test module."""
    found, still_open = fences(text)
    if still_open:
        return FormatError("The answer stopped before its closing fence. Send it again, whole.", truncated=True)
    if not found:
        return FormatError("There was no code in the answer. Answer with one fenced block: a complete test module.")
    return max(found, key=lambda f: len(f.text)).text
