"""How many tokens a prompt is, by the estimate of core/tokens.py: for reservations, windows and broken streams. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from ralphd.core.tokens import tokens_of
from ralphd.models.gateway import Message

_PER_MESSAGE = 8
"""What a message costs beside its text."""


def prompt_tokens(messages: Iterable[Message]) -> int:
    """An upper estimate of the tokens of a prompt."""
    return sum(tokens_of(message.content) + _PER_MESSAGE for message in messages)
