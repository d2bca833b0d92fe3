"""From an answer to a candidate: read it, ask what may be edited, make the edits. All or nothing.

The Artisan, `ralphd apply` and the cases in bench/ read answers through this one place.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from ralphd.answers.labels import Names
from ralphd.answers.losses import named
from ralphd.answers.placing import place_region
from ralphd.answers.reading import read_edits
from ralphd.answers.resolving import resolve
from ralphd.answers.values import FormatError, Region
from ralphd.context.target import Target
from ralphd.context.tree import is_secret
from ralphd.core.edits import FileEdit, Refusal
from ralphd.errors import Misconfigured
from ralphd.phases.edit_permissions import refuse_content, refuse_path, refuse_result

NOTEBOOK = "Notebooks are not worked on: their code stands inside JSON. Move it to a module, and work on that."


def refuse_notebook(path: str) -> None:
    """Raises where the target is a notebook: what a model would write into it is no notebook any more."""
    if path.casefold().endswith(".ipynb"):
        raise Misconfigured(NOTEBOOK)


@dataclass(frozen=True)
class Candidate:
    """A verified edit: it parsed, it fits the snapshot, it touches only what it may. Not tested yet.

    `rules`: which rule found each quoted place; `mended`: what else had to be done to the answer, a sentence each.
    """

    texts: Mapping[str, str]
    answer: str
    rules: tuple[str, ...] = ()
    mended: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rejected:
    """An answer that is no edit. `feedback` goes back to the model; `locked` files become findings."""

    feedback: str
    truncated: bool = False
    locked: tuple[str, ...] = ()
    incomplete: tuple[FileEdit, ...] = ()


@dataclass(frozen=True)
class AnswerReader:
    """What an answer is read against: the target and its text, the workspace's files, and what may be edited."""

    target: Target
    source: str
    paths: Collection[str]
    text_of: Callable[[str], str | None]
    """The text of a file of the workspace; None where there is none, or it is binary or too big."""
    locked: Sequence[str]
    """Patterns of files that an edit may not touch (tests and their configuration)."""
    instruction: str = ""
    """The person's own words: what they ask to be left out may be left out."""
    used: Collection[str] = ()
    """Files that the baseline's verdict rests on: locked as well."""
    doctests: bool = False
    own_tests: Collection[str] = ()
    """Whether the project's tests run the examples in docstrings."""
    allowed: Sequence[str] = ()
    """Locked and control files that the person allowed to be edited."""
    linked: Callable[[str], bool] = lambda path: False
    """Whether a path leads through a symbolic link."""

    def read(self, answer: str, *, complete: bool = False) -> Candidate | Rejected:
        """`complete`: the answer is known to end where the text does."""
        if self.target.path.casefold().endswith(".ipynb"):
            return Rejected(NOTEBOOK)
        names = Names({*self.paths, self.target.path})
        found = read_edits(answer, self.target.path, self.target.name, names, complete=complete)
        if isinstance(found, FormatError):
            return Rejected(found.feedback, found.truncated, incomplete=found.incomplete)
        if isinstance(found, Region):
            if self.target.kind != "file":
                return self._region(found.text, answer, found.mended)
            return self.resolve((FileEdit(self.target.path, whole=found.text),), answer, found.mended)
        edits = found.edits
        if len(edits) == 1 and edits[0].whole is not None and self._is_region(edits[0].path, edits[0].whole):
            return self._region(
                edits[0].whole, answer, (*found.mended, "took the block with the file's path as the target's text")
            )
        return self.resolve(edits, answer, found.mended)

    def _is_region(self, path: str, whole: str) -> bool:
        """A block labelled with the file's path that holds the target only: taking it as the file would drop the rest."""
        if path != self.target.path or self.target.kind == "file":
            return False
        given, before = named(path, whole), named(path, self.source)
        short = self.target.name.rsplit(".", 1)[-1]
        return bool(before - given) and (not short or short in {name.rsplit(".", 1)[-1] for name in given})

    def _region(self, region: str, answer: str, mended: Sequence[str]) -> Candidate | Rejected:
        path = self.target.path
        if refusal := self._refusal(FileEdit(path, whole=region)):
            return Rejected(refusal.feedback, locked=_unlockable([refusal]))
        placed = place_region(self.source, self.target, region)
        if isinstance(placed, Refusal):
            return Rejected(placed.feedback)
        refusal = self._refusal(FileEdit(path, whole=placed.text)) or self._refused_result(path, placed.text)
        if refusal:
            return Rejected(refusal.feedback, locked=_unlockable([refusal]))
        texts = {path: placed.text} if placed.text != self.source else {}
        return Candidate(texts, answer, (), (*mended, *placed.mended))

    def _refusal(self, edit: FileEdit) -> Refusal | None:
        before = self._before(edit.path)
        refusal = refuse_path(
            edit.path,
            locked=self.locked,
            used=self.used,
            allowed=self.allowed,
            target=self.target.path,
            new=edit.path not in self.paths,
            before=before,
        )
        return refusal or refuse_content(edit, before)

    def _refused_result(self, path: str, after: str) -> Refusal | None:
        return refuse_result(
            path,
            self._before(path),
            after,
            locked=self.locked,
            used=self.used,
            allowed=self.allowed,
            target=self.target.path,
            span=None if self.target.kind == "file" else self.target.span,
            doctests=self.doctests,
            own_tests=self.own_tests,
        )

    def _linked(self, path: str) -> Refusal | None:
        """The target may be a link, for the person opened it as that; no other edit goes through one."""
        if path == self.target.path or not self.linked(path):
            return None
        return Refusal(
            "path", path, f"{path} leads through a symbolic link. Edit the file it stands for, by its own path."
        )

    def _before(self, path: str) -> str | None:
        """None of a file of secrets that the person did not allow: what is read here is kept, and said of it in feedback."""
        if path == self.target.path and path in self.paths:
            return self.source
        hidden = is_secret(path) and path != self.target.path and path not in self.allowed
        return None if hidden else self.text_of(path)

    def resolve(self, edits: Sequence[FileEdit], answer: str, mended: Sequence[str] = ()) -> Candidate | Rejected:
        """Make edits that were read, where all of them may be made."""
        refused = [r for edit in edits if (r := self._refusal(edit) or self._linked(edit.path))]
        readable = {*self.paths} - {refusal.path for refusal in refused}
        unreadable = [e.path for e in edits if e.path in readable and self._before(e.path) is None]
        if refused or unreadable:
            feedback = [r.feedback for r in refused] + [f"{path} is binary or too big to edit." for path in unreadable]
            return Rejected("\n".join(feedback), locked=_unlockable(refused))
        before = {edit.path: self._before(edit.path) for edit in edits}
        resolved = resolve(edits, before, instruction=self.instruction, mended=mended)
        if resolved.refusals:
            return Rejected("\n\n".join(r.feedback for r in resolved.refusals))
        refused = [r for path, text in resolved.texts.items() if (r := self._refused_result(path, text))]
        if refused:
            return Rejected("\n".join(r.feedback for r in refused), locked=_unlockable(refused))
        return Candidate(resolved.texts, answer, resolved.rules, resolved.mended)


def _unlockable(refused: Sequence[Refusal]) -> tuple[str, ...]:
    """The files of refusals that a person can lift."""
    return tuple(refusal.path for refusal in refused if refusal.kind in ("generated", "locked", "control"))
