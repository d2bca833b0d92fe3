"""A run while it lives, as the editor's side keeps it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from ralphd.core.run import Command, RunRequest
from ralphd.core.runner import EditorSettings
from ralphd.core.text import Replacement
from ralphd.lsp.progress import ProgressReporter

TITLES: dict[Command, str] = {
    "implement": "Ralph: implement",
    "critique": "Ralph: critique",
    "chaosTests": "Ralph: chaos tests",
    "opinions": "Ralph: second opinions",
    "fix": "Ralph: fix",
}


@dataclass
class LiveRun:
    run_id: str
    uri: str
    """The document that the run is on."""
    request: RunRequest
    progress: ProgressReporter
    ended: asyncio.Future[dict[str, Any]]
    """Resolved with the RunResult as JSON when everything about the run was told."""
    settings: EditorSettings
    """From memory at first; read from disk as the run's first step."""
    steps: dict[str, list[Replacement]] = field(default_factory=dict)
    """Typing during the run, by document: what a proposal is rebased over."""
    asked_digest: str = ""
    """Of the command that the person was asked to allow."""
    closed: bool = False
    """Its document was closed."""
    shown: set[str] = field(default_factory=set)
    """Ids of the findings that this run showed so far."""

    @property
    def root(self) -> str:
        return self.request.root
