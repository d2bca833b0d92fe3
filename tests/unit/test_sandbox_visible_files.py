from __future__ import annotations

import os
from pathlib import Path

import pytest

from ralphd.sandbox.visible_files import outermost, readable_in_home, toolchains
from tests.support.sandboxes import write


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "home/ws").mkdir(parents=True)
    return tmp_path / "home"


def shown(home: Path, path: str = "/usr/bin", *environments: str, **more: str) -> set[str]:
    person = {"HOME": str(home), "PATH": path, **{name: value for name, value in more.items() if name == "PYTHONPATH"}}
    programs = [more["program"]] if "program" in more else []
    binds = toolchains(person, str(home / "ws"), environments=environments, programs=programs)
    assert all(not bind.writable for bind in binds)
    base = f"{home}/"
    return {bind.target.removeprefix(base) for bind in binds if bind.target.startswith(base)}


def python_at(prefix: Path) -> Path:
    write(prefix, {"bin/python3": "", "lib/python3.12/os.py": ""})
    return prefix


def test_path_entries(home: Path) -> None:
    write(home, {".nvm/versions/node/v20/bin/node": "", "sdk/go/bin/go": "", "bin/x": "", ".ssh/bin/x": "", ".cargo/bin/c": "",
                 ".cargo/credentials.toml": "", ".aws/bin/x": "", "ws/bin/y": "", "notes": ""})  # fmt: skip
    entries = (
        ".nvm/versions/node/v20/bin",
        "sdk/go/bin",
        "bin",
        ".ssh/bin",
        ".cargo/bin",
        ".aws/bin",
        "ws/bin",
        "gone/bin",
        ".",
    )
    assert shown(home, ":".join(f"{home}/{entry}" for entry in entries)) == {".nvm", "sdk/go", "bin", ".cargo/bin"}


def test_a_program_on_path_that_links_into_home(home: Path, tmp_path: Path) -> None:
    python_at(home / ".local/share/uv/python/cpython-3.12")
    tools = tmp_path / "usr_local_bin"
    tools.mkdir()
    (tools / "python3").symlink_to(home / ".local/share/uv/python/cpython-3.12/bin/python3")
    assert shown(home, str(tools)) == {".local/share/uv"}


def test_whole_disks_and_homes_are_never_shown(home: Path) -> None:
    wide = {"HOME": str(home), "PATH": f"/tmp:/run:/home:/root:/:/opt:/srv/bin:{home}:{home.parent}:/etc"}
    targets = {bind.target for bind in toolchains(wide | {"JAVA_HOME": str(home), "GOROOT": "/"}, str(home / "ws"))}
    assert not targets & {"/tmp", "/run", "/home", "/root", "/", "/opt", "/srv", "/etc", str(home), str(home.parent)}


def test_places_of_version_managers_that_variables_name(tmp_path: Path) -> None:
    write(tmp_path, {"asdf/shims/x": "", "cargo/bin/c": "", "cargo/credentials.toml": "s", "home/.ssh/x": "s"})
    person = {"HOME": f"{tmp_path}/home", "ASDF_DATA_DIR": f"{tmp_path}/asdf", "CARGO_HOME": f"{tmp_path}/cargo",
              "NVM_DIR": f"{tmp_path}/home/.ssh", "VIRTUAL_ENV": "relative"}  # fmt: skip
    targets = {bind.target for bind in toolchains(person, "/ws/x")}
    assert targets == {f"{tmp_path}/asdf", f"{tmp_path}/cargo/bin"}


def test_a_scripts_first_line_names_its_interpreter(home: Path) -> None:
    python_at(home / ".local/share/uv/tools/pytest")
    write(home, {"bin/pytest": f"#!{home}/.local/share/uv/tools/pytest/bin/python3\n", "bin/fifo": "#!relative\n"})
    assert shown(home, "/usr/bin", program=f"{home}/bin/pytest") == {"bin", ".local/share/uv"}


@pytest.mark.parametrize("place", [".pyenv/versions/3.12.1", "python", ".local/share/uv/python/cpython-3.12.1"])
def test_an_environments_interpreter(home: Path, place: str) -> None:
    prefix = python_at(home / place)
    write(home, {"ws/.venv/pyvenv.cfg": f"home = {prefix}/bin\nversion = 3.12.1\n"})
    (home / "ws/.venv/bin").mkdir()
    (home / "ws/.venv/bin/python").symlink_to("python3")
    (home / "ws/.venv/bin/python3").symlink_to(prefix / "bin/python3")
    found = shown(home, "/usr/bin", f"{home}/ws/.venv")
    assert found and any(place.startswith(folder) for folder in found)


