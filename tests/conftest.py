"""What all tests share: the package on the path, private state folders, and a guard against real keys."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import hypothesis
import pytest

collect_ignore = ["scenarios"]  # their tests are the loop's material
ROOT = Path(__file__).resolve().parent.parent
for folder in (ROOT / "server", ROOT):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT / "server"), str(ROOT), os.environ.get("PYTHONPATH", "")]).rstrip(
    os.pathsep
)
# How long an example takes says something about the machine.
hypothesis.settings.register_profile("patient", deadline=None)
hypothesis.settings.load_profile("patient")


@pytest.fixture(autouse=True)
def private_state(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No test sees the developer's configuration, state or keys."""
    home = tmp_path_factory.mktemp("home")
    for name, folder in (("XDG_CONFIG_HOME", "config"), ("XDG_STATE_HOME", "state"), ("XDG_CACHE_HOME", "cache")):
        monkeypatch.setenv(name, str(home / folder))
    for name in list(os.environ):
        if name.endswith(("_API_KEY", "_KEY", "_BASE_URL", "_API_BASE")):
            monkeypatch.delenv(name)
    return home


@pytest.fixture(autouse=True, scope="session")
def no_plugins_in_test_runs() -> None:
    """The plugins of our own environment take a second to import, and no project of the tests needs one by default."""
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
