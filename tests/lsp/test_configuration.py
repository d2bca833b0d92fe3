"""Problems of ralph.config.yaml are diagnostics in that file, at the key, and go when they are mended."""

from __future__ import annotations

from pathlib import Path

from tests.lsp.conftest import RIGHT, WRONG, Start


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
    await editor.replace(uri, "max_iteration:", "max_iterations:")
    await editor.wait_diagnostics(uri, 1, "ralph.config")


async def test_changes_count_from_the_next_run_on(start: Start, project: Path) -> None:
    """The repository's file, and the editor's settings over it: no restart."""
    own = project / "ralph.config.yaml"
    own.write_text("loop: {max_iterations: 1}\n")
    editor = await start(artisan=[WRONG, WRONG, RIGHT, WRONG])
    uri = await editor.open(project / "slug.py")

    async def attempts() -> int:
        await editor.command("ralph.server.implement", {"uri": uri, "range": editor.range_of(uri, "raise")})
        return int((await editor.run_ended())["iterations"])

    assert await attempts() == 1
    own.write_text("loop: {max_iterations: 3}\n")
    assert await attempts() == 2
    editor.settings = {"loop": {"max_iterations": 1}}
    await editor.rpc.notify("workspace/didChangeConfiguration", {"settings": {"ralph": editor.settings}})
    assert await attempts() == 1
