"""A real Helix on a screen of tmux, driven by keys."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.support.patience import seconds


class Helix:
    """One editor on one file, with `languages` as its languages.toml."""

    def __init__(self, program: Path, file: Path, languages: str, environment: Mapping[str, str]) -> None:
        tmux = shutil.which("tmux")
        assert tmux is not None, "Helix has no interface but a terminal: tmux is needed"
        config = Path(environment["XDG_CONFIG_HOME"]) / "helix"
        config.mkdir(parents=True)
        (config / "languages.toml").write_text(languages)
        (config / "config.toml").write_text("[editor.inline-diagnostics]\ncursor-line = 'hint'\nother-lines = 'hint'\n")
        self._folder = tempfile.mkdtemp(prefix="hx")  # a socket's path may have 107 characters
        self._tmux = [tmux, "-S", f"{self._folder}/tmux", "-f", "/dev/null"]
        self._environment = dict(environment)
        self._run("new-session", "-d", "-x", "120", "-y", "40", "-c", str(file.parent), f"{program} {file}")

    def _run(self, *arguments: str) -> str:
        done = subprocess.run(
            [*self._tmux, *arguments], env=self._environment, capture_output=True, text=True, check=True
        )
        return done.stdout

    def screen(self) -> str:
        return self._run("capture-pane", "-p")

    def keys(self, *keys: str) -> None:
        """Names as tmux has them ("Escape", "Enter"), or text."""
        for key in keys:
            self._run("send-keys", key)

    def wait(self, what: str, seen: Callable[[str], bool], timeout: float = 60) -> str:
        end = time.monotonic() + seconds(timeout)
        while True:
            screen = self.screen()
            if seen(screen):
                return screen
            assert time.monotonic() < end, f"not on the screen: {what}\n{screen}"
            time.sleep(0.2)

    def act(self, title: str) -> None:
        """The code actions at the cursor, and of them the one with this title."""
        end = time.monotonic() + seconds(60)
        while title not in (screen := self.screen()):  # a server that is still starting offers nothing
            assert time.monotonic() < end, screen
            self.keys("Escape")
            time.sleep(0.5)  # a key right behind it would be taken for Alt and that key
            self.keys("Space", "a")
            time.sleep(1)
        row = next(line for line in screen.splitlines() if title in line)
        column = row.index(title)
        offered = [line[column:] for line in screen.splitlines() if line[column:].startswith(("Ralph: ", "Ruff"))]
        at = next(number for number, line in enumerate(offered, 1) if line.startswith(title))
        self.keys(*["Down"] * (at - 1), "Enter")  # the first is chosen already

    def quit(self) -> None:
        subprocess.run([*self._tmux, "kill-server"], env=self._environment, check=False, capture_output=True)
        shutil.rmtree(self._folder, ignore_errors=True)
