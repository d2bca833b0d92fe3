"""Second opinions: versions of a function are written from its outline alone, and vote with what they give when run.

A model's word counts for nothing here. It is never shown the body, so it cannot repeat the body's mistake; versions that
do not pass the person's own tests are out; the others are called with the same inputs as the code, in the sandbox.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from ralphd.context.python_modules import import_path, new_test_path
from ralphd.context.target import Target, definitions
from ralphd.core import events
from ralphd.core.findings import Finding, Votes
from ralphd.core.run import offers_opinions
from ralphd.core.text import Span, Text
from ralphd.errors import ModelError
from ralphd.models.gateway import CompletionRequest, Message
from ralphd.opinions import inputs, voting
from ralphd.opinions.outline import Subject, outline, subjects, under_head
from ralphd.opinions.polling import Asked, Called, Given, Poll
from ralphd.opinions.voting import LEAST_VERSIONS, Difference, differences
from ralphd.phases.answer_reader import AnswerReader, Candidate
from ralphd.phases.base import LOCAL_MAX_TOKENS, PhaseContext
from ralphd.phases.stubs import is_stub
from ralphd.prompts import fenced, render
from ralphd.retrieval.test_files import is_test_file

MOST_FUNCTIONS = 4
"""Of one run on a class or a file: each costs several answers of the model."""
AT_ONCE = 2
"""Sessions of calls side by side."""
FIRST_TEMPERATURE, TEMPERATURE = 0.2, 0.8
"""The likeliest version, then others."""
OTHER_SEED = 1
"""Python's hash seed of the second look at a difference; the first look's is 0."""
MOST_TESTS_READ = 20
ONLY_PYTHON = "Second opinions are there for Python functions so far."
NO_FUNCTION = (
    "Second opinions need a function at the top level of its file, with a docstring or a comment above it that says what "
    "it does: there is none here."
)
Tested = Callable[[Sequence[str]], Awaitable[Sequence[bool]]]
"""Whether each text of the target's file passes the person's tests."""


@dataclass(frozen=True)
class Version:
    """The whole file with one version of the function in place, and the function alone."""

    text: str
    own: str


@dataclass(frozen=True)
class Opinion:
    """What was found about one function, in a sentence; `finding`: where its versions contradict it."""

    subject: Subject
    said: str
    finding: Finding | None = None
    versions: tuple[Version, ...] = ()
    """Those that voted."""
    agreeing: tuple[Version, ...] = ()
    """Those of them that agree against the code."""


@dataclass(frozen=True)
class Opinions:
    """What was found about the functions of a target; `left_out`: a sentence about those that were too many."""

    about: tuple[Opinion, ...] = ()
    left_out: str = ""

    @property
    def findings(self) -> tuple[Finding, ...]:
        return tuple(one.finding for one in self.about if one.finding is not None)

    @property
    def summary(self) -> str:
        return " ".join(filter(None, [*(one.said for one in self.about), self.left_out]))


@dataclass(frozen=True)
class Drawn:
    """The versions that were written and can be used, of how many answers; `stopped`: why there are no more."""

    versions: list[Version] = field(default_factory=list)
    asked: int = 0
    stopped: ModelError | None = None


Voter = tuple[Version, Sequence[Given]]
"""A version, and what it gave on each input."""


class SecondOpinions:
    """Draws versions of the functions of one text, has them tested, and lets them vote."""

    def __init__(self, ctx: PhaseContext, poll: Poll, tested: Tested, dismissed: Collection[str] = ()) -> None:
        self.ctx, self._poll, self._tested, self._dismissed = ctx, poll, tested, dismissed

    @cached_property
    def _before(self) -> Mapping[str, Subject]:
        """What the person's own text says of its functions: an answer may leave a docstring or types out. Parses it."""
        text = self.ctx.request.text
        return {one.name: one for one in subjects(text, (0, len(text)))}

    async def refusal(self, text: str, span: Span) -> str:
        """Why none can be had in `span` of `text`, a text of the target's file; "" where some can."""
        if not offers_opinions(self.ctx.target.path):
            return ONLY_PYTHON
        return "" if await asyncio.to_thread(self._subjects, text, span) else NO_FUNCTION

    async def of(self, text: str, span: Span) -> Opinions:
        """On each function in `span` that is written and says what it does."""
        found = await asyncio.to_thread(self._subjects, text, span)
        about = [await self._about(text, one) for one in found[:MOST_FUNCTIONS]]
        left = len(found) - len(about)
        return Opinions(tuple(about), f"{left} more functions were left out: ask at each of them." if left else "")

    def _subjects(self, text: str, span: Span) -> list[Subject]:
        path = self.ctx.target.path
        found = subjects(text, span, self._before)
        return [one for one in found if not is_stub(path, text[slice(*one.span)])]

    async def _about(self, text: str, subject: Subject) -> Opinion:
        most = self.ctx.settings.opinions.inputs
        recipes = await asyncio.to_thread(inputs.recipes, *self._said(text, subject))
        first = await self._poll.call(text, Asked(subject.name, (), recipes, most))
        if first is None:
            return Opinion(
                subject, f"`{subject.name}` could not be called in the tests' environment; pytest has to be in it."
            )
        shown = await asyncio.to_thread(lambda: inputs.called_with(subject, self._tests(subject)))
        drawn_inputs = _joined(shown, first)
        if not shown and not drawn_inputs:
            return Opinion(
                subject, f"There is no input to try `{subject.name}` on: it has no types, and no test calls it."
            )
        versions, drawn = await self._surviving(text, subject)
        if len(versions) < LEAST_VERSIONS:
            if drawn.stopped is not None:
                raise drawn.stopped
            return Opinion(
                subject,
                f"Only {len(versions)} of {drawn.asked} versions of `{subject.name}` can be used: too few to vote.",
            )
        bodies = [text[slice(*subject.span)], *(version.own for version in versions)]
        chosen = await asyncio.to_thread(inputs.chosen, subject, shown, drawn_inputs, bodies, most)
        return await self._voted(text, subject, versions, chosen, drawn, [repr(values) for values in shown])

    # ---- drawing -----------------------------------------------------------------------------------------------

    async def _surviving(self, text: str, subject: Subject) -> tuple[list[Version], Drawn]:
        """The versions that pass the person's tests. Where too few do, as many again are drawn, once."""
        wanted = self.ctx.settings.opinions.versions
        survivors: list[Version] = []
        drawn = Drawn()
        for _ in range(2):
            drawn = await self._draw(text, subject, wanted, drawn.asked)
            passed = await self._tested([version.text for version in drawn.versions]) if drawn.versions else []
            survivors += [version for version, fits in zip(drawn.versions, passed, strict=True) if fits]
            if len(survivors) >= LEAST_VERSIONS or drawn.stopped is not None:
                break
        return survivors, drawn

    async def _draw(self, text: str, subject: Subject, wanted: int, asked: int) -> Drawn:
        """`wanted` answers read; `asked`: how many there were before."""
        ctx = self.ctx
        reader = await asyncio.to_thread(self._reader, text, subject)
        messages = await asyncio.to_thread(self._messages, text, subject)
        versions: list[Version] = []
        watch = ctx.watch("opinions", 1, asked)
        for number in range(asked, asked + wanted):
            ctx.emit(events.Note(f"Version {number + 1} of `{subject.name}`, from its outline"))
            request = await self._request(messages, number)
            try:
                answer = await ctx.gateway.complete(request, watch)
            except ModelError as error:
                return Drawn(versions, number, error)
            watch = ctx.watch("opinions", 1, watch.last)
            version = await asyncio.to_thread(self._version, reader, answer.text, subject)
            versions += [version] if version is not None else []
        return Drawn(versions, asked + wanted)

    def _messages(self, text: str, subject: Subject) -> tuple[Message, ...]:
        """The same for each version: they differ by what the model draws."""
        shown = fenced(outline(*self._said(text, subject)), "python")
        user = render("opinions_user", path=self.ctx.target.path, outline=shown, function=subject.name)
        return Message(role="system", content=render("opinions_system")), Message(role="user", content=user)

    async def _request(self, messages: tuple[Message, ...], number: int) -> CompletionRequest:
        ctx = self.ctx
        return CompletionRequest(
            role="critic",
            messages=messages,
            max_tokens=LOCAL_MAX_TOKENS if await ctx.is_local("critic") else None,
            temperature=TEMPERATURE if number else FIRST_TEMPERATURE,
            sample=ctx.request.sample * 1000 + number,
            stable_prefix=2,
        )

    def _version(self, reader: AnswerReader, answer: str, subject: Subject) -> Version | None:
        """The answer as a version; None where it is none, or would change anything but this file."""
        path, read = self.ctx.target.path, reader.read(answer)
        if not isinstance(read, Candidate) or not set(read.texts) <= {path}:
            return None
        whole = under_head(read.texts.get(path, reader.source), self.ctx.request.text, subject.name)
        own = next((d for d in definitions(path, whole) if d.name == subject.name), None)
        return Version(whole, whole[slice(*own.span)]) if own is not None else None

    def _said(self, text: str, subject: Subject) -> tuple[str, Subject]:
        """The text and the function as the person wrote them, where they did."""
        before = self._before.get(subject.name)
        return (text, subject) if before is None else (self.ctx.request.text, before)

    def _reader(self, text: str, subject: Subject) -> AnswerReader:
        """What a version is read against: nothing but its own function may change."""
        ctx, path = self.ctx, self.ctx.target.path
        own = next((d.span for d in definitions(path, text) if d.name == subject.name), subject.span)
        return AnswerReader(
            target=Target(path, own, "definition", subject.name),
            source=text,
            paths=frozenset({*ctx.tree.paths(), path}),
            text_of=ctx.tree.text,
            locked=(),
            allowed=(path,),
        )

    def _tests(self, subject: Subject) -> list[str]:
        """Texts of test files that name the function."""
        tree = self.ctx.tree
        named = re.compile(rf"\b{re.escape(subject.name)}\b")
        texts = (tree.text(path) or "" for path in tree.paths() if path.endswith(".py") and is_test_file(path))
        return [text for text in texts if named.search(text)][:MOST_TESTS_READ]

    # ---- voting ------------------------------------------------------------------------------------------------

    async def _voted(
        self,
        text: str,
        subject: Subject,
        versions: Sequence[Version],
        chosen: Sequence[str],
        drawn: Drawn,
        shown: Sequence[str],
    ) -> Opinion:
        ours, voters = await self._called(text, versions, Asked(subject.name, chosen))
        found = await asyncio.to_thread(differences, chosen, ours, [given for _, given in voters], subject.doc)
        if found:
            ours, voters = await self._steady(text, voters, ours, Asked(subject.name, chosen, seed=OTHER_SEED))
            found = await asyncio.to_thread(differences, chosen, ours, [given for _, given in voters], subject.doc)
        kept = tuple(version for version, _ in voters)
        head = f"{len(voters)} of {drawn.asked} versions of `{subject.name}` vote, on {len(chosen)} inputs: "
        if not ours or len(voters) < LEAST_VERSIONS:
            return Opinion(subject, f"{head}too few give the same twice.")
        if not found:
            return Opinion(subject, f"{head}they do not contradict it.", versions=kept)
        difference = voting.simplest(found, shown)
        at = chosen.index(difference.input)
        given = [(version, results[at]) for version, results in voters]
        finding = await asyncio.to_thread(self._finding, text, subject, difference, len(found), len(chosen), given)
        agree = tuple(version for version, one in given if voting.same(one, difference.expected))
        if finding.fingerprint in self._dismissed:
            return Opinion(subject, f"{head}what they say was dismissed before.", versions=kept)
        return Opinion(subject, f"{head}they contradict it on {len(found)}.", finding, kept, agree)

    async def _steady(
        self, text: str, voters: Sequence[Voter], ours: Sequence[Given], asked: Asked
    ) -> tuple[Sequence[Given], list[Voter]]:
        """What gives the same in other processes with another hash seed: one that does not on some input, for instance
        since it hands on the order of a set, says nothing on the others either."""
        again, theirs = await self._called(text, [version for version, _ in voters], asked)
        second = {version.text: given for version, given in theirs}
        kept = [(version, given) for version, given in voters if _alike(given, second.get(version.text, ()))]
        return (ours if _alike(ours, again) else ()), kept

    async def _called(
        self, text: str, versions: Sequence[Version], asked: Asked
    ) -> tuple[Sequence[Given], list[Voter]]:
        """The code's results (none where it could not be called) and those of the versions that could; equal versions
        are called once, and vote each."""
        slots = asyncio.Semaphore(AT_ONCE)

        async def call(whole: str) -> Called | None:
            async with slots:
                return await self._poll.call(whole, asked)

        texts = list(dict.fromkeys([text, *(version.text for version in versions)]))
        tasks = {whole: asyncio.create_task(call(whole)) for whole in texts}
        try:
            await asyncio.gather(*tasks.values())
        finally:
            for task in tasks.values():
                task.cancel()
            await asyncio.gather(*tasks.values(), return_exceptions=True)
        called = {whole: found.results for whole, task in tasks.items() if (found := task.result()) is not None}
        voters: list[Voter] = [(version, called[version.text]) for version in versions if version.text in called]
        return called.get(text, ()), voters

    def _finding(
        self,
        text: str,
        subject: Subject,
        found: Difference,
        inputs_: int,
        tried: int,
        given: Sequence[tuple[Version, Given]],
    ) -> Finding:
        path, tree = self.ctx.target.path, self.ctx.tree
        lines = Text(text)
        start, end = lines.line_span(subject.node.lineno - 1)
        others = [d.name for d in definitions(path, text) if d.name and "." not in d.name]
        test = voting.test_module(import_path(path, set(tree.paths())), subject.name, found, others)
        called, expected, got = (
            voting.call(subject.name, found.input),
            voting.in_words(found.expected),
            voting.in_words(found.got),
        )
        votes = Votes(found.versions, found.agree, called, expected, got, _readable(called, got, given))
        return Finding(
            path=path,
            quote=text[start:end],
            start=start,
            end=end,
            kind="opinion",
            severity="warning",
            message=f"`{called}` {got}; {found.agree} of {found.versions} independent versions written from its "
            f"{subject.doc_is} {voting.in_words(found.expected, many=True)}",
            scenario=f"They differ from it on {inputs_} of {tried} inputs." if inputs_ > 1 else "",
            evidence="voted",
            test=test or None,
            test_path=new_test_path(path, "opinion", tree.paths()) if test else "",
            votes=votes,
        )


