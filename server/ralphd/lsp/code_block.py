"""A text as a block of code in a Markdown document."""

from __future__ import annotations

import re

from ralphd.core.visible import as_document, on_terminal


def code_block(text: object) -> str:
    """In a fence that is longer than any run of backticks in the text, with what cannot be seen made visible."""
    value = as_document(on_terminal(str(text)))
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", value)), default=0))
    return f"{fence}text\n{value}\n{fence}\n"
