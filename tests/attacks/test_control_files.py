"""Edits of files that control tools, by every name they have: refused before any test, and told to the model and the person."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ralphd.phases.edit_permissions import refuse_path
from tests.attacks.conftest import PLACE, RIGHT
from tests.support import product
from tests.support.projects import tree
from tests.support.scripted_server import ScriptedServer

CONTROL = [
    ".vscode/settings.json",
    ".idea/workspace.xml",
    ".devcontainer/devcontainer.json",
    ".github/workflows/ci.yml",
    ".gitlab-ci.yml",
    ".travis.yml",
    ".circleci/config.yml",
    ".husky/pre-commit",
    ".gitattributes",
    ".gitmodules",
    ".gitignore",
    ".envrc",
    ".env",
    ".env.local",
    ".nvim.lua",
    ".exrc",
    ".tool-versions",
    "AGENTS.md",
    "CLAUDE.md",
    "CLAUDE.local.md",
    "GEMINI.md",
    ".codex/config.toml",
    ".cursor/mcp.json",
    ".cursorrules",
    ".clinerules",
    ".continue/config.json",
    ".windsurfrules",
    ".roo/rules.md",
    ".mcp.json",
    ".github/copilot-instructions.md",
    "ralph.config.yaml",
    ".ralph/rules.md",
    "conftest.py",
    "sitecustomize.py",
    "x.pth",
    "package-lock.json",
    "yarn.lock",
    "pnpm-lock.yaml",
    "go.sum",
    "uv.lock",
    "Cargo.lock",
    "bun.lockb",
    "Jenkinsfile",
    "azure-pipelines.yml",
    ".pre-commit-config.yaml",
    "lefthook.yml",
    "my.code-workspace",
    ".dir-locals.el",
    ".profile",
    "setup.py",
    "setup.cfg",
    "package.json",
    "build.rs",
    "conanfile.py",
    "Makefile",
    "pyproject.toml",
    "Cargo.toml",
    ".cargo/config.toml",
    ".npmrc",
    "docker-compose.yml",
    "Dockerfile",
    "tox.ini",
    "pytest.ini",
    "conftest.pyc",
    "CMakePresets.json",
    "gradle/init.gradle.kts",
    "project/plugins.sbt",
    "hatch_build.py",
    "MANIFEST.in",
    "Properties/launchSettings.json",
    "nodemon.json",
    "sitecustomize/__init__.py",
    "__pycache__/x.cpython-311.pyc",
    "node_modules/x/index.js",
    "venv/lib/x.py",
    "requirements.txt",
    "requirements-dev.txt",
    "Pipfile",
    "eslint.config.js",
    "vite.config.ts",
    "tsconfig.json",
    "gulpfile.js",
    "x.csproj",
    "Directory.Build.props",
    "build.zig",
    "x.nix",
    "main.tf",
    "CODEOWNERS",
    "mypy.ini",
    ".eslintrc.js",
    ".clangd",
    ".gdbinit",
    ".pdbrc.py",
    ".irbrc",
    ".vs/tasks.vs.json",
    ".run/x.run.xml",
    ".config/git/config",
    ".a-tool-of-tomorrow/hooks.json",
    "hooks/pre-commit",
    "action.yml",
    "compose.override.yml",
    "requirements.in",
    "dev-requirements.txt",
    "gradle.properties",
    "cmake/Find.cmake",
    "prompts/x.prompt.md",
    "mcp_config.json",
    "pyvenv.cfg",
    "python311._pth",
    "x.egg-info/entry_points.txt",
    "CONVENTIONS.md",
    "_vimrc",
    "wdio.conf.ts",
    "babel.config.json",
    "buildSrc/x.kt",
    "environment-dev.yml",
    "postinstall.js",
]
MIXED = [
    "\u13dfLAUDE.md",
    "make\u03a6ile",
    "conf\u0442est_x.py",
    "AG\u0415NT\U00010405.md",
    "\u0501ockerfile.x",
    "a/x\ua4d0b\ua4f5c/x.py",
]
"""Words of several alphabets, whether or not a table knows what they look like."""
FOLDED = [
    ".VSCODE\u00a0/x", ".v\u017fcode/settings.json", "\u2024vscode/x", ".hus\u212ay/pre-commit", "AGENT\u017f.md", "agents.md...",
    "CLAUDE.MD.", "claude\u00ad.md", "CLA\u00dcDE.md", "\u0421LAUDE.md", "c\u043enftest.py", "conftest.py ", "CONFTE~1.PY", "x.PTH",
    "package.json\u200b", "PACKAGE.JSON", "setup.py\u200b", "pyproject.toml.", "pyproject.tom\u217c", "Build.RS", ".\u026aDEA/x",
    ".VSCODE/settings.json", ".vscode./settings.json", ".vscode /settings.json", ".vsc\u200code/settings.json",
    "\u202e.vscode/settings.json", ".vs\u0441ode/settings.json", "\uff0evscode/settings.json", ".vsco\u0301de/tasks.json",
    "AGENTS.MD", "\u0410GENTS.md", "agents.md ", "CLAUDE\u2060.md", "MAKEFILE", "GIT~1/config", "VSCODE~1/x.json",
    ".vscode\\settings.json", "sub\\.github\\workflows\\a.yml", "pkg/.VSCODE/x", "CONFTEST.py", "Ralph.Config.YAML",
    "\U000e0041AGENTS.md", "uv.LOCK", ".Env",
]  # fmt: skip
OUTSIDE = [
    "../x.py", "a/../../x.py", "/etc/passwd", "~/x.py", "C:/x.py", "c:x.py", "..\\x.py", "%2e%2e/x.py", "%252e%252e/x.py",
    "a//x.py", "file://host/x.py", "untitled:x.py", "a/..  /x.py", "a/.../x.py", "\\\\host\\share\\x", "x.py::$DATA",
    "x.py:stream", ".git/hooks/pre-commit", ".GIT/config", ".git./config", "a/.g\u200cit/config", ".g\u0456t/config", "a\0b",
    ".Git/config", ".git /hooks/x", ".\u0261it/config", ".g\u0131t/config", "\uff0egit/config", "sub/.git\\config", ".git::$INDEX_ALLOCATION/x",
]  # fmt: skip
ORDINARY = [
    "double.py", "src/app/main.py", "docs/agents_and_tools.md", "github/api.py", "environment.py", "lock.py", "vscode.py",
    "my setup.py.txt", "makefiles/x.py", "a b/c.py", "...py", "x~.py", "caf\u00e9.py", "\u6570x.py", "stra\u00dfe.py", "\u043c\u043e\u0434\u0443\u043b\u044c.py",
]  # fmt: skip


def kind(path: str, **more: object) -> str:
    given = {"locked": (), "used": (), "allowed": (), "target": "double.py", "new": False, **more}
    refusal = refuse_path(path, **given)  # type: ignore[arg-type]
    return refusal.kind if refusal else ""


@pytest.mark.row("E11")
@pytest.mark.parametrize("path", [*CONTROL, *(f"deep/er/{path}" for path in CONTROL), *FOLDED])
def test_a_control_file_by_any_name(path: str) -> None:
    assert kind(path) == "control"
    assert kind(path, allowed=[path]) == "", "the person's own word"


@pytest.mark.row("E11")
@pytest.mark.parametrize("path", MIXED)
def test_a_new_file_whose_name_mixes_alphabets(path: str) -> None:
    assert kind(path, new=True) == "control"


@pytest.mark.row("E12")
@pytest.mark.parametrize("path", OUTSIDE)
def test_a_path_that_leads_elsewhere(path: str) -> None:
    assert kind(path) == "path" and kind(path, allowed=[path]) == "path"


@pytest.mark.parametrize("path", ORDINARY)
def test_ordinary_files_may_be_edited(path: str) -> None:
    assert kind(path) == kind(path, new=True) == ""


@pytest.mark.parametrize("pattern", ["\uff01vault/**", "\u200b!vault/**", "\u200b\uff01!vault/**"])
def test_a_letter_that_looks_like_a_no_frees_nothing(pattern: str) -> None:
    assert kind("vault/a.py", locked=["vault/**", pattern]) == "locked"
    assert kind("vault/a.py", locked=["vault/**", "!vault/**"]) == "", "the person's own word"


def test_a_build_script_may_be_the_target() -> None:
    assert kind("setup.py", target="setup.py") == "" and kind("conftest.py", target="conftest.py") == "control"


WHOLE = "{path}\n```python\nX = 1\n```\n"


@pytest.mark.slow
@pytest.mark.row("E11", "E12")
def test_through_the_program(project: Path) -> None:
    """A bad answer costs an attempt and changes nothing; each refusal is told, and the right answer still lands."""
    before = tree(project)
    control, outside = "controls tools and is not yours to change", "is outside the workspace"
    wanted = {
        "AGENTS.md": control,
        "sub/.VSCODE/tasks.json": control,
        "../outside.py": outside,
        "\u0410GENTS.md": control,
        "deep/.github./workflows/x.yml": control,
    }
    with ScriptedServer(["\n".join(WHOLE.format(path=path) for path in wanted), RIGHT]) as model:
        ended = product.run(project, PLACE, model)
    _, told = ended.prompts
    for path, refusal in wanted.items():
        assert f"{json.dumps(path)[1:-1]} {refusal}" in told, (path, told)
    assert ended.result["outcome"] == "proposed" and set(ended.result["edits"]) == {"double.py"}
    assert tree(project) == before and not (project.parent / "outside.py").exists()
