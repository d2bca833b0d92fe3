"""Fenced blocks that stand beside an answer: how to run it, its output, a test, a line that is talked about.

They may be left out only where leaving them out loses nothing that the answer wants to change.
"""

from __future__ import annotations

import itertools
import re

from ralphd.answers.fences import Fence
from ralphd.answers.labels import Label
from ralphd.context.languages import BASH, MARKDOWN, PLAIN, Language, language_of, languages

_SHELL = frozenset("bash sh shell console zsh fish powershell ps1 pwsh cmd bat batch shell-session terminal".split())
_OUTPUT = frozenset("text txt plaintext plain output log stdout none traceback".split())
_PATCHES = frozenset("diff patch udiff".split())
_NOT_CODE = _SHELL | _OUTPUT
SMALL = 6
"""Lines of a snippet that only shows something."""
_TEST = re.compile(
    r"^[ \t]{0,40}(?:(?:async\s+)?def\s+test|class\s+Test|(?:describe|it|test|suite)(?:\.\w+)?\s*\(|func\s+(?:Test|Benchmark|Fuzz)\w*\("
    r"|#\[(?:tokio::)?test|mod\s+tests\b|@Test\b|\[(?:Test|Fact|Theory)\b)",
    re.MULTILINE,
)
_DEFINES = re.compile(
    r"^[ \t]{0,12}(?:export\s+|default\s+|pub(?:\([a-z]+\))?\s+|public\s+|private\s+|static\s+|async\s+|abstract\s+){0,6}"
    r"(?:def|class|function\*?|func|fn|struct|enum|trait|impl|interface|type|module|macro_rules!)\s+[\w(<]"
    r"|^(?:export\s+)?(?:const|let|var|static)\s+\w+|^[A-Za-z_]\w*\s*(?::[^=\n]{1,80})?=(?!=)",
    re.MULTILINE,
)


def is_patch(fence: Fence) -> bool:
    """Whether the block holds a diff or a patch, by its language or by how it begins."""
    head = fence.text.lstrip()[:200]
    return (
        fence.language in _PATCHES
        or _only_rows(fence.text)
        or head.startswith(("*** Begin Patch", "*** Update File", "*** Add File", "diff --git ", "@@ "))
        or bool(re.match(r"--- \S[^\n]*\n\+\+\+ \S", head))
    )


def _only_rows(text: str) -> bool:
    """Whether every line is a row of a hunk, though nothing says that this is a patch; a list in Markdown is none."""
    lines = [line for line in text.split("\n") if line.strip()]
    if not all(line[0] in " +-" and not re.match(r"[+-] \S", line) for line in lines):
        return False
    return any(a[0] == "-" and b[0] == "+" for a, b in itertools.pairwise(lines))


def is_tests(text: str) -> bool:
    """Whether the code is tests."""
    return _TEST.search(text) is not None


def defines(text: str) -> bool:
    """Whether the code defines anything but tests."""
    rest = _TEST.sub("", text)
    return _DEFINES.search(rest) is not None


def speaks(language: Language, word: str) -> bool:
    """Whether a fence of this word may hold code of `language`."""
    if not word or word in language.fences:
        return True
    if language is PLAIN or not language.fences:
        return word not in _PATCHES
    return not any(word in other.fences for other in languages()) and word not in _NOT_CODE | _PATCHES


def fits(fence: Fence, label: Label) -> bool:
    """Whether the block can be the file that the label names: a sentence such as `Run app.py:` above shell commands, or
    one above a program's output, is no label."""
    if is_patch(fence):
        return False
    if label.alone or fence.language not in _NOT_CODE:
        return True
    language = language_of(label.path)
    if fence.language in _OUTPUT:
        return language in (PLAIN, MARKDOWN)
    return language is BASH or label.path.rpartition("/")[2].casefold() in ("makefile", "dockerfile")


def beside(fence: Fence) -> str:
    """Why the block may not be left out; "" where it may."""
    where = f"The code block of line {fence.first + 1}"
    if fence.language in _NOT_CODE:
        return ""
    if is_patch(fence):
        return f"{where} is a patch. Answer in the form that was asked for."
    if is_tests(fence.text) and not defines(fence.text):
        return ""
    lines = [line for line in fence.text.split("\n") if line.strip()]
    if len(lines) <= SMALL and not defines(fence.text):
        return ""
    return f"{where} names no file. Write the path alone on the line before it, or leave it out."


def may_be_left_out(fence: Fence) -> bool:
    return not beside(fence)
