"""Reads the Chaos agent's answer: one fenced block with a complete test module. Pure."""

from __future__ import annotations

from ralphd.answers.fences import fences
from ralphd.answers.reasoning import without_reasoning
from ralphd.answers.sides import is_patch, is_tests
from ralphd.answers.values import MAX_ANSWER, FormatError

_NOT_CODE = frozenset("bash sh shell console text txt output json".split())


def read_module(answer: str) -> str | FormatError:
    """The test module of an answer. Of several blocks those with tests count, and of those the longest."""
    if len(answer) > MAX_ANSWER:
        return FormatError(f"The answer is bigger than {MAX_ANSWER} characters. Write fewer tests.")
    bare = without_reasoning(answer)
    found, still_open = fences(bare.text)
    if still_open or bare.unfinished:
        return FormatError("The answer stopped before its closing fence. Send it again, whole.", truncated=True)
    code = [f for f in found if f.language not in _NOT_CODE and not is_patch(f)]
    if not code:
        return FormatError("There was no code in the answer. Answer with one fenced block: a complete test module.")
    return max([f for f in code if is_tests(f.text)] or code, key=lambda f: len(f.text)).text
