"""The wire formats by name, and the bytes of an answer in one of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tests.support.providers.anthropic import Anthropic
from tests.support.providers.gemini import Gemini
from tests.support.providers.ollama import Ollama
from tests.support.providers.openai import Azure, OpenAI
from tests.support.providers.openai_compatible import DeepSeek, LlamaCpp, LmStudio, Mistral, OpenRouter, Vllm
from tests.support.providers.replies import Reply, Wire
from tests.support.providers.wire_format import WireFormat

FORMATS: Mapping[Wire, WireFormat] = {
    "openai": OpenAI(),
    "anthropic": Anthropic(),
    "gemini": Gemini(),
    "azure": Azure(),
    "ollama": Ollama(),
    "mistral": Mistral(),
    "deepseek": DeepSeek(),
    "openrouter": OpenRouter(),
    "vllm": Vllm(),
    "llama_cpp": LlamaCpp(),
    "lm_studio": LmStudio(),
}
WIRES: tuple[Wire, ...] = ("openai", "anthropic", "gemini", "azure", "ollama")
"""The formats that have nothing in common."""
COMPATIBLE: tuple[Wire, ...] = ("mistral", "deepseek", "openrouter", "vllm", "llama_cpp", "lm_studio")
"""OpenAI's format with a server's own words."""


def stream_events(wire: Wire, model: str, reply: Reply) -> Iterator[bytes]:
    """The events of a streamed answer, each as the bytes on the wire."""
    format = FORMATS[wire]
    for number, event in enumerate(format.events(model, reply)):
        yield event
        if number == format.first_text:
            yield from reply.extra_events


def stream_bytes(wire: Wire, model: str, reply: Reply) -> bytes:
    """A whole recorded stream."""
    return b"".join(stream_events(wire, model, reply))


def boundaries(wire: Wire, model: str, reply: Reply) -> list[int]:
    """Byte offsets at which one event ends and the next begins, both ends included."""
    offsets = [0]
    for event in stream_events(wire, model, reply):
        offsets.append(offsets[-1] + len(event))
    return offsets
