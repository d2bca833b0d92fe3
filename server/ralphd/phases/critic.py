"""The Critic: findings anchored by quote, capped, deduplicated; those with a test are run before they are believed."""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

from ralphd.answers.locating import locate
from ralphd.answers.review import Critique, RawFinding, partial_findings, read_review
from ralphd.answers.values import FormatError
from ralphd.context.languages import fence_name, language_of
from ralphd.context.python_modules import import_path, new_test_path
from ralphd.context.target import definitions
from ralphd.core.findings import SEVERITIES, Evidence, Finding, Related, Severity
from ralphd.core.python_source import NOT_UNDERSTOOD, parsed
from ralphd.core.text import Text
from ralphd.judging.reports import TestCase
from ralphd.judging.workbench import Workbench
from ralphd.models.gateway import CompletionRequest, Delta, GatewayEvent, Message
from ralphd.phases.base import LOCAL_MAX_TOKENS, LOCAL_TEMPERATURE, PhaseContext
from ralphd.phases.librarian import Brief
from ralphd.prompts import fenced, render
from ralphd.retrieval.pack import CALLERS

LOCAL_MAX_FINDINGS = 2


@dataclass(frozen=True)
class Reviewed:
    findings: tuple[Finding, ...]
    dropped: int = 0
    """Not quoted in the file, without a scenario, about other files, over the cap, dismissed, or refuted by a run."""
    refuted: int = 0
    problem: str = ""
    """Why there is no review, in a sentence; empty when there is one."""

    def in_words(self, *, local: bool) -> str:
        """How many there are and what they are worth. `local`: the embedded model's."""
        count = len(self.findings)
        confirmed = sum(1 for f in self.findings if f.evidence == "confirmed")
        found = f"{count} finding{'s' if count != 1 else ''}, {confirmed} confirmed by a run."
        left_out = f" {self.dropped} not shown ({self.refuted} refuted by a run)." if self.dropped else ""
        doubt = " The embedded model is often wrong here: what no run confirmed is a hint."
        return (found if count else "Nothing found.") + left_out + (doubt if local and count > confirmed else "")


def anchor(raw: RawFinding, path: str, text: str, *, most_severe: Severity = "warning") -> Finding | None:
    """The finding at the place of its quote; None where the quote does not stand in the file. A model's word alone makes
    it no more than `most_severe`."""
    # Models leave folders out; `lib/a.py` is still another file than `src/a.py`.
    if raw.path and not f"/{path}".endswith(f"/{raw.path}"):
        return None
    places = locate(text, raw.quote)
    if not places and "\n" not in raw.quote.strip() and text.count(raw.quote.strip()) == 1:
        at = text.index(raw.quote.strip())
        span = (at, at + len(raw.quote.strip()))
    elif places:
        # A quote in several places still anchors: at the first; the person sees which code is meant.
        span = places[0].span
    else:
        return None
    start = span[0] + len(text[span[0] : span[1]]) - len(text[span[0] : span[1]].lstrip())
    severity = raw.severity if raw.severity in SEVERITIES else "warning"
    capped = max(severity, most_severe, key=SEVERITIES.index)
    return Finding(
        path=path,
        quote=text[start : span[1]],
        start=start,
        end=span[1],
        kind=raw.kind,  # type: ignore[arg-type]
        severity=capped,
        message=raw.message,
        scenario=raw.scenario,
        test=raw.test,
        fix=raw.fix,
    )


def select(
    raws: Collection[RawFinding],
    path: str,
    text: str,
    most: int,
    dismissed: Collection[str],
    most_severe: Severity = "warning",
) -> tuple[Finding, ...]:
    """Anchored, deduplicated, without dismissed ones, the most severe first, at most `most`."""
    order: dict[str, int] = {severity: rank for rank, severity in enumerate(SEVERITIES)}
    found: dict[str, Finding] = {}
    for raw in sorted(raws, key=lambda r: order.get(r.severity, 1)):
        finding = anchor(raw, path, text, most_severe=most_severe)
        if finding and finding.fingerprint not in dismissed:
            found.setdefault(finding.fingerprint, finding)
    return tuple(list(found.values())[:most])


