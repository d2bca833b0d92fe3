"""The Chaos agent: hostile tests that prove that they catch something, or show a counterexample.

Properties come from the signature and names (the ghostwriter, no model) and from a model; the gate (attack/gate.py) judges
each test by running it. What a model says of its tests counts for nothing.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ralphd.answers.modules import read_module
from ralphd.answers.values import FormatError
from ralphd.attack import test_modules
from ralphd.attack.adapters import Adapter
from ralphd.attack.admission import Admission, Counterexample, Dropped
from ralphd.context.python_modules import new_test_path
from ralphd.context.target import definitions
from ralphd.context.tree import Tree
from ralphd.core.findings import Finding, Related
from ralphd.core.run import ChaosReport
from ralphd.core.text import Text
from ralphd.errors import BadAnswer, ModelError, OverBudget, RalphError
from ralphd.models.gateway import CompletionRequest, Message
from ralphd.phases import small_model
from ralphd.phases.base import LOCAL_MAX_TOKENS, LOCAL_TEMPERATURE, PhaseContext
from ralphd.phases.critic import span_in
from ralphd.prompts import fenced, render

MOST_TESTS = 6
LOCAL_MOST_TESTS = 2
MOST_INPUTS = 0.5
"""The share of inputs above which a property that they break is taken to be wrong itself."""
REPAIRABLE = ("does not collect", "import error", "fails for another reason", "flaky", "time-out", "kills nothing")


@dataclass(frozen=True)
class Attacked:
    """What an attack brought: counterexamples as findings, admitted tests as a new file."""

    report: ChaosReport
    findings: tuple[Finding, ...] = ()
    tests: Mapping[str, str] = field(default_factory=dict)
    summary: str = ""
    problem: str = ""


class Attack:
    """One attack on one text of the target. `check` is asked first; None: a replay, which needs nothing."""

    def __init__(
        self,
        adapter: Adapter,
        admit: Callable[[str, str], Awaitable[Admission]],
        check: Callable[[], Awaitable[None]] | None,
        dismissed: Collection[str] = (),
    ) -> None:
        self._adapter, self._admit, self._check, self._dismissed = adapter, admit, check, dismissed

    async def attack(self, ctx: PhaseContext, text: str, *, in_loop: bool) -> Attacked:
        try:
            if self._check is not None:
                await self._check()
        except ModelError:
            raise
        except RalphError as error:
            return Attacked(ChaosReport(), problem=str(error))
        span = (
            span_in(ctx, text) if ctx.target.name else ctx.target.span if text == ctx.request.text else (0, len(text))
        )
        ghosts = self._adapter.ghost(text, span, self._import_path(ctx))
        judged = [await self._admit(text, ghosts)] if ghosts else []
        said = ""
        local = await ctx.is_local("chaos")
        if not (in_loop and local):
            try:
                ask = self._from_small_model if local else self._from_model
                judged += await ask(ctx, text, span)
            except OverBudget:
                raise
            except ModelError as error:
                if not judged and not isinstance(error, BadAnswer):
                    raise
                said = f" The model brought none: {error.message}"
        return self._result(ctx, text, span, judged, said)

    def _import_path(self, ctx: PhaseContext) -> str:
        return self._adapter.import_path(ctx.target.path, set(ctx.tree.paths()))

    async def _from_model(self, ctx: PhaseContext, text: str, span: tuple[int, int]) -> list[Admission]:
        """The model's module through the gate; what could not be used goes back once, mended, or is dropped."""
        request = self._request(ctx, text, span, MOST_TESTS)
        messages = request.messages
        found: list[Admission] = []
        watch = ctx.watch("chaos", 1)
        for attempt in range(2):
            try:
                answer = await ctx.gateway.complete(request, watch)
            except ModelError:
                if not found:
                    raise
                break  # the repair did not come: what the first answer brought stands
            module = read_module(answer.text)
            if isinstance(module, FormatError):
                problems, judged = module.feedback, None
            else:
                judged = await self._admit(text, module)
                found.append(judged)
                repairable = [d for d in judged.dropped if d.reason in REPAIRABLE]
                if not repairable:
                    break
                problems = "\n".join(f"- {d.test}: {d.reason}. {d.detail}".rstrip() for d in repairable)
            watch = ctx.watch("chaos", 1, watch.last)
            if attempt == 0:
                repair = render("chaos_repair", problems=problems)
                again = (
                    Message(role="assistant", content=answer.text or "(nothing)"),
                    Message(role="user", content=repair),
                )
                request = request.model_copy(update={"messages": (*messages, *again)})
        return _without_repaired(found)

    async def _from_small_model(self, ctx: PhaseContext, text: str, span: tuple[int, int]) -> list[Admission]:
        """Asked once and briefly: it does not mend what it wrote, it only takes as long again."""
        request = self._request(ctx, text, span, LOCAL_MOST_TESTS)
        request = request.model_copy(update={"max_tokens": LOCAL_MAX_TOKENS, "temperature": LOCAL_TEMPERATURE})
        answer = await ctx.gateway.complete(request, ctx.watch("chaos", 1))
        module = small_model.read(answer.text, text, self._import_path(ctx), LOCAL_MOST_TESTS)
        if isinstance(module, FormatError):
            raise BadAnswer("There was no test in its answer.")
        return [_believed(await self._admit(text, module), text)]

    def _request(self, ctx: PhaseContext, text: str, span: tuple[int, int], most: int) -> CompletionRequest:
        system = render("chaos_system", role=ctx.role_text("chaos"), most=most)
        user = render(
            "chaos_user",
            what=ctx.what,
            path=ctx.target.path,
            module=self._import_path(ctx),
            code=fenced(text if ctx.target.kind == "file" else text[slice(*span)], "python"),
        )
        messages = (Message(role="system", content=system), Message(role="user", content=user))
        return CompletionRequest(role="chaos", messages=messages)

    def _result(
        self, ctx: PhaseContext, text: str, span: tuple[int, int], judged: Sequence[Admission], said: str
    ) -> Attacked:
        report = _sum(judged)
        examples = [c for admission in judged for c in admission.counterexamples]
        made = [_finding(ctx.tree, ctx.target.path, text, span, c) for c in examples]
        found = list({f.fingerprint: f for f in made}.values())
        findings = tuple(f for f in found if f.fingerprint not in self._dismissed)
        if len(findings) < len(found):
            said = f" {len(found) - len(findings)} dismissed before, not shown again.{said}"
        modules = [admission.module for admission in judged if admission.module]
        tests = {}
        if modules:
            path = self._adapter.test_path(ctx.target.path, set(ctx.tree.paths()))
            tests = {path: modules[0] if len(modules) == 1 else self._adapter.join(modules)}
        return Attacked(report, findings, tests, _summary(report) + said)


