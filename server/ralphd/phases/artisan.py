"""The Artisan: asks for an edit, reads the answer, and resolves it against the snapshot. All or nothing.

`answer_reader` makes an answer a `Candidate` (new texts by path), or a `Rejected` with what the model is told. Nothing is
tested here.
"""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Sequence
from dataclasses import dataclass

from ralphd.answers.asking import asked_for
from ralphd.context.languages import fence_name
from ralphd.core import events
from ralphd.core.edits import FileEdit
from ralphd.core.findings import Finding
from ralphd.core.text import Text
from ralphd.errors import ContextTooLong
from ralphd.judging.workspace_files import through_link
from ralphd.models.gateway import Completion, CompletionRequest, Message, Reading
from ralphd.phases.answer_reader import AnswerReader, Candidate, Rejected
from ralphd.phases.answer_start import answer_start, whole
from ralphd.phases.base import PhaseContext
from ralphd.phases.librarian import Brief
from ralphd.phases.stubs import is_stub
from ralphd.prompts import fenced, render
from ralphd.retrieval.lookup import look_up
from ralphd.retrieval.lookup import rendered as shown_as
from ralphd.retrieval.pack import Context

WHOLE_FILE_LINES = 400
LOCAL_NEW_TOKENS = 600
QUESTIONS = 2
"""How often in a run the Artisan may answer with names that it wants to see."""
ASKED_TOO_OFTEN = "You were shown all that you may ask for. Answer with the edit now."


@dataclass(frozen=True)
class Locks:
    """What no answer may change: the files that the baseline's verdict rests on, the examples in docstrings where the
    tests run them, and the tests in the target's own file, by their names."""

    used: frozenset[str] = frozenset()
    doctests: bool = False
    own_tests: frozenset[str] = frozenset()


