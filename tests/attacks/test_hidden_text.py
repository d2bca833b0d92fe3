"""Characters that move the cursor, reorder letters or show nothing: forty sequences, through every surface there is."""

from __future__ import annotations

import ast
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ralphd.core.shown_json import ACTED_ON
from ralphd.core.visible import hidden, in_editor, on_terminal, visible
from ralphd.sandbox import isolation
from tests.attacks.conftest import PLACE
from tests.lsp.conftest import Start
from tests.support import product
from tests.support.projects import PYTEST, code, write
from tests.support.scripted_server import Reply, ScriptedServer

SEQUENCES = [
    *("\u202e", "\u202d", "\u202a", "\u202b", "\u202c", "\u2066", "\u2067", "\u2068", "\u2069"),  # text direction
    *("\u200e", "\u200f", "\u061c"),
    *("\u200b", "\u200c", "\u200d", "\u2060", "\u2062", "\ufeff", "\u180e", "\u00ad", "\u034f"),  # no width
    "".join(chr(0xE0000 + ord(char)) for char in "rm -rf"),  # tags
    *("a\U000e0101", "x\ufe00", "\ufff9", "\u3164", "\u115f", "\u2800"),
    *("\x1b[2J", "\x1b[1A\x1b[2K", "\x1b[31mred\x1b[0m", "\x1bc", "\x1b(0", "\x1bP1$r0m\x1b\\"),  # terminals
    *("\x1b]0;title\x07", "\x1b]8;;http://e.vil\x1b\\link\x1b]8;;\x1b\\", "\x1b]52;c;cm0gLXJm\x07"),
    *("\x9b2J", "\x07\x07", "\x7f"),
    *("over\x08\x08\x08\x08safe",),
]
IN_CODE = "".join(f"    # {number}: <{sequence}>\n" for number, sequence in enumerate(SEQUENCES))
ANSWER = code(f"def double(x):\n{IN_CODE}    return 2 * x")
_RAW = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164\ufe00"
    "\ufeff\ufff9\U000e0000-\U000e01ff]"
)


def test_there_are_forty() -> None:
    assert len(set(SEQUENCES)) >= 40
    for sequence in SEQUENCES:
        assert _RAW.search(sequence) and hidden(f"a{sequence}b"), sequence
        for show in (visible, on_terminal, in_editor):
            assert not _RAW.search(show(f"a{sequence}b\tc")), (show, sequence)


@given(st.text())
@settings(max_examples=50, deadline=None)
def test_showing_twice_changes_nothing_more(text: str) -> None:
    assert on_terminal(on_terminal(text)) == on_terminal(text)
    assert in_editor(in_editor(text)) == in_editor(text)


def test_ordinary_text_stays_as_it_is() -> None:
    for text in ("naïve e\u0301 \tab\n", "हिन्दी", "日本語", "⚠️ ✓ · …", 'f"{a[key](x)}"', "[x](y)"):
        assert on_terminal(text) == in_editor(text) == text and not hidden(text)
    assert on_terminal("a\r\nb") == "a\nb"
    assert not hidden("\ufeffimport os\r\n\f\n👩\u200d🔬")
    assert in_editor("[run](command:evil?x)") == "[run] (command:evil?x)"


def test_marks_that_cover_the_lines_around_them() -> None:
    tower = "a" + "\u0336\u0301" * 100
    for show in (on_terminal, in_editor):
        shown = show(f"one\n{tower}\ntwo")
        assert shown.count("\u0301") == 2 and shown.count("\\u0301") == 98 and show(shown) == shown


