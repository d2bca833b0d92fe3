"""An answer that asks: nothing but lines `NEED: name or path`, for what the prompt did not show; and the Librarian's lines
`OPEN: path::name` above its brief. Pure.

Models write such lines in many ways: in bold, as a list below one `NEED:`, with several names in one of them, with a
signature, a line number or a reason. What is meant are names and paths, and these are taken out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from ralphd.answers.reasoning import without_reasoning

MOST_NAMES = 8
_LIST = r"[ \t>]*(?:(?:[-*+•]|\d{1,2}[.)])[ \t]+)?"
_NEED = re.compile(
    _LIST + r"[*_`]{0,3}(?:(?i:need)[*_`]{0,3}[ \t]*[:\uff1a][*_]{0,3}|NEED[ \t])[ \t]*([^\r\n]{0,300})$"
)
_OPEN = re.compile(_LIST + r"[*_`]{0,3}OPEN[*_]{0,3}:[*_]{0,3}[ \t]*([^\r\n]{1,300}?)[ \t]*$")
_ITEM = re.compile(r"[ \t>]*(?:[-*+•]|\d{1,2}[.)])[ \t]+([^\r\n]{1,300})$")
_BETWEEN = re.compile(r"[ \t]*(?:(?:`{3,}|~{3,})\w*|END OF EDITS)?[ \t]*$")
"""What may stand between the lines: nothing, a fence, and the line that ends edit blocks."""


def asked_for(answer: str) -> tuple[str, ...]:
    """What an answer asks to be shown, at most `MOST_NAMES`; empty where it is anything but such lines, which may stand
    in a fence."""
    bare = without_reasoning(answer)
    if bare.unfinished:
        return ()
    names: list[str] = []
    below = False
    """Whether the last line was a `NEED:` without a name, below which a list of them may stand."""
    for line in bare.text.lstrip("\ufeff").split("\n"):
        if _BETWEEN.match(line):
            continue
        match = _NEED.match(line)
        item = _ITEM.match(line) if match is None and below else None
        if match is None and item is None:
            return ()
        said = match[1] if match is not None else item[1] if item is not None else ""
        below = item is not None or not said.strip("*_` \t")
        names += _names_in(said)
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
            names += _names_in(match[1])
    return _chosen(names), "\n".join(words).strip()


_REASON = re.compile(r"[ \t]+(?:\([^()]*[ \t][^()]*\)?|(?:[-–—]{1,2}|#|//|because|since|to|so|for|which|as)[ \t].*)$")
"""Why something is wanted: `Cart.total (to see how it rounds)`, `Cart.total - it may round`."""
_IMPORT = re.compile(r"from[ \t]+([\w.]+)[ \t]+import[ \t]+(.+)$")
_LED_BY = re.compile(
    r"^(?:(?:to|see|the|full|whole|source|code|text|signature|definition|implementation|body|of|name|path|file|module|class|def"
    r"|async|function|fn|func|method|constant|variable|type|interface|struct|enum|const|let|var|import|export|pub)[ \t:]+)+",
    re.IGNORECASE,
)
_IN = re.compile(r"(\S+)[ \t]+(?:in|from|of|@)[ \t]+(?:the[ \t]+)?(?:file[ \t]+)?(\S+)$")
_PLACED = re.compile(r"(\S*[./]\S*?)(?::[ \t]+|[ \t]*>[ \t]*)(\S.*)$")
"""`shop/cart.py: Cart, total`."""
_ROWS = re.compile(r"(?:#L\d+(?:-L?\d+)?|:\d+(?:[-:]\d+)?|[ \t,]+lines?[ \t]+\d+(?:[ \t]*[-–][ \t]*\d+)?)$")
_BEFORE, _BEHIND = "`'\"* \t:", "`'\"*., \t:;?!"
"""What stands around a name. A path may begin with a dot."""


def _names_in(said: str) -> Iterator[str]:
    """The names in what stands behind `NEED:`."""
    said = _ROWS.sub("", _bare(_REASON.sub("", said.replace("\\", "/").strip())))
    if found := _IMPORT.match(said):
        yield from (f"{found[1]}.{name.strip()}" for name in _parted(found[2]))
        return
    place = ""
    if (found := _PLACED.match(said.replace("`", ""))) and not found[1].endswith(":"):
        place, said = f"{_bare(found[1])}::", found[2]
    for part in _parted(said):
        bare = _bare(part.replace("`", ""))
        if found := _IN.match(_LED_BY.sub("", bare, count=1)):
            where, what = _bare(found[2]), _cleaned(found[1])
            yield f"{where}::{what}" if re.search(r"[./]", where) else f"{where}.{what}"
        elif name := _cleaned(bare):
            yield f"{place}{name}"


def _bare(text: str) -> str:
    """Without what stands around it."""
    text = text.lstrip(_BEFORE).rstrip(_BEHIND)
    return text[1:-1] if text[:1] + text[-1:] == "<>" else text


def _parted(said: str) -> Iterator[str]:
    """The parts between commas and `and`, but for commas between brackets."""
    depth, start = 0, 0
    for at, char in enumerate(said):
        depth += (char in "([<{") - (char in ")]>}")
        if depth <= 0 and char in ",;":
            yield from re.split(r"[ \t]+(?:and|&|or)[ \t]+", said[start:at])
            start = at + 1
    yield from re.split(r"[ \t]+(?:and|&|or)[ \t]+", re.sub(r"^[ \t]*(?:and|or)[ \t]+", "", said[start:]))


def _cleaned(part: str) -> str:
    """One name or path without what leads to it, its parameters, and the rows that are wanted of it."""
    name = _ROWS.sub("", _bare(part))
    name = _LED_BY.sub("", name, count=1) if re.search(r"[ \t]", name) else name
    name = _bare(name.split("(")[0].split(" = ")[0])
    if re.search(r"[ \t]", name):  # a sentence: what in it looks like code
        words = [_bare(word) for word in name.split()]
        code = [word for word in words if re.search(r"[\w$](?:::|[./_])[\w$]|[a-z][A-Z]|^[A-Z][A-Z_]+$", word)]
        name = code[0] if code else name
    return name.removeprefix("./")


def _chosen(names: Iterable[str]) -> tuple[str, ...]:
    """The names, each once, at most `MOST_NAMES`."""
    return tuple(dict.fromkeys(name for name in names if name))[:MOST_NAMES]
