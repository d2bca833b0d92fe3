"""The environment variables of a test run: an allow-list, and a type that nothing unfiltered can have.

A test can print its whole environment, and what it prints reaches the next prompt and the journal. So a variable is
passed on only when its name is listed here as one that toolchains need, or when the person names it in `testing.env`.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping, Sequence

from ralphd.errors import SandboxError


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_PASSED = _names(
    "PATH HOME USER LOGNAME LANG LANGUAGE TERM TZ"
    # Python and its environments
    " PYTHONPATH PYTHONUSERBASE PYTHONNOUSERSITE PYTHONUTF8 PYTHONIOENCODING PYTHONWARNINGS PYTHONSAFEPATH"
    " PYTEST_DISABLE_PLUGIN_AUTOLOAD VIRTUAL_ENV CONDA_PREFIX CONDA_DEFAULT_ENV PYENV_ROOT PYENV_VERSION UV_PYTHON UV_PYTHON_INSTALL_DIR"
    # Node
    " NODE_PATH NODE_ENV NVM_DIR NVM_BIN VOLTA_HOME FNM_DIR FNM_MULTISHELL_PATH N_PREFIX PNPM_HOME BUN_INSTALL"
    # Go, Rust, Java, .NET and C
    " GOROOT GOPATH GOMODCACHE GOFLAGS GOOS GOARCH GOTOOLCHAIN GOWORK GO111MODULE GOEXPERIMENT CGO_ENABLED"
    " CARGO_HOME RUSTUP_HOME RUSTUP_TOOLCHAIN RUSTFLAGS RUST_BACKTRACE"
    " JAVA_HOME MAVEN_HOME GRADLE_HOME SDKMAN_DIR DOTNET_ROOT"
    " CC CXX CFLAGS CXXFLAGS LDFLAGS CPATH LIBRARY_PATH LD_LIBRARY_PATH PKG_CONFIG_PATH"
    # managers of several languages
    " ASDF_DIR ASDF_DATA_DIR MISE_DATA_DIR HOMEBREW_PREFIX"
)
"""Names that are passed on, and `LC_*`. None of them customarily holds a key, a password, a proxy with a password, the
address of a package index or a program that runs at start-up (`LD_PRELOAD`, `PYTHONSTARTUP`, `BASH_ENV`, `NODE_OPTIONS`)."""

_SET_BY_RALPHD = _names(
    "PYTHONPATH PYTHONHASHSEED PYTHONDONTWRITEBYTECODE PYTEST_ADDOPTS HYPOTHESIS_STORAGE_DIRECTORY NODE_OPTIONS PATH"
    " TOX_OVERRIDE GOCACHE GODEBUG"
)
"""Names, beside `RALPHD_*`, that the caller of a run may set: what makes a test runner report and behave repeatably."""

_MAKER = object()


class SandboxEnvironment(Mapping[str, str]):
    """The person's environment as far as a test run may have it. Only `sandbox_environment` makes one."""

    def __init__(self, variables: Mapping[str, str], maker: object) -> None:
        if maker is not _MAKER:
            raise TypeError("a SandboxEnvironment is made by sandbox_environment() only")
        self._variables = dict(variables)

    def __getitem__(self, name: str) -> str:
        return self._variables[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._variables)

    def __len__(self) -> int:
        return len(self._variables)


def sandbox_environment(environ: Mapping[str, str], added: Sequence[str] = ()) -> SandboxEnvironment:
    """Of the person's environment `environ`, what a test run may have. `added` is the setting `testing.env`.

    `HOME` is always there: the sandbox has to know what to hide.
    """
    kept = {name: value for name, value in environ.items() if name in _PASSED or name.startswith("LC_")}
    kept |= {name: environ[name] for name in added if name in environ}
    return SandboxEnvironment({**kept, "HOME": environ.get("HOME") or "/"}, _MAKER)


def run_environment(
    person: Mapping[str, str], *, home: str, tmp: str, program_dirs: Sequence[str], virtual_env: str | None
) -> dict[str, str]:
    """What the test command gets: as in the person's terminal with the workspace's environment switched on."""
    env = {name: value for name, value in person.items() if name != "HOME"}
    inherited = [part for part in env.get("PATH", "").split(":") if part.startswith("/")]
    env["PATH"] = ":".join(dict.fromkeys([*program_dirs, *(inherited or ["/usr/local/bin", "/usr/bin", "/bin"])]))
    env.setdefault("LANG", "C.UTF-8")
    env.setdefault("TERM", "dumb")
    if virtual_env is not None:
        env["VIRTUAL_ENV"] = virtual_env
        env.pop("CONDA_PREFIX", None)
    # HOME of the run is another folder, or empty. These variables keep tools finding what is shown of the person's own.
    real = person.get("HOME", home)
    if real != home:
        for name, below in (
            ("PYENV_ROOT", ".pyenv"),
            ("CARGO_HOME", ".cargo"),
            ("RUSTUP_HOME", ".rustup"),
            ("GOPATH", "go"),
        ):
            env.setdefault(name, posixpath.join(real, below))
        env.setdefault("PYTHONUSERBASE", posixpath.join(real, ".local"))
    env.update(
        HOME=home,
        TMPDIR=tmp,
        XDG_CACHE_HOME=posixpath.join(tmp, "cache"),
        GOCACHE=posixpath.join(tmp, "go-build"),
        CARGO_NET_OFFLINE="true",
        PYTHONDONTWRITEBYTECODE="1",
    )
    return env


def with_ours(env: Mapping[str, str], ours: Mapping[str, str]) -> dict[str, str]:
    """`env` with what the caller of the run sets. Of PATH and PYTHONPATH both count, ours first: the tests need theirs.

    SandboxError for a name that no caller may set: so no caller can hand an environment of its own through.
    """
    strange = sorted(name for name in ours if name not in _SET_BY_RALPHD and not name.startswith("RALPHD_"))
    if strange:
        raise SandboxError(
            f"A test run may not be given the variables {', '.join(strange)} by its caller.",
            "Names that ralphd itself sets stand in sandbox/environment.py; a person adds theirs with `testing.env`.",
        )
    joined = {n: ":".join(filter(None, (ours.get(n), env.get(n)))) for n in ("PATH", "PYTHONPATH")}
    return {**env, **ours, **{name: value for name, value in joined.items() if value}}