def texts(value: Any) -> Iterator[str]:
    """Every text of a message that is not one of those that an editor acts on."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, one in value.items():
            yield key
            if key not in ACTED_ON:
                yield from texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from texts(one)


@pytest.mark.row("O1", "O3")
async def test_every_surface_of_an_editor(start: Start, project: Path) -> None:
    """The stream, events, diagnostics, actions, lenses, the virtual document, the ending and refusals: nothing raw. The
    edit itself is exact, and a finding says what it holds."""
    editor = await start(root=project, profile="neovim-0.12", artisan=[ANSWER], user={"testing": {}})
    uri = await editor.open(project / "double.py")
    instruction = "do it " + "".join(SEQUENCES)
    await editor.command("ralph.server.implement", {"uri": uri, "instruction": instruction})
    result = await editor.run_ended()
    assert result["outcome"] == "proposed_unverified" and result["hunks"] == 1, result["reason"]
    (finding,) = result["findingList"]
    assert finding["severity"] == "warning" and "\\u202e (right-to-left override)" in finding["message"]
    await editor.wait_diagnostics(uri, 1, "ralph.change")
    actions, lenses = await editor.actions(uri), await editor.lenses(uri)
    assert actions and lenses
    shown = await editor.rpc.result("workspace/textDocumentContent", {"uri": f"ralph:/{result['reviewId']}"})
    assert "\\u202e" in shown["text"]
    refused = await editor.rpc.request("workspace/executeCommand", {"command": "".join(SEQUENCES)})
    assert "\\x1b" in refused["error"]["message"]
    assert editor.streams and "\\u202e" in "".join(one["delta"] for one in editor.streams)
    for direction, message in editor.rpc.log:
        if direction == "<-":
            for text in texts(message):
                assert not _RAW.search(text), (message.get("method"), text)
    await editor.act(uri, "Ralph: accept all changes")
    assert editor.text(uri) == f"def double(x):\n{IN_CODE}    return 2 * x\n"


@pytest.mark.slow
def test_every_surface_of_a_terminal(project: Path) -> None:
    """Progress, the diff and the findings: nothing raw, and no diff that a tool would take. The file gets what was
    proposed; JSON holds it exactly."""
    with ScriptedServer([ANSWER]) as model:
        product.person_file(product.person_settings(model))
        words = ("run", "implement", PLACE, "-m", "do it", "--apply", "--force")
        done = product.ralphd(project, *words)
    assert "+    # 0: <\\u202e>" in done.stdout and "proposed_suspect" in done.stderr, done.stderr
    assert not _RAW.search(done.stdout) and not _RAW.search(done.stderr)
    assert (project / "double.py").read_text(encoding="utf-8") == f"def double(x):\n{IN_CODE}    return 2 * x\n"
    checked = subprocess.run(["git", "apply", "--check", "-"], cwd=project, input=done.stdout.encode(), check=False)
    assert checked.returncode != 0
    (project / "double.py").write_text("def double(x):\n    raise NotImplementedError\n")
    with ScriptedServer([Reply("no: " + "".join(SEQUENCES), status=400)]) as model:
        failed = product.run(project, PLACE, model)
    assert "provider_failed" in failed.stderr and not _RAW.search(failed.stderr + failed.result["reason"])
    log = Path(os.environ["XDG_STATE_HOME"], "ralphd", "ralphd.log")
    assert not log.exists() or not _RAW.search(log.read_text(encoding="utf-8"))


LABEL = 'def label(x: int) -> str:\n    """What number `x` is called."""\n    if x == 1:\n        return "one"\n'
TEST_LABEL = 'from label import label\n\n\ndef test_one():\n    assert label(1) == "one"\n'
CALLED = f"''.join(map(chr, {[ord(char) for sequence in SEQUENCES for char in sequence]}))"
VERSIONS = [
    code(f"def label(x: int) -> str:\n{IN_CODE}    {body}")
    for body in (
        f"return 'one' if x == 1 else {CALLED}",
        f"if x != 1:\n        return {CALLED}\n    return 'one'",
        f"other = {CALLED}\n    return other if x - 1 else 'one'",
    )
]
"""Versions of `label` that hold the sequences, and give them for each number but 1, for which the code gives None."""


@pytest.mark.slow
@pytest.mark.row("O3")
async def test_second_opinions(start: Start, project: Path) -> None:
    """What versions give, in a finding, and the document with the versions themselves: nothing raw."""
    write(project, {"label.py": LABEL, "tests/test_label.py": TEST_LABEL})
    user = {"testing": {"command": list(PYTEST)}, "opinions": {"versions": 3, "inputs": 10}}
    editor = await start(root=project, critic=VERSIONS, user=user)
    uri = await editor.open(project / "label.py")
    await editor.command("ralph.server.opinions", {"uri": uri})
    result = await editor.run_ended()
    assert (result["outcome"], result["findings"]) == ("reviewed", 1), result["reason"]
    [finding] = await editor.wait_diagnostics(uri, 1, "ralph.opinion")
    assert "gives None" in finding["message"] and "\\u" in finding["message"]
    named = {"uri": uri, "findingId": finding["data"]["findingId"]}
    document = await editor.command("ralph.server.showVersions", named)
    versions = await editor.rpc.result("workspace/textDocumentContent", {"uri": document["uri"]})
    assert "\\u202e" in versions["text"] and "\\x1b" in versions["text"]
    for direction, message in editor.rpc.log:
        if direction == "<-":
            for text in texts(message):
                assert not _RAW.search(text), (message.get("method"), text)


@pytest.mark.slow
@pytest.mark.row("O3", "S1")
def test_what_a_lying_isolation_says(project: Path, tmp_path: Path) -> None:
    """The words of a program that takes bubblewrap's place: in the check-up, and where a run is refused."""
    if subprocess.run(["unshare", "-Urm", "true"], capture_output=True, check=False).returncode:
        pytest.skip("no file system can be mounted here")
    words, false = tmp_path / "words", tmp_path / "bwrap"
    words.write_text("no: " + "".join(SEQUENCES), encoding="utf-8")
    false.write_text(f"#!/bin/sh\ncat '{words}' >&2\nexit 1\n")
    false.chmod(0o755)
    binds = [f'mount --bind "{false}" "{program}" && ' for program in isolation._programs() if os.path.exists(program)]
    around = ("unshare", "-Urm", "sh", "-c", f'{"".join(binds)}exec "$@"', "sh")
    said = product.ralphd(project, "doctor", around=around)
    with ScriptedServer([]) as model:
        refused = product.run(project, PLACE, model, around=around)
    assert refused.result["outcome"] == "misconfigured" and not refused.prompts, refused.stderr
    for text in (said.stdout, said.stderr, refused.stderr, refused.result["reason"]):
        assert not _RAW.search(text), text
    assert "does not isolate here" in said.stdout and "\\u200b" in said.stdout
    assert "does not isolate here" in refused.stderr + refused.result["reason"]


