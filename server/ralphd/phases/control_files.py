"""Files that decide what tools do: editors, CI, hooks, other agents, installers. A model's edit of one is refused.

They are known by name in any folder. Names are compared after folding, because file systems and people fold too: on some,
`.VSCODE`, `.vscode.` and `.vsc\\u200code` are `.vscode`, and a Cyrillic letter looks like a Latin one on all of them.
"""

from __future__ import annotations

import re
import unicodedata

from ralphd.core.ignore import IgnoreRules
from ralphd.settings.project import CONFIG_NAME

_EDITORS = (
    ".vscode .vscode-* *.code-workspace .idea .fleet .zed .helix .devcontainer .devcontainer.json .gitpod* .idx .nvim.lua"
    " .nvimrc .exrc .vimrc .lvimrc _vimrc _gvimrc _exrc .local.vimrc .dir-locals*.el *.sublime-project *.sublime-workspace *.code-snippets *.iml .emacs* .theia .nova"
)
_SHELLS = (
    ".envrc .env* .direnv .bashrc .bash_profile .bash_login .profile .zshrc .zshenv .zprofile .zlogin .inputrc .tool-versions"
    " .mise* mise.toml mise.*.toml .rtx.toml .asdfrc .nvmrc .node-version .python-version .ruby-version .java-version"
    " .go-version .sdkmanrc rust-toolchain rust-toolchain.toml devbox.json devenv.nix flake.nix shell.nix default.nix"
    " .netrc .pypirc pip.conf pip.ini devenv.yaml profile.ps1 *_profile.ps1"
)
_CI = (
    ".github .gitlab* .gitea .forgejo .travis.yml .circleci .drone.yml .woodpecker* .buildkite azure-pipelines*"
    " .azure-pipelines Jenkinsfile* bitbucket-pipelines.yml *appveyor.yml .cirrus.* cloudbuild.* .teamcity .semaphore"
    " .builds .build.yml buildspec.y*ml wercker.yml codeship-* netlify.toml vercel.json .vercel renovate.json* .renovaterc*"
    " .harness .concourse gitlab-ci.yml codemagic.yaml bitrise.yml screwdriver.yaml buildkite.y*ml appspec.y*ml action.y*ml"
    " dagger.json wrangler.toml wrangler.json* firebase.json heroku.yml render.yaml fly.toml railway.json railway.toml"
)
_HOOKS = (
    ".git* .hg .hg* .svn .jj .husky *lefthook*.y*ml lefthook.toml .pre-commit-*.yaml .overcommit.yml .lintstagedrc*"
    " lint-staged.config.* .simple-git-hooks.* pre-commit pre-push pre-rebase pre-receive pre-merge-commit pre-applypatch"
    " post-checkout post-commit post-merge post-rewrite post-receive post-applypatch commit-msg prepare-commit-msg"
)
_AGENTS = (
    "AGENTS.md AGENTS.*.md AGENT.md CLAUDE.md CLAUDE.*.md GEMINI.md QWEN.md WARP.md CRUSH.md REPLIT.md SKILL.md .agents"
    " .agent .claude .claude.json .codex .cursor .cursorrules .cursorignore .clinerules .cline* .continue .continuerules"
    " .windsurf .windsurfrules .roo .roo* .kilocode .kilocode* .goosehints .goose .gemini .aider* .amazonq .augment*"
    " .junie .kiro .trae .openhands .opencode opencode.json* copilot-instructions.md *.instructions.md .copilot* .mcp.json"
    " mcp.json mcp-*.json mcp_*.json *.prompt.md *.chatmode.md *.agent.md GEMINI.*.md CODEX.md COPILOT.md CURSOR.md GROK.md"
    " JULES.md KIRO.md WINDSURF.md CONVENTIONS.md llms.txt llms-*.txt .mcp .factory .warp .crush .qwen .qodo .tabnine* .ralph ralph.config.yml .rules"
)
_STARTED_BY_PYTHON = (
    "conftest.* conftest.*.pyc sitecustomize sitecustomize.* usercustomize usercustomize.* *.pth *._pth pyvenv.cfg"
    " __pycache__ *.egg-info *.dist-info *.egg-link"
)
_INSTALLED = "node_modules bower_components site-packages venv"
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
    " Package.swift mix.exs BUILD.gn BUCK WORKSPACE.bazel *.bzl pants.toml build.zig* configure configure.ac autogen.sh Vagrantfile Tiltfile Procfile* Earthfile skaffold.y*ml tox.ini tox.toml noxfile.py fabfile.py dodo.py"
    " pytest.ini pytest.toml mypy.ini ruff.toml pyrightconfig.json hatch.toml pixi.toml uv.toml poetry.toml Pipfile"
    " requirements*.txt requirements/*.txt constraints*.txt environment.y*ml *.config.js *.config.ts *.config.mjs *.config.cjs"
    " *.config.mts *.config.cts tsconfig*.json jsconfig.json gulpfile.* Gruntfile.* dangerfile.* nx.json turbo.json lerna.json"
    " deno.json deno.jsonc Makefile.* package.json5 package.y*ml Brewfile Podfile Cartfile Fastfile Appfile *.csproj *.fsproj"
    " *.vbproj *.vcxproj *.sln *.slnx Directory.*.props Directory.*.targets nuget.config global.json stack.y*ml *.cabal"
    " rebar.config dune-project *.nix *.tf *.tfvars ansible.cfg serverless.y*ml cdk.json samconfig.toml CODEOWNERS codecov.yml"
    " circle.yml dependabot.yml sonar-project.properties mkdocs.y*ml CMake*Presets.json init.gradle* plugins.sbt"
    " hatch_build.py pubspec.yaml dub.json dub.sdl shard.yml cabal.project* MANIFEST.in launchSettings.json tslint.json"
    " nodemon.json *.conf.js *.conf.ts *.conf.mjs *.conf.cjs prek.toml buildozer.spec requirements*.in requirements/*.in"
    " *-requirements.txt *-requirements.in *_requirements.txt environment*.y*ml conda-*.y*ml meta.yaml pdm_build.py versioneer.py"
    " pydistutils.cfg distutils.cfg meson.options meson_options.txt *.config.json jest.setup.* vitest.setup.* setupTests.*"
    " globalSetup.* vitest.workspace.* webpack.*.js rollup.*.js cypress.json angular.json project.json workspace.json rush.json"
    " moon.yml import_map.json importmap.json ember-cli-build.js Jakefile* Cakefile Snakefile gradle.properties local.properties"
    " *.sbt build.sc buildSrc magefile.go rustfmt.toml clippy.toml deny.toml Cross.toml Trunk.toml Guardfile Capfile Thorfile"
    " Steepfile Dangerfile Berksfile Appraisals Gemfile.* config.ru phpunit.xml* phpstan.neon* psalm.xml rector.php php.ini *.cmake"
    " *.m4 Kconfig Kbuild *.gypi vcpkg.json conandata.yml premake5.lua xmake.lua *.runsettings packages.config paket.dependencies"
    " Setup.hs project.clj deps.edn bb.edn shadow-cljs.edn *.rockspec Project.toml Build.PL cpanfile dist.ini *.xcconfig *.pbxproj"
    " *.xcscheme pubspec_overrides.yaml analysis_options.yaml dune *.opam *.nimble *.nims nim.cfg compose*.y*ml docker-bake.*"
    " docker-entrypoint.sh entrypoint.sh install.sh setup.sh bootstrap.sh build.sh preinstall.* postinstall.* Chart.yaml"
    " kustomization.y*ml helmfile.y*ml *.service *.timer dvc.yaml goreleaser.y*ml release-please-config.json"
)
_SHORT_NAMES = "*~[0-9] *~[0-9].*"
"""Windows' other names of long ones: `GIT~1` is `.git`."""

