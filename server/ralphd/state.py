"""Where ralphd keeps things: the person's state and cache folders, never the workspace. Files are 0600, folders 0700."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import platformdirs

KEEP_DAYS = 30
KEEP_BYTES = 500_000_000


@dataclass(frozen=True)
class Folders:
    config: Path
    state: Path
    cache: Path

    @staticmethod
    def of(environ: Mapping[str, str]) -> Folders:
        """The platform's folders; the XDG variables win where they are set (also where the platform has others)."""

        def place(variable: str, default: str) -> Path:
            base = environ.get(variable)
            return Path(base) / "ralphd" if base and os.path.isabs(base) else Path(default)

        return Folders(
            place("XDG_CONFIG_HOME", platformdirs.user_config_dir("ralphd")),
            place("XDG_STATE_HOME", platformdirs.user_state_dir("ralphd")),
            place("XDG_CACHE_HOME", platformdirs.user_cache_dir("ralphd")),
        )

    def workspace(self, root: str) -> Path:
        """State of one workspace: journals, request log, dismissed findings."""
        digest = hashlib.sha256(os.path.realpath(root).encode("utf-8", "surrogateescape")).hexdigest()[:16]
        return self.state / "workspaces" / digest

    def journals(self, root: str) -> Path:
        return self.workspace(root) / "runs"

    @property
    def trust(self) -> Path:
        return self.state / "trust.json"

    @property
    def ledger(self) -> Path:
        return self.state / "ledger.sqlite"

    @property
    def server_log(self) -> Path:
        return self.state / "ralphd.log"


def make_private(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


def write_private(path: Path, text: str) -> None:
    """Replace `path` by `text`, whole or not at all, readable by the person only."""
    make_private(path.parent)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    fd = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_NOFOLLOW", 0), 0o600)
    with os.fdopen(fd, "w", encoding="utf-8", newline="") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, path)


class Dismissed:
    """Findings that the person put away for good, by content fingerprint; listable and revocable."""

    def __init__(self, folders: Folders, root: str) -> None:
        self._path = folders.workspace(root) / "dismissed.json"

    def all(self) -> dict[str, str]:
        """Fingerprint -> what was said. An unreadable file hides nothing."""
        try:
            value = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return {str(k): str(v) for k, v in value.items()} if isinstance(value, dict) else {}

    def add(self, fingerprint: str, message: str) -> None:
        write_private(self._path, json.dumps({**self.all(), fingerprint: message}, indent=1, sort_keys=True))

    def revoke(self, prefix: str) -> int:
        before = self.all()
        kept = {k: v for k, v in before.items() if not k.startswith(prefix)}
        if len(kept) != len(before):
            write_private(self._path, json.dumps(kept, indent=1, sort_keys=True))
        return len(before) - len(kept)


def clean(
    folders: Folders, *, now: float | None = None, days: float = KEEP_DAYS, limit: int = KEEP_BYTES
) -> tuple[int, int]:
    """Remove old journals and reports, oldest first, beyond `days` or `limit` bytes. (files removed, bytes freed)

    Weights, consents, the ledger and dismissed findings stay.
    """
    at = time.time() if now is None else now
    files = [
        p
        for base in (folders.state / "workspaces", folders.cache / "reports")
        if base.exists()
        for p in base.rglob("*")
        if p.is_file()
    ]
    files = [p for p in files if p.suffix in (".jsonl", ".json") and p.name != "dismissed.json"]
    aged = sorted(((p.stat().st_mtime, p.stat().st_size, p) for p in files), reverse=True)
    total = removed = freed = 0
    for mtime, size, path in aged:
        total += size
        if at - mtime > days * 86400 or total > limit:
            path.unlink(missing_ok=True)
            removed, freed = removed + 1, freed + size
    for folder in (folders.cache / "reports").glob("report-*"):
        if at - folder.stat().st_mtime > 86400:
            shutil.rmtree(folder, ignore_errors=True)
    return removed, freed
