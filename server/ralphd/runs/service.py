"""A run from its request to its one ending. Implements `core.runner.Runner`; `app.build_service` wires it.

Every part of a run is its own: settings, model configuration, budget, shadow copy and journal are made for the request,
so nothing of one workspace can reach another's run.
"""

from __future__ import annotations

import asyncio
import logging
import shlex
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

from ralphd.backend import ModelBackend
from ralphd.context.target import find_target
from ralphd.core import events
from ralphd.core.events import Emit, ignore
from ralphd.core.mends import SETUP, Mend, mends_for
from ralphd.core.run import LEADING_ROLE, Judgement, Outcome, RunRequest, RunResult
from ralphd.core.runner import Ask, ConfigProblem, Decision, EditorSettings, KnownConsent, Left, Report
from ralphd.core.secret import Secret
from ralphd.core.text import is_binary
from ralphd.core.visible import as_document, on_terminal
from ralphd.core.wording import HOST_STARTING, OWN_DEFECT
from ralphd.errors import Declined, Misconfigured, ModelError, NoModel, RalphError, Untrusted, Unwritable
from ralphd.loop.journal import Journal, RecordingBench, RecordingGateway, recording_admit
from ralphd.loop.loop import Loop
from ralphd.loop.recorded_calls import RecordingPoll
from ralphd.models.budget import BudgetedGateway
from ralphd.models.gateway import Gateway, Role
from ralphd.phases import chaos
from ralphd.phases.base import PhaseContext
from ralphd.runs import checkup, history, place, preview
from ralphd.runs.bench import Benches
from ralphd.runs.books import Books
from ralphd.runs.consent import Consents
from ralphd.runs.masking import masked, recording, redactor
from ralphd.runs.preview import PreviewGateway
from ralphd.runs.rejudging import Rejudging
from ralphd.runs.settings_source import SettingsSource
from ralphd.runs.survivors import Survivors, cut_short, mark
from ralphd.settings import project_file, questions
from ralphd.settings.problems import Problem
from ralphd.settings.provenance import Configuration
from ralphd.state import Dismissed, Folders, make_private, write_private

log = logging.getLogger("ralphd")

MAX_TARGET_CHARACTERS = 1_000_000
_OUTCOME_OF: tuple[tuple[type[RalphError], Outcome], ...] = (
    (Declined, "cancelled"),
    (Untrusted, "untrusted"),
    (ModelError, "provider_failed"),
    (RalphError, "misconfigured"),
)
"""How a run ends that met this error before its loop began; the first that fits."""


