"""What a provider's answer brings, chunk by chunk, read from LiteLLM's objects by their attributes.

Only the text that the model wrote for the reader becomes text. Reasoning is kept out of it: it keeps the call alive and
is counted as what it costs. An answer that is no text (a refusal, a tool call) is an error that says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ralphd.errors import BadAnswer, ContentRefused, Unreachable
from ralphd.model_host.child.raw_answers import RawAnswer
from ralphd.model_host.child.token_counts import count, fits_together
from ralphd.models.gateway import Usage

_FINISH: Mapping[str, str] = {
    reason: meaning
    for meaning, reasons in {
        "stop": "stop end_turn stop_sequence complete eos eos_token finish_reason_stop",
        "length": "length max_tokens model_length max_output_tokens token_limit model_context_window_exceeded",
        "refused": "content_filter refusal safety recitation prohibited_content blocklist spii image_safety language "
        "guardrail_intervened content_filtered",
        "tool": "tool_calls function_call tool_use malformed_function_call unexpected_tool_call",
        "broken": "error abort insufficient_system_resource cancelled pause_turn",
    }.items()
    for reason in reasons.split()
}
"""What each provider's `finish_reason` means to us, in lower case. Any other is kept as it is: not known to be whole."""


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
    refusal: str = ""
    """The model's own words where it refused."""
    tool_calls: bool = False


class AnswerReader:
    """Reads one answer; `details` are filled meanwhile."""

    def __init__(self, details: AnswerDetails) -> None:
        self.details = details
        self._thoughts = _InlineThoughts()

    def chunk(self, chunk: Any) -> list[StreamPart]:
        """The parts of one chunk of a stream."""
        self._note(chunk)
        parts: list[StreamPart] = []
        for choice in getattr(chunk, "choices", None) or ():
            if getattr(choice, "index", 0) in (0, None):
                parts += self._message(getattr(choice, "delta", None))
                self._finish(getattr(choice, "finish_reason", None))
        return parts

    def whole(self, response: Any) -> list[StreamPart]:
        """The parts of an answer that is not streamed."""
        self._note(response)
        choices = getattr(response, "choices", None) or ()
        if not choices:
            raise BadAnswer("The provider's answer holds no choice.", "Check that api_base is a model's API.")
        message = getattr(choices[0], "message", None)
        parts = self._message(message)
        if getattr(message, "reasoning_content", None) and parts and parts[0].text:
            # The library has cut the thoughts out of the text, and left the line ends behind them.
            parts[0] = StreamPart(parts[0].text.lstrip("\r\n"))
        self._finish(getattr(choices[0], "finish_reason", None))
        return [*parts, *self.rest()]

    def ended(self, raw: RawAnswer) -> None:
        """Last of all: what the wire said of the end, which the library may have left out or invented."""
        self.details.refusal = self.details.refusal or raw.refusal
        if raw.finish_reason:
            self._finish(raw.finish_reason)
        elif raw.finish_seen is False:
            self.details.finish_reason = "unknown"

    def rest(self) -> list[StreamPart]:
        """What was held back until the answer's end."""
        left = self._thoughts.end()
        return [StreamPart(left)] if left else []

    def _message(self, message: Any) -> list[StreamPart]:
        parts: list[StreamPart] = []
        text = getattr(message, "content", None)
        if isinstance(text, str) and text:
            shown = self._thoughts.shown(text)
            parts.append(StreamPart(shown) if shown else StreamPart(thinking=True))
        if getattr(message, "reasoning_content", None) or getattr(message, "thinking_blocks", None):
            parts.append(StreamPart(thinking=True))
        if getattr(message, "tool_calls", None) or getattr(message, "function_call", None):
            self.details.tool_calls = True
            parts.append(StreamPart(thinking=True))
        return parts

    def _finish(self, reason: Any) -> None:
        if not reason:
            return
        meaning = _FINISH.get(str(reason).lower(), str(reason))
        self.details.finish_reason = meaning
        if meaning == "refused":
            self.details.finish_reason = "content_filter"
            raise ContentRefused(
                f"The provider's content filter ended the answer ({reason}).",
                "Rephrase the task, or use another model.",
            )
        if meaning == "broken":
            raise Unreachable(f"The provider broke the answer off ({reason}).", "Try again, or set a fallback model.")

    def _note(self, chunk: Any) -> None:
        details = self.details
        details.answered_as = str(getattr(chunk, "model", "") or details.answered_as)
        usage = getattr(chunk, "usage", None)
        prompt, completion = (count(getattr(usage, name, None)) for name in ("prompt_tokens", "completion_tokens"))
        if prompt is None or completion is None or not prompt + completion:
            return  # a usage that cannot be, or says nothing, is none
        cached = count(getattr(getattr(usage, "prompt_tokens_details", None), "cached_tokens", 0)) or 0
        details.raw_usage = usage if fits_together(usage, prompt) else None
        details.usage = Usage(
            prompt_tokens=prompt, completion_tokens=completion, cached_tokens=min(cached, prompt), calls=1
        )


class _InlineThoughts:
    """Takes `<think>…</think>` at the very beginning out of an answer, however it is cut into chunks: models that
    reason write so where their server does not separate it."""

    _OPEN, _CLOSE = "<think>", "</think>"

    def __init__(self) -> None:
        self._held = ""
        self._state: str = "begin"

    def shown(self, text: str) -> str:
        if self._state == "text":
            return text
        self._held += text
        if self._state == "begin":
            start = self._held.lstrip()
            if start.startswith(self._OPEN):
                self._state, self._held = "thinking", start.removeprefix(self._OPEN)
            elif self._OPEN.startswith(start):
                return ""  # it may still become one
            else:
                self._state = "text"
                return self.end()
        at = self._held.find(self._CLOSE)
        if at < 0:
            self._held = self._held[-len(self._CLOSE) :]
            return ""
        self._held = self._held[at + len(self._CLOSE) :].lstrip("\r\n")
        self._state = "text"
        return self.end()

    def end(self) -> str:
        """What is held back and is no thought."""
        held, self._held = self._held, ""
        return "" if self._state == "thinking" else held
