"""Wires the product together: every process of ralphd, and every test of the whole, gets its service from here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ralphd.backend import ModelBackend
from ralphd.models.gateway import Gateway
from ralphd.runs.bench import Benches
from ralphd.runs.books import Books
from ralphd.runs.consent import Consents
from ralphd.runs.service import RunService
from ralphd.runs.settings_source import SettingsSource
from ralphd.settings.trust import TrustStore
from ralphd.state import Folders


def build_service(
    environ: Mapping[str, str],
    *,
    command_line: Mapping[str, Any] | None = None,
    scripted: Gateway | None = None,
) -> RunService:
    """The service of one process, in the folders that `environ` names. Starts nothing.

    `command_line`: the settings given there. `scripted`: answers in place of the model host, for tests.
    """
    environ = dict(environ)
    folders = Folders.of(environ)
    trust = TrustStore(str(folders.trust))
    return RunService(
        folders,
        settings=SettingsSource(environ, str(folders.user_config), trust, command_line),
        consents=Consents(trust, environ),
        benches=Benches(folders, environ),
        books=Books(folders.ledger),
        models=ModelBackend(folders, environ),
        scripted=scripted,
    )
