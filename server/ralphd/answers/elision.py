"""Lines that stand for code which a model left out: "# ... rest of the class ...", "// existing code", "...".

Two questions are joined. What is the line: all of it a comment (or dots) whose words are only those that such lines are
made of, and is it marked by dots or brackets? And what would the edit lose: does code of the old text vanish? A marked
line always counts, an unmarked one only where something is lost; a line that the old text had itself never counts.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from ralphd.answers.indentation import indent_of, lines_in_strings
from ralphd.context.languages import MARKDOWN, PYTHON, YAML, Language, language_of
from ralphd.core.edits import EOL

MAX_LINE = 200
"""Characters of the longest line that can be an elision."""
_COMMENTS = (
    re.compile(r"^\{/\*+(?P<in>.*?)\*+/\}$"), re.compile(r"^/\*+(?P<in>.*?)(?:\*+/)?$"), re.compile(r"^<!--+(?P<in>.*?)-->$"),
    re.compile(r"^#+(?P<in>.*)$"), re.compile(r"^//+!?(?P<in>.*)$"), re.compile(r"^--+(?P<in>.*)$"),
    re.compile(r"^;+(?P<in>.*)$"), re.compile(r"^%+(?P<in>.*)$"), re.compile(r"^\{#(?P<in>.*)#\}$"),
    re.compile(r"^(?:\"\"\"|''')(?P<in>.*)(?:\"\"\"|''')$"),
)  # fmt: skip
_KEYS = frozenset(
    "rest remainder remaining other others existing previous prior original unchanged unmodified untouched omitted same "
    "more before above below skipped elided truncated snip snipped continue continues continued etc keep kept stays stay "
    "remain remains changes everything else so".split()
)
_WORDS = _KEYS | frozenset(
    "code codes file files function functions class classes method methods module modules implementation implementations "
    "body imports import logic definitions definition block blocks section sections content contents stuff part parts "
    "component components handler handlers route routes test tests field fields property properties attribute attributes "
    "helper helpers line lines statements the of and is are as it its it's here this that these those in for to be goes go "
    "left out from now your all any with not no change changed do does was were will on my our lines like just still have "
    "has been exactly brevity shown but i've haven't unaltered intact way exact current".split()
)
_STUB = re.compile(
    r"^(?:pass|\.\.\.|raise NotImplementedError\b.*|todo!\(.*|unimplemented!\(.*|panic\(.*|throw (?:new )?\w*(?:Error|Exception)\b.*"
    r"|return(?: (?:None|null|nil))?;?|[{}()\[\];,]*|(?:#|//|/\*|\*|--|\"\"\"|''').*)$"
)  # fmt: skip
_DOTS = ("...", "\u2026")


def elision(new: str, old: str, path: str = "", known: Collection[str] = ()) -> str | None:
    """The first line of `new` that stands for left-out code, for a `new` that replaces `old`.

    `known`: further lines that the file had.
    """
    language = language_of(path)
    new_lines, old_lines = EOL.split(new), EOL.split(old)
    had = {line.strip() for line in old_lines} | {line.strip() for line in known}
    in_strings: set[int] | None = None
    loses: bool | None = None
    for number, line in enumerate(new_lines):
        bare = line.strip()
        if not bare or len(bare) > MAX_LINE or bare in had:
            continue
        kind = _kind(bare, language)
        if kind == "dots" and language in (PYTHON, language_of("")) and _is_body(new_lines, number):
            continue
        if not kind:
            continue
        if in_strings is None:
            in_strings = lines_in_strings(language, new)
        if number in in_strings:
            continue
        if kind == "weak":
            loses = _loses(new_lines, old_lines) if loses is None else loses
            if not loses:
                continue
        return bare
    return None


def _kind(line: str, language: Language) -> str:
    """ "marked", "weak" or "dots" (the three dots alone, which are code in Python); "" for none of them."""
    if line == "..." and language is not YAML:
        return "dots"
    inner, comment = _comment(line, language)
    if not comment and not inner.startswith((*_DOTS, "[", "(", "<")):
        return ""
    core = inner.strip().strip("[](){}<>*").strip()
    wrapped = inner.strip().startswith(("[", "(", "<")) and inner.strip().rstrip(".").endswith(("]", ")", ">"))
    begins = core.startswith(_DOTS)
    ends = core.endswith(_DOTS)
    spaced = begins and core.lstrip(".\u2026")[:1] in ("", " ", "\t")
    words = re.findall(r"[^\W\d_]+(?:'[^\W\d_]+)?", core.casefold())
    if not words:
        return "marked" if begins and not re.search(r"\w", core) else ""
    known = all(word in _WORDS for word in words)
    keyed = any(word in _KEYS for word in words)
    if begins and ends and spaced and len(words) <= 12:
        return "marked"
    if known and keyed and (spaced or wrapped):
        return "marked"
    if comment and keyed and (known or (spaced and len(words) <= 8)):
        return "weak"
    return ""


def _comment(line: str, language: Language) -> tuple[str, bool]:
    for pattern in _COMMENTS[:3] if language is MARKDOWN else _COMMENTS:
        match = pattern.match(line)
        if match is not None:
            return match["in"].strip(), True
    return line, False


def _is_body(lines: Sequence[str], at: int) -> bool:
    """Whether three dots are all of a body: a stub, which is code."""
    above = next((line for line in reversed(lines[max(0, at - 40) : at]) if line.strip()), "")
    below = next((line for line in lines[at + 1 : at + 40] if line.strip()), "")
    depth = len(indent_of(lines[at]))
    deeper_than_above = len(indent_of(above)) < depth and above.rstrip().endswith(":")
    documented = above.rstrip().endswith(('"""', "'''")) and len(indent_of(above)) == depth
    return (deeper_than_above or documented) and (not below or len(indent_of(below)) < depth)


def _loses(new: Sequence[str], old: Sequence[str]) -> bool:
    """Whether code of the old lines, other than a stub, is not among the new ones."""
    kept = {line.strip() for line in new}
    return any(line.strip() not in kept and not _STUB.match(line.strip()[:300]) for line in old if line.strip())
