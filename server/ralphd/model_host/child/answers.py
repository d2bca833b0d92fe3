"""What a provider's answer brings, chunk by chunk, read from LiteLLM's objects by their attributes.

Only the text that the model wrote for the reader becomes text. Reasoning is kept out of it: it keeps the call alive and is counted as what it costs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ralphd.errors import BadAnswer, ContentRefused
from ralphd.models.gateway import Usage


@dataclass(frozen=True)
class StreamPart:
    """One part of a streamed answer: text, or a sign of life without text (`thinking`)."""

    text: str = ""
    thinking: bool = False


@dataclass
class AnswerDetails:
    """What an answer says beside its text; filled while it is read."""

    finish_reason: str = "unknown"
    usage: Usage | None = None
    raw_usage: Any = None
    """LiteLLM's usage object, for its price calculation."""
    answered_as: str = ""
    """The model's name in the answer: logged, never priced by."""


def parts_of(chunk: Any, details: AnswerDetails) -> list[StreamPart]:
    """The parts of one chunk of a stream. Raises `ContentRefused` where a filter ended the answer."""
    _note(chunk, details)
    parts = []
    for choice in getattr(chunk, "choices", None) or ():
        if getattr(choice, "index", 0) not in (0, None):
            continue
        delta = getattr(choice, "delta", None)
        text = getattr(delta, "content", None)
        if isinstance(text, str) and text:
            parts.append(StreamPart(text))
        elif getattr(delta, "reasoning_content", None):
            parts.append(StreamPart(thinking=True))
        if getattr(choice, "finish_reason", None):
            _finish(str(choice.finish_reason), details)
    return parts


def whole(response: Any, details: AnswerDetails) -> list[StreamPart]:
    """The parts of an answer that is not streamed."""
    _note(response, details)
    choices = getattr(response, "choices", None) or ()
    if not choices:
        raise BadAnswer("The provider's answer holds no choice.")
    if choices[0].finish_reason:
        _finish(str(choices[0].finish_reason), details)
    text = choices[0].message.content
    return [StreamPart(text)] if isinstance(text, str) and text else []


def _finish(reason: str, details: AnswerDetails) -> None:
    details.finish_reason = reason
    if reason in ("content_filter", "refusal", "safety"):
        raise ContentRefused(
            "The provider's content filter ended the answer.", "Rephrase the task, or use another model."
        )


def _note(chunk: Any, details: AnswerDetails) -> None:
    details.answered_as = str(getattr(chunk, "model", "") or details.answered_as)
    usage = getattr(chunk, "usage", None)
    if usage is None or not getattr(usage, "total_tokens", 0):
        return
    prompt, completion = count(usage.prompt_tokens), count(usage.completion_tokens)
    if prompt is None or completion is None:
        return  # a usage that cannot be is none
    details.raw_usage = usage
    cached = count(getattr(getattr(usage, "prompt_tokens_details", None), "cached_tokens", 0))
    details.usage = Usage(prompt_tokens=prompt, completion_tokens=completion, cached_tokens=cached or 0, calls=1)


def count(value: Any) -> int | None:
    """A number of tokens; None for what cannot be one (negative, not finite, more than any model reads)."""
    if value is None:
        return 0
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1_000_000_000:
        return None
    return int(value)
