"""Problems of ralph.config.yaml are diagnostics in that file, at the key, and go when they are mended."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.lsp.conftest import RIGHT, WRONG, Start
from tests.support.fake_editor import FakeEditor


def cursor(editor: FakeEditor, uri: str) -> dict[str, Any]:
    """The cursor in the function that is not written yet, nothing selected."""
    start = editor.range_of(uri, "raise")["start"]
    return {"start": start, "end": start}


async def test_problems_at_the_key(start: Start, project: Path) -> None:
    text = "loop:\n  max_iteration: 3\nmodels:\n  artisan: {api_base: 'http://127.0.0.1:9'}\n"
    (project / "ralph.config.yaml").write_text(text)
    editor = await start()
    uri = await editor.open(project / "ralph.config.yaml", language="yaml")
    unknown, ignored = sorted(
        await editor.wait_diagnostics(uri, 2, "ralph.config"), key=lambda d: d["range"]["start"]["line"]
    )
    assert unknown["range"]["start"] == {"line": 1, "character": 2} and "max_iterations" in unknown["message"]
    assert ignored["range"]["start"]["line"] == 3 and "api_base" in ignored["message"]
    await editor.act(uri, "Ralph: write `max_iterations`", editor.range_of(uri, "max_iteration"))
    assert "  max_iterations: 3\n" in editor.text(uri)
    await editor.wait_diagnostics(uri, 1, "ralph.config")
    await editor.replace(uri, "max_iterations: 3", "librarian: nevr")
    await editor.wait_diagnostics(uri, 1, "ralph.config.wrong-value")
    await editor.act(uri, "Ralph: write `never`", editor.range_of(uri, "nevr"))
    assert "  librarian: never\n" in editor.text(uri)


async def test_completion_and_hover_in_those_files(start: Start, project: Path, private_state: Path) -> None:
    """Keys of the section at hand that are not there yet, values of a key, and what a key is for."""
    text = "# 🙂\nloop:\n  critic: never\n  \nmodels: {artisan: {}}\nreview: \n"
    (project / "ralph.config.yaml").write_text(text)
    editor = await start()
    uri = await editor.open(project / "ralph.config.yaml", language="yaml")

    async def ask(method: str, line: int, character: int, of: str = uri) -> Any:
        place = {"textDocument": {"uri": of}, "position": {"line": line, "character": character}}
        return await editor.rpc.result(f"textDocument/{method}", place)

    async def offered(line: int, character: int) -> dict[str, Any]:
        return {item["label"]: item for item in (await ask("completion", line, character))["items"]}

    keys = await offered(3, 2)
    assert {"max_iterations", "stuck_after"} <= set(keys) and not {"critic", "loop", "usd_per_run"} & set(keys)
    assert keys["max_iterations"]["textEdit"]["newText"] == "max_iterations: "
    assert "Verified answers" in keys["max_iterations"]["documentation"]
    assert {"model", "temperature"} <= set(await offered(4, len("models: {artisan: {")))
    assert set(await offered(5, len("review: "))) == {"pending", "apply", "preview"}
    assert {"loop", "budget", "review"} & set(await offered(6, 0)) == {"budget"}
    told = await ask("hover", 2, 4)
    assert "When the critic reads" in told["contents"]["value"] and told["range"]["end"]["character"] == 8
    assert await ask("hover", 0, 2) is None
    assert await ask("completion", 0, 0, await editor.open(project / "slug.py")) is None

    own = private_state / "config/ralphd/config.yaml"
    own.parent.mkdir(parents=True, exist_ok=True)
    own.write_text("sandbox: {mode: none}\nbudget: {usd_per_runn: 1}\n")
    mine = await editor.open(own, language="yaml")
    (wrong,) = await editor.wait_diagnostics(mine, 1, "ralph.config")  # and nothing about a key that is the person's
    assert "usd_per_runn" in wrong["message"]
    await editor.act(mine, "Ralph: write `usd_per_run`", editor.range_of(mine, "usd_per_runn"))
    assert "network" in {item["label"] for item in (await ask("completion", 0, len("sandbox: {"), mine))["items"]}


@pytest.mark.slow
async def test_changes_count_from_the_next_run_on(start: Start, project: Path) -> None:
    """The repository's file, and the editor's settings over it: no restart."""
    own = project / "ralph.config.yaml"
    own.write_text("loop: {max_iterations: 1}\n")
    editor = await start(artisan=[WRONG, WRONG, RIGHT, WRONG])
    uri = await editor.open(project / "slug.py")

    async def attempts() -> int:
        await editor.command("ralph.server.implement", {"uri": uri, "range": cursor(editor, uri)})
        return int((await editor.run_ended())["iterations"])

    assert await attempts() == 1
    own.write_text("loop: {max_iterations: 3}\n")
    assert await attempts() == 2
    editor.settings = {"loop": {"max_iterations": 1}}
    await editor.rpc.notify("workspace/didChangeConfiguration", {"settings": {"ralph": editor.settings}})
    assert await attempts() == 1


@pytest.mark.slow
async def test_a_repositorys_models_are_asked_for_once(start: Start, project: Path) -> None:
    """No answer is no, and is not asked again; what a person agreed to for good is not asked again either."""
    (project / "ralph.config.yaml").write_text("models: {artisan: openai/theirs}\n")
    editor = await start(artisan=[RIGHT] * 4)
    uri = await editor.open(project / "slug.py")

    async def run() -> None:
        await editor.command("ralph.server.implement", {"uri": uri, "range": cursor(editor, uri)})
        assert (await editor.run_ended())["outcome"] == "proposed"

    editor.choices = [None]
    await run()
    assert 'models.artisan.model = "openai/theirs"' in editor.asked[0]["message"]
    titles = [action["title"] for action in editor.asked[0]["actions"]]
    assert titles == ["Use once", "Always for these settings", "Do not use"]
    await run()
    assert len(editor.asked) == 1
    (project / "ralph.config.yaml").write_text("models: {artisan: openai/others}\n")
    editor.choices = ["Always for these settings"]
    await run()
    await run()
    assert len(editor.asked) == 2
