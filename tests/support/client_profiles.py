"""How five real editors take an edit, as far as it differs: measured in the real ones or read from their source.

Values only; `fake_editor.FakeEditor` acts on them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Staleness = Literal["refuse", "skip-silently", "error"]
"""An edit for another version: refused whole (applied false); skipped, yet applied true; a JSON-RPC error."""


@dataclass(frozen=True)
class Profile:
    capabilities: str
    """File of the real client's capabilities, in capabilities/."""
    client_name: str
    encoding: Literal["utf-8", "utf-16", "utf-32"]
    """What it speaks with a server that follows the client's first preference (utf-16 where nothing is offered)."""
    staleness: Staleness
    first_version: int = 1
    checks_first_change_only: bool = False
    """Neovim compares the version of documentChanges[0] only, and only one above 0."""
    change_delay_s: float = 0.0
    """Idle time after which typing is told to the server."""
    answers_before_change: bool = False
    """The answer to applyEdit leaves before the didChange that it caused."""
    creates_files: bool = True
    empty_create_truncates: bool = False
    """CreateFile without options empties a file that exists."""
    takes_annotations: bool = False
    takes_metadata: bool = False
    drops_stale_diagnostics: bool = False


PROFILES: dict[str, Profile] = {
    "vscode": Profile(
        "vscode-languageclient-11.0.0",
        "Visual Studio Code",
        "utf-16",
        "refuse",
        takes_annotations=True,
        takes_metadata=True,
    ),
    "neovim-0.12": Profile(
        "neovim-0.12",
        "Neovim",
        "utf-8",
        "skip-silently",
        first_version=0,
        checks_first_change_only=True,
        change_delay_s=0.15,
        answers_before_change=True,
        empty_create_truncates=True,
    ),
    "neovim-0.11": Profile(
        "neovim-0.11",
        "Neovim",
        "utf-8",
        "skip-silently",
        first_version=0,
        checks_first_change_only=True,
        change_delay_s=0.15,
        answers_before_change=True,
        empty_create_truncates=True,
    ),
    "eglot": Profile(
        "eglot-1.24",
        "Eglot",
        "utf-32",
        "error",
        first_version=0,
        change_delay_s=0.5,
        answers_before_change=True,
        creates_files=False,
        drops_stale_diagnostics=True,
    ),
    "helix": Profile(
        "helix-master-2026-07",
        "helix",
        "utf-8",
        "refuse",
        first_version=0,
        drops_stale_diagnostics=True,
    ),
}
