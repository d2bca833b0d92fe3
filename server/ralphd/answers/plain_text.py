"""Model text as plain text for a person: no escape sequences, no invisible characters, no HTML. Pure."""

from __future__ import annotations

import re

_CONTROL = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb"
    r"\U000e0000-\U000e01ef]"
)
_ESCAPE = re.compile(r"\x1b(?:\[[0-9;?]{0,40}[ -/]{0,10}[@-~]|\][^\x07\x1b]{0,1000}(?:\x07|\x1b\\)?)")
# Only what a renderer would act on: `handlers[key](event)` and `Vec<u8>` are code that a finding talks about.
_LINK = re.compile(r"!?\[([^\]]{0,300})\]\((?:[a-zA-Z][\w+.-]{0,30}:|\.{0,2}/|#|www\.)[^)]{0,1000}\)")
_TAG = re.compile(
    r"</?(?:a|abbr|audio|b|base|blockquote|body|br|button|code|details|div|em|embed|font|form|frame|h[1-6]|head|hr|html|i"
    r"|iframe|img|input|kbd|li|link|math|meta|object|ol|p|pre|script|source|span|strong|style|sub|summary|sup|svg|table"
    r"|tbody|td|textarea|th|thead|title|tr|u|ul|video)(?:[\s/][^<>]{0,200})?>",
    re.IGNORECASE,
)


MAX_PASSES = 8


def plain(text: object, limit: int = 600) -> str:
    """Model text as plain text for a person, capped at `limit` characters."""
    if not isinstance(text, str):
        return ""
    text = text[
        : 20 * limit + 2000
    ]  # what comes after this cannot be among the first `limit` characters of any real text
    bare = _CONTROL.sub("", _ESCAPE.sub("", text))
    bare = _LINK.sub(r"\1", bare)
    for _ in range(MAX_PASSES):  # `<<b>script>`: what one pass takes out may leave a tag behind
        less = _TAG.sub("", bare)
        if less == bare:
            break
        bare = less
    else:
        bare = bare.replace("<", "")
    bare = " ".join(bare.split())
    return bare if len(bare) <= limit else bare[: limit - 1] + "…"
