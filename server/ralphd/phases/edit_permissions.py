"""Which files an edit may touch. Pure; the sandbox and the editor check links and existence again.

Names are compared casefolded and NFC, without trailing dots and spaces: on some file systems `.VSCODE` is `.vscode`.
"""

from __future__ import annotations

import posixpath
import unicodedata
from collections.abc import Iterable, Sequence

from ralphd.core.edits import FileEdit, Refusal
from ralphd.core.findings import Finding
from ralphd.core.ignore import IgnoreRules

CONTROL_FILES = (
    ".vscode/**", ".idea/**", ".github/**", ".gitlab-ci.yml", ".circleci/**", ".git/**", ".gitmodules", ".gitattributes",
    "ralph.config.yaml", ".ralph/**", "AGENTS.md", "CLAUDE.md", ".cursorrules", ".cursor/**", ".claude/**", ".envrc", ".env*",
    "**/conftest.py", "conftest.py", "**/*.lock", "*.lock", "**/package-lock.json", "**/pnpm-lock.yaml", "**/go.sum",
    "**/.npmrc", "**/.pre-commit-config.yaml", "Jenkinsfile", "azure-pipelines.yml", ".mcp.json", "**/sitecustomize.py", "**/*.pth",
)  # fmt: skip
MAX_EDIT_BYTES = 1_000_000
MASK = "***REDACTED***"


def canonical(path: str) -> str:
    parts = unicodedata.normalize("NFC", path).split("/")
    return "/".join(part.rstrip(" .") if part not in (".", "..") else part for part in parts).casefold()


def matches(path: str, patterns: Iterable[str]) -> bool:
    return IgnoreRules(canonical(pattern) for pattern in patterns).ignores(canonical(path))


def refuse_path(
    path: str, locked: Sequence[str], instruction: str, allowed: Sequence[str], target: str
) -> Refusal | None:
    """Why an edit of `path` is refused before any test; None where it may go on."""
    parts = path.split("/")
    if (
        path.startswith(("/", "~"))
        or (len(path) > 1 and path[1] == ":")
        or ".." in parts
        or "" in parts
        or "\0" in path
    ):
        return Refusal("path", path, f"{path} is outside the workspace. Use a path relative to the workspace.")
    if (
        "::$" in path
        or parts[0].casefold().rstrip(" .") == ".git"
        or ".git" in [p.casefold().rstrip(" .") for p in parts]
    ):
        return Refusal("path", path, f"{path} is not a file that may be edited.")
    if path in allowed:
        return None
    if matches(path, CONTROL_FILES):
        return Refusal("control", path, f"{path} controls tools and is not yours to change. Solve the task without it.")
    named = path in instruction or posixpath.basename(path) in instruction.split()
    if matches(path, locked) and not named and path != target:
        return Refusal(
            "locked", path, f"{path} is a test or its configuration and is locked. Change the code under test instead."
        )
    return None


def refuse_content(edit: FileEdit, before: str | None) -> Refusal | None:
    texts = [edit.whole] if edit.whole is not None else [block.new for block in edit.blocks]
    if any("\0" in text for text in texts):
        return Refusal("format", edit.path, f"{edit.path}: binary content cannot be edited.")
    if sum(len(text) for text in texts) > MAX_EDIT_BYTES:
        return Refusal("too-big", edit.path, f"{edit.path}: the edit is bigger than {MAX_EDIT_BYTES} characters.")
    if any(MASK in text for text in texts) and MASK not in (before or ""):
        return Refusal(
            "redacted", edit.path, f"{edit.path}: {MASK} is a mask for a secret, not code. Leave that line alone."
        )
    return None


def refused(path: str) -> Finding:
    """What a person is shown of an edit that was wanted and not made."""
    message = f"Ralph wanted to edit {path}, which is locked."
    return Finding(path, "", 0, 0, "locked", "info", message, "Allow the edit and run again.")
