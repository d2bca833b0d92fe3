"""Text of others made safe to show to a person: nothing invisible, nothing that moves the cursor or reorders letters.

One function for each kind of surface: `visible` for one line in a question, `on_terminal` for the shell, `in_editor` for
every text of the language server. The LSP connection (`lsp/protocol.py`) and the shell's printer (`shell/terminal.py`)
call them on all that leaves the process. Markdown is sent nowhere.
"""

from __future__ import annotations

import re
import unicodedata

_BLANK_BUT_NO_SPACE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Characters that Unicode counts as letters, marks or symbols, and that show nothing."""
_BLANKS = re.compile(" {4,}")
_ORDINARY = re.compile(r"[\x20-\x7e\t\n]*")
_SELECTED = re.compile("(.?)([\ufe0e\ufe0f])", re.DOTALL)
"""A character and the selector behind it that asks for its picture or its plain form."""
_MARKS = "\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
_STACKED = re.compile(f"(?<=[{_MARKS}]{{4}})[{_MARKS}]+")
"""More marks on one letter than any language has: they are drawn over the lines around it."""
_LINK = re.compile(r"\]\((?=[a-zA-Z][\w+.-]{0,30}:)")
"""The middle of `[text](command:…)`: editors make a link of it in a message, also one that runs a command."""


def visible(text: str) -> str:
    """`text` with every character that shows nothing, or changes how others are shown, written as its number.

    Control characters, line ends, text direction, zero width, tags and combining marks become `\\x1b` or `\\u202e`; a
    run of blanks becomes `[300 blanks]`.
    """
    shown = "".join(char if _shows(char) else number(char) for char in text)
    return _BLANKS.sub(lambda found: f"[{len(found[0])} blanks]", shown)


def on_terminal(text: str) -> str:
    """Text of several lines for a terminal: line feeds, tabs and a few marks on a letter stay, "\\r\\n" becomes "\\n"; every
    other character that shows nothing, or moves or changes what others show, is written as its number."""
    if _ORDINARY.fullmatch(text):
        return text
    shown = _STACKED.sub(_numbers, text.replace("\r\n", "\n").translate(_SHOWN))
    return _SELECTED.sub(_selected, shown) if "\ufe0e" in shown or "\ufe0f" in shown else shown


def in_editor(text: str) -> str:
    """Text of several lines for an editor's messages, lists and titles: as on a terminal, and no link is made of it."""
    return _LINK.sub("] (", on_terminal(text)) if "](" in text else on_terminal(text)


def hidden(text: str) -> list[int]:
    """The places in a source text where a character hides something from whoever reads it: controls, text direction,
    zero width, tags. A byte order mark at the start, form feeds and the joints of emoji are ordinary."""
    if text.isascii() and not _CONTROL.search(text):
        return []
    return [at for at, char in enumerate(text) if not (char.isascii() and char.isprintable()) and _hides(text, at)]


def _hides(text: str, at: int) -> bool:
    char, before = text[at], text[at - 1 : at]
    if char in "\t\n\r\f" or (char == "\ufeff" and at == 0):
        return False
    if char in "\ufe0e\ufe0f":
        return not _is_symbol(before)
    if char == "\u200d":
        return not (_is_symbol(before) or before == "\ufe0f")
    return unicodedata.category(char) in _HIDING or char in _BLANK_BUT_NO_SPACE or _is_selector(char)


def _is_symbol(char: str) -> bool:
    return bool(char) and unicodedata.category(char)[0] == "S" and char not in _BLANK_BUT_NO_SPACE


def _is_selector(char: str) -> bool:
    """Whether it chooses a form of the character before it and shows nothing itself."""
    return "\ufe00" <= char <= "\ufe0f" or "\U000e0100" <= char <= "\U000e01ef" or "\u180b" <= char <= "\u180f"


def _numbers(found: re.Match[str]) -> str:
    return "".join(map(number, found[0]))


def _selected(found: re.Match[str]) -> str:
    return found[0] if _is_symbol(found[1]) else found[1] + number(found[2])


class _Shown(dict[int, str]):
    """How each code point is shown in a text of several lines; filled as they come."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        mark = unicodedata.category(char)[0] == "M" and not (char in _BLANK_BUT_NO_SPACE or _is_selector(char))
        self[code] = char if mark or _shows(char) else number(char)
        return self[code]


_SHOWN = _Shown({ord(char): char for char in "\t\n\ufe0e\ufe0f"})
_HIDING = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Categories of Unicode: controls, formats (direction, zero width, tags), half characters, separators."""
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f]")


def shortened(text: str, limit: int) -> str:
    """`text`, or its beginning and its end with what is left out between them, where it is longer than `limit`."""
    if len(text) <= limit:
        return text
    head, tail = limit * 2 // 3, limit // 3
    left_out = len(text) - head - tail
    return f"{text[:head]} [… {left_out:,} of {len(text):,} characters left out …] {text[-tail:]}"


def not_ascii(text: str) -> list[str]:
    """Each letter of `text` that is not ASCII, once, with its name: it may look like another one."""
    letters = dict.fromkeys(char for char in text if not char.isascii() and _shows(char))
    return [f"{char} ({unicodedata.name(char, number(char)).lower()})" for char in letters]


def _shows(char: str) -> bool:
    if char.isascii():
        return char.isprintable()
    return unicodedata.category(char)[0] in "LNPS" and char not in _BLANK_BUT_NO_SPACE


def number(char: str) -> str:
    """`\\x1b`, `\\u202e`, `\\U000e0041`: a character as source code writes its number."""
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


_CONFLICT_ROW = re.compile(r"^(?=<{7}|={7}|>{7})", re.MULTILINE)


def as_document(text: str) -> str:
    """`text` as a document to read: rows of the edit blocks, which editors take for a merge conflict, are moved in by a
    space."""
    return _CONFLICT_ROW.sub(" ", text)
