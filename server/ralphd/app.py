"""The composition root: settings -> models, sandbox, phases -> Loop. Implements `core.runner.Runner`.

One `Engine` per process. It reads the environment once, asks for consent before a repository's own command runs, keeps
the books, and turns every ending into a `RunResult`.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from ralphd.attack.adapters import adapter_for
from ralphd.backend import Models
from ralphd.context.target import find_target
from ralphd.context.tree import MemoryTree
from ralphd.core import events
from ralphd.core.events import Emit
from ralphd.core.run import LEADING_ROLE, RunRequest, RunResult
from ralphd.core.runner import Ask, ConfigProblem, Decision, Question
from ralphd.core.text import is_binary
from ralphd.core.wording import OWN_DEFECT, dollars
from ralphd.errors import Misconfigured, ModelError, RalphError, Untrusted
from ralphd.judging.untested import UntestedBench
from ralphd.judging.workbench import Tester, Workbench
from ralphd.loop.journal import (
    Journal,
    Recording,
    RecordingBench,
    RecordingGateway,
    ReplayBench,
    ReplayGateway,
    recording_admit,
    replay_admit,
)
from ralphd.loop.loop import Loop
from ralphd.model_host.child.redaction import Redactor
from ralphd.models.gateway import ROLES, Gateway, Role, Usage
from ralphd.models.ledger import BudgetedGateway, Ledger
from ralphd.phases import chaos
from ralphd.phases.base import PhaseContext
from ralphd.sandbox.environment import sandbox_environment
from ralphd.sandbox.isolation import Isolation, detect
from ralphd.sandbox.shadow import ShadowPool
from ralphd.settings.load import Layer, Resolved, find_repository_config, resolve, user_config_path
from ralphd.settings.project import CONFIG_NAME
from ralphd.settings.trust import Consent, TrustStore
from ralphd.state import Dismissed, Folders, make_private

log = logging.getLogger("ralphd")

MAX_TARGET_CHARACTERS = 1_000_000
FIRST_HISTORY = 3
"""Runs of a kind before an estimate is given."""


class Engine:
    def __init__(
        self,
        environ: Mapping[str, str],
        *,
        command_line: Mapping[str, Any] | None = None,
        gateway: Gateway | None = None,
    ) -> None:
        self.environ = dict(environ)
        self.folders = Folders.of(environ)
        self.trust = TrustStore(str(self.folders.trust))
        self.ledger = Ledger(self.folders.ledger)
        self.models = Models(self.folders, self.environ)
        self._gateway = gateway
        self._command_line = command_line
        self._editor: Mapping[str, Any] | None = None
        self._user: Mapping[str, Any] | None = None
        self._pools: dict[tuple[str, str], ShadowPool] = {}
        self._isolation: dict[str, Isolation] = {}
        self._asked: dict[str, Consent] = {}
        self._resolved: dict[tuple[str, str], tuple[float, Resolved]] = {}
        self._today = 0.0

    # ---- settings ----------------------------------------------------------------------------------------------

    def configure(self, *, settings: Mapping[str, Any] | None, user_settings: Mapping[str, Any] | None) -> None:
        self._editor, self._user = settings, user_settings
        self._resolved.clear()

    def layers(self, root: str, folder: str) -> list[Layer]:
        """All layers for a file in `folder`, lowest first. Reads two small files."""
        found: list[Layer] = []
        user = user_config_path(self.environ, str(self.folders.config))
        if (text := _read_text(user)) is not None:
            found.append(Layer("user", text=text, path=user))
        repository = find_repository_config(folder, root)
        if repository is not None and (text := _read_text(repository)) is not None:
            found.append(Layer("repository", text=text, path=repository))
        if self._editor:
            found.append(Layer("editor", data=self._editor))
        if self._user:
            found.append(Layer("user", data=self._user))
        if self._command_line:
            found.append(Layer("command_line", data=self._command_line))
        return found

    def resolved(self, root: str, path: str) -> Resolved:
        """The settings in force for a file, read anew: what the disk says at the start of a run is what counts."""
        return resolve(self.layers(root, os.path.dirname(os.path.join(root, path))), self.environ)

    def _recent(self, root: str, path: str) -> Resolved:
        """For answers that must not touch the disk each time: at most two seconds old."""
        key, now = (root, os.path.dirname(path)), time.monotonic()
        known = self._resolved.get(key)
        if known is None or now - known[0] > 2:
            known = (now, self.resolved(root, path))
            self._resolved[key] = known
        return known[1]

    def review_mode(self, root: str, path: str) -> Literal["pending", "apply", "preview"]:
        return self._recent(root, path).settings.review

    def shows_cost(self, root: str, path: str) -> bool:
        return self._recent(root, path).settings.litellm.enable_cost_tracking

    async def problems(self, root: str, path: str, text: str | None) -> Sequence[ConfigProblem]:
        def check() -> Sequence[ConfigProblem]:
            given = text if text is not None else _read_text(path)
            if given is None:
                return ()
            found = resolve([Layer("repository", text=given, path=path)], self.environ).problems
            return tuple(
                ConfigProblem(path, p.line, p.start_col, p.end_col, p.severity, f"ralph.config.{p.code}", p.message)
                for p in found
            )

        return await asyncio.to_thread(check)

    # ---- a run -------------------------------------------------------------------------------------------------

    async def run(self, request: RunRequest, emit: Emit, ask: Ask) -> RunResult:
        """Every ending is a result. Cancelling gives `cancelled`; a defect is logged and becomes `internal_error`."""
        journal: Journal | None = None
        budgeted: BudgetedGateway | None = None
        try:
            resolved = await asyncio.to_thread(self.resolved, request.root, request.path)
            journal = await asyncio.to_thread(self._journal, request)
            record = journal

            def tell(event: events.Event) -> None:
                record.event(event)
                emit(event)

            self._check(request)
            _check_readable(resolved)
            request = _with_pinned(request)
            argv = await self._command(request, resolved, ask)
            gateway = self._gateway or await self.models.open(resolved.settings, request.root)
            budgeted = BudgetedGateway(
                gateway,
                self.ledger,
                request.run_id,
                resolved.settings.budget,
                lambda cost, usage: tell(events.CostChanged(cost, _usage(usage), _tokens(usage))),
            )
            result = await self._work(request, resolved, argv, budgeted, journal, tell, ask)
        except asyncio.CancelledError:
            result = RunResult(
                request.run_id, request.command, "cancelled", "The run was cancelled; nothing was changed."
            )
        except Untrusted as error:
            result = RunResult(request.run_id, request.command, "untrusted", str(error))
        except ModelError as error:
            result = RunResult(request.run_id, request.command, "provider_failed", str(error))
        except RalphError as error:
            result = RunResult(request.run_id, request.command, "misconfigured", str(error))
        except Exception:
            log.exception("run %s", request.run_id)
            result = RunResult(
                request.run_id, request.command, "internal_error", f"{OWN_DEFECT}: {self.folders.server_log}."
            )
        return self._closed(request, result, journal, budgeted)

    def _closed(
        self, request: RunRequest, result: RunResult, journal: Journal | None, budgeted: BudgetedGateway | None
    ) -> RunResult:
        if budgeted is not None:
            used = budgeted.usage()
            result = replace(
                result, usage=_usage(used), tokens=_tokens(used), cost=budgeted.cost(), models=budgeted.models()
            )
            _forget(self._book(request, budgeted.cost().usd))
        if journal is not None:
            result = replace(result, journal=str(journal.path))
            journal.end(result)
        return result

    async def _book(self, request: RunRequest, usd: float | None) -> None:
        await self.ledger.close_run(request.run_id, _label(request), usd)
        self._today = await self.ledger.today()

    async def _work(
        self,
        request: RunRequest,
        resolved: Resolved,
        argv: Sequence[str],
        budgeted: BudgetedGateway,
        journal: Journal,
        tell: Emit,
        ask: Ask,
    ) -> RunResult:
        settings = resolved.settings
        async with AsyncExitStack() as stack:
            role = LEADING_ROLE[request.command]
            described = asyncio.create_task(_callable(budgeted, role))
            stack.callback(described.cancel)
            model = await self._gateway.describe(role) if self._gateway else self.models.first(role)
            bench = await self._bench(stack, request, resolved, argv)
            await self._confirm_cost(request, settings, ask, tell)
            journal.begin(request, settings.model_dump(mode="json"), argv, model)
            recorded = RecordingBench(bench, journal)
            target = await asyncio.to_thread(find_target, request.path, request.text, request.span)
            ctx = PhaseContext(
                request, settings, RecordingGateway(budgeted, journal, tell), recorded.tree, target, tell, model.local
            )
            dismissed = set(Dismissed(self.folders, request.root).all())
            attack = self._attack(request, resolved, argv, journal, dismissed)
            return await Loop(ctx, recorded, dismissed, attack, described).run()

    def _attack(
        self, request: RunRequest, resolved: Resolved, argv: Sequence[str], journal: Journal, dismissed: set[str]
    ) -> chaos.Attack | None:
        adapter = adapter_for(request.path)
        if adapter is None or request.untitled or not (argv or request.command == "chaosTests"):
            return None
        reports = make_private(self.folders.cache / "reports")
        gate = chaos.Gate(adapter, self._pool_of(request, resolved), argv, request, resolved.settings.chaos, reports)
        return chaos.Attack(adapter, recording_admit(gate.admit, journal), gate.probe, dismissed)

    def _check(self, request: RunRequest) -> None:
        if len(request.text) > MAX_TARGET_CHARACTERS:
            raise Misconfigured(
                f"{request.path} is too big for a model ({len(request.text):,} characters).", "Work on a smaller file."
            )
        if is_binary(request.text):
            raise Misconfigured(f"{request.path} is a binary file.", "Only text can be worked on.")

    # ---- consent -----------------------------------------------------------------------------------------------

    async def _command(self, request: RunRequest, resolved: Resolved, ask: Ask) -> tuple[str, ...]:
        """The test command that may run. From a repository's own file it needs the person's word for exactly that argv."""
        command = resolved.settings.testing.command
        if request.untitled or not command:
            return ()
        isolation = await self._isolated(resolved)
        wanted = [("testing.command", command)]
        if resolved.settings.testing.fast_command:
            wanted.append(("testing.fast_command", resolved.settings.testing.fast_command))
        unsandboxed = isolation.kind == "none" and resolved.settings.sandbox.mode == "auto"
        if unsandboxed and sys.platform == "linux":
            raise Misconfigured(
                "Nothing that a model wrote runs without isolation, and there is none here.", isolation.detail
            )
        for key, argv in wanted:
            if not resolved.source(key).trusted or unsandboxed:
                await self._consented(Consent(request.root, tuple(argv), "", isolation.kind), isolation, ask)
        return tuple(command)

    async def _consented(self, consent: Consent, isolation: Isolation, ask: Ask) -> None:
        if await asyncio.to_thread(self.trust.use, consent.digest):
            return
        shown = " ".join(consent.argv)
        decided = await asyncio.to_thread(self.trust.decision, consent.digest)
        if decided != "never":
            self._asked[consent.digest] = consent
            where = "isolated: no network, on a copy" if isolation.kind == "bwrap" else "WITHOUT isolation"
            text = f"This repository asks Ralph to run `{shown}` in {consent.root} ({where}). Run it?"
            choices: tuple[tuple[str, Decision], ...] = (
                ("Run once", "once"),
                ("Always for this command", "always"),
                ("Never", "never"),
            )
            decided = await ask(Question("command", consent.digest, text, choices))
            if decided == "always":
                await asyncio.to_thread(self.trust.decide, consent.digest, "always", consent)
            if decided in ("once", "always"):
                return
        raise Untrusted(
            f"The repository's test command `{shown}` was not allowed, so nothing was run.",
            "Allow it, or set testing.command yourself.",
        )

    def decide(self, digest: str, decision: Decision) -> bool:
        consent = self._asked.get(digest)
        if consent is None and self.trust.decision(digest) is None:
            return False
        self.trust.decide(digest, decision, consent)
        return True

    async def _confirm_cost(self, request: RunRequest, settings: Any, ask: Ask, tell: Emit) -> None:
        """Ask before a run that past ones say is dear. Without history there is no estimate, and none is invented."""
        history = await self.ledger.history(_label(request))
        known = len(history) >= FIRST_HISTORY
        past = (
            f"{dollars(min(history))} to {dollars(max(history))} in {len(history)} past runs"
            if known
            else "no history of costs yet"
        )
        tell(events.Note(f"Estimate: {past}; limit {dollars(settings.budget.usd_per_run)}."))
        if not known or max(history) <= settings.budget.confirm_above_usd:
            return
        text = f"Runs like this cost {dollars(min(history))} to {dollars(max(history))} so far (limit: {dollars(settings.budget.usd_per_run)}). Start it?"
        if await ask(Question("cost", "", text, (("Start", "once"), ("Cancel", "never")))) == "never":
            raise asyncio.CancelledError

    # ---- sandbox -----------------------------------------------------------------------------------------------

    async def _isolated(self, resolved: Resolved) -> Isolation:
        mode = resolved.settings.sandbox.mode
        if mode not in self._isolation:
            self._isolation[mode] = await detect(mode)
        return self._isolation[mode]

    def _pool_of(self, request: RunRequest, resolved: Resolved) -> ShadowPool:
        mode = resolved.settings.sandbox.mode
        isolation = self._isolation.get(mode) or Isolation("none", "not looked for yet")
        key = (request.root, f"{resolved.settings.sandbox.model_dump_json()} {resolved.settings.testing.env}")
        if key not in self._pools:
            allowed = mode == "none" or (isolation.kind == "none" and sys.platform != "linux")
            self._pools[key] = ShadowPool(
                request.root,
                str(self.folders.cache),
                resolved.settings.sandbox,
                isolation,
                allow_unisolated=allowed,
                environment=sandbox_environment(self.environ, resolved.settings.testing.env),
            )
        return self._pools[key]

    async def _bench(
        self, stack: AsyncExitStack, request: RunRequest, resolved: Resolved, argv: Sequence[str]
    ) -> Workbench:
        if request.untitled:
            return UntestedBench(request.root, MemoryTree({request.path: request.text}))
        await self._isolated(resolved)
        shadow = await stack.enter_async_context(self._pool_of(request, resolved).lease())
        isolation = await self._isolated(resolved)
        tester = Tester(
            shadow,
            root=request.root,
            argv=argv,
            fast_argv=resolved.settings.testing.fast_command or (),
            buffers=request.buffers,
            timeout_s=resolved.settings.testing.timeout_s,
            sandbox=isolation.kind,
            report_root=make_private(self.folders.cache / "reports"),
        )
        return await stack.enter_async_context(tester)

    # ---- the rest ----------------------------------------------------------------------------------------------

    def _journal(self, request: RunRequest) -> Journal:
        stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime())
        return Journal(
            make_private(self.folders.journals(request.root)) / f"{stamp}-{request.run_id}.jsonl", Redactor().value
        )

    async def warm(self, roots: Sequence[str]) -> None:
        """The host and the shadow copies, once the workspace may use a model; a failure here is told by the first run."""
        for root in roots:
            resolved = await asyncio.to_thread(self.resolved, root, "_")
            if self._gateway is None and resolved.settings.host.prewarm:
                await self.models.prewarm(resolved.settings)
            if resolved.settings.testing.command:
                await self._isolated(resolved)
                request = RunRequest("warm", "implement", root, "_", "")
                try:
                    await self._pool_of(request, resolved).warm()
                except RalphError as error:
                    log.info("warming %s: %s", root, error)

    def dismiss(self, root: str, fingerprint: str, message: str) -> None:
        Dismissed(self.folders, root).add(fingerprint, message)

    def log_path(self, root: str) -> str:
        return str(self.models.log_path(self._recent(root, "_").settings, root))

    def status(self) -> Mapping[str, Any]:
        isolation = next(iter(self._isolation.values()), None)
        return {
            "cost": {"todayUsd": self._today},
            "models": self.models.known(),
            "sandbox": {"kind": isolation.kind, "detail": isolation.detail}
            if isolation
            else {"kind": "unknown", "detail": "not needed yet"},
            "trust": {"given": len(self.trust.list()), "problem": self.trust.problem},
        }

    async def close(self) -> None:
        pools, self._pools = list(self._pools.values()), {}
        closing = [self.models.close(), self.ledger.close(), *(pool.close() for pool in pools)]
        for done in await asyncio.gather(*closing, return_exceptions=True):
            if isinstance(done, Exception):
                log.warning("closing: %s", done)


async def replay(path: Path, emit: Emit) -> tuple[RunResult, str | None]:
    """Go through a recorded run again, offline and at no cost: (the result now, the outcome then)."""
    recording = Recording(path.read_text(encoding="utf-8").splitlines())
    request = recording.request()
    settings = resolve([], {}).settings.model_validate(recording.begin["settings"])
    bench, gateway = ReplayBench(recording), ReplayGateway(recording)
    target = find_target(request.path, request.text, request.span)
    model = await gateway.describe("artisan")
    ctx = PhaseContext(request, settings, gateway, bench.tree, target, emit, model.local)
    adapter = adapter_for(request.path) if recording.of("admission") else None
    attack = chaos.Attack(adapter, replay_admit(recording), None) if adapter else None
    result = await Loop(ctx, bench, (), attack).run()
    return result, recording.end["outcome"] if recording.end else None


def _with_pinned(request: RunRequest) -> RunRequest:
    """For `fix`: the findings' tests join the project's, so that mending them is what makes the run green."""
    pinned = {f.test_path: f.test.encode() for f in request.findings if f.test and f.test_path}
    return replace(request, buffers={**request.buffers, **pinned}) if pinned else request


async def _callable(gateway: Gateway, role: Role) -> None:
    """`Misconfigured` where the role's model could not be called at all. Beside the baseline tests: it may wait for the
    host's import, which takes seconds."""
    model = await gateway.describe(role)
    if model.problem:
        raise Misconfigured(
            model.problem, "" if "ralphd" in model.problem else "`ralphd doctor` shows what is missing."
        )


