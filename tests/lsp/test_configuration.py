"""Problems of ralph.config.yaml are diagnostics in that file, at the key, and go when they are mended."""

from __future__ import annotations

from pathlib import Path

from tests.lsp.conftest import Start


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
