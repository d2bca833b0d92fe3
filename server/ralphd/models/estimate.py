"""Counting tokens without a tokenizer: for reservations and for what a broken stream has used. Pure.

Three bytes of UTF-8 per token is more tokens than any current tokenizer makes of code or prose, and about right where
every character is its own token; so an estimate errs on the side of the budget.
"""

from __future__ import annotations

from collections.abc import Iterable

from ralphd.models.gateway import Message

_PER_MESSAGE = 8
"""What a message costs beside its text."""


def tokens_of(text: str) -> int:
    """An upper estimate of how many tokens `text` is; at least 1 for a text that is not empty."""
    return -(-len(text.encode("utf-8", "surrogatepass")) // 3)


def prompt_tokens(messages: Iterable[Message]) -> int:
    """An upper estimate of the tokens of a prompt."""
    return sum(tokens_of(message.content) + _PER_MESSAGE for message in messages)