class Artisan:
    """One conversation: the stable opening, then the latest answer with what was wrong about it."""

    def __init__(
        self,
        ctx: PhaseContext,
        brief: Brief,
        failures: str,
        findings: tuple[Finding, ...] = (),
        locks: Locks | None = None,
    ) -> None:
        self.ctx, self._locks = ctx, locks or Locks()
        self.form = self._form()
        self._asked = (brief, failures, findings)
        self.opening = self._opening(brief, failures, findings)
        self.start = self._start(findings)
        self.tail: tuple[Message, ...] = ()
        self.thrown_away = 0
        self.hint = ""
        self.fresh = 0
        """How often it was asked afresh."""
        self.short = False
        self._incomplete: tuple[FileEdit, ...] = ()
        self._shown: tuple[Message, ...] = ()
        """What it asked for and was shown, behind the opening for the rest of the run."""

    def _form(self) -> str:
        role = self.ctx.settings.models.artisan
        wanted = role.edit_format
        if wanted != "auto":
            return wanted
        if self.ctx.local:
            return "region"
        if self.ctx.target.kind != "file":
            return "blocks"  # the target is where the work starts; an import or a caller may have to change with it
        return "whole" if Text(self.ctx.request.text).line_count <= WHOLE_FILE_LINES else "blocks"

    def _start(self, findings: tuple[Finding, ...]) -> str:
        """What the answer begins with, where the embedded model alone is asked, and nothing asks for another signature."""
        ctx = self.ctx
        if not self._alone() or ctx.instruction or findings or ctx.target.kind != "definition":
            return ""
        return answer_start(ctx.target.path, ctx.target.text(ctx.request.text))

    def _alone(self) -> bool:
        """Whether only a small model is asked, and for the target's text alone."""
        return self.ctx.local and self.form == "region" and not self.ctx.settings.models.artisan.fallback

    def _most_tokens(self) -> int | None:
        """A small model that lost its way repeats itself until its window is full, which takes minutes: it may write the
        target again, at three characters a token, and a function of sixty lines more."""
        target = self.ctx.target.text(self.ctx.request.text)
        return LOCAL_NEW_TOKENS + len(target) // 3 if self._alone() else None

    def _opening(self, brief: Brief, failures: str, findings: tuple[Finding, ...]) -> tuple[Message, ...]:
        ctx, request = self.ctx, self.ctx.request
        target = ctx.target.text(request.text)
        system = render(
            "artisan_system",
            role=ctx.role_text("artisan"),
            form=self.form,
            what=ctx.what,
            rules=brief.context.rules,
            short=ctx.local,
        )
        user = render(
            "artisan_user",
            context=brief.material(),
            path=ctx.target.path,
            what=ctx.what if ctx.target.kind != "file" or self.form == "region" else "",
            form=self.form,
            target=fenced(target or "(an empty file)", fence_name(ctx.target.path)),
            tests=brief.shown_tests(),
            failures="" if ctx.local else failures,
            findings="\n".join(
                f"- {' '.join(filter(None, (f.message, f.scenario, f.fix)))}\n{fenced(f.test) if f.test else ''}".rstrip()
                for f in findings
            ),
            tried="\n".join(map(_as_tried, request.tried)),
            task=ctx.instruction or self._default_task(target, bool(findings)),
        )
        return (Message(role="system", content=system), Message(role="user", content=user))

    def _default_task(self, target: str, findings: bool) -> str:
        if findings:
            return "Mend what the review found; keep everything else as it is."
        if is_stub(self.ctx.target.path, target):
            return (
                f"Implement {self.ctx.what}."
                if self.ctx.target.kind == "definition"
                else f"Implement what is missing in {self.ctx.what}."
            )
        return f"Correct {self.ctx.what} so that its tests pass."

    def feed_back(self, answer: str, feedback: str) -> None:
        """Continue the conversation: the next attempt is a repair of `answer`."""
        self.tail = (Message(role="assistant", content=answer), Message(role="user", content=feedback))

    def start_afresh(self, hint: str = "") -> None:
        """Forget the last answer: the next attempt is a fresh sample of the same question, with the last failure at its end
        (behind the prefix that providers and the embedded model's server have cached)."""
        self.tail = ()
        self.hint = hint
        self.fresh += 1

    def _hinted(self) -> tuple[Message, ...]:
        if not self.hint or self.tail:
            return self.opening
        system, user = self.opening
        errors = [line for line in self.hint.splitlines() if line.startswith("E ")][:3] or self.hint.splitlines()[:3]
        said = "\n".join(errors)
        tried = (
            "An earlier try failed with:" if self.fresh == 1 else f"{self.fresh} earlier tries failed, the last with:"
        )
        return system, Message(role="user", content=f"{user.content}\n{tried}\n{said}\n")

    def twin(self, ctx: PhaseContext) -> Artisan:
        """The same question asked side by side, with another place to report to."""
        other = copy.copy(self)
        other.ctx, other.tail = ctx, ()
        return other

    async def attempt(
        self, iteration: int, *, sample: int = 0, temperature: float | None = None
    ) -> Candidate | Rejected:
        try:
            return await self._attempt(iteration, sample, temperature)
        except ContextTooLong:
            if self.short:
                raise
            self._shorten()
            return await self._attempt(iteration, sample, temperature)

    def _shorten(self) -> None:
        """The prompt was too long for the model: ask once more with the target, its tests and nothing else."""
        brief, failures, findings = self._asked
        self.short = True
        self.ctx.emit(events.Note("The context did not fit the model's window: asking again with less."))
        self.opening = self._opening(Brief(Context((), 0), brief.tests[:3]), failures[-1000:], findings)
        self.tail, self._shown = (), ()

    async def _attempt(self, iteration: int, sample: int, temperature: float | None) -> Candidate | Rejected:
        watch = self.ctx.watch("artisan", iteration, self.thrown_away, self.start)
        begun = (Message(role="assistant", content=self.start),) if self.start else ()
        while True:
            request = CompletionRequest(
                role="artisan",
                messages=(*self._hinted(), *self._shown, *self.tail, *begun),
                temperature=temperature,
                max_tokens=self._most_tokens(),
                sample=sample,
                stable_prefix=len(self.opening) + len(self._shown),
                may_shorten=not self.short,
            )
            completion = await self.ctx.gateway.complete(request, watch)
            completion = completion.model_copy(update={"text": whole(self.start, completion.text)})
            asked = () if self.ctx.local else asked_for(completion.text)
            if not asked or len(self._shown) >= 2 * QUESTIONS:
                break
            await self._show(completion, asked)
            watch = self.ctx.watch("artisan", iteration, watch.last)
        read = Rejected(ASKED_TOO_OFTEN) if asked else await asyncio.to_thread(self.read, completion.text)
        await self._log(completion, read)
        if isinstance(read, Rejected):
            self.thrown_away = watch.last
            self.feed_back(completion.text or "(nothing)", read.feedback)
        else:
            for sentence in read.mended:
                self.ctx.emit(events.Note(f"Reading the answer: {sentence}."))
        return read

    async def _show(self, completion: Completion, names: Sequence[str]) -> None:
        """An answer that asks: the definitions and files that it names stand in every further question of the run."""
        ctx = self.ctx
        found = await asyncio.to_thread(
            look_up,
            ctx.tree,
            ctx.target,
            ctx.request.text,
            names,
            self._asked[0].graph,
            ctx.settings.context.exclude,
            ctx.settings.context.max_tokens // 4,
        )
        there = sorted({one.name for one in found if one.path})
        ctx.emit(events.Note(f"The Artisan asked to see {', '.join(names)}: {len(there)} of {len(names)} found."))
        told = render("artisan_shown", shown=shown_as(found, fenced), left=QUESTIONS - 1 - len(self._shown) // 2)
        self._shown += (Message(role="assistant", content=completion.text), Message(role="user", content=told))
        reading = Reading(call=completion.call, role="artisan", model=completion.model, verdict="asked", why=told)
        await ctx.gateway.log_reading(reading)

    async def _log(self, completion: Completion, read: Candidate | Rejected) -> None:
        """An answer that was refused, or needed a rule, says so in the request log."""
        refused = isinstance(read, Rejected)
        rules, why = ((), read.feedback) if isinstance(read, Rejected) else (read.mended, "")
        if refused or rules:
            reading = Reading(
                call=completion.call,
                role="artisan",
                model=completion.model,
                verdict="refused" if refused else "edited",
                rules=rules,
                why=why,
            )
            await self.ctx.gateway.log_reading(reading)

    def read(self, answer: str) -> Candidate | Rejected:
        """Parse and verify one answer. Pure but for remembering incomplete blocks."""
        reader = self._reader()
        found = reader.read(answer)
        if isinstance(found, Candidate):
            self._incomplete = ()
            return found
        if found.incomplete and found.incomplete == self._incomplete:
            return reader.resolve(found.incomplete, answer, ("two answers without the last line agreed",))
        self._incomplete = found.incomplete
        return found

    def _reader(self) -> AnswerReader:
        ctx, request = self.ctx, self.ctx.request
        return AnswerReader(
            target=ctx.target,
            source=request.text,
            paths=frozenset({*ctx.tree.paths(), ctx.target.path}),
            text_of=ctx.tree.text,
            locked=ctx.settings.testing.locked,
            instruction=request.instruction,
            used=self._locks.used,
            doctests=self._locks.doctests,
            own_tests=self._locks.own_tests,
            allowed=request.allowed,
            linked=lambda path: not request.untitled and through_link(request.root, path),
        )


def _as_tried(said: str) -> str:
    """A line of the list of what was tried before; the change below it is data."""
    sentence, _, change = said.partition("\n")
    return f"- {sentence}\n{fenced(change, 'diff')}" if change else f"- {sentence}"
