"""The embedded default model: verified weights in the cache, and llama.cpp's server, one for all of a person's editors and runs.

Knows nothing of providers, prompts or litellm: what it gives the rest is an OpenAI-compatible address on loopback.
"""

from __future__ import annotations
