"""`ralphd doctor`: each role's model, key, price and reach; ready only where the main job could run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.support.scripted_server import ScriptedServer


@pytest.fixture
def ollama() -> Iterator[str]:
    class Tags(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps({"models": [{"name": "qwen2.5-coder:latest"}]}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Tags) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def doctor(config: str, folder: Path, *words: str, **environ: str) -> tuple[int, str]:
    own = Path(os.environ["XDG_CONFIG_HOME"]) / "ralphd"
    own.mkdir(parents=True, exist_ok=True)
    (own / "config.yaml").write_text(config)
    argv = [sys.executable, "-m", "ralphd", "doctor", *words]
    run = subprocess.run(argv, cwd=folder, env={**os.environ, **environ}, capture_output=True, text=True, check=False)
    assert not run.stderr, run.stderr
    return run.returncode, run.stdout


@pytest.mark.slow
def test_each_role(tmp_path: Path, ollama: str) -> None:
    with ScriptedServer() as model:
        config = f"""
models:
  librarian: {{model: ollama/qwen2.5-coder, api_base: "{ollama}"}}
  artisan: {{model: openai/gpt-4.1, api_base: "{model.base_url}", api_key: "${{MY_KEY}}"}}
  critic: {{model: anthropic/claude-sonnet-4-5}}
  chaos: {{model: openai/nobody-knows-it, api_base: "http://127.0.0.1:1/v1"}}
"""
        code, told = doctor(config, tmp_path, MY_KEY="sk-canary-0123456789")
        report: dict[str, Any] = json.loads(doctor(config, tmp_path, "--json", MY_KEY="sk-canary-0123456789")[1])
    roles = {role: chain[0] for role, chain in report["roles"].items()}
    assert roles["librarian"]["problem"] is None and roles["librarian"]["key"] == "not needed"
    assert roles["artisan"]["problem"] is None and roles["artisan"]["key"] == "present"
    assert roles["critic"]["key"] == "missing" and "ANTHROPIC_API_KEY" in roles["critic"]["problem"]
    assert roles["critic"]["price"]["inputUsdPerMtok"] > 0
    assert roles["chaos"]["price"] == "unpriced" and "127.0.0.1:1" in roles["chaos"]["problem"]
    assert code == 0 and report["ready"] and "Ready, but without the Critic, Chaos." in told
    assert "sk-canary" not in told + json.dumps(report)
    # where code goes, within which limits
    assert (
        f"to {model.base_url}, window 1,047,576, answers up to 8,192 tokens" in told and "key present (MY_KEY)" in told
    )
    assert roles["librarian"]["address"] == ollama and roles["artisan"]["contextWindow"] == 1_047_576
    assert report["ollama"] == {ollama: ["qwen2.5-coder:latest"]} and f"ollama:    {ollama}, with qwen2.5-coder" in told


@pytest.mark.slow
def test_ollama_is_asked_where_it_is_used_and_nowhere_else(tmp_path: Path, ollama: str) -> None:
    host = ollama.removeprefix("http://")
    one = "models: {default: ollama/qwen2.5-coder}\n"
    report: dict[str, Any] = json.loads(doctor(one, tmp_path, "--json", OLLAMA_HOST=host)[1])
    assert report["ollama"] == {ollama: ["qwen2.5-coder:latest"]} and report["ready"]
    other = "models: {default: {model: openai/x, api_base: 'http://127.0.0.1:1/v1'}}\n"
    assert json.loads(doctor(other, tmp_path, "--json", OLLAMA_HOST=host)[1])["ollama"] == {}


@pytest.mark.slow
def test_what_the_main_job_lacks(tmp_path: Path, ollama: str) -> None:
    code, told = doctor(f'models: {{default: {{model: ollama/llama9, api_base: "{ollama}"}}}}\n', tmp_path)
    assert code == 1
    assert "Missing:   A model for the Artisan: ollama/llama9: not pulled: ollama pull llama9" in told
    code, told = doctor("models: {default: sonnet}\n", tmp_path)
    assert code == 1 and "set ANTHROPIC_API_KEY" in told and "Ready" not in told
