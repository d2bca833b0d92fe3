"""The event loop never waits for the disk: what a person's request reads or writes happens in other threads."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ralphd.lsp import publishing, review
from tests.lsp.conftest import RIGHT, USER
from tests.support.connection import Connection

AT = {"start": {"line": 3, "character": 4}, "end": {"line": 3, "character": 4}}
HERE = {"start": {"line": 0, "character": 0}, "end": {"line": 9, "character": 0}}


@pytest.fixture
def on_loop(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Look-ups and reads of the disk in the thread of the event loop, as they happen."""
    seen: list[str] = []
    loop = threading.get_ident()

    def watched(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any, **named: Any) -> Any:
            if threading.get_ident() == loop:
                seen.append(f"{name} {given[:1]}")
            return real(*given, **named)

        return call

    for name in ("stat", "lstat", "open", "replace", "listdir", "scandir"):
        monkeypatch.setattr(os, name, watched(name, getattr(os, name)))
    monkeypatch.setattr("builtins.open", watched("open", open))
    yield seen
    monkeypatch.undo()


@pytest.mark.row("P4")
async def test_requests_do_not_touch_the_disk(project: Path, on_loop: list[str]) -> None:
    """Offers, lenses, and the commands about consents, findings and the log."""
    connection = Connection({"artisan": [RIGHT]})
    await connection.initialize(project, USER)
    uri = (project / "slug.py").as_uri()
    connection.open(uri, (project / "slug.py").read_text())
    answer = await connection.answer(
        connection.begin("ralph/run", {"command": "implement", "uri": uri, "range": AT}), 300
    )
    assert answer["result"]["outcome"] == "proposed", answer
    asked = {
        "textDocument/codeAction": {"textDocument": {"uri": uri}, "range": HERE, "context": {"diagnostics": []}},
        "textDocument/codeLens": {"textDocument": {"uri": uri}},
    }
    for name, argument in (("status", None), ("showLog", None)):
        given = {} if argument is None else {"arguments": [argument]}
        asked[f"workspace/executeCommand {name}"] = {"command": f"ralph.server.{name}", **given}
    for method, params in asked.items():
        del on_loop[:]
        await connection.request(method.split(" ")[0], params)
        assert on_loop == [], method
    await connection.stop()


async def test_differences_are_found_in_a_thread(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[int] = []
    real = review.build

    def build(*given: Any) -> review.Review:
        threads.append(threading.get_ident())
        return real(*given)

    monkeypatch.setattr(publishing.review, "build", build)
    connection = Connection({"artisan": [RIGHT]})
    await connection.initialize(project, USER)
    uri = (project / "slug.py").as_uri()
    connection.open(uri, (project / "slug.py").read_text())
    await connection.answer(connection.begin("ralph/run", {"command": "implement", "uri": uri, "range": AT}), 300)
    await connection.stop()
    assert threads and threading.get_ident() not in threads
