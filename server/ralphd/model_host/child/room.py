"""How much of a context window is left for the answer: from the window that is known, or from what a server says."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ralphd.model_host.child.error_bodies import LONGEST

LEAST = 256
"""Tokens. An answer with less room than this is no answer: then the prompt is what is too long."""
_SPARE = 16
"""Tokens that templates add to what a server counted."""
_N = r"(\d[\d,]{0,11})"
_WINDOW = re.compile(
    rf"(?:maximum|model'?s?) context (?:length|window|size)[^.\d]{{0,40}}{_N}"
    rf"|context (?:length|window|size|limit)[^.\d]{{0,40}}{_N}|\"n_ctx\"\s{{0,5}}:\s{{0,5}}{_N}",
    re.IGNORECASE,
)
_PROMPT = re.compile(
    rf"\({_N} in the (?:messages|prompt)|(?:request has|prompt contains(?: at least)?|passed|input has|resulted in) {_N} (?:input |prompt )?tokens"
    rf"|\"n_prompt_tokens\"\s{{0,5}}:\s{{0,5}}{_N}|{_N} (?:in the messages|input tokens)",
    re.IGNORECASE,
)
_SUM = re.compile(rf"{_N} ?\+ ?{_N} ?> ?{_N}")
"""Anthropic: prompt + max_tokens > window."""
_MOST = re.compile(
    rf"supports at most {_N} (?:completion|output) tokens|max_tokens:? ?\d[\d,]{{0,11}} ?> ?{_N}"
    rf"|(?:less than or equal to|<=|must be at most|cannot exceed|maximum (?:value|output)[^.\d]{{0,30}}|valid range of max_tokens is \[1, ?) ?`?{_N}"
    rf"|from 1 (?:\(inclusive\) )?to {_N}",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Said:
    """Numbers of tokens that a server's refusal names."""

    window: int | None = None
    prompt: int | None = None
    most_output: int | None = None


def said(body: str) -> Said:
    text = body[:LONGEST]
    if (match := _SUM.search(text)) is not None:
        return Said(window=_number(match[3]), prompt=_number(match[1]))
    most = _first(_MOST, text) if "max" in text else None
    return Said(_first(_WINDOW, text), _first(_PROMPT, text), most)


def smaller(max_tokens: int, found: Said, estimated_prompt: int) -> int | None:
    """The `max_tokens` that a server which refused `max_tokens` would take; None where a smaller one does not help."""
    limit = max_tokens
    if found.most_output is not None and LEAST <= found.most_output < limit:
        limit = found.most_output
    if found.window is not None:
        room = found.window - (found.prompt if found.prompt is not None else estimated_prompt) - _SPARE
        if room < LEAST:
            return None
        limit = min(limit, room)
    return limit if limit < max_tokens else None


def fitting(max_tokens: int, window: int | None, estimated_prompt: int) -> int:
    """`max_tokens`, less where the window leaves less room; unchanged where the prompt alone fills the window."""
    if window is None or estimated_prompt + max_tokens <= window:
        return max_tokens
    room = window - estimated_prompt
    return room if room >= LEAST else max_tokens


def _first(pattern: re.Pattern[str], text: str) -> int | None:
    match = pattern.search(text)
    return _number(next(group for group in match.groups() if group)) if match is not None else None


def _number(text: str) -> int:
    return int(text.replace(",", ""))
