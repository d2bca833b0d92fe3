"""Files that decide what tools do: editors, CI, hooks, other agents, installers. A model's edit of one is refused.

They are known by name in any folder. Names are compared after folding, because file systems and people fold too: on some,
`.VSCODE`, `.vscode.` and `.vsc\\u200code` are `.vscode`, and a Cyrillic letter looks like a Latin one on all of them.
"""

from __future__ import annotations

import unicodedata

from ralphd.core.ignore import IgnoreRules
from ralphd.settings.project import CONFIG_NAME

_EDITORS = (
    ".vscode .vscode-* *.code-workspace .idea .fleet .zed .helix .devcontainer .devcontainer.json .gitpod* .idx .nvim.lua"
    " .nvimrc .exrc .vimrc .lvimrc .local.vimrc .dir-locals*.el *.sublime-project .emacs* .theia .nova"
)
_SHELLS = (
    ".envrc .env* .direnv .bashrc .bash_profile .bash_login .profile .zshrc .zshenv .zprofile .zlogin .inputrc .tool-versions"
    " .mise* mise.toml mise.*.toml .rtx.toml .asdfrc .nvmrc .node-version .python-version .ruby-version .java-version"
    " .go-version .sdkmanrc rust-toolchain rust-toolchain.toml devbox.json devenv.nix flake.nix shell.nix default.nix"
    " .netrc .pypirc pip.conf"
)
_CI = (
    ".github .gitlab* .gitea .forgejo .travis.yml .circleci .drone.yml .woodpecker* .buildkite azure-pipelines*"
    " .azure-pipelines Jenkinsfile* bitbucket-pipelines.yml *appveyor.yml .cirrus.* cloudbuild.* .teamcity .semaphore"
    " .builds .build.yml buildspec.y*ml wercker.yml codeship-* netlify.toml vercel.json .vercel renovate.json* .renovaterc*"
    " .harness .concourse"
)
_HOOKS = (
    ".git* .hg .hg* .svn .jj .husky *lefthook*.y*ml lefthook.toml .pre-commit-*.yaml .overcommit.yml .lintstagedrc*"
    " lint-staged.config.* .simple-git-hooks.*"
)
_AGENTS = (
    "AGENTS.md AGENTS.*.md AGENT.md CLAUDE.md CLAUDE.*.md GEMINI.md QWEN.md WARP.md CRUSH.md REPLIT.md SKILL.md .agents"
    " .agent .claude .claude.json .codex .cursor .cursorrules .cursorignore .clinerules .cline* .continue .continuerules"
    " .windsurf .windsurfrules .roo .roo* .kilocode .kilocode* .goosehints .goose .gemini .aider* .amazonq .augment*"
    " .junie .kiro .trae .openhands .opencode opencode.json* copilot-instructions.md *.instructions.md .copilot* .mcp.json"
    " mcp.json .mcp .factory .warp .crush .qwen .qodo .tabnine* .ralph ralph.config.yml .rules"
)
_STARTED_BY_PYTHON = "conftest.py sitecustomize.py usercustomize.py *.pth"
_LOCKS = (
    "*.lock *.lockb package-lock.json npm-shrinkwrap.json pnpm-lock.y*ml go.sum go.work.sum packages.lock.json gradle.lockfile"
    " Package.resolved *.lock.hcl *.lock.json"
)
_BUILD = (
    "setup.py setup.cfg pyproject.toml package.json build.rs conanfile.py conanfile.txt Makefile GNUmakefile *.mk"
    " CMakeLists.txt meson.build build.gradle* settings.gradle* gradlew gradlew.bat gradle-wrapper.* pom.xml mvnw mvnw.cmd .mvn"
    " build.xml build.sbt Rakefile Gemfile *.gemspec composer.json Cargo.toml .cargo go.mod go.work binding.gyp .npmrc .yarnrc*"
    " .yarn .pnpmfile.cjs pnpm-workspace.yaml bunfig.toml Dockerfile* *.Dockerfile Containerfile docker-compose* compose.y*ml"
    " Justfile .justfile Taskfile.y*ml SConstruct SConscript wscript BUILD BUILD.bazel WORKSPACE MODULE.bazel .bazelrc"
    " Package.swift mix.exs configure configure.ac autogen.sh Vagrantfile Tiltfile Procfile tox.ini noxfile.py pytest.ini"
)
_SHORT_NAMES = "*~[0-9] *~[0-9].*"
"""Windows' other names of long ones: `GIT~1` is `.git`."""

_LOOKALIKES = str.maketrans(
    "авекмнорстухѕіјԁԛԝһӏѵαβεηικνορτυχγѡցոսհօᴀᴄᴅᴇᴍᴏᴘᴛᴜᴠꓮꓖꓔı",
    "abekmhopctyxsijdqwhlvabenikvoptuxywgnuhoacdemoptuvagti",
)
"""Letters of other alphabets that look like small Latin ones, as Unicode's table of confusables has them."""


def fold(path: str) -> str:
    """`path` as the most forgiving file system and the most hurried reader would take it."""
    text = unicodedata.normalize("NFKD", path.replace("\\", "/")).casefold().translate(_LOOKALIKES)
    kept = (c for c in text if unicodedata.category(c) not in ("Mn", "Cf", "Cc", "Cs", "Co", "Cn"))
    parts = "".join(kept).split("/")
    return "/".join(part.rstrip(" .") if part not in (".", "..") else part for part in parts)


def _rules(*tables: str) -> IgnoreRules:
    return IgnoreRules(fold(name) for table in tables for name in table.split())


_CONTROL = _rules(CONFIG_NAME, _EDITORS, _SHELLS, _CI, _HOOKS, _AGENTS, _STARTED_BY_PYTHON, _LOCKS, _SHORT_NAMES)
_BUILD_RULES = _rules(_BUILD)


def is_control_file(path: str) -> bool:
    """Whether `path` is, or lies in, something that tools act on without being asked."""
    return _CONTROL.ignores(fold(path))


def is_build_script(path: str) -> bool:
    """Whether installing or building the project runs `path`."""
    return _BUILD_RULES.ignores(fold(path))
