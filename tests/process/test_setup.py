"""`ralphd setup` on a real terminal: it asks, writes the person's own file, and tries the key with one agreed call."""

from __future__ import annotations

import os
import pty
import select
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from ralphd.model_host.chains import MAKERS
from tests.support.product import HANGS_S
from tests.support.providers import Provider, Reply

KEY = "sk-of-my-own-0123456789abcdef"
OPENAI = str([maker.provider for maker in MAKERS].index("openai") + 1)
OLLAMA, COMPATIBLE, EMBEDDED = (str(len(MAKERS) + number) for number in (1, 2, 3))


class Terminal:
    """`ralphd setup` with a pseudo-terminal as its standard streams; `answers` are typed when their prompts appear."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.mine, theirs = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "ralphd", "setup"],
            cwd=folder,
            env={**os.environ, **environment},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        self.shown = ""

    def _read(self) -> bool:
        """Wait for more; False at the end."""
        assert select.select([self.mine], [], [], HANGS_S)[0], self.shown
        try:
            data = os.read(self.mine, 4096)
        except OSError:
            return False
        self.shown += data.decode()
        return bool(data)

    def answer(self, prompt: str, text: str) -> None:
        at = len(self.shown)
        while prompt not in self.shown[max(0, at - len(prompt)) :]:
            assert self._read(), self.shown
        os.write(self.mine, f"{text}\n".encode())

    def end(self) -> int:
        while self._read():
            pass
        os.close(self.mine)
        return self.process.wait(HANGS_S)


def own_file() -> Path:
    return Path(os.environ["XDG_CONFIG_HOME"], "ralphd", "config.yaml")


@pytest.mark.slow
@pytest.mark.parametrize(
    "typed",
    [
        pytest.param(True, id="a key that is typed", marks=pytest.mark.slow),
        pytest.param(False, id="a key in the environment", marks=pytest.mark.slow),
    ],
)
def test_a_provider_is_chosen_and_tried(tmp_path: Path, typed: bool) -> None:
    (tmp_path / "pyproject.toml").write_text("")
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_a.py").touch()
    with Provider("openai", default=Reply(pieces=("ready",))) as server:
        environment = {"OPENAI_BASE_URL": server.api_base} | ({} if typed else {"OPENAI_API_KEY": KEY})
        terminal = Terminal(tmp_path, **environment)
        terminal.answer("Number: ", "99")
        terminal.answer("Number: ", OPENAI)
        if typed:
            terminal.answer("yourself: ", KEY)
        terminal.answer("[y/N]: ", "y")
        assert terminal.end() == 0, terminal.shown
        (request,) = server.requests
    assert "You are set up." in terminal.shown and "At most $0.0" in terminal.shown
    assert "python -m pytest -q" in terminal.shown and KEY not in terminal.shown
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert stat.S_IMODE(own_file().stat().st_mode) == 0o600
    assert (KEY in own_file().read_text()) == typed
    done = subprocess.run(
        [sys.executable, "-m", "ralphd", "config", "check"], cwd=tmp_path, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (0, "No problem found.\n")


@pytest.mark.slow
def test_no_means_no_call(tmp_path: Path) -> None:
    with Provider("openai") as server:
        terminal = Terminal(tmp_path, OPENAI_BASE_URL=server.api_base, OPENAI_API_KEY=KEY)
        terminal.answer("Number: ", OPENAI)
        terminal.answer("[y/N]: ", "")
        assert terminal.end() == 0
        assert server.requests == []
    assert "Not asked." in terminal.shown


@pytest.mark.slow
def test_a_key_that_is_refused_is_said(tmp_path: Path) -> None:
    with Provider("openai", default=Reply(status=401, error="Incorrect API key provided")) as server:
        terminal = Terminal(tmp_path, OPENAI_BASE_URL=server.api_base, OPENAI_API_KEY=KEY)
        terminal.answer("Number: ", OPENAI)
        terminal.answer("[y/N]: ", "yes")
        assert terminal.end() == 1
    assert "401" in terminal.shown or "refused" in terminal.shown
    assert KEY not in terminal.shown and "Traceback" not in terminal.shown


@pytest.mark.slow
@pytest.mark.parametrize("tells", [True, False], ids=["its models are told", "the name is typed"])
def test_a_server_that_speaks_openais_format(tmp_path: Path, tells: bool) -> None:
    models = ("first", "second") if tells else ()
    with Provider("vllm", default=Reply(pieces=("ready",)), models=models) as server:
        terminal = Terminal(tmp_path)
        terminal.answer("Number: ", COMPATIBLE)
        terminal.answer("8000/v1: ", "localhost:8000")
        terminal.answer("8000/v1: ", server.api_base)
        terminal.answer("Enter for none: ", KEY)
        terminal.answer(*(("Number: ", "2") if tells else ("Name of the model: ", "second")))
        terminal.answer("[y/N]: ", "y")
        assert terminal.end() == 0, terminal.shown
        (request,) = server.requests
    assert "must begin with http" in terminal.shown and KEY not in terminal.shown
    assert request.body["model"] == "second" and request.headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.slow
def test_ollama_and_its_models(tmp_path: Path) -> None:
    with Provider("ollama", default=Reply(pieces=("ready",)), models=("llama3.2:latest", "qwen2.5-coder:7b")) as server:
        terminal = Terminal(tmp_path, OLLAMA_HOST=server.origin.removeprefix("http://"))
        terminal.answer("Number: ", OLLAMA)
        terminal.answer("Number: ", "2")
        terminal.answer("[y/N]: ", "y")
        assert terminal.end() == 0, terminal.shown
        (request,) = server.requests
    assert request.body["model"] == "qwen2.5-coder:7b" and "At most $0.000" in terminal.shown


def test_an_ollama_that_is_not_there(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, OLLAMA_HOST="127.0.0.1:1")
    terminal.answer("Number: ", OLLAMA)
    terminal.answer("qwen2.5-coder: ", "qwen2.5-coder")
    assert terminal.end() == 0, terminal.shown
    assert "Nothing answers at http://127.0.0.1:1" in terminal.shown and "ollama pull qwen2.5-coder" in terminal.shown
    assert own_file().read_text() == 'models:\n  default:\n    model: "ollama/qwen2.5-coder"\n'


def test_the_embedded_model_and_a_file_that_is_there(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path)
    terminal.answer("Number: ", EMBEDDED)
    assert terminal.end() == 0
    assert own_file().read_text() == "models: local\n"
    again = Terminal(tmp_path)
    assert again.end() == 2
    assert "it was not changed" in again.shown and own_file().read_text() == "models: local\n"


def test_the_end_of_input_leaves_nothing_behind(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path)
    terminal.answer("Number: ", "\x04")
    terminal.answer("Number: ", "\x04")
    assert terminal.end() == 2
    assert "Stopped" in terminal.shown and not own_file().exists()


def test_without_a_terminal_nothing_is_asked(tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "ralphd", "setup"]
    done = subprocess.run(argv, cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert done.returncode == 2 and "no terminal" in done.stderr and not own_file().exists()
