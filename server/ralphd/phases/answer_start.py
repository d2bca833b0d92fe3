"""How the embedded model's answer begins: with what it would only copy. Pure.

It writes some ten tokens a second, and half of a short function's answer is its signature and docstring, which have to stay
as they are. They are put at the start of its answer (the last message of the prompt, which llama.cpp's server goes on from),
and it writes the body alone.
"""

from __future__ import annotations

import ast
import textwrap

from ralphd.context.languages import fence_name
from ralphd.core.python_source import NOT_UNDERSTOOD, parsed
from ralphd.prompts import fenced


def answer_start(path: str, target: str) -> str:
    """The line that opens the fence and the lines of the Python function `target` down to the end of its docstring, of its
    signature where it has none; empty where it is not one function of several lines."""
    if not path.endswith(".py"):
        return ""
    try:
        body = parsed(textwrap.dedent(target)).body
    except NOT_UNDERSTOOD:
        return ""
    if len(body) != 1 or not isinstance(function := body[0], ast.FunctionDef | ast.AsyncFunctionDef):
        return ""
    first = function.body[0]
    lines = target.splitlines(keepends=True)
    if ast.get_docstring(function, clean=False) is not None and first.end_lineno is not None:
        head = lines[: first.end_lineno]
        ends_there = len(function.body) == 1 or function.body[1].lineno > first.end_lineno
    else:
        head = lines[: first.lineno - 1]
        while head and (not head[-1].strip() or head[-1].lstrip().startswith("#")):
            head.pop()
        ends_there = bool(head)
    if not ends_there or not head[-1].endswith("\n"):
        return ""
    return fenced(target, fence_name(path)).partition("\n")[0] + "\n" + "".join(head)


def whole(start: str, answer: str) -> str:
    """`start` and what the model wrote behind it; the answer alone where it begins anew with a fence of its own."""
    return answer if not start or answer.lstrip().startswith("```") else start + answer
