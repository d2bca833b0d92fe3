"""The one printer of the shell: every text goes to the terminal through here, and is made visible on its way."""

from __future__ import annotations

import json
import logging
import re
import sys
from typing import Any

from ralphd.core.edits import unified
from ralphd.core.shown_json import READ_BY_PROGRAMS, shown
from ralphd.core.visible import on_terminal

_HUNK = re.compile(r"^@@ -", re.MULTILINE)


def say(text: str = "", *, end: str = "\n") -> None:
    """A result, to stdout."""
    print(on_terminal(text), end=end, flush=True)


def tell(text: str) -> None:
    """Progress, notes and errors, to stderr."""
    print(on_terminal(text), file=sys.stderr, flush=True)


def say_json(value: Any, **layout: Any) -> None:
    """A result as JSON, to stdout. What names or holds files is exact, escaped by JSON itself."""
    print(json.dumps(shown(value, READ_BY_PROGRAMS), **layout), flush=True)


def say_diff(path: str, before: str | None, after: str) -> None:
    """A unified diff, to stdout, as `git apply` takes it. One that holds characters that must be made visible is no
    longer the change itself: its hunks are then headed so that no tool takes it for one, and a note says so."""
    exact = unified(path, before, after)
    visible = on_terminal(exact)
    if visible == exact.replace("\r\n", "\n"):
        sys.stdout.write(exact)
        return
    sys.stdout.write(_HUNK.sub("@@ shown, not to be applied: -", visible))
    tell(
        f"The change of {path} holds characters that are not seen; here their numbers stand. `--json` has it as it is."
    )


def ask(question: str) -> str:
    """The line that a person types after `question`."""
    return input(on_terminal(question)).strip()


class VisibleLog(logging.Formatter):
    """Log lines as a terminal may show them."""

    def format(self, record: logging.LogRecord) -> str:
        return on_terminal(super().format(record))


class OneLine(VisibleLog):
    """The message alone: an editor's log of its server gets no tracebacks."""

    def format(self, record: logging.LogRecord) -> str:
        record = logging.makeLogRecord({**record.__dict__, "exc_info": None, "exc_text": None, "stack_info": None})
        return super().format(record)


class Screen:
    """Rich on a terminal, plain lines elsewhere; the streamed answer as it comes."""

    def __init__(self, *, rich: bool) -> None:
        self._console: Any = None
        self._streaming = False
        if rich:
            from rich.console import Console

            self._console = Console(highlight=False)

    def say(self, text: str, style: str = "") -> None:
        self._end_stream()
        if self._console is not None:
            self._console.print(on_terminal(text), style=style or None, markup=False)
        else:
            say(text)

    def stream(self, delta: str) -> None:
        self._streaming = True
        if self._console is not None:
            self._console.print(on_terminal(delta), end="", style="dim", markup=False, soft_wrap=True)
        else:
            say(delta, end="")

    def _end_stream(self) -> None:
        if self._streaming:
            say()
            self._streaming = False

    def diff(self, text: str) -> None:
        self._end_stream()
        if self._console is not None:
            from rich.syntax import Syntax

            self._console.print(Syntax(on_terminal(text), "diff", background_color="default"))
        else:
            say(text)
