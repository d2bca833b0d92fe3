"""Keys that a project's tests print, in whatever spelling: in no prompt, and by their form in nothing that is kept or shown."""

from __future__ import annotations

import base64
import html
import json
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest

from tests.attacks.conftest import PLACE, RIGHT, WRONG
from tests.support import product
from tests.support.fake_editor import FakeEditor
from tests.support.projects import write
from tests.support.scripted_server import ScriptedServer

PARTS = {
    "a token of GitHub": ("ghp_", "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7cF0xR"),
    "a key of OpenAI": ("sk-proj-", "Zx81kQw02LmNb73VcYt5Rp9"),
    "a key of AWS": ("AKIA", "Q7WERT2YUIOP9ASD"),
    "a token of Slack": ("xoxb-", "123456789012-abcdefGHIJKL345"),
    "a private key": ("-----BEGIN RSA PRIVATE ", "KEY-----\nMIIEpAIBAAKCAQEA7\n-----END RSA PRIVATE KEY-----"),
}
"""Each in two parts, which only the running test puts together: no file of the project holds one."""
SHAPED = {name: "".join(parts) for name, parts in PARTS.items()}
KNOWN = {
    "environment": "plain+words/of the environment 81",
    "unnamed": "plain words of a variable that is no key 82",
    "file": "plain words in the person's file 83",
    "header": "plain words of a header 84",
    "body": "plain words in a field of the body 85",
}
"""Values without a form, by the way in which the person set them."""


def lower_escapes(value: str) -> str:
    return re.sub("%..", lambda found: found[0].lower(), quote_plus(value))


def spellings(value: str) -> Iterator[str]:
    data = value.encode()
    yield from (value, json.dumps(value)[1:-1], quote(value, safe=""), data.hex(), data.hex().upper())
    yield from (quote(value), quote_plus(value), lower_escapes(value), html.escape(value))
    yield from (json.dumps(value)[1:-1].replace("/", "\\/"), base64.b64encode(value.encode("utf-16-le")).decode()[:-8])
    for before in range(3):
        whole = base64.b64encode(b"\0" * before + data).decode()
        yield whole[(before * 8 + 5) // 6 + 1 : len(whole) // 4 * 4 - 4]


TESTS = """
    import base64, html, json, re, sys, urllib.parse
    from double import double

    import pytest

    KEYS = {keys!r}

    @pytest.mark.parametrize("key", ["".join(parts) for parts in KEYS[:4]])
    def test_of_something_else(key):
        assert False, key

    def test_double():
        said = []
        for parts in KEYS:
            key = "".join(parts)
            data = key.encode()
            said += [key, repr(key), urllib.parse.quote(key, safe=""), data.hex(), base64.b64encode(data).decode(),
                     base64.b64encode(b"user:" + data).decode(), base64.b64encode(key.encode("utf-16-le")).decode(),
                     urllib.parse.quote(key), urllib.parse.quote_plus(key), html.escape(key),
                     re.sub("%..", lambda found: found[0].lower(), urllib.parse.quote_plus(key)), json.dumps(key).replace("/", chr(92) + "/"), "token=" + key, key[:12] + chr(10) + key[12:]]
        print(chr(10).join(said))
        print(chr(10).join(said), file=sys.stderr)
        assert double(2) == 4, chr(10).join(said)
"""


def plant(project: Path) -> None:
    keys = [*PARTS.values(), *((value[:9], value[9:]) for value in KNOWN.values())]
    write(project, {"tests/test_double.py": TESTS.format(keys=keys)})


@pytest.mark.slow
@pytest.mark.row("G2")
async def test_what_a_test_prints(project: Path, tmp_path: Path) -> None:
    plant(project)
    environment = {"ANTHROPIC_API_KEY": KNOWN["environment"], "ACME_LOGIN": KNOWN["unnamed"]}
    junit = ["--junitxml=out.xml", "-o", "junit_logging=all"]
    critic = json.dumps({"verdict": "pass", "findings": []})
    with ScriptedServer([WRONG, WRONG, WRONG, RIGHT, critic, critic, critic, critic, critic]) as model:
        settings = product.person_settings(model)
        settings["models"]["default"] |= {"api_key": "${ACME_LOGIN}", "headers": {"X-Of": KNOWN["header"]}}
        settings["models"]["default"]["extra_body"] = {"metadata": {"user_token": KNOWN["body"]}}
        settings["api_keys"] = {"mistral": KNOWN["file"]}
        settings["testing"] |= {"command": [*settings["testing"]["command"], *junit], "junit": "out.xml"}
        product.person_file(settings)
        dry = product.ralphd(project, "run", "implement", PLACE, "--dry-run", environment=environment)
        stderr = tmp_path / "stderr.log"
        editor = await FakeEditor.start(
            [sys.executable, "-m", "ralphd"],
            project,
            env={**os.environ, **environment},
            stderr_path=stderr,
            trace="verbose",
        )
        try:
            uri = await editor.open(project / "double.py")
            for command in ("implement", "implement", "chaosTests", "critique"):
                started = await editor.command(f"ralph.server.{command}", {"uri": uri})
                await editor.run_ended(started["runId"], product.HANGS_S)
            for command in ("showLog", "showPastRuns", "status"):
                params = {"command": f"ralph.server.{command}", "arguments": [{}]}
                await editor.rpc.request("workspace/executeCommand", params)
        finally:
            await editor.stop()
        runs = product.ralphd(project, "runs")
        (run, *_) = json.loads(product.ralphd(project, "runs", "--json").stdout)
        receipt = product.ralphd(project, "receipt", run["runId"])
        replay = product.ralphd(project, "replay", run["runId"])
        shell = product.run(project, PLACE, model, environment=environment, **settings)
    said = [json.dumps(message) for direction, message in editor.rpc.log if direction == "<-"]
    bodies = [{name: value for name, value in request.body.items() if name != "metadata"} for request in model.requests]
    sent = [json.dumps(body) for body in bodies]
    assert any("double(2) == 4" in one for one in sent) and len(sent) >= 3
    places = {
        "prompts": sent,
        "editor": said,
        "stderr": [stderr.read_text(), shell.stderr, dry.stderr, runs.stderr, receipt.stderr, replay.stderr],
        "stdout": [dry.stdout, runs.stdout, receipt.stdout, replay.stdout, json.dumps(shell.result)],
        "kept": [product.kept()],
    }
    found = [
        (place, name, text[max(0, text.index(value) - 200) :][:400])
        for place, texts in places.items()
        for text in texts
        for name, value in SHAPED.items()
        if value in text or json.dumps(value)[1:-1] in text
    ]
    found += [
        (place, name, spelling, text[max(0, text.index(spelling) - 200) :][:400])
        for place, texts in {"prompts": sent, "dry run": [dry.stdout]}.items()
        for text in texts
        for name, value in KNOWN.items()
        for spelling in spellings(value)
        if spelling in text
    ]
    assert not found