def _joined(shown: Sequence[tuple[object, ...]], called: Called) -> list[str]:
    """Drawn inputs, and those in which a neighbour's result takes the place of one argument."""
    whole = list(called.drawn.get("None", ()))
    found = list(whole)
    for place, values in called.drawn.items():
        if place == "None":
            continue
        rests = [inputs.parts(text) for text in whole] or [[repr(v) for v in values_] for values_ in shown]
        for rest, value in zip(rests, values, strict=False):
            if int(place) < len(rest):
                found.append(inputs.tuple_of([*rest[: int(place)], value, *rest[int(place) + 1 :]]))
    return found


def _alike(one: Sequence[Given], other: Sequence[Given]) -> bool:
    return len(one) == len(other) and all(map(voting.same, one, other))


def _readable(called: str, got: str, given: Sequence[tuple[Version, Given]]) -> str:
    """The versions, those that many wrote once, each with what it gives."""
    count = Counter(version.own for version, _ in given)
    words = {version.own: voting.in_words(result) for version, result in given}
    parts = [f"# `{called}` {got} in your code.\n# Versions that were written from its outline alone:\n"]
    for own, often in count.most_common():
        times = f" ({often} times)" if often > 1 else ""
        parts.append(f"\n# {words[own]}{times}\n{own}\n")
    return "\n".join(parts)