class Critic:
    """Reviews one text of the target. `bench` runs the findings' tests; None: they stay quoted."""

    def __init__(
        self, ctx: PhaseContext, brief: Brief, bench: Workbench | None, dismissed: Collection[str] = ()
    ) -> None:
        self.ctx, self.brief, self.bench, self.dismissed = ctx, brief, bench, dismissed

    async def review(
        self, text: str, span: tuple[int, int], *, iteration: int, show: Callable[[Finding], None] | None = None
    ) -> Reviewed:
        """Ask, read, anchor, confirm. `show` is called as findings become readable in the stream (not yet confirmed)."""
        return await self.examine(await self.ask(text, span, iteration=iteration, show=show), text)

    async def ask(
        self,
        text: str,
        span: tuple[int, int],
        *,
        iteration: int,
        diff: str = "",
        show: Callable[[Finding], None] | None = None,
    ) -> Critique | FormatError:
        """The model's part: no test is run, so it may go on beside them."""
        ctx = self.ctx
        local = await ctx.is_local("critic")
        request = self._request(text, span, diff, local)
        seen: set[str] = set()
        partial = ""
        watch = ctx.watch("critic", iteration)

        def on_event(event: GatewayEvent) -> None:
            nonlocal partial
            watch(event)
            if isinstance(event, Delta) and show is not None:
                partial += event.text
                if "}" in event.text:
                    for finding in select(
                        partial_findings(partial),
                        ctx.target.path,
                        text,
                        ctx.settings.critic.max_findings,
                        self.dismissed,
                        "info" if local else "warning",
                    ):
                        if finding.fingerprint not in seen and not (finding.test and self._can_run()):
                            seen.add(finding.fingerprint)
                            show(finding)

        for _ in range(1 if local else 2):  # a small model does not mend its JSON, it only takes as long again
            answer = await ctx.gateway.complete(request, on_event)
            review = read_review(answer.text)
            if not isinstance(review, FormatError):
                return review
            again = (
                Message(role="assistant", content=answer.text or "(nothing)"),
                Message(role="user", content=review.feedback),
            )
            request = request.model_copy(update={"messages": (*request.messages[:2], *again)})
            partial = ""
            watch = ctx.watch("critic", iteration, watch.last)
        return review

    async def examine(self, review: Critique | FormatError, text: str) -> Reviewed:
        """Anchor what was found in `text` and run the tests that came with it, on what the bench holds."""
        ctx = self.ctx
        if isinstance(review, FormatError):
            return Reviewed((), problem="The Critic's answer could not be read.")
        # Measured (bench/defects.py): the embedded model named none of 20 bugs and found fault with 13 of 20 correct twins.
        most_severe: Severity = "info" if await ctx.is_local("critic") else "warning"
        most = ctx.settings.critic.max_findings
        chosen = select(review.findings, ctx.target.path, text, most, self.dismissed, most_severe)
        confirmed: list[Finding] = []
        refuted = 0
        for finding in chosen:
            evidence = await self._evidence(finding)
            if evidence == "refuted":
                refuted += 1
                continue
            kept = finding
            if evidence == "confirmed" and finding.test:
                whole, place = (
                    snippet(ctx, finding.test),
                    new_test_path(finding.path, finding.fingerprint[:6], ctx.tree.paths()),
                )
                kept = replace(finding, evidence="confirmed", severity="error", test=whole, test_path=place)
            kept = replace(kept, related=self._related(kept))
            confirmed.append(kept)
        dropped = len(review.findings) + review.dropped - len(confirmed)
        return Reviewed(tuple(confirmed), dropped, refuted)

    def _request(self, text: str, span: tuple[int, int], diff: str, local: bool) -> CompletionRequest:
        ctx = self.ctx
        python = language_of(ctx.target.path).name == "python"
        most = ctx.settings.critic.max_findings
        system = render(
            "critic_system",
            role=ctx.role_text("critic"),
            max_findings=min(LOCAL_MAX_FINDINGS, most) if local else most,
            test_language="pytest test function" if python else "test",
        )
        user = render(
            "critic_user",
            context="" if local else self.brief.material(),
            what=ctx.what,
            path=ctx.target.path,
            code=fenced(text[span[0] : span[1]], fence_name(ctx.target.path)),
            diff=fenced(diff, "diff") if diff else "",
            task=ctx.instruction,
        )
        return CompletionRequest(
            role="critic",
            messages=(Message(role="system", content=system), Message(role="user", content=user)),
            max_tokens=LOCAL_MAX_TOKENS if local else None,
            temperature=LOCAL_TEMPERATURE if local else None,
        )

    def _can_run(self) -> bool:
        return (
            self.bench is not None
            and bool(self.bench.argv)
            and self.ctx.settings.critic.confirm
            and language_of(self.ctx.target.path).name == "python"
        )

    async def _evidence(self, finding: Finding) -> Evidence | str:
        """Run the finding's test where the code is now: fails → confirmed, passes → refuted, cannot run → quoted."""
        if not finding.test or not self._can_run() or self.bench is None:
            return "quoted"
        run = await run_snippet(self.bench, self.ctx, finding.test)
        if run is None:
            return "quoted"
        return "confirmed" if run else "refuted"

    def _related(self, finding: Finding) -> tuple[Related, ...]:
        """The callers that the scenario names, by their own name or their file's."""
        found = []
        said = f"{finding.scenario} {finding.message}"
        for piece in self.brief.context.pieces:
            if piece.why != CALLERS:
                continue
            text = self.ctx.tree.text(piece.path) or ""
            for match in re.finditer(r"\b(?:def|function) (\w+)", piece.text):
                if match[1] in said or piece.path in finding.scenario:
                    line = Text(text).line_of(max(text.find(match[0]), 0))
                    found.append(Related(piece.path, line, f"`{match[1]}` calls it"))
        return tuple(found)


