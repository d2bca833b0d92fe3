"""Masks secrets in whatever leaves the model host: prompts, log lines, errors, stray prints.

Knows exact values (known_values.py) and what keys look like (key_forms.py); knows nothing of where the text is going.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from ralphd.model_host.child import key_forms
from ralphd.model_host.child.known_values import KnownValues

MASK = "***REDACTED***"

_DOTTED = re.compile(r"[A-Za-z0-9_.-]{30,}")
"""Runs that may hold a JSON Web Token; `_without_tokens` looks for one in them."""
_PEM = re.compile(r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----.*?(?:-----END [A-Z ]{0,40}PRIVATE KEY-----|\Z)", re.DOTALL)
_NAME = (
    r"(?:api|access|auth|account|secret|private|subscription|master|virtual)[-_ ]?(?:key|token)(?:[-_]?id)?"
    r"|aws_secret_access_key|aws_session_token|x-amz-security-token|client[-_]?secret|secret|passw(?:or)?d|authorization"
    r"|bearer|token|credentials?|signature|sig"
)
"""Names that secrets are given. They may be the end of a longer name, after `_` or `-`."""
_NAMED = re.compile(
    rf"""(?P<head>(?<![A-Za-z0-9])(?:{_NAME})\\?["']?\s{{0,20}}[:=]\s{{0,20}}\\?["']?(?:b["'])?(?:(?:bearer|basic|token|key)\s{{1,20}})?)
    (?P<value>[A-Za-z0-9+/=_.~%-]{{8,}})""",
    re.IGNORECASE | re.VERBOSE,
)
_LONG_RUN = re.compile(r"(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{32,}+={0,2}+(?![\w(.])")
_NAME_BEFORE = re.compile(
    rf"""(?:(?<![A-Za-z0-9])(?:{_NAME})|[-_]key)\\?["']?\s{{0,5}}[:=]\s{{0,5}}\\?["']?(?:b["'])?$""", re.IGNORECASE
)
_NAME_WITHIN = 60
_LONGEST_KEY = 100
"""Letters and digits at a stretch, 32 to 100 with a digit among them, that a name of a secret stands before: no ordinary
code. Keys of AWS, Azure, Mistral, Cohere and others have no other form."""
_REST_OF_A_KEY = re.compile(
    rf"(?P<head>{re.escape(MASK)}\r?\n[E>| \t]{{0,12}})(?P<value>(?=[\w-]{{0,40}}[0-9])(?=[\w-]{{0,40}}[A-Za-z])[\w-]{{8,100}})(?=\s|$)"
)
"""A key of a known form that was broken at the end of a line goes on at the beginning of the next."""
_BEARER = re.compile(r"(?P<head>\b(?:bearer|basic)\s{1,20})(?P<value>[A-Za-z0-9+/=_.~-]{8,})", re.IGNORECASE)
_QUERY = re.compile(
    r"(?P<head>[?&](?:key|api[-_]?key|access_token|token|sig|signature|code)=)(?P<value>[^&\s\"'<>#]+)", re.IGNORECASE
)
_USERINFO = re.compile(r"(?P<head>://)(?P<value>[^/\s@:\"']*:[^/\s@\"']+)(?=@)")
_SECRET_FIELD = re.compile(rf"(?:^|[-_])(?:{_NAME}|key)$", re.IGNORECASE)
_LONGEST = 2_000_000
"""Characters of one text; what is longer is cut, and says so."""
_TAIL = 10_000
"""A cut may go through a secret: the word at the end, at most this long, goes with what is cut off."""


class Redactor:
    """Masks exact values and known shapes. Cheap to make anew when the keys in use change; the first loads the shapes, which
    takes a moment, so a server makes it in a thread."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._known, self._forms = KnownValues(secrets), key_forms.known()

    def text(self, text: str) -> str:
        """`text` masked. Takes a time that grows with its length and no faster, whatever it holds."""
        if len(text) > _LONGEST:
            left_out = len(text) - _LONGEST
            text = f"{_without_last_word(text[:_LONGEST])}… ({left_out:,} characters were left out)"
        text = self.keys(text)
        for pattern in (_QUERY, _USERINFO, _NAMED, _BEARER):
            text = pattern.sub(_keep_head, text)
        return text

    def keys(self, text: str) -> str:
        """`text` without keys: the exact values, and what has the form of a key. For prompts: a name such as `password`
        with something behind it is ordinary code there, and masking that would break the code."""
        text = self._known.masked(text, MASK)
        text = _PEM.sub(MASK, text)
        for form in self._forms:
            text = form.sub(MASK, text)
        text = _LONG_RUN.sub(_without_named, _DOTTED.sub(_without_tokens, text))
        return _REST_OF_A_KEY.sub(_keep_head, text)

    def value(self, value: Any) -> Any:
        """`value` with every string masked, and every field that is named like a secret."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {
                self.text(str(key)): MASK
                if isinstance(item, str) and item and _SECRET_FIELD.search(str(key)[-100:])
                else self.value(item)
                for key, item in value.items()
            }
        if isinstance(value, list | tuple):
            return [self.value(item) for item in value]
        return value


def _keep_head(match: re.Match[str]) -> str:
    return f"{match['head']}{MASK}" if match["value"] not in MASK else match[0]


def _without_named(match: re.Match[str]) -> str:
    run, start = match[0], match.start()
    if len(run) > _LONGEST_KEY or not any(char.isdigit() for char in run):
        return run
    return MASK if _NAME_BEFORE.search(match.string[max(0, start - _NAME_WITHIN) : start]) else run


def _without_tokens(match: re.Match[str]) -> str:
    """A run of word characters, dashes and dots, with each JSON Web Token in it masked: three parts between dots of
    which the first two begin with `eyJ`, the code of `{"`."""
    parts, kept, at = match[0].split("."), [], 0
    while at < len(parts):
        token = parts[at : at + 3]
        begins = parts[at].find("eyJ") if len(token) == 3 and token[1].startswith("eyJ") else -1
        if begins >= 0 and min(len(parts[at]) - begins, len(token[1]), len(token[2])) >= 10:
            kept.append(parts[at][:begins] + MASK)
            at += 3
        else:
            kept.append(parts[at])
            at += 1
    return ".".join(kept)


def _without_last_word(text: str) -> str:
    head, space, word = text[-_TAIL:].rpartition(" ")
    return text[:-_TAIL] + head + space if space else text[:-_TAIL] if word else text


class RedactingStream:
    """A text stream for stray prints: masks whole lines, so that a key split over two writes is still found."""

    def __init__(self, raw: Any, redactor: Redactor, *, longest: int = 64 * 1024) -> None:
        self._raw = raw
        self._pending = ""
        self._longest = longest
        self.redactor = redactor
        self.encoding = "utf-8"
        self.errors = "backslashreplace"

    def write(self, text: str) -> int:
        self._pending += text
        head, line_end, tail = self._pending.rpartition("\n")
        if line_end:
            self._raw.write(self.redactor.text(head) + "\n")
            self._raw.flush()
            self._pending = tail
        elif len(self._pending) > self._longest:
            self._raw.write(MASK + "\n")
            self._pending = ""
        return len(text)

    def flush(self) -> None:
        """Nothing leaves before its line is whole."""

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return False

    def fileno(self) -> int:
        return int(self._raw.fileno())
