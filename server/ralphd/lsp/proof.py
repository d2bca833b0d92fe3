"""What the changes of a review are verified by, as the text is now.

The tests hold for one exact set of texts. What a person has after taking some changes and leaving or editing others is
another set, until the tests have run on it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ralphd.core.digests import digest_of
from ralphd.core.edits import apply
from ralphd.core.findings import Finding
from ralphd.core.result_json import Action
from ralphd.core.run import Judgement, RunResult
from ralphd.core.text import Replacement, Text
from ralphd.core.wording import evidence, hostile_evidence
from ralphd.lsp.command_ids import PREFIX
from ralphd.lsp.hunks import Hunk
from ralphd.lsp.review import ProofState, Review, Standing, Tested

Fits = Callable[[Mapping[str, str]], bool]
"""Whether the other open documents are those that a verdict holds for, by their hashes."""


@dataclass(frozen=True)
class Proof:
    state: ProofState
    sentence: str
    needs: tuple[str, ...] = ()
    """Ids of the changes that have to be accepted too before what was tested is what stands there."""
    evidence: str = ""
    """Where it is verified or reproduces a finding: what is known, in a few words."""
    action: Action | None = None
    """Takes those of `needs` that the person had rejected, and no other."""

    def to_json(self) -> dict[str, Any]:
        action = self.action.to_json() if self.action else None
        return {
            "state": self.state,
            "sentence": self.sentence,
            "evidence": self.evidence,
            "needs": list(self.needs),
            "action": action,
        }


def standing(review: Review, open_texts: Mapping[str, Text], also: Collection[Hunk] = ()) -> dict[str, str]:
    """The texts as they will be when the person accepts what waits, and of the rejected changes those of `also`."""
    found = {}
    for uri, base in review.bases.items():
        hunks = review.of(uri)
        if uri in open_texts:
            wanted = [h.replacement for h in hunks if not h.creates and (h.state == "pending" or h in also)]
            found[uri] = apply(open_texts[uri].value, wanted)
        else:
            wanted = [Replacement(*h.origin, h.new) for h in hunks if h.state in ("pending", "accepted") or h in also]
            found[uri] = apply(base, wanted)
    for hunk in review.hunks:
        if hunk.creates and (hunk.state in ("pending", "accepted") or hunk in also):
            here = open_texts.get(hunk.uri) if hunk.state == "accepted" else None
            found[hunk.uri] = here.value if here else hunk.new
    return found


def of_result(review: Review, result: RunResult, target: bytes) -> list[Tested]:
    """What the run itself said of all of its changes. `target`: the file that the run was on, as it was saved or would
    have been."""
    if result.outcome == "tests_proposed" and result.chaos is not None:
        beside = {review.request.path: digest_of(target)}
        shown = hostile_evidence(result.chaos)
        return [Tested(result_texts(review, result), beside, "verified", f"{shown}.", evidence=shown)]
    if result.tests is None:
        return []
    files = {hunk.path for hunk in review.hunks}
    beside = {path: digest for path, digest in result.tests.hashes.items() if path not in files}
    state: ProofState = "unverified"
    if result.outcome == "proposed":
        state, sentence = "verified", "The tests passed with all of these changes."
    elif result.outcome == "proposed_failing":
        counts = result.tests
        state = "broken"
        sentence = f"The tests do not pass with these changes: {_count(counts.failed + counts.errors, 'test')} failing."
    else:
        sentence = "No test run has verified these changes."
    shown = evidence(result.tests) if state == "verified" else ""
    return [Tested(result_texts(review, result), beside, state, sentence, evidence=shown)]


def result_texts(review: Review, result: RunResult) -> dict[str, str]:
    """The texts that the run ended with, by URI."""
    uris = {hunk.path: hunk.uri for hunk in review.hunks}
    return {uris[path]: text for path, text in result.edits.items() if path in uris}


def of_finding(review: Review, finding: Finding) -> list[Tested]:
    """What is known of a review that proposes the test of a finding."""
    texts = {hunk.uri: hunk.new for hunk in review.hunks}
    said = finding.message.rstrip(".")
    sentence = f"A test that fails until this is mended: {said}."
    return [Tested(texts, {}, "reproduces", sentence, evidence="a test that fails until the finding is mended")]


def tested_again(
    review: Review, texts: Standing, judged: Judgement, missing: Collection[Hunk], *, edited: bool
) -> Tested:
    """What a run of the tests on a part of the changes, or on edited ones, said."""
    files = {hunk.path for hunk in review.hunks}
    beside = {path: digest for path, digest in judged.hashes.items() if path not in files}
    what = part(review) + (" as you edited them" if edited else "")
    if judged.state == "red":
        how = f": {judged.why}" + (f" ({', '.join(judged.failing[:3])})" if judged.failing else "")
        without = f"without {named(review, missing)}" if missing else f"with {what}"
        return Tested(texts, beside, "broken", f"Not green {without}{how}.", tuple(hunk.hunk_id for hunk in missing))
    if judged.state == "unknown":
        return Tested(texts, beside, "unverified", f"Not tested with {what}: {judged.why}.")
    sentence = f"{what[:1].upper()}{what[1:]}: {judged.why}"
    if judged.state == "green" and not review.doubted:
        return Tested(texts, beside, "verified", f"{sentence}.", evidence=judged.why)
    doubt = "" if judged.state == "unproven" else "; what the run doubted was not looked at again"
    return Tested(texts, beside, "unverified", f"{sentence}{doubt}.")


def proof_of(review: Review, texts: Standing, *, at_work: bool, fits: Fits) -> Proof:
    """`texts`: as they stand. `at_work`: another run is live on the review's document."""
    waiting = tuple(hunk.hunk_id for hunk in review.hunks if hunk.state == "pending")
    if at_work:
        return Proof("pending", "Ralph is at work on this document again.", waiting)
    found = match(review, texts, fits)
    if found is not None and fits(found.beside):
        needs = tuple(h.hunk_id for h in review.hunks if h.hunk_id in found.missing or h.state == "pending")
        action = _taking(review, found.missing) if found.missing else None
        return Proof(found.state, found.sentence, needs, found.evidence, action)
    if review.testing:
        return Proof("pending", review.testing, waiting)
    if not review.tested:
        return Proof("unverified", "No test run has verified these changes.")
    if found is not None:
        return Proof("stale", "A file that the tests ran on was edited since. Run it again to have it tested.", waiting)
    if any(hunk.state == "rejected" for hunk in review.hunks) and not is_edited(review, texts):
        missing = tuple(hunk.hunk_id for hunk in review.hunks if hunk.state != "accepted")
        return Proof("unverified", "The tests passed with all of the changes, not with a part of them.", missing)
    return Proof("stale", "The text was edited since the tests ran. Run it again to have it tested.", waiting)