def _believed(judged: Admission, source: str) -> Admission:
    """A small model's counterexamples count where the code says what they claim, and where they are the exception:
    what most inputs break is rather a wrong test than code that a person keeps."""
    kept, dropped = [], list(judged.dropped)
    for example in judged.counterexamples:
        if not small_model.is_quoted(example.claim, source):
            dropped.append(Dropped(example.test, "claims what the code does not say"))
        elif example.share > MOST_INPUTS:
            dropped.append(Dropped(example.test, "most inputs break it"))
        else:
            kept.append(example)
    return replace(judged, counterexamples=tuple(kept), dropped=tuple(dropped))


def _without_repaired(found: list[Admission]) -> list[Admission]:
    """The first answer's tests that the second was asked to mend are counted once: by how the second ended."""
    if len(found) < 2:
        return found
    first = found[0]
    again = tuple(d for d in first.dropped if d.reason not in REPAIRABLE)
    kept = {a.test for a in first.admitted} | {c.test for c in first.counterexamples}
    second = found[1]
    fresh = replace(
        second,
        admitted=tuple(a for a in second.admitted if a.test not in kept),
        counterexamples=tuple(c for c in second.counterexamples if c.test not in kept),
        dropped=tuple(d for d in second.dropped if d.test not in kept),
    )
    fresh = replace(fresh, generated=len(fresh.admitted) + len(fresh.counterexamples) + len(fresh.dropped))
    if fresh.module and len(fresh.admitted) != len(second.admitted):
        suite = test_modules.parse(fresh.module)
        fresh = replace(
            fresh, module=test_modules.keep(suite, {a.test: () for a in fresh.admitted}) if fresh.admitted else ""
        )
    return [replace(first, dropped=again, generated=len(kept) + len(again)), fresh]


