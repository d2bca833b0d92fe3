"""Short and retired names: each ends at a model that LiteLLM's own table prices."""

from __future__ import annotations

import importlib.util
import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from ralphd.settings.model_names import ALIASES, RETIRED, current


@cache
def price_table() -> dict[str, dict[str, Any]]:
    """LiteLLM's bundled table, read as a file: importing the library takes seconds."""
    spec = importlib.util.find_spec("litellm")
    assert spec is not None and spec.origin is not None
    path = Path(spec.origin).with_name("model_prices_and_context_window_backup.json")
    table: dict[str, dict[str, Any]] = json.loads(path.read_text("utf-8"))
    return table


@pytest.mark.parametrize("model", sorted({*RETIRED.values(), *ALIASES.values()} - {"local"}))
def test_every_successor_is_a_literal_entry_with_a_price(model: str) -> None:
    entry = price_table()[model]
    assert entry["mode"] == "chat"
    assert entry["input_cost_per_token"] > 0
    assert entry["output_cost_per_token"] > 0
    assert model not in RETIRED


def test_the_seeds_names_resolve() -> None:
    for name in (
        "claude-3-5-sonnet-20241022",
        "claude-3-opus-20240229",
        "claude-sonnet-4.5",
        "gemini/gemini-2.0-flash-exp",
    ):
        found = current(name, None, {})
        assert found.retired == name
        assert found.model in price_table()
    for name in ("gpt-4o", "gpt-4.1-mini", "gpt-4.1"):
        assert current(name, "openai", {}).model == name
        assert price_table()[name]["input_cost_per_token"] > 0
    for alias in ("claude", "sonnet", "opus", "gpt-4", "gpt", "gemini", "gemini-pro"):
        assert current(alias, None, {}).model in price_table()
    assert current("local", None, {}).model == "local"


@pytest.mark.parametrize(
    ("name", "provider", "asked"),
    [
        ("anthropic/claude-3-5-sonnet-20241022", None, "claude-sonnet-5-5"),
        ("claude-3-5-sonnet-20241022", "Anthropic", "claude-sonnet-5-5"),
        ("gemini-2.0-flash-exp", "google", "gemini/gemini-3.8-flash"),
        ("google/gemini-1.5-pro", None, "gemini/gemini-pro-latest"),
        ("openai/gpt-4-turbo", None, "gpt-4.1"),
        # Names that belong to somebody else are left alone.
        ("claude-3-5-sonnet-20241022", "bedrock", "claude-3-5-sonnet-20241022"),
        ("gpt-4-turbo", "azure", "gpt-4-turbo"),
        ("gpt", "ollama", "gpt"),
        ("openrouter/anthropic/claude-3-opus", None, "openrouter/anthropic/claude-3-opus"),
        ("azure/gpt-4-turbo", None, "azure/gpt-4-turbo"),
        ("ollama/gemini", None, "ollama/gemini"),
    ],
)
def test_by_provider(name: str, provider: str | None, asked: str) -> None:
    assert current(name, provider, {}).model == asked


def test_peoples_own_short_names_come_first() -> None:
    own = {"claude": "claude-opus-5", "fast": "gpt", "old": "o1-mini"}
    assert current("claude", None, own).model == "claude-opus-5"
    assert current("fast", None, own).model == ALIASES["gpt"]
    assert current("old", None, own).retired == "o1-mini"
    assert current("gpt", None, {}, own_endpoint=True).model == "gpt"
