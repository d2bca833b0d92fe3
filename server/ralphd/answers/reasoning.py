"""Takes a model's reasoning out of its answer, in one place, before anybody else reads it.

Reasoning models put their thoughts before the answer, between tags of their own. A serving program may drop the opening
tag (it stands in the prompt template), and then only the closing one is left. Tags inside a fenced block are code, for a
program may well handle such tags; so nothing is taken out of a fence.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ralphd.answers.fences import sound

_NAMES = "think|thinking|thought|thoughts|reasoning|reflection|scratchpad|seed:think|analysis"
_OPEN = re.compile(
    rf"[ \t]*(?:<(?P<tag>{_NAMES})>|(?P<bracket>\[THINK\])|(?P<diamond>◁think▷)|(?P<pipe><\|begin_of_thought\|>))",
    re.IGNORECASE,
)
_CLOSE = re.compile(rf"(?:</(?:{_NAMES})>|\[/THINK\]|◁/think▷|<\|end_of_thought\|>)[ \t]*", re.IGNORECASE)
_FENCE = re.compile(r"[ \t]{0,8}(?:`{3,}|~{3,})")
MAX_TRIES = 3
"""Closing tags inside a fence that are tried as the end of an unclosed draft; each reads the rest of the text once."""
_FINAL = "<|channel|>final<|message|>"
_FINAL_ENDS = ("<|return|>", "<|end|>")


@dataclass(frozen=True)
class Answer:
    """An answer without its reasoning. `removed`: there was some; `unfinished`: it ended inside its reasoning."""

    text: str
    removed: bool = False
    unfinished: bool = False


def without_reasoning(text: str) -> Answer:
    """The answer proper."""
    if text.lstrip().startswith(("<|channel|>", "<|start|>")):
        return _final_channel(text)
    lines = text.replace("\r\n", "\n").split("\n")
    kept: list[str] = []
    removed, fenced, at = False, "", 0
    while at < len(lines):
        line = lines[at]
        opening = None if fenced else _OPEN.match(line)
        if opening is not None and not (_CLOSE.search(line) and line.count("`") > 1):
            after = _skip(lines, at, opening.end())
            if after is None:
                return Answer("\n".join(kept), True, unfinished=True)
            removed, at, rest = True, after[0] + 1, after[1]
            if rest.strip():
                lines[at - 1] = rest
                at -= 1
            continue
        fenced = _fence_after(line, fenced)
        kept.append(line)
        at += 1
    return _after_lone_end("\n".join(kept), removed)


def _skip(lines: list[str], at: int, column: int) -> tuple[int, str] | None:
    """(line, rest of that line) where the reasoning that opens at line `at` ends; None: it does not.

    A closing tag alone on its line, or at a line's end, ends it; one in the middle of a sentence does so only where no
    other is found, for the model may write about the tags.
    """
    middle: tuple[int, str] | None = None
    for number in range(at, len(lines)):
        line = lines[number][column:] if number == at else lines[number]
        for found in _CLOSE.finditer(line):
            rest = line[found.end() :]
            if not rest.strip() or not line[: found.start()].strip():
                return number, rest
            middle = middle or (number, rest)
    return middle


def _fence_after(line: str, fenced: str) -> str:
    """The fence that is open after `line`, as its characters; "" for none."""
    if _FENCE.match(line) is None:
        return fenced
    bare = line.strip()
    mark = bare[: len(bare) - len(bare.lstrip(bare[0]))]
    if not fenced:
        return mark if "`" not in bare[len(mark) :] else ""
    return "" if bare == mark and mark[0] == fenced[0] and len(mark) >= len(fenced) else fenced


def _after_lone_end(text: str, removed: bool) -> Answer:
    """What follows a closing tag that has no opening one, where it stands on a line of its own and outside of the code.

    A draft that was never closed swallows the tag: what follows is the answer where it is sound by itself.
    """
    lines = text.split("\n")
    fenced, last, tried = "", -1, 0
    for number, line in enumerate(lines):
        found = _CLOSE.search(line)
        if found is not None and not line[found.end() :].strip() and line.count("`") < 2:
            alone = not line[: found.start()].strip() and not line.startswith((" ", "\t"))
            tried += alone and bool(fenced)
            if not fenced or (alone and tried <= MAX_TRIES and sound("\n".join(lines[number + 1 :]))):
                last, fenced = number, ""
                continue
        fenced = _fence_after(line, fenced)
    if last < 0:
        return Answer(text, removed)
    return Answer("\n".join(lines[last + 1 :]), True)


def _final_channel(text: str) -> Answer:
    """The final channel of the "harmony" form, in which gpt-oss models write."""
    at = text.rfind(_FINAL)
    if at < 0:
        return Answer("", True, unfinished=True)
    final = text[at + len(_FINAL) :]
    for end in _FINAL_ENDS:
        final = final.partition(end)[0]
    return Answer(final, True)
