"""What can be chosen in `ralphd setup`, and the questions of each choice: a provider with a key, Ollama, any server that
speaks OpenAI's format, the embedded model.

The only servers that are asked anything here are the ones that the person chose, and only for the names of their models.
"""

from __future__ import annotations

import asyncio
import getpass
import json
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ralphd.core import foreign_json
from ralphd.core.addresses import address_problem, ollama_address
from ralphd.local_model.server import OLLAMA, ollama_models
from ralphd.model_host.chains import MAKERS, Maker
from ralphd.shell.terminal import ask, say

_ASKED_S = 5.0
"""How long a server may take to name its models."""


@dataclass(frozen=True)
class Chosen:
    """The text of the person's file. `then`: what they have to do before a model can answer; "" where nothing."""

    settings: str
    then: str = ""


def choose(environ: Mapping[str, str]) -> Chosen:
    """Asks which model shall answer, and what that choice needs."""
    choices: list[tuple[str, Callable[[], Chosen]]] = []
    for maker in MAKERS:
        found = next((name for name in maker.key_names if environ.get(name)), None)
        line = f"{maker.provider}: {maker.strong}{f' ({found} is set)' if found else ''}"
        choices.append((line, lambda maker=maker, found=found: _of_maker(maker, found)))  # type: ignore[misc]
    choices += [
        ("Ollama: a model on your own machine", lambda: _ollama(environ)),
        ("another server that speaks OpenAI's format: vLLM, llama.cpp, LM Studio, a LiteLLM proxy", _compatible),
        ("the embedded model: nothing leaves your machine", _embedded),
    ]
    say("Which provider shall answer?")
    return choices[_numbered([line for line, _ in choices])][1]()


def _of_maker(maker: Maker, found: str | None) -> Chosen:
    """`found`: the variable of the environment that holds its key."""
    name = maker.key_names[0]
    key = ""
    if found is None:
        key = getpass.getpass(f"Key (kept in your file, for you alone), or Enter to set {name} yourself: ").strip()
    settings = (
        "models:\n"
        f"  default: {{provider: {maker.provider}, model: {maker.small}}}\n"
        f"  artisan: {{provider: {maker.provider}, model: {maker.strong}}}\n"
    )
    if key:
        return Chosen(f"{settings}api_keys:\n  {maker.provider}: {json.dumps(key)}\n")
    waits = f"Set {name} in your environment; `ralphd doctor` says when it is found."
    return Chosen(settings, "" if found else waits)


def _ollama(environ: Mapping[str, str]) -> Chosen:
    address = ollama_address(environ["OLLAMA_HOST"]) if environ.get("OLLAMA_HOST", "").strip() else OLLAMA
    pulled = asyncio.run(ollama_models(address, _ASKED_S))
    if pulled:
        say(f"{address} has these models:")
        name = pulled[_numbered(pulled)]
        return Chosen(_default(model=f"ollama/{name}"))
    say(f"Nothing answers at {address}." if pulled is None else f"No model is pulled at {address}.")
    name = _answered("Name of the model, as in qwen2.5-coder: ")
    started = "Start Ollama, then `" if pulled is None else "Fetch it: `"
    return Chosen(
        _default(model=f"ollama/{name}"), f"{started}ollama pull {name}`; `ralphd doctor` says when it is there."
    )


def _compatible() -> Chosen:
    while True:
        address = _answered("Its address, as in http://localhost:8000/v1: ").rstrip("/")
        if (problem := address_problem(address)) is None:
            break
        say(problem)
    key = getpass.getpass(
        "Key (kept in your file, for you alone), or ${NAME} of a variable, or Enter for none: "
    ).strip()
    offered = _offered(address)
    if offered:
        say(f"{address} has these models:")
    name = offered[_numbered(offered)] if offered else _answered("Name of the model: ")
    return Chosen(_default(model=f"openai/{name}", api_base=address, **({"api_key": key} if key else {})))


def _embedded() -> Chosen:
    return Chosen(
        "models: local\n", "The embedded model runs on your machine; `ralphd fetch-model` fetches it (1.1 GB)."
    )


def _offered(address: str) -> list[str]:
    """Names of the models that the server tells without a key; none where it does not."""
    try:
        with urllib.request.urlopen(f"{address}/models", timeout=_ASKED_S) as answer:  # noqa: S310 - it was checked
            told = foreign_json.parse(answer.read(1 << 20))
        names = [str(model["id"]) for model in told["data"]]
    except (OSError, ValueError, KeyError, TypeError):
        return []
    return names[:50]


def _default(**values: str) -> str:
    """The person's file with one model for all roles; each value in quotes, in which nothing can be misread."""
    lines = "".join(f"    {name}: {json.dumps(value)}\n" for name, value in values.items())
    return f"models:\n  default:\n{lines}"


def _numbered(lines: Sequence[str]) -> int:
    """Which of the lines is chosen, from 0."""
    for number, line in enumerate(lines, 1):
        say(f"  {number}  {line}")
    while True:
        answer = ask("Number: ")
        if answer.isdigit() and 1 <= int(answer) <= len(lines):
            return int(answer) - 1
        say(f"A number from 1 to {len(lines)}.")


def _answered(question: str) -> str:
    while not (answer := ask(question)):
        pass
    return answer