SNIPPET = "test_ralph_finding.py"


async def run_snippet(bench: Workbench, ctx: PhaseContext, test: str) -> bool | None:
    """Run a model's test function beside the project's tests: True it fails, False it passes, None it cannot tell."""
    if not any(d.name.startswith("test") for d in definitions("t.py", test)):
        return None
    if not _calls_target(ctx, test):
        return None  # `assert False` fails on any code: it says nothing about this one
    path = posixpath.join(ctx.request.folder, SNIPPET)
    run = await bench.run_file(path, snippet(ctx, test))
    cases = [case for case in run.cases.values() if case.nodeid.startswith(path)]
    if run.timed_out or not cases or any(case.outcome in ("error", "skipped") for case in cases):
        return None
    if any(_is_broken(case) for case in cases if case.bad):
        return None
    return any(case.outcome == "failed" for case in cases)


def _calls_target(ctx: PhaseContext, test: str) -> bool:
    """Whether the test calls something that the target's file defines."""
    known = {d.name.rsplit(".", 1)[-1] for d in definitions(ctx.target.path, ctx.request.text)}
    try:
        calls = [node.func for node in ast.walk(parsed(test)) if isinstance(node, ast.Call)]
    except NOT_UNDERSTOOD:
        return False
    return any((f.id if isinstance(f, ast.Name) else getattr(f, "attr", "")) in known for f in calls)


def snippet(ctx: PhaseContext, test: str) -> str:
    """A model's test function as a module: with the imports of the target that it left out."""
    module = import_path(ctx.target.path, set(ctx.tree.paths()))
    known = re.search(rf"\b(?:from|import)\s+{re.escape(module)}\b", test)
    return test if known else f"from {module} import *\nfrom {module} import {_public(ctx)}\n\n\n{test}"


def _is_broken(case: TestCase) -> bool:
    """The test itself is wrong (it does not know its own names): that says nothing about the code."""
    own = not case.frames or case.frames[-1][0].endswith(SNIPPET)
    return own and bool(
        re.search(r"^E\s+(?:NameError|ImportError|ModuleNotFoundError|fixture )", case.detail, re.MULTILINE)
    )


def span_in(ctx: PhaseContext, text: str) -> tuple[int, int]:
    """Where the target lies in a changed text: by its name, else the whole file."""
    if ctx.target.name:
        for definition in definitions(ctx.target.path, text):
            if definition.name == ctx.target.name:
                return definition.span
    return 0, len(text)


def _public(ctx: PhaseContext) -> str:
    names = sorted({d.name for d in definitions(ctx.target.path, ctx.request.text) if d.name and "." not in d.name})
    return ", ".join(names) or "__name__"