class RunService:
    """Runs, one after the other or side by side. `scripted`: answers in place of the model host, for tests."""

    def __init__(
        self,
        folders: Folders,
        *,
        settings: SettingsSource,
        consents: Consents,
        benches: Benches,
        books: Books,
        models: ModelBackend,
        scripted: Gateway | None = None,
    ) -> None:
        self.folders, self.settings, self.consents = folders, settings, consents
        self.benches, self.books, self.models = benches, books, models
        self.rejudging = Rejudging(settings, consents, benches)
        self._scripted = scripted
        self._survivors = Survivors(folders)

    # ---- a run -------------------------------------------------------------------------------------------------

    async def run(self, request: RunRequest, emit: Emit, ask: Ask) -> RunResult:
        """Every ending is a result. Cancelling gives `cancelled`; a defect is logged and becomes `internal_error`."""
        journal: Journal | None = None
        gateway: BudgetedGateway | None = None
        begun = asyncio.ensure_future(asyncio.to_thread(self._begin, request))
        try:
            record, not_kept = await asyncio.shield(begun)
            journal, tell = record, recording(record, emit)
            if not_kept:
                tell(events.Note(not_kept))
            _check_target(request)
            request, resolved = await self._configured(_with_pinned(request), tell, ask)
            isolation = await self.benches.isolation(resolved.settings)
            argv = await self.consents.command(request, resolved, isolation, ask)
            inner = self._scripted or await self.models.open(resolved.settings, request.root)
            gateway = self.books.gateway(inner, request, resolved.settings.budget, tell)
            found = await self._work(request, resolved, argv, gateway, record, tell, ask)
            result = await asyncio.to_thread(masked, found)
        except asyncio.CancelledError:
            result = _ended(request, "cancelled", "The run was cancelled; nothing was changed.")
        except RalphError as error:
            outcome = next(outcome for kind, outcome in _OUTCOME_OF if isinstance(error, kind))
            result = _ended(request, outcome, masked(str(error)), mends_for(error))
        except Exception:
            log.exception("run %s", request.run_id)
            result = _ended(request, "internal_error", f"{OWN_DEFECT}: {self.folders.server_log}.")
        if result.outcome == "misconfigured" and not await asyncio.to_thread(self.folders.user_config.exists):
            result = replace(result, mends=(*result.mends, SETUP))
        if gateway is not None:
            result = self.books.closed(request, result, gateway)
        if journal is not None:
            result = replace(result, journal=str(journal.path or ""))
            journal.end(result)  # now: a cancelled run does not wait
        self.books.in_background(self._end_record(request, begun, result))
        return result

    async def _configured(self, request: RunRequest, tell: Emit, ask: Ask) -> tuple[RunRequest, Configuration]:
        """The request with the folder that its tests run in, and the settings of the run. Raises `Misconfigured` where
        one cannot be read that a person or a limit relies on; tells where the run works, what else is wrong with the
        settings, and which of the repository's are not used."""
        found = await asyncio.to_thread(self.settings.read, request.root, request.path)
        if found.stopping:
            raise _unreadable(found.stopping)
        if not request.untitled:
            argv = found.settings.testing.command or ()
            request = replace(
                request, folder=await asyncio.to_thread(place.run_folder, request.root, request.path, argv)
            )
            tell(events.Note(await asyncio.to_thread(place.in_words, request, argv, self.benches.environ)))
        agreed = await self.consents.settings(found.asked, ask)
        if agreed:
            found = await asyncio.to_thread(self.settings.read, request.root, request.path, agreed)
        for notice in (*map(str, found.told), *map(questions.unused, found.asked)):
            tell(events.Note(notice))
        return request, found

    async def _work(
        self,
        request: RunRequest,
        resolved: Configuration,
        argv: Sequence[str],
        gateway: BudgetedGateway,
        journal: Journal,
        tell: Emit,
        ask: Ask,
    ) -> RunResult:
        settings = resolved.settings
        if self._scripted is None and self.models.starting:
            tell(events.Note(HOST_STARTING))
        async with AsyncExitStack() as stack:
            role = LEADING_ROLE[request.command]
            callable_ = asyncio.create_task(self._check_callable(gateway, role))
            stack.callback(callable_.cancel)
            model = gateway.first(role)
            settings = resolved.settings_for(model.local)
            bench = await stack.enter_async_context(self.benches.open(request, settings, argv))
            await self.books.confirm(request, settings.budget, ask, tell)
            journal.begin(request, settings.model_dump(mode="json"), argv, model)
            recorded = RecordingBench(bench, journal)
            target = await asyncio.to_thread(find_target, request.path, request.text, request.span)
            recording = RecordingGateway(gateway, journal, tell)
            ctx = PhaseContext(request, settings, recording, recorded.tree, target, tell, model.local)
            dismissed = set(await asyncio.to_thread(Dismissed(self.folders, request.root).all))
            gate = await self.benches.gate(request, settings, argv)
            admit = recording_admit(gate.admit, journal) if gate else None
            attack = chaos.Attack(gate.adapter, admit, gate.probe, dismissed) if gate and admit else None
            poll = await self.benches.poll(request, settings, argv, recorded.tree.paths())
            loop = Loop(ctx, recorded, dismissed, attack, callable_, RecordingPoll(poll, journal) if poll else None)
            result = replace(await loop.run(), target=target.span)
            if result.edits and result.tests is not None and (baseline := loop.state.baseline) is not None:
                hashes = result.tests.hashes
                await self.rejudging.keep(request, resolved, tuple(argv), baseline, loop.state.reach, hashes)
            return result

    async def _check_callable(self, gateway: Gateway, role: Role) -> None:
        """`Misconfigured` where the role's model could not be called at all. It may wait seconds for the host's import, so
        the baseline tests run beside it."""
        model = await gateway.describe(role)
        if model.problem:
            hint = "" if "ralphd" in model.problem else "`ralphd doctor` shows what is missing."
            fetchable = model.local and not (await asyncio.to_thread(self.models.embedded))["installed"]
            raise NoModel(model.problem, hint, embedded=model.local, fetchable=fetchable)

    def _begin(self, request: RunRequest) -> tuple[Journal, str]:
        """The run's journal, and why nothing is kept of it where that is so; a mark says that it is at work, should this
        process end before it does."""
        stamp, mask = time.strftime("%Y%m%d-%H%M%S", time.gmtime()), redactor().value
        try:
            path = make_private(self.folders.journals(request.root)) / f"{stamp}-{request.run_id}.jsonl"
            journal = Journal(path, mask)
        except (OSError, Unwritable) as error:
            return Journal(None, mask), f"Nothing is kept of this run, nor can it be undone from its record: {error}"
        self._survivors.keep("at_work", request.root, request.run_id, mark(request, str(path)))
        return journal, ""

    async def _end_record(
        self, request: RunRequest, begun: asyncio.Future[tuple[Journal, str]], result: RunResult
    ) -> None:
        """Takes the run's mark away, in a thread, since another may hold the lock that this needs. A run may be cancelled
        while its record is being begun: that goes on in its thread all the same, and is waited for here."""
        await asyncio.wait({begun})
        if begun.cancelled() or begun.exception() is not None:
            return  # the run has told why it could not be begun
        begun.result()[0].end(result)
        await asyncio.to_thread(self._survivors.drop, "at_work", request.root, request.run_id)

    # ---- the same without a call --------------------------------------------------------------------------------

    async def preview(self, request: RunRequest, ask: Ask) -> Report:
        _check_target(request)
        request, resolved = await self._configured(_with_pinned(request), ignore, ask)
        settings = resolved.settings
        isolation = await self.benches.isolation(settings)
        try:
            argv = await self.consents.command(request, resolved, isolation, ask)
            tests = f"Tests: run as they are with `{shlex.join(argv)}`." if argv else "Tests: none; no command is set."
        except Untrusted as error:
            argv, tests = (), f"Tests: not run, so their results are missing below. {error}"
        inner = self._scripted or await self.models.open(settings, request.root, start_local=False)
        gateway = PreviewGateway(inner)
        async with self.benches.open(request, settings, argv) as bench:
            target = await asyncio.to_thread(find_target, request.path, request.text, request.span)
            local = gateway.first(LEADING_ROLE[request.command]).local
            ctx = PhaseContext(request, settings, gateway, bench.tree, target, ignore, local)
            dismissed = set(await asyncio.to_thread(Dismissed(self.folders, request.root).all))
            gate = await self.benches.gate(request, settings, argv)
            attack = chaos.Attack(gate.adapter, gate.admit, gate.probe, dismissed) if gate else None
            poll = await self.benches.poll(request, settings, argv, bench.tree.paths())
            result = await Loop(ctx, bench, dismissed, attack, poll=poll).run()
        estimate = await self.books.estimate(request, settings.budget)
        text = await preview.document(request, settings, gateway, result, tests, estimate)
        return await self.to_read(request.root, "would-be-sent.txt", text)

    async def to_read(self, root: str, name: str, text: str) -> Report:
        shown, path = on_terminal(text), self.folders.workspace(root) / name
        await asyncio.to_thread(write_private, path, as_document(shown))
        return Report(shown, str(path))

    # ---- what an editor asks beside runs -----------------------------------------------------------------------

    def configure(self, *, settings: Mapping[str, Any] | None, user_settings: Mapping[str, Any] | None) -> None:
        self.settings.configure(settings=settings, user_settings=user_settings)

    async def editor_settings(self, root: str, path: str) -> EditorSettings:
        def read() -> EditorSettings:
            found = self.settings.read(root, path).settings
            request_log = str(self.models.log_path(found, root))
            return EditorSettings(found.review, found.litellm.enable_cost_tracking, request_log)

        return await asyncio.to_thread(read)

    async def judge(self, run_id: str, buffers: Mapping[str, bytes], texts: Mapping[str, str]) -> Judgement:
        return await self.rejudging.judge(run_id, buffers, texts)

    @property
    def own_configuration(self) -> str:
        return self.settings.user_file

    async def problems(self, root: str, path: str, text: str | None) -> Sequence[ConfigProblem]:
        return await self.settings.problems(path, text)

    async def warm(self, roots: Sequence[str]) -> None:
        """The host and the shadow copies, once the workspace may use a model; a failure here is told by the first run."""
        for root in roots:
            resolved = await asyncio.to_thread(self.settings.read, root, "_")
            if self._scripted is None and resolved.settings.host.prewarm:
                await self.models.prewarm(resolved.settings)
            if resolved.settings.testing.command:
                try:
                    await self.benches.warm(root, resolved.settings)
                except RalphError as error:
                    log.info("warming %s: %s", root, error)

    async def setting_place(self, root: str, key: str) -> tuple[str, int, bool]:
        """(path, line from 0) of the place where the setting `key` is decided and True, else the person's own file and
        False."""

        def find() -> tuple[str, int, bool]:
            found = self.settings.read(root, "_")
            wrong = next((one for one in found.problems if one.path and one.key == key), None)
            if wrong is not None and wrong.path is not None:
                return wrong.path, wrong.line, True
            stands = [one for name, one in found.provenance.items() if f"{name}.".startswith(f"{key}.") and one.file]
            own = (str(self.folders.user_config), 0, False)
            return next(((one.file, one.line or 0, True) for one in stands if one.file), own)

        return await asyncio.to_thread(find)

    async def use_test_command(self, root: str, path: str, command: Sequence[str]) -> tuple[str, bool]:
        return await asyncio.to_thread(project_file.begin, root, path, command)

    async def fetch_model(self, on_progress: Callable[[int, int], None]) -> None:
        await self.models.fetch_model(on_progress)

    async def dismiss(self, root: str, fingerprint: str, message: str) -> None:
        await asyncio.to_thread(Dismissed(self.folders, root).add, fingerprint, message)

    async def dismissed(self, root: str) -> Mapping[str, str]:
        return await asyncio.to_thread(Dismissed(self.folders, root).all)

    async def undismiss(self, root: str, fingerprint: str) -> bool:
        return await asyncio.to_thread(Dismissed(self.folders, root).revoke, fingerprint) > 0

    async def keep_review(self, root: str, review_id: str, text: str | None) -> None:
        if text is None:
            await asyncio.to_thread(self._survivors.drop, "reviews", root, review_id)
        else:
            await asyncio.to_thread(self._survivors.keep, "reviews", root, review_id, text)

    async def take_over(self, root: str) -> Left:
        reviews = await asyncio.to_thread(self._survivors.left, "reviews", root)
        marks = await asyncio.to_thread(self._survivors.left, "at_work", root)
        runs = []
        for run_id, text in marks:
            runs.append(cut_short(text, await self.books.ledger.of_run(run_id)))
            await asyncio.to_thread(self._survivors.drop, "at_work", root, run_id)
        return Left(tuple(text for _, text in reviews), tuple(run for run in runs if run is not None))

    async def decide(self, digest: str, decision: Decision) -> bool:
        return await asyncio.to_thread(self.consents.decide, digest, decision)

    async def known_consents(self, root: str, path: str = "_") -> Sequence[KnownConsent]:
        resolved = await asyncio.to_thread(self.settings.read, root, path)
        isolation = await self.benches.isolation(resolved.settings)
        argv = resolved.settings.testing.command or ()
        folder = await asyncio.to_thread(place.run_folder, root, path, argv)
        return await asyncio.to_thread(self.consents.known, root, folder, resolved, isolation)

    async def revoke(self, digest: str) -> bool:
        return await asyncio.to_thread(self.consents.trust.revoke, digest) > 0

    async def checkup(self, root: str) -> dict[str, Any]:
        return await checkup.look(root, self.settings, self.models, self.folders)

    async def doctor(self, root: str) -> Report:
        return await self.to_read(root, "doctor.txt", "\n".join(checkup.lines(await self.checkup(root))) + "\n")

    async def history(self) -> tuple[list[dict[str, Any]], list[str]]:
        """The past runs as JSON, and as lines for people."""
        rows = await asyncio.to_thread(history.rows, self.folders)
        return rows, history.lines(rows, await history.booked_today(self.books.ledger) if rows else "")

    async def past_runs(self, root: str) -> Report:
        _, lines = await self.history()
        return await self.to_read(root, "runs.txt", "\n".join(lines) + "\n")

    async def set_key(self, root: str, provider: str, key: Secret) -> None:
        resolved = await asyncio.to_thread(self.settings.read, root, "_")
        await self.models.set_key(resolved.settings, provider, key)

    async def status(self) -> Mapping[str, Any]:
        isolation, trust = self.benches.known_isolation, self.consents.trust
        sandbox = {"kind": isolation.kind, "detail": isolation.detail} if isolation else None
        given, problem = await asyncio.to_thread(lambda: (len(trust.list()), trust.problem))
        return {
            "cost": {"todayUsd": self.books.today_usd},
            "models": self.models.known(),
            "sandbox": sandbox or {"kind": "unknown", "detail": "not needed yet"},
            "trust": {"given": given, "problem": problem},
        }

    async def close(self) -> None:
        closing: list[Awaitable[Any]] = [self.models.close(), self.books.close(), self.benches.close()]
        for done in await asyncio.gather(*closing, return_exceptions=True):
            for error in done if isinstance(done, list) else [done]:
                if isinstance(error, BaseException):
                    log.warning("closing: %s", error)
        self._survivors.close()


def _ended(request: RunRequest, outcome: Outcome, reason: str, mends: tuple[Mend, ...] = ()) -> RunResult:
    return RunResult(request.run_id, request.command, outcome, reason, mends=mends)


def _check_target(request: RunRequest) -> None:
    if len(request.text) > MAX_TARGET_CHARACTERS:
        raise Misconfigured(
            f"{request.path} is too big for a model ({len(request.text):,} characters).", "Work on a smaller file."
        )
    if is_binary(request.text):
        raise Misconfigured(f"{request.path} is a binary file.", "Only text can be worked on.")


def _unreadable(problems: Sequence[Problem]) -> Misconfigured:
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return Misconfigured(
        f"A setting cannot be read, so nothing was started: {problems[0]}{more}",
        "`ralphd config check` shows each place.",
    ).about(problems[0].key or "models")


def _with_pinned(request: RunRequest) -> RunRequest:
    """For `fix`: the findings' tests join the project's, so that mending them is what makes the run green."""
    pinned = {f.test_path: f.test.encode() for f in request.findings if f.test and f.test_path}
    return replace(request, buffers={**request.buffers, **pinned}) if pinned else request
