"""Counting tokens without a tokenizer: the one estimate, for what fits into a prompt and for what it may cost. Pure.

Three bytes of UTF-8 per token is more tokens than any current tokenizer makes of code or prose, and about right where
every character is its own token; so an estimate errs on the side of the budget and of the window.
"""

from __future__ import annotations

_BYTES = 3


def tokens_of(text: str) -> int:
    """An upper estimate of how many tokens `text` is; at least 1 for a text that is not empty."""
    return -(-len(text.encode("utf-8", "surrogatepass")) // _BYTES)


def beginning(text: str, tokens: int) -> str:
    """As much of the beginning of `text` as is estimated at `tokens`, cut between characters."""
    return text.encode("utf-8", "surrogatepass")[: max(0, tokens) * _BYTES].decode("utf-8", "ignore")
