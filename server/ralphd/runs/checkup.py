"""What is configured, found, missing, reachable: for `ralphd doctor` and the editor's. Makes no paid call; shows names of
keys, never values."""

from __future__ import annotations

import asyncio
import importlib.util
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from ralphd import __version__
from ralphd.backend import ModelBackend
from ralphd.runs.settings_source import SettingsSource
from ralphd.sandbox.isolation import detect
from ralphd.state import Folders

_BASE_VARIABLES = ("_BASE_URL", "_API_BASE")


async def look(root: str, settings: SettingsSource, models: ModelBackend, folders: Folders) -> dict[str, Any]:
    """The whole report on a workspace, as JSON: `ready`, `problems`, and what was found part by part."""
    resolved = await asyncio.to_thread(settings.read, root, "_")
    roles = await models.describe(resolved.settings, root)
    isolation = await detect(resolved.settings.sandbox.mode)
    pulled = await _pulled(roles, models)
    local = await asyncio.to_thread(models.embedded)
    command = resolved.settings.testing.command
    chains = {
        role: [_role(info, local, pulled.get(info["address"])) for info in chain] for role, chain in roles.items()
    }
    problems = [f"A setting that can be read: {problem}" for problem in resolved.stopping]
    if not chains.get("artisan"):
        problems.append("No model is configured.")
    elif all(info["problem"] for info in chains["artisan"]):
        first = chains["artisan"][0]
        problems.append(f"A model for the Artisan: {first['model']}: {first['problem']}")
    if isolation.kind == "none" and resolved.settings.sandbox.mode == "auto":
        problems.append(isolation.detail)
    return {
        "version": __version__,
        "python": sys.version.split()[0],
        "workspace": root,
        "ready": not problems,
        "problems": problems,
        "roles": chains,
        "local": local,
        "ollama": pulled,
        "sandbox": {"kind": isolation.kind, "detail": isolation.detail},
        "testCommand": {"argv": list(command) if command else None, "from": str(resolved.source("testing.command"))},
        "endpointVariables": sorted(
            name
            for name in settings.environ
            if name.endswith(_BASE_VARIABLES) or name in ("HTTPS_PROXY", "https_proxy", "SSL_CERT_FILE")
        ),
        "configuration": [str(problem) for problem in resolved.problems],
        "litellm": importlib.util.find_spec("litellm") is not None,
        "log": str(folders.server_log),
    }


async def _pulled(
    roles: Mapping[str, Sequence[Mapping[str, Any]]], models: ModelBackend
) -> dict[str, list[str] | None]:
    """By address, what each Ollama that a role asks has; None where none answers. Nobody else is asked."""
    addresses = {info["address"] for chain in roles.values() for info in chain if info["provider"].startswith("ollama")}
    return {address: await models.pulled(address) for address in sorted(addresses - {None})}


def _role(info: Mapping[str, Any], local: Mapping[str, Any], pulled: Sequence[str] | None) -> dict[str, Any]:
    problem = info["problem"]
    is_ollama = info["provider"].startswith("ollama")
    name = info["model"].removeprefix("ollama/").removeprefix("ollama_chat/")
    if is_ollama and pulled is not None and problem is None and not {name, f"{name}:latest"} & set(pulled):
        problem = f"not pulled: ollama pull {name}"
    if info["local"] and local["installed"] and local["server"]:
        problem = None  # it is started by the first run
    elif info["local"] and local["installed"]:
        problem = f"its server is not installed: {local['install']}"
    price_in, price_out = info["input_usd_per_token"], info["output_usd_per_token"]
    priced = price_in is not None and price_out is not None
    return {
        "model": info["model"],
        "provider": info["provider"],
        "key": "not needed" if info["local"] or is_ollama else "present" if info["key_present"] else "missing",
        "price": {"inputUsdPerMtok": price_in * 1e6, "outputUsdPerMtok": price_out * 1e6} if priced else "unpriced",
        "address": info["address"],
        "keyFrom": None if is_ollama or info["local"] else info["key_from"] or None,
        "contextWindow": info["context_window"],
        "maxTokens": info["max_output_tokens"],
        "quirks": info["quirks"],
        "reachable": info["reachable"] is None or info["local"],
        "problem": problem or (None if info["local"] else info["reachable"]),
    }


def _model_lines(name: str, info: Mapping[str, Any]) -> list[str]:
    """A model in two lines: who it is and what is wrong; where its requests go and within which limits."""
    price = info["price"]
    money = (
        price
        if isinstance(price, str)
        else "free"
        if not any(price.values())
        else f"${price['inputUsdPerMtok']:g}/${price['outputUsdPerMtok']:g} per Mtok"
    )
    key = f"key {info['key']}{' (' + info['keyFrom'] + ')' if info['keyFrom'] else ''}"
    first = (
        f"{name:11}{info['model']} ({info['provider']}), {money}, {key if info['problem'] is None else info['problem']}"
    )
    window = f"window {info['contextWindow']:,}" if info["contextWindow"] else "window not known"
    limits = [f"answers up to {info['maxTokens']:,} tokens"] if info["maxTokens"] else []
    elsewhere = f"to {info['address']}" if info["address"] else "to its provider"
    where = "on this machine" if info["provider"] == "local" else elsewhere
    second = ", ".join([where, window, *limits, *([info["quirks"]] if info["quirks"] else [])])
    return [first, f"{'':11}{second}"]


def lines(report: Mapping[str, Any]) -> list[str]:
    """The report for people."""
    told = [f"ralphd {report['version']}, Python {report['python']}, workspace {report['workspace']}", ""]
    for role, chain in report["roles"].items():
        for number, info in enumerate(chain):
            told += _model_lines(f"{role}:" if number == 0 else "  else:", info)
    local = report["local"]
    fetched = "fetched" if local["installed"] else "not fetched (ralphd fetch-model)"
    served = "installed" if local["server"] else f"not installed ({local['install']})"
    told.append(f"\nembedded:  {local['model']}, {fetched}, server {served}")
    for address, models in report["ollama"].items():
        told.append(
            f"ollama:    {address}, {'with ' + (', '.join(models) or 'no model') if models is not None else 'no answer'}"
        )
    told.append(
        f"sandbox:   {report['sandbox']['kind']}{': ' + report['sandbox']['detail'] if report['sandbox']['detail'] else ''}"
    )
    command = report["testCommand"]
    told.append(
        f"tests:     {' '.join(command['argv']) + ' (' + command['from'] + ')' if command['argv'] else 'no test command: set testing.command'}"
    )
    if report["endpointVariables"]:
        told.append(f"variables: {', '.join(report['endpointVariables'])} change where requests go")
    told += [f"config:    {problem}" for problem in report["configuration"]]
    told.append(f"log:       {report['log']}")
    without = [role for role, chain in report["roles"].items() if chain and all(info["problem"] for info in chain)]
    ready = "Ready." if not without else f"Ready, but without the {', '.join(role.capitalize() for role in without)}."
    return [*told, "", *([f"Missing:   {problem}" for problem in report["problems"]] or [ready])]
