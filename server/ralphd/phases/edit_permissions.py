"""Which files an edit may touch. Pure: the sandbox and the editor check links and existence again."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Literal
from urllib.parse import unquote

from ralphd.context.tree import is_secret
from ralphd.core.edits import FileEdit, Refusal
from ralphd.core.findings import Finding
from ralphd.core.ignore import IgnoreRules
from ralphd.core.text import Span
from ralphd.phases import test_regions
from ralphd.phases.control_files import fold, is_build_script, is_control_file, mixes_alphabets
from ralphd.phases.generated_files import generator_of
from ralphd.phases.keyed_files import belongs_to_runner, guarded_keys, is_keyed
from ralphd.phases.locked_files import is_test_by_name, shadows

MAX_EDIT_BYTES = 1_000_000
MASK = "***REDACTED***"


def matches(path: str, patterns: Iterable[str]) -> bool:
    return IgnoreRules(map(_folded, patterns)).ignores(fold(path))


def _folded(pattern: str) -> str:
    """A pattern is turned round by the `!` that it is written with, not by a letter that folds to one."""
    folded = fold(pattern)
    return folded if pattern.startswith("!") else folded.lstrip("!")


def refuse_path(
    path: str,
    *,
    locked: Sequence[str],
    used: Collection[str],
    allowed: Sequence[str],
    target: str,
    new: bool,
    before: str | None = None,
) -> Refusal | None:
    """Why an edit of `path` is refused before any test; None where it may go on. The strongest reason wins: generated,
    then locked, then control.

    `locked`: the patterns of the settings; `used`: the files that the baseline's verdict rests on; `new`: there is no such
    file yet; `before`: its text, where it is known. Only `allowed`, the person's own word on exactly this path, unlocks one: an instruction that names a test
    file asks to make it pass.
    """
    if path != target and _leads_outside(path):
        return Refusal("path", path, f"{path} is outside the workspace. Use a path relative to the workspace.")
    if ".git" in fold(path).split("/") or (path != target and ":" in path):
        return Refusal("path", path, f"{path} is not a file that may be edited.")
    if path in allowed:
        return None
    if is_secret(path) and path != target:
        return Refusal("control", path, f"{path} holds secrets, so it is not shown. Solve the task without it.")
    if before is not None and (generator := generator_of(path, before)) is not None:
        by = f" by {generator}" if generator else ""
        again = f"Change what {generator} makes it from" if generator else "Change what it is made from"
        return Refusal("generated", path, f"{path} is generated{by}: an edit would be lost. {again} instead.")
    if is_test(path, locked, used) and path != target:
        return Refusal(
            "locked", path, f"{path} is a test or its configuration and is locked. Change the code under test instead."
        )
    keyed = before is not None and is_keyed(path)  # `refuse_result` looks at what was changed in it
    if is_control_file(path) or (is_build_script(path) and path != target and not keyed):
        return Refusal("control", path, f"{path} controls tools and is not yours to change. Solve the task without it.")
    if new and mixes_alphabets(path):
        return Refusal("control", path, f"{path} mixes letters of several alphabets in a word. Choose another name.")
    if new and path != target and shadows(path, used, target):
        return Refusal(
            "control", path, f"{path} would stand in for a module that the test runner loads. Choose another name."
        )
    return None


def is_test(path: str, locked: Sequence[str], used: Collection[str]) -> bool:
    """Whether the verdict rests on the file `path`: by the settings, by its name, or because the baseline used it."""
    return matches(path, locked) or is_test_by_name(path) or fold(path) in {fold(one) for one in used}


def refuse_result(
    path: str,
    before: str | None,
    after: str,
    *,
    locked: Sequence[str],
    used: Collection[str],
    allowed: Sequence[str],
    target: str,
    span: Span | None,
    doctests: bool,
    own_tests: Collection[str] = (),
) -> Refusal | None:
    """Why an edit that could be made is refused for what it changes inside the file; None where it may be tried.

    `span`: the target, where it is a part of its file. `doctests`: whether the tests run examples in docstrings.
    `own_tests`: names of the tests in the target's own file, `__main__` where the command runs it.
    """
    if path in allowed or before is None:
        return None
    if is_keyed(path) and path != target and (keys := guarded_keys(path, before, after)):
        kind: Literal["locked", "control"] = "locked" if any(map(belongs_to_runner, keys)) else "control"
        names = ", ".join(f"`{key}`" for key in keys[:3])
        return Refusal(kind, path, f"{path}: {names} decide what tools do and are not yours to change. Leave them.")
    if path == target and is_test(path, locked, used):
        if span is not None and test_regions.changed_outside(before, after, span):
            return Refusal("locked", path, f"{path}: the other tests in it are locked. Change only what was asked for.")
        return None
    span = span if path == target else None
    own = own_tests if path == target else ()
    if what := test_regions.changed(path, before, after, span, doctests=doctests, own_tests=own):
        return Refusal(
            "locked", path, f"{path}: {what} is a test and is locked. Keep it as it stands, and change the code."
        )
    return None


def _leads_outside(path: str) -> bool:
    """Whether `path` is absolute, climbs, or names another scheme, as written or as a URL or Windows would read it."""
    read = {path, unquote(path), path.replace("\\", "/"), unquote(unquote(path)).replace("\\", "/")}
    for one in read:
        parts = one.split("/")
        climbs = any(len(part) > 1 and not part.strip(". ") for part in parts)
        if one.startswith(("/", "~")) or one[1:2] == ":" or climbs or "" in parts or "\0" in one or "://" in one:
            return True
    return False


def refuse_content(edit: FileEdit, before: str | None) -> Refusal | None:
    texts = [edit.whole] if edit.whole is not None else [block.new for block in edit.blocks]
    old = [block.old for block in edit.blocks]
    if any("\0" in text for text in texts):
        return Refusal("format", edit.path, f"{edit.path}: binary content cannot be edited.")
    if sum(len(text) for text in texts) > MAX_EDIT_BYTES:
        return Refusal("too-big", edit.path, f"{edit.path}: the edit is bigger than {MAX_EDIT_BYTES} characters.")
    if any(MASK in text for text in (*texts, *old)) and MASK not in (before or ""):
        return Refusal(
            "redacted", edit.path, f"{edit.path}: {MASK} is a mask for a secret, not code. Leave that line alone."
        )
    return None


def refused(path: str) -> Finding:
    """What a person is shown of an edit that was wanted and not made."""
    message = f"Ralph wanted to edit {path}, which is locked."
    return Finding(path, "", 0, 0, "locked", "info", message, "Allow the edit and run again.")