PACKAGE = Path(__file__).resolve().parents[2] / "server" / "ralphd"
_ALONE = {
    "print": {"shell/terminal.py", "settings/export.py"},
    "input": {"shell/terminal.py"},
    "Console": {"shell/terminal.py", "shell/weights.py"},
}
"""Calls that reach a terminal, with the files that may make them: the printer, the maker of documents, a bar of progress."""
_OWN_PROCESSES = (
    "judging/runner_plugins/",
    "attack/pytest_plugins/",
    "model_host/child/",
    "local_model/shared_process.py",
)


def test_nothing_else_prints_or_sends() -> None:
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(PACKAGE).as_posix()
        if name.startswith(_OWN_PROCESSES):
            continue
        text = path.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _ALONE:
                assert name in _ALONE[node.func.id], f"{name}:{node.lineno} calls {node.func.id}"
        if name != "shell/terminal.py":
            assert not re.search(r"sys\.std(out|err)\.(write|buffer\.write)", text), name
        if name.startswith("lsp/") and name not in ("lsp/protocol.py", "lsp/client.py"):
            assert not re.search(r"\bwriter\.write\(|\.send_json\(|_send_data\(", text) or name == "lsp/outbox.py", name
            assert "MarkupKind.Markdown" not in text, f"{name} sends Markdown"
            assert text.count("MarkupContent(") == text.count("MarkupContent(types.MarkupKind.PlainText"), name