def _sum(judged: Sequence[Admission]) -> ChaosReport:
    dropped: dict[str, int] = {}
    for drop in (d for admission in judged for d in admission.dropped):
        dropped[drop.reason] = dropped.get(drop.reason, 0) + 1
    return ChaosReport(
        generated=sum(a.generated for a in judged),
        admitted=sum(len(a.admitted) for a in judged),
        dropped=dropped,
        counterexamples=sum(len(a.counterexamples) for a in judged),
        mutants=max((a.mutants for a in judged), default=0),
        killed=max((a.killed for a in judged), default=0),
    )


def _summary(report: ChaosReport) -> str:
    if not report.generated:
        return "No hostile test could be made for this target."
    parts = [
        f"{report.generated} hostile test{'' if report.generated == 1 else 's'}: {report.counterexamples} counterexample{'' if report.counterexamples == 1 else 's'}"
    ]
    parts.append(f"{report.admitted} admitted ({report.killed} of {report.mutants} planted faults caught)")
    if report.dropped:
        parts.append("dropped: " + ", ".join(f"{count} {reason}" for reason, count in sorted(report.dropped.items())))
    return "; ".join(parts) + "."


def _finding(tree: Tree, path: str, text: str, span: tuple[int, int], example: Counterexample) -> Finding:
    """A counterexample on the target: at the line where the trace leaves it, else at its definition."""
    lines = Text(text)
    line = lines.line_of(span[0])
    if example.line is not None and 0 < example.line <= lines.line_count:
        line = example.line - 1
    elif span == (0, len(text)):
        used = (d for d in definitions(path, text) if d.name and re.search(rf"\b{re.escape(d.name)}\b", example.pinned))
        line = next((d.line for d in used), line)
    while line < lines.line_count - 1 and not text[slice(*lines.line_span(line))].strip(" \t@"):
        line += 1
    start, end = lines.line_span(line)
    start += len(text[start:end]) - len(text[start:end].lstrip())
    claim = example.claim.strip().splitlines()[0] if example.claim.strip() else example.test
    short = "".join(c if c.isalnum() else "_" for c in example.test.rsplit("::", 1)[-1].removeprefix("test_"))[:40]
    return Finding(
        path=path,
        quote=text[start:end],
        start=start,
        end=end,
        kind="counterexample",
        severity="error",
        message=f"{example.input or '(no input)'} breaks: {claim}",
        scenario=example.exception,
        evidence="confirmed",
        test=example.pinned,
        test_path=new_test_path(path, f"{short}_regression", tree.paths()),
        trace=example.trace,
        related=_places(tree, example.trace),
    )


_PLACE = re.compile(r"^(?P<path>[^:\n]+):(?P<line>\d{1,9}) in (?P<name>[^:\n]{1,300}): (?P<source>.*)$", re.MULTILINE)


def _places(tree: Tree, trace: str) -> tuple[Related, ...]:
    """The trace's frames in the project's own files, outermost first."""
    known = set(tree.paths())
    return tuple(
        Related(m["path"], int(m["line"]) - 1, f"in {m['name']}: {m['source']}")
        for m in _PLACE.finditer(trace)
        if m["path"] in known
    )