def match(review: Review, texts: Standing, fits: Fits) -> Tested | None:
    """What the tests said of just these texts, with the other documents as they are, or else as they were."""
    same = [tested for tested in reversed(review.tested) if same_texts(review, tested.texts, texts)]
    return next((tested for tested in same if fits(tested.beside)), same[0] if same else None)


def same_texts(review: Review, one: Standing, other: Standing) -> bool:
    """Equal but for line ends, which clients normalise, and at the end of new files, which they complete."""
    if one.keys() != other.keys():
        return False
    return all(
        _bare(one[uri]) == _bare(other[uri])
        or (uri not in review.bases and _bare(one[uri]).rstrip("\n") == _bare(other[uri]).rstrip("\n"))
        for uri in one
    )


def is_edited(review: Review, texts: Standing) -> bool:
    """Whether a document shows anything but the text that the run began with and changes of the review."""
    if any(hunk.state == "stale" for hunk in review.hunks):
        return True
    for uri, base in review.bases.items():
        kept = [Replacement(*h.origin, h.new) for h in review.of(uri) if h.state in ("pending", "accepted")]
        if not same_texts(review, {uri: texts.get(uri, "")}, {uri: apply(base, kept)}):
            return True
    made = [hunk for hunk in review.hunks if hunk.creates and hunk.state == "accepted"]
    return any(not same_texts(review, {h.uri: texts.get(h.uri, "")}, {h.uri: h.new}) for h in made)


def part(review: Review) -> str:
    """How much of the proposal is left: "these 3 of 4 changes"."""
    kept, whole = sum(hunk.state in ("pending", "accepted") for hunk in review.hunks), len(review.hunks)
    if kept == whole:
        return "this change" if whole == 1 else f"all {whole} changes"
    return f"{'these' if kept > 1 else 'this'} {kept} of {whole} changes"


def named(review: Review, hunks: Iterable[Hunk]) -> str:
    """ "change 1 (`import re`)", "changes 1 (`import re`) and 3 (`x = 1`)"."""
    names = [f"{review.hunks.index(hunk) + 1} ({_shown(hunk)})" for hunk in hunks]
    listed = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
    return f"change{'s' if len(names) > 1 else ''} {listed}"


def _taking(review: Review, missing: Collection[str]) -> Action | None:
    """The command that accepts what was rejected and is missing; None where its place was edited since."""
    hunks = [hunk for hunk in review.hunks if hunk.hunk_id in missing and hunk.state == "rejected"]
    if not hunks or any(hunk.lost for hunk in hunks):
        return None
    title = f"Accept {named(review, hunks)} too"
    argument = {"reviewId": review.review_id, "hunkIds": [hunk.hunk_id for hunk in hunks]}
    return Action("acceptWith", title, f"{PREFIX}accept", (argument,))


def _shown(hunk: Hunk) -> str:
    if hunk.creates:
        return f"new file `{hunk.path}`"
    line = next((line.strip() for line in [*hunk.new.splitlines(), *hunk.old.splitlines()] if line.strip()), "")
    return f"`{line if len(line) <= 40 else line[:39] + '…'}`"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _bare(text: str) -> str:
    """Line ends as they are normalised by clients."""
    return text.replace("\r\n", "\n")
