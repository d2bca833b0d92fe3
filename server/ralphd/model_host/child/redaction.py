"""Masks secrets in whatever leaves the model host: log lines, errors, stray prints.

Knows exact values (the keys in use) and the shapes of common keys; knows nothing of where the text is going.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

MASK = "***REDACTED***"

_SHAPES = re.compile(
    r"""(?<![A-Za-z0-9])(?:
      sk-(?:ant-|proj-|svcacct-|admin-|or-v1-|lf-)?[A-Za-z0-9_-]{16,}   # OpenAI, Anthropic, OpenRouter, DeepSeek
    | AIza[A-Za-z0-9_-]{30,} | AQ\.[A-Za-z0-9_-]{30,} | ya29\.[A-Za-z0-9_.-]{20,}   # Google
    | gsk_[A-Za-z0-9]{20,} | xai-[A-Za-z0-9_-]{20,} | hf_[A-Za-z0-9]{20,} | r8_[A-Za-z0-9]{20,}
    | pplx-[A-Za-z0-9]{20,} | fw_[A-Za-z0-9]{16,} | tgp_v1_[A-Za-z0-9_-]{20,} | csk-[A-Za-z0-9]{20,}
    | nvapi-[A-Za-z0-9_-]{20,} | esecret_[A-Za-z0-9]{16,} | dapi[a-f0-9]{32}(?:-\d)? | pa-[A-Za-z0-9_-]{30,}
    | (?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16} | ABSK[A-Za-z0-9+/=]{30,}     # AWS
    | gh[pousr]_[A-Za-z0-9]{20,} | github_pat_[A-Za-z0-9_]{20,} | glpat-[A-Za-z0-9_-]{16,}
    | xox[abprs]-[A-Za-z0-9-]{10,} | [sr]k_(?:live|test)_[A-Za-z0-9]{16,}
    | npm_[A-Za-z0-9]{30,} | pypi-[A-Za-z0-9_-]{30,}
    )""",
    re.VERBOSE,
)
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
    """Masks exact values and known shapes. Cheap to make anew when the keys in use change."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        spellings: set[str] = set()
        for secret in secrets:
            if len(secret) < 8:
                continue
            spellings.update(
                {secret, quote(secret, safe=""), json.dumps(secret)[1:-1], json.dumps(json.dumps(secret))[3:-3]}
            )
            spellings.add(base64.b64encode(secret.encode()).decode())
        self._exact = sorted(spellings, key=len, reverse=True)

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
        for secret in self._exact:
            text = text.replace(secret, MASK)
        text = _SHAPES.sub(MASK, _PEM.sub(MASK, text))
        return _DOTTED.sub(_without_tokens, text)

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