@pytest.mark.parametrize("target", [".ssh", ".aws/bin", "private/bin", ".gnupg/a/bin", ".config/gcloud/bin", ""])
def test_an_environment_that_the_repository_made_widens_nothing(home: Path, target: str) -> None:
    write(home, {f"{target}/secret".lstrip("/"): "x", "ws/.venv/pyvenv.cfg": f"home = {home}/{target}\n"})
    (home / "ws/.venv/bin").mkdir()
    (home / "ws/.venv/bin/python").symlink_to(home / target / "secret")
    assert shown(home, "/usr/bin", f"{home}/ws/.venv") == set()


def test_not_even_where_a_python_lies_among_secrets(home: Path) -> None:
    python_at(home / ".ssh")
    write(home, {"ws/.venv/pyvenv.cfg": f"home = {home}/.ssh/bin\n"})
    assert shown(home, "/usr/bin", f"{home}/ws/.venv") == set()


def test_a_linked_environment(home: Path) -> None:
    write(home, {"venvs/web/pyvenv.cfg": "", "venvs/web/bin/x": "", ".ssh/pyvenv.cfg": "", ".ssh/bin/x": ""})
    (home / "ws/.venv").symlink_to(home / "venvs/web")
    assert shown(home, "/usr/bin", f"{home}/ws/.venv") == {"venvs/web"}
    os.unlink(home / "ws/.venv")
    (home / "ws/.venv").symlink_to(home / ".ssh")
    assert shown(home, "/usr/bin", f"{home}/ws/.venv") == set()
    (home / "pyvenv.cfg").write_text("")
    os.unlink(home / "ws/.venv")
    (home / "ws/.venv").symlink_to(home)
    assert shown(home, "/usr/bin", f"{home}/ws/.venv") == set()


def test_the_command_itself_may_live_in_another_environment(home: Path) -> None:
    prefix = python_at(home / ".pyenv/versions/3.12.1")
    write(home, {"tool/.venv/pyvenv.cfg": f"home = {prefix}/bin\n"})
    (home / "tool/.venv/bin").mkdir()
    (home / "tool/.venv/bin/python").symlink_to(prefix / "bin/python3")
    assert shown(home, program=f"{home}/tool/.venv/bin/python") == {"tool/.venv", ".pyenv"}


def test_pythonpath(home: Path) -> None:
    write(home, {"lib/a.py": "", ".ssh/a.py": "", "ws/src/a.py": ""})
    entries = ("lib", ".ssh", "ws/src", "", "nowhere")
    assert shown(home, PYTHONPATH=":".join(f"{home}/{entry}".rstrip("/") for entry in entries)) == {"lib"}


def test_libraries_that_are_loaded_without_a_program(home: Path) -> None:
    write(
        home,
        {
            ".local/lib/python3.12/site-packages/x.py": "",
            ".m2/repository/x": "",
            ".m2/settings.xml": "",
            "go/pkg/mod/x": "",
        },
    )
    assert shown(home) == {".local/lib", ".m2/repository", "go/pkg"}


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        (".pyenv/shims", (".pyenv",)),
        (".pyenv/versions/3.12.1/bin/python3", (".pyenv",)),
        (".nvm/versions/node/v20/bin", (".nvm",)),
        (".config/nvm/versions/node/v20/bin", (".config/nvm",)),
        (".cargo/bin", (".cargo/bin", ".cargo/registry", ".cargo/git", ".rustup")),
        ("go/bin", ("go/bin", "go/pkg")),
        (".local/bin", (".local/bin", ".local/lib")),
        (".local/share/uv/python/cpython-3.12/bin/python3", (".local/share/uv",)),
        (".local/share/keyrings/x/bin", ()),
        (".local/share/other/bin/tool", ()),
        ("tools/zig/bin", ("tools/zig",)),
        (".virtualenvs/web/bin/python", (".virtualenvs/web",)),
        ("bin", ("bin",)),
        (".cache/pypoetry/virtualenvs/a/bin", (".cache/pypoetry/virtualenvs/a",)),
        (".cache/bin", (".cache/bin",)),
        (".ssh/bin", ()),
        (".aws/x/bin/python", ()),
        (".config/gcloud/bin", ()),
        (".gnupg", ()),
        ("documents", ()),
        ("a/../.ssh/bin", ()),
        ("", ()),
    ],
)
def test_what_of_home_a_program_needs(path: str, shown: tuple[str, ...]) -> None:
    assert readable_in_home(path) == shown


def test_outermost() -> None:
    assert outermost(["/tmp/a", "/tmp", "/home/a", "/tmp2", "/tmp"]) == ("/home/a", "/tmp", "/tmp2")
