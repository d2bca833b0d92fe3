"""A team's LiteLLM proxy: the line of docs/models.md works with the real one, and its errors are told as what they are."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ralphd.errors import AuthenticationFailed, ModelError, OutOfCredit
from ralphd.model_host.client import HostClient
from ralphd.model_host.gateway import HostGateway
from ralphd.model_host.wire import CallConfig, ConfiguredModel
from ralphd.models.gateway import CompletionRequest, Message
from ralphd.settings.schema import KeyRef
from tests.support.litellm_proxy import SPENT_KEY, TEAM_KEY, UPSTREAM_KEY, running
from tests.support.product import person_file, ralphd
from tests.support.projects import write
from tests.support.providers import Provider, Reply

pytestmark = pytest.mark.e2e
PAGE = (Path(__file__).resolve().parents[2] / "docs" / "models.md").read_text("utf-8")
ANSWER = Reply(("```python\ndef double(x):\n", "    return 2 * x\n```\n"), prompt_tokens=120, completion_tokens=30)


@pytest.fixture(scope="module")
def upstream() -> Iterator[Provider]:
    with Provider("openai", default=ANSWER) as server:
        yield server


@pytest.fixture(scope="module")
def proxy(upstream: Provider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running(tmp_path_factory.mktemp("proxy"), upstream.api_base) as address:
        yield address


def documented(proxy: str) -> str:
    """The block of the page, with this proxy's address."""
    section = PAGE.split("### A team's LiteLLM proxy")[1]
    found = re.search(r"```yaml\n(.*?)```", section, re.DOTALL)
    assert found is not None
    return found[1].replace("http://localhost:4000", proxy)


def run(project: Path, settings: str) -> dict[str, Any]:
    person_file(settings)
    done = ralphd(project, "run", "implement", "double.py:2", "--json", environment={"TEAM_KEY": TEAM_KEY})
    assert done.stdout, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def test_one_line_is_enough(proxy: str, upstream: Provider, tmp_path: Path) -> None:
    """The team's key goes to the proxy and no further; answers stream; an unknown price is none, a set one is counted."""
    write(tmp_path, {"pyproject.toml": "", "double.py": "def double(x):\n    raise NotImplementedError\n"})
    upstream.requests.clear()
    unpriced = run(tmp_path, documented(proxy))
    assert unpriced["outcome"] == "proposed_unverified" and "2 * x" in str(unpriced["edits"]), unpriced
    assert (unpriced["cost"]["usd"], unpriced["cost"]["unpriced"]) == (None, ["openai/TEAM-MODEL"])
    assert upstream.requests and all(sent.streamed for sent in upstream.requests)
    sent = json.dumps([[one.headers, one.body] for one in upstream.requests])
    assert UPSTREAM_KEY in sent and TEAM_KEY not in sent and "gpt-4.1-mini" in sent

    prices = "prices: {openai/TEAM-MODEL: {input_usd_per_mtok: 1, output_usd_per_mtok: 2}}\n"
    priced = run(tmp_path, documented(proxy) + prices)
    usage = priced["usage"]
    assert usage["promptTokens"] == 120 * usage["calls"] and usage["completionTokens"] == 30 * usage["calls"]
    assert priced["cost"]["usd"] == pytest.approx(usage["calls"] * (120 * 1e-6 + 30 * 2e-6))


async def test_its_own_cache_and_its_own_errors(
    proxy: str, upstream: Provider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, key in {"TEAM_KEY": TEAM_KEY, "SPENT_KEY": SPENT_KEY, "WRONG_KEY": "sk-wrong-0123456789"}.items():
        monkeypatch.setenv(name, key)
    client = HostClient(work_dir=tmp_path)

    async def ask(model: str, key: str = "TEAM_KEY", text: str = "hi") -> str:
        configured = ConfiguredModel(model=f"openai/{model}", api_base=f"{proxy}/v1", api_key=KeyRef(env=key))
        gateway = HostGateway(client, CallConfig(roles={"artisan": (configured,)}, retry_attempts=1))
        question = CompletionRequest(role="artisan", messages=(Message(role="user", content=text),))
        return (await gateway.complete(question)).text

    try:
        upstream.requests.clear()
        assert [await ask("TEAM-MODEL", text="the same") for _ in range(2)] == [ANSWER.text] * 2
        assert len(upstream.requests) == 1  # the second answer came out of the team's Redis
        with pytest.raises(AuthenticationFailed, match=r"refused the key \(401\): .*Invalid proxy server token"):
            await ask("TEAM-MODEL", "WRONG_KEY")
        with pytest.raises(OutOfCredit, match=r"no credit or budget left .*Budget has been exceeded"):
            await ask("TEAM-MODEL", "SPENT_KEY")
        with pytest.raises(ModelError, match=r"not known at its provider .*model=NO-MODEL"):
            await ask("NO-MODEL")
        assert await ask("DEAR-MODEL") == ANSWER.text
        with pytest.raises(OutOfCredit, match=r"crossed budget"):
            for number in range(20):  # the proxy books an answer a moment after it was given
                await ask("DEAR-MODEL", text=f"again {number}")
        assert len(upstream.requests) < 20
    finally:
        await client.close()