_LOOKALIKES = str.maketrans(
    "авекмнорстухѕіјԁԛԝһӏѵαβεηικνορτυχγѡցոսհօᴀᴄᴅᴇᴍᴏᴘᴛᴜᴠꓮꓖꓔı"
    "ɡɑɢɪʟɴʀʙʜʏᴊᴋᴡᴢꜱꜰԍүꓐꓚꓓꓰꓝꓧꓲꓙꓗꓡꓟꓠꓳꓑꓣꓢꓴꓦꓪꓫꓬꓜᎪᏟᎬᏀᎻᎥᎫᏦᏞᎷᏢᏚᎢᏙᎳᏃⲟⲣⲥⲕⲙⲁ",
    "abekmhopctyxsijdqwhlvabenikvoptuxywgnuhoacdemoptuvagti"
    "gagilnrbhyjkwzsfgybcdefhijklmnoprsuvwxyzaceghijklmpstvwzopckma",
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


_NEVER_ALIKE = frozenset({"LATIN", "CJK", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO"})
_WORD = re.compile(r"[^\W\d_]+")


def mixes_alphabets(path: str) -> bool:
    """Whether a word of the name is made of Latin letters and of others that may look like them: no table of those is
    whole, and nobody writes such a word."""
    if path.isascii():
        return False
    words = _WORD.findall(unicodedata.normalize("NFKC", path))
    alphabets = ({unicodedata.name(char, "?").partition(" ")[0] for char in word} for word in words)
    return any("LATIN" in found and found - _NEVER_ALIKE for found in alphabets)


_CONTROL = _rules(
    CONFIG_NAME, _EDITORS, _SHELLS, _CI, _HOOKS, _AGENTS, _STARTED_BY_PYTHON, _LOCKS, _SHORT_NAMES, _INSTALLED
)
_BUILD_RULES = _rules(_BUILD)
_HIDDEN = re.compile(r"(?:^|/)\.[^./]")


def is_control_file(path: str) -> bool:
    """Whether `path` is, or lies in, something that tools act on without being asked."""
    return _CONTROL.ignores(fold(path))


def is_build_script(path: str) -> bool:
    """Whether installing, building or checking the project runs or reads `path`, as most hidden files are there for."""
    folded = fold(path)
    return bool(_HIDDEN.search(folded)) or _BUILD_RULES.ignores(folded)
