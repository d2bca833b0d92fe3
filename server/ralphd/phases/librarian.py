"""The Librarian: retrieval always; a model is asked only when what was found does not fit or the task reaches wider.

The model sees the target, the tests that fail and the definitions around it with one line each. It names what else must be
seen, which is looked up and shown as it stands, and writes a brief; no code goes through its words.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from ralphd.answers.asking import MOST_NAMES, opened_by
from ralphd.context.file_graph import FileGraph
from ralphd.context.languages import fence_name, language_of
from ralphd.core import events
from ralphd.errors import ModelError, OverBudget
from ralphd.models.gateway import CompletionRequest, Message
from ralphd.phases.base import PhaseContext
from ralphd.prompts import fenced, render
from ralphd.retrieval import pack
from ralphd.retrieval.candidates import definitions_around
from ralphd.retrieval.lookup import look_up
from ralphd.retrieval.pack import Context, Excerpt

LOCAL_CONTEXT_TOKENS = 900
"""A small model reads some 50 tokens a second: every hundred costs two seconds before its first word."""
BRIEF_WORDS = 300
OPENED = "opened by the librarian"


@dataclass(frozen=True)
class Brief:
    context: Context
    tests: tuple[Excerpt, ...]
    words: str = ""
    """The model's brief, or empty."""
    graph: FileGraph | None = None
    """Which files use which, for what the Artisan asks to see."""

    def material(self) -> str:
        shown = self.context.render(fenced)
        return f"{shown}\n\nThe librarian's notes:\n{fenced(self.words, 'text')}" if self.words else shown

    def shown_tests(self) -> str:
        return "\n\n".join(
            f"{p.path}\n{fenced(p.text, 'python' if p.path.endswith('.py') else '')}" for p in self.tests
        )


async def gather(ctx: PhaseContext, graph: FileGraph | None, failing: Collection[str] = ()) -> Brief:
    """What the other roles are shown. `graph`: of the snapshot, where it is known; `failing`: the ids
    of the tests that fail now and may reach the target."""
    settings = ctx.settings.context
    context, tests = await asyncio.to_thread(
        pack.gather,
        ctx.tree,
        ctx.target,
        ctx.request.text,
        max_tokens=LOCAL_CONTEXT_TOKENS if ctx.local else settings.max_tokens,
        rules_files=settings.rules_files,
        exclude=settings.exclude,
        local=ctx.local,
        graph=graph,
        failing=failing,
    )
    brief = Brief(context, tuple(tests), graph=graph)
    mode = ctx.settings.loop.librarian
    if mode == "never" or ctx.local or (mode == "auto" and not _reaches_wider(ctx, context)):
        return brief
    try:
        return await _ask(ctx, brief)
    except OverBudget:
        raise
    except ModelError as error:
        # The brief is an addition: without it the run still has what was retrieved.
        ctx.emit(events.Note(f"The Librarian brought no brief: {error.message}"))
        return brief


def _reaches_wider(ctx: PhaseContext, context: Context) -> bool:
    if context.left_out:
        return True
    named = {word.strip(".") for word in re.findall(r"[\w./-]+", ctx.instruction)}
    return any(path != ctx.target.path and path in named for path in ctx.tree.paths())


async def _ask(ctx: PhaseContext, brief: Brief) -> Brief:
    """The brief with the model's words, and with what it opened behind what was retrieved."""
    shown = (*brief.context.pieces, *brief.tests)
    exclude = ctx.settings.context.exclude
    around = await asyncio.to_thread(
        definitions_around, ctx.tree, ctx.target, ctx.request.text, brief.graph, shown, ctx.instruction, exclude
    )
    prompt = render(
        "librarian",
        role=ctx.role_text("librarian"),
        what=ctx.what,
        path=ctx.target.path,
        target=fenced(ctx.target.text(ctx.request.text), fence_name(ctx.target.path)),
        tests=replace(brief, tests=tuple(one for one in brief.tests if one.why == pack.FAILS)).shown_tests(),
        shown=fenced("\n".join(around[0]), "text") if around[0] else "",
        candidates=fenced("\n".join(around[1]), "text") if around[1] else "",
        most=MOST_NAMES,
        words=BRIEF_WORDS,
        task=ctx.instruction or "make its tests pass",
    )
    request = CompletionRequest(role="librarian", messages=(Message(role="user", content=prompt),))
    answer = await ctx.gateway.complete(request, ctx.watch("librarian", 0))
    names, words = opened_by(answer.text)
    opened = await asyncio.to_thread(_opened, ctx, brief, names) if names else ()
    context = replace(brief.context, pieces=(*brief.context.pieces, *opened))
    return replace(brief, context=context, words=strike_unknown(words, ctx))


def _opened(ctx: PhaseContext, brief: Brief, names: Sequence[str]) -> tuple[Excerpt, ...]:
    """The definitions of the names that are there; of the others nothing."""
    share = ctx.settings.context.max_tokens // 4
    exclude = ctx.settings.context.exclude
    found = look_up(ctx.tree, ctx.target, ctx.request.text, names, brief.graph, exclude, share)
    held = "\n".join(one.text for one in brief.context.pieces)
    return tuple(Excerpt(one.path, OPENED, one.text) for one in found if one.path and one.text not in held)


_NAME = re.compile(r"`([A-Za-z_][\w.]*)(\([^`]*\))?`")


def strike_unknown(brief: str, ctx: PhaseContext) -> str:
    """The brief without the lines that name, in backticks, what does not exist in the repository."""
    named = {part for match in _NAME.finditer(brief) for part in match[1].split(".")}
    missing = named - set(re.findall(r"[A-Za-z_]\w*", ctx.request.text))
    for path in ctx.tree.paths():
        missing -= set(re.split(r"[/.]", path))
        if missing and language_of(path).module:
            missing -= set(re.findall(r"[A-Za-z_]\w*", ctx.tree.scan(path) or ""))
        if not missing:
            return brief
    return "\n".join(
        line
        for line in brief.splitlines()
        if missing.isdisjoint(p for m in _NAME.finditer(line) for p in m[1].split("."))
    )
