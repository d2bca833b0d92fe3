"""A run that a key, a model, a budget or a setting stopped says what a person can do about it, each way with its setting."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from ralphd.app import build_service
from ralphd.core.mends import Mend, mends_for
from ralphd.core.run import RunRequest
from ralphd.errors import AuthenticationFailed, ModelError, NoIsolation, OutOfCredit, Unreachable
from ralphd.local_model.weights import QWEN, weights_path
from ralphd.models.gateway import ResolvedModel
from ralphd.models.scripted import Reply, ScriptedGateway
from ralphd.sandbox import isolation
from ralphd.settings.schema import Settings
from ralphd.state import Folders
from tests.support.projects import PYTEST, write
from tests.support.service import Outcome, drive

CHOOSE, KEY, FETCH = Mend("chooseModel", "models"), Mend("setKey", "api_keys"), Mend("fetchModel")
SETUP = Mend("setup")
PRICED = {"input_usd_per_token": 1e-5, "output_usd_per_token": 1e-5, "max_output_tokens": 100}


async def critique(root: Path, gateway: ScriptedGateway, **budget: float) -> Outcome:
    write(root, {"pyproject.toml": "", "code.py": "def double(x):\n    return 2 * x\n"})
    config = {"budget": budget} if budget else {}
    return await drive(root, {}, path="code.py", command="critique", argv=(), config=config, gateway=gateway)


@pytest.mark.parametrize(
    ("error", "ways"),
    [
        (AuthenticationFailed("x refused the key (401)."), (KEY, CHOOSE)),
        (OutOfCredit("no money"), (CHOOSE,)),
        (Unreachable("nobody there"), (CHOOSE,)),
    ],
    ids=lambda value: type(value).__name__,
)
async def test_a_call_that_brought_nothing(tmp_path: Path, error: ModelError, ways: tuple[Mend, ...]) -> None:
    outcome = await critique(tmp_path, ScriptedGateway({"critic": [Reply(error=error)]}))
    assert (outcome.result.outcome, outcome.result.mends) == ("provider_failed", ways)


@pytest.mark.parametrize(
    ("model", "ways"),
    [
        (ResolvedModel(model="openai/x", provider="openai", problem="No key for openai/x: set OPENAI_API_KEY."), (KEY, CHOOSE)),
        (ResolvedModel(model="local", provider="local", local=True, problem="It is not there yet."), (FETCH, CHOOSE)),
    ],
    ids=["a key", "the embedded model"],
)  # fmt: skip
async def test_no_model(tmp_path: Path, model: ResolvedModel, ways: tuple[Mend, ...]) -> None:
    outcome = await critique(tmp_path, ScriptedGateway({}, info=model))
    assert (outcome.result.outcome, outcome.result.mends) == ("misconfigured", (*ways, SETUP))
    assert outcome.gateway.requests == []


async def test_weights_that_are_there_are_not_fetched(tmp_path: Path) -> None:
    """Where only the embedded model's server is missing, the sentence names the line that installs it; no button fetches."""
    path = weights_path(Folders.of(os.environ).cache)
    path.parent.mkdir(parents=True)
    with path.open("wb") as file:
        file.truncate(QWEN.size)  # takes no room on the disk
    seal = {"sha256": QWEN.sha256, "size": QWEN.size, "mtime_ns": path.stat().st_mtime_ns}
    path.with_name(f"{path.name}.verified").write_text(json.dumps(seal))
    model = ResolvedModel(model="local", provider="local", local=True, problem="Its server is not installed.")
    outcome = await critique(tmp_path, ScriptedGateway({}, info=model))
    assert (outcome.result.outcome, outcome.result.mends) == ("misconfigured", (CHOOSE, SETUP))


@pytest.mark.parametrize("limit", ["usd_per_run", "usd_per_day", "tokens_per_run", "tokens_per_day"])
async def test_a_budget(tmp_path: Path, limit: str) -> None:
    gateway = ScriptedGateway({}, info=ResolvedModel(model="m", provider="p", **PRICED))
    outcome = await critique(tmp_path, gateway, **{limit: 0.00001 if "usd" in limit else 1})
    assert outcome.result.outcome == "budget_exceeded" and outcome.gateway.requests == []
    assert outcome.result.mends == (Mend("raiseBudget", f"budget.{limit}"), CHOOSE)
    assert "$0.00001" in outcome.result.reason if "usd" in limit else "of the 1 for" in outcome.result.reason


async def test_a_setting_that_cannot_be_read(tmp_path: Path) -> None:
    outcome = await critique(tmp_path, ScriptedGateway({}), usd_per_run=-1)
    assert (outcome.result.outcome, outcome.result.mends) == (
        "misconfigured",
        (Mend("openSetting", "budget.usd_per_run"), SETUP),
    )


async def test_no_isolation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where bubblewrap is missing its installer is offered; one that is installed meanwhile serves the next run."""
    write(tmp_path / "here", {"pyproject.toml": "", "code.py": "def double(x):\n    return x\n"})
    monkeypatch.setattr(isolation, "_programs", lambda: [str(tmp_path / "bwrap")])
    ended = (await drive(tmp_path / "here", {}, path="code.py")).result
    assert ended.outcome == "misconfigured" and "bubblewrap is not installed" in ended.reason
    install = (Mend("installIsolation", command=known),) if (known := isolation.installer()) else ()
    assert ended.mends[: len(install) + 1] == (*install, Mend("openSetting", "sandbox.mode"))

    write(
        tmp_path / "here", {"test_code.py": "from code import double\n\n\ndef test_it():\n    assert double(0) == 0\n"}
    )
    asked = RunRequest(
        "run-1", "critique", str(tmp_path / "here"), "code.py", "def double(x):\n    return x\n", None, ""
    )
    service = build_service(dict(os.environ), scripted=ScriptedGateway({}))
    async with service.benches.open(asked, Settings(), PYTEST) as bench:  # the copy of a server that starts is made so
        with pytest.raises(NoIsolation) as raised:
            await bench.run()
        assert mends_for(raised.value) == ended.mends[: len(install) + 1]
    monkeypatch.undo()
    async with service.benches.open(asked, Settings(), PYTEST) as bench:
        assert (await bench.run()).exit_code == 0
    await service.close()
