"""Where the files are found, and that nothing a file or an editor holds can break loading."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ralphd.settings.files import find_repository_config, read_file
from ralphd.settings.load import Layer, resolve
from ralphd.settings.schema import Settings


def test_the_nearest_repository_file_counts_at_most_to_the_root(tmp_path: Path) -> None:
    root = tmp_path / "root"
    deep = root / "a" / "b"
    deep.mkdir(parents=True)
    (tmp_path / "ralph.config.yaml").write_text("")
    assert find_repository_config(str(deep), str(root)) is None
    (root / "ralph.config.yaml").write_text("")
    assert find_repository_config(str(deep), str(root)) == str(root / "ralph.config.yaml")
    (root / "a" / "ralph.config.yaml").write_text("")
    assert find_repository_config(str(deep), str(root)) == str(root / "a" / "ralph.config.yaml")
    assert find_repository_config(str(root), str(root)) == str(root / "ralph.config.yaml")
    assert find_repository_config(str(tmp_path), str(root)) is None


def test_links_out_of_the_root_are_not_followed(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    root.mkdir()
    outside.mkdir()
    (outside / "ralph.config.yaml").write_text("")
    (root / "link").symlink_to(outside)
    assert find_repository_config(str(root / "link"), str(root)) is None
    (root / "ralph.config.yaml").symlink_to(outside / "ralph.config.yaml")
    assert find_repository_config(str(root), str(root)) is None
    (tmp_path / "alias").symlink_to(root)
    (root / "ralph.config.yaml").unlink()
    (root / "ralph.config.yaml").write_text("")
    assert find_repository_config(str(root), str(tmp_path / "alias")) == str(root / "ralph.config.yaml")


def test_a_file_that_cannot_be_read_is_not_taken_for_one_that_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    assert read_file("user", str(path)) is None
    assert read_file("user", str(tmp_path / "nowhere" / "config.yaml")) is None

    def problem() -> str:
        layer = read_file("repository", str(path))
        assert layer is not None
        (found,) = resolve([layer], {}).stopping
        assert (found.code, found.path) == ("unreadable", str(path))
        return found.message

    path.write_bytes(b"budget: {usd_per_run: 0.1} # \xe9\n")
    assert "UTF-8" in problem()
    path.write_text("#" * 100_001)
    assert "longer" in problem()
    path.write_text("é" * 300_000)
    assert "longer" in problem()
    path.unlink()
    os.mkfifo(path)
    assert "not a file" in problem()
    path.unlink()
    path.mkdir()
    assert "not a file" in problem()
    if os.getuid() != 0:
        path.rmdir()
        path.write_text("")
        path.chmod(0)
        assert "Permission denied" in problem()


_KEYS = st.sampled_from(
    ["models", "artisan", "loop", "max_iterations", "api_keys", "budget", "usd_per_run", "prices", "testing", "x"]
)
_PIECES = [
    "models",
    ":",
    " ",
    "\n",
    "{",
    "}",
    "- ",
    "&a",
    "*a",
    "<<",
    "#",
    '"',
    "'",
    "|",
    "loop",
    "1",
    "\t",
    "!",
    "?",
    ",",
]
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just("${A}"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(_KEYS, _VALUES, max_size=5), st.sampled_from(["user", "repository", "editor", "command_line"]))
def test_no_mapping_breaks_loading(data: dict[str, Any], scope: Any) -> None:
    resolved = resolve([Layer(scope, data=data)], {"A": "1"})
    assert Settings.model_validate_json(resolved.settings.model_dump_json()) == resolved.settings


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(_PIECES), max_size=25).map("".join))
def test_no_text_breaks_loading(text: str) -> None:
    resolve([Layer("user", text=text, path="u"), Layer("repository", text=text, path="r")], {})
