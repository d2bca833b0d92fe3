"""Who may set a key. `schema.py` gives each key exactly one of these four marks, in the metadata of its annotation.

A repository is somebody else's word, and so are the settings that a workspace brings along. The rule: it may make a run
cheaper or stricter, never dearer or laxer, and it may not choose who gets to see the person's code.
"""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class PersonOnly:
    """Only the person's own settings may set it; elsewhere it is ignored, with a problem of this severity."""

    severity: Literal["warning", "info"] = "warning"

    @property
    def words(self) -> str:
        return "person only"


@dataclass(frozen=True)
class TightenOnly:
    """A repository may only make it stricter.

    `lower`: set a number that is not higher than the person's. `add`: add items to the person's list. `choose`: choose
    a word that stands before the person's in `order`, from the strictest to the laxest. `inside`: name other files, all
    within its own folder.
    """

    how: Literal["lower", "add", "choose", "inside"]
    order: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        what = {
            "lower": "lower it",
            "add": "add to it",
            "choose": "go to the left in " + ", ".join(f"`{word}`" for word in self.order),
            "inside": "name files of its own folder",
        }
        return f"tighten only: a repository may {what[self.how]}"


@dataclass(frozen=True)
class Free:
    """Any layer may set it."""

    @property
    def words(self) -> str:
        return "free"


@dataclass(frozen=True)
class Asked:
    """Any layer may set it, but a repository's value counts only after the person agreed to exactly that value.

    `question`: `settings` is asked once for all such keys of a layer; `command` when the command is to be run.
    """

    question: Literal["settings", "command"] = "settings"

    @property
    def words(self) -> str:
        return "free, a repository's after your consent"


Mark = PersonOnly | TightenOnly | Free | Asked


def tightened(mark: TightenOnly, mine: Any, wanted: Any) -> tuple[Any, str]:
    """What counts of a repository's `wanted` where the person has `mine`: (value, None where nothing of it counts; and
    the rest of a sentence that says what does not count, or "")."""
    match mark.how:
        case "lower" if mine is not None and wanted > mine:
            return None, f"is ignored here: a repository can only lower it, and yours is {mine:g}."
        case "choose" if wanted != mine and mark.order.index(wanted) > mark.order.index(mine):
            return None, f"is ignored here: a repository can only make it stricter, and yours is `{mine}`."
        case "add" if any(item.startswith("!") for item in wanted):
            return None, "is ignored here: a repository can only add to it, and a pattern with `!` takes away."
        case "add":
            missing = [item for item in mine if item not in wanted]
            told = f"is added to yours here, which stay: {', '.join(missing)}." if missing else ""
            return tuple(dict.fromkeys((*mine, *wanted))), told
        case "inside" if not _all_inside(wanted):
            return None, "is ignored here: a repository can only name files within its own folder."
    return wanted, ""


def _all_inside(paths: Sequence[str]) -> bool:
    normal = [posixpath.normpath(path.replace("\\", "/")) for path in paths]
    return not any(
        path.startswith(("/", "~")) or path == ".." or path[:3] == "../" or path[1:2] == ":" for path in normal
    )