def _check_readable(resolved: Resolved) -> None:
    """A person's own file that is no YAML says nothing: going on with the defaults would be a riddle."""
    for problem in resolved.problems:
        if problem.code == "syntax" and problem.path and not problem.path.endswith(CONFIG_NAME):
            raise Misconfigured(
                f"Your configuration cannot be read: {problem}", "`ralphd config check` shows the place."
            )


def _label(request: RunRequest) -> str:
    return f"{request.command} {request.root}"


def _usage(by_role: Mapping[str, Usage]) -> dict[str, int]:
    usage = sum(by_role.values(), Usage())
    return {
        "promptTokens": usage.prompt_tokens,
        "completionTokens": usage.completion_tokens,
        "totalTokens": usage.total_tokens,
        "cachedTokens": usage.cached_tokens,
        "calls": usage.calls,
    }


def _tokens(by_role: Mapping[str, Usage]) -> dict[str, int]:
    return {role: by_role[role].total_tokens for role in ROLES if role in by_role}


_background: set[asyncio.Task[Any]] = set()


def _forget(work: Any) -> None:
    """Let `work` end by itself: a cancelled run does not wait for its bookkeeping."""
    task = asyncio.ensure_future(work)
    _background.add(task)
    task.add_done_callback(_background.discard)


def _read_text(path: str) -> str | None:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read(1_000_000)
    except OSError:
        return None
