"""An answer that asks: nothing but lines `NEED: name or path`, for what the prompt did not show; and the Librarian's lines
`OPEN: path::name` above its brief. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ralphd.answers.reasoning import without_reasoning

MOST_NAMES = 8
_NEED = re.compile(r"[ \t]*(?:[-*][ \t]+)?`?NEED:[ \t]*([^\r\n]{1,300}?)[ \t]*$")
_OPEN = re.compile(r"[ \t]*(?:[-*][ \t]+|\d{1,2}[.)][ \t]+)?`?OPEN:[ \t]*([^\r\n]{1,300}?)[ \t]*$")
_FENCE = re.compile(r"[ \t]*(?:`{3,}|~{3,})\w*[ \t]*$")


def asked_for(answer: str) -> tuple[str, ...]:
    """What an answer asks to be shown, at most `MOST_NAMES`; empty where it is anything but such lines, which may stand
    in a fence."""
    bare = without_reasoning(answer)
    if bare.unfinished:
        return ()
    names: list[str] = []
    for line in bare.text.split("\n"):
        if not line.strip() or _FENCE.match(line):
            continue
        match = _NEED.match(line)
        if match is None:
            return ()
        names.append(match[1])
    return _chosen(names)


def opened_by(answer: str) -> tuple[tuple[str, ...], str]:
    """(what a Librarian's answer opens, at most `MOST_NAMES`; the brief beside it)."""
    names: list[str] = []
    words: list[str] = []
    for line in without_reasoning(answer).text.split("\n"):
        match = _OPEN.match(line)
        if match is None:
            words.append(line)
        else:
            names.append(match[1])
    return _chosen(names), "\n".join(words).strip()


def _chosen(names: Iterable[str]) -> tuple[str, ...]:
    """The names without what stands around them in an answer, each once, at most `MOST_NAMES`."""
    bare = (name.strip("`'\" ").removesuffix("()") for name in names)
    return tuple(dict.fromkeys(name for name in bare if name))[:MOST_NAMES]
