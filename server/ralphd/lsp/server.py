"""The language server: builds its components, and lives and dies with the client. Domain work is the `Runner`'s.

`load` is called in a thread and then `make_runner` after `initialize` was answered: what the handshake does not need is
imported then.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import threading
from collections.abc import Callable, Mapping
from typing import Any

from lsprotocol import types
from pygls.lsp.server import LanguageServer

from ralphd import __version__
from ralphd.core.runner import Runner
from ralphd.lsp import loading, stdio
from ralphd.lsp.applying import Applying
from ralphd.lsp.broken_proofs import BrokenProofs
from ralphd.lsp.capabilities import server_capabilities
from ralphd.lsp.commands.findings import Findings
from ralphd.lsp.commands.reports import Reports
from ralphd.lsp.commands.reviews import ReviewCommands
from ralphd.lsp.commands.service import ServiceCommands
from ralphd.lsp.commands.starting import Starting
from ralphd.lsp.commands.table import table
from ralphd.lsp.diagnostics import Diagnostics
from ralphd.lsp.endings import Endings
from ralphd.lsp.features import (
    config_file,
    inline_completion,
    key_request,
    run_request,
    virtual_documents,
    workspace_changes,
)
from ralphd.lsp.features.code_actions import CodeActions
from ralphd.lsp.features.code_lens import CodeLenses
from ralphd.lsp.features.configuration import Configuration
from ralphd.lsp.fetching import Fetching
from ralphd.lsp.outbox import Outbox
from ralphd.lsp.protocol import Handlers, RalphProtocol
from ralphd.lsp.publishing import Publishing
from ralphd.lsp.recovery import Recovery
from ralphd.lsp.request_log_view import RequestLogView
from ralphd.lsp.retesting import Retesting
from ralphd.lsp.review import Reviews
from ralphd.lsp.review_feed import ReviewFeed
from ralphd.lsp.runs import Runs
from ralphd.lsp.unnoticed import UnnoticedFaults
from ralphd.lsp.workspace import Workspace
from ralphd.lsp.workspace_edits import WorkspaceEdits

log = logging.getLogger("ralphd.lsp")

SHUTDOWN_TIMEOUT_S = 1.5
GRACE_S = 3.0
PARENT_POLL_S = 2.0
EDITOR_FIRST_S = 0.02
"""The editor's own first requests go before our imports."""


class RalphServer(LanguageServer):
    protocol: RalphProtocol

    def __init__(self, make_runner: Callable[[], Runner], load: Callable[[], object] = lambda: None) -> None:
        super().__init__(
            "ralphd",
            __version__,
            protocol_cls=RalphProtocol,
            text_document_sync_kind=types.TextDocumentSyncKind.Incremental,
        )
        self._make_runner, self._load = make_runner, load
        self._loaded: asyncio.Future[None] | None = None
        self._runner: Runner | None = None
        self._exit_code = 0
        self._left: asyncio.Event | None = None
        self.workspace_state = Workspace()
        self._build(self.workspace_state)

    def _build(self, workspace: Workspace) -> None:
        """Every component gets what it needs, none gets the server. Their order here is the order in which they hear
        of a changed document."""
        self.outbox = outbox = Outbox(self.protocol, workspace)
        reviews = Reviews(keeps_settled=lambda: workspace.client.review)
        diagnostics = Diagnostics(outbox, workspace, reviews)
        unnoticed = UnnoticedFaults(lambda: workspace.client, diagnostics.refresh)
        diagnostics.sources.append(unnoticed.items)
        edits = WorkspaceEdits(workspace)
        documents = workspace.documents
        documents.on_opened += [lambda uri: reviews.opened(uri, documents.open[uri].text), diagnostics.refresh]
        documents.on_changed += [reviews.follow, unnoticed.follow, diagnostics.follow]
        documents.on_closed += [diagnostics.refresh]
        applying = Applying(outbox, workspace, reviews, edits)
        endings = Endings(outbox, lambda command, arguments: self.protocol.handlers.commands[command](arguments))
        publishing = Publishing(outbox, workspace, diagnostics, reviews, applying, unnoticed, endings)
        self.configuration = Configuration(outbox, workspace, diagnostics, self.runner)
        self.runs = runs = Runs(outbox, workspace, publishing, self.runner, self._ready)
        self.retesting = retesting = Retesting(outbox, workspace, reviews, runs.live, self.runner)
        self.fetching = Fetching(outbox, lambda: workspace.client, self.runner)
        reviews.on_changed.append(ReviewFeed(outbox, workspace, diagnostics, runs.live, retesting.proof).changed)
        runs.on_live += [retesting.run_changed, lambda uri: unnoticed.clear(uri) if runs.on(uri) else None]
        broken = BrokenProofs(reviews, lambda: workspace.client, retesting.proof)
        diagnostics.sources.append(broken.items)
        starting = Starting(workspace, runs, reviews, diagnostics)
        log = RequestLogView(workspace, self.runner)
        self.recovery = Recovery(outbox, workspace, reviews, starting, self.runner)
        reviews.on_changed.append(self.recovery.changed)
        commands = table(
            [
                *starting.commands(),
                *Reports(outbox, workspace, starting, self.runner).commands(),
                *Findings(outbox, workspace, diagnostics, reviews, self.runner).commands(),
                *ReviewCommands(outbox, workspace, reviews, applying).commands(),
                *ServiceCommands(
                    outbox, workspace, runs, reviews, retesting, self.fetching, publishing.journals, self.runner, log
                ).commands(),
            ]
        )
        self.protocol.handlers = self._handlers(commands)
        self.configuration.register(self)
        CodeActions(workspace, runs, diagnostics, reviews, edits, broken, unnoticed).register(self)
        CodeLenses(workspace, runs, reviews).register(self)
        config_file.register(self, workspace)
        inline_completion.register(self, workspace, reviews)
        virtual_documents.register(self, reviews, log, diagnostics, publishing.journals)
        workspace_changes.register(self, workspace, diagnostics)
        run_request.register(self, starting, runs)
        key_request.register(self, workspace, self.runner)
        self._register_handshake()

    def _handlers(self, commands: Mapping[str, Callable[[list[Any]], Any]]) -> Handlers:
        workspace, documents = self.workspace_state, self.workspace_state.documents
        return Handlers(
            capabilities=lambda built: server_capabilities(built, workspace.client, commands),
            opened=documents.opened,
            changed=documents.changed,
            closed=documents.closed,
            cancel_progress=self._cancel_progress,
            commands=commands,
            end_all=self.end_all,
            leave=self.leave,
        )

    def runner(self) -> Runner:
        if self._runner is None:
            self._runner = self._make_runner()
            self.configuration.apply_to(self._runner)
        return self._runner

    # ---- handshake ---------------------------------------------------------------------------------------------

    def _register_handshake(self) -> None:
        @self.feature(types.INITIALIZE)
        def initialize(params: types.InitializeParams) -> None:
            self.workspace_state.begin(self.protocol.raw_initialize)
            self.configuration.given(self.protocol.raw_initialize.get("initializationOptions"))
            asyncio.get_running_loop().call_soon(loading.ended)  # when the answer has been written

        @self.feature(types.INITIALIZED)
        def initialized(params: types.InitializedParams) -> None:
            self.outbox.background(self._begin())

    async def _begin(self) -> None:
        """Import the engine, read the configuration, warm what a first run waits for."""
        await asyncio.sleep(EDITOR_FIRST_S)
        await self._modules()
        runner = self.runner()
        await self.configuration.begin()
        await self.recovery.begin()
        await runner.warm(list(self.workspace_state.roots))

    async def _modules(self) -> None:
        """Until the engine's modules are there: loaded once, beside the event loop."""
        if self._loaded is None:
            self._loaded = asyncio.ensure_future(loading.aside(self._load))
        await asyncio.shield(self._loaded)

    async def _ready(self) -> None:
        """Until a run may begin."""
        await self._modules()
        await self.configuration.ready()

    # ---- life cycle --------------------------------------------------------------------------------------------

    def serve(self) -> int:
        """Speak LSP on stdio until the client leaves; the process' exit code."""
        incoming, outgoing = stdio.take_stdio()
        return asyncio.run(self._serve(incoming, outgoing))

    async def _serve(self, incoming: Any, outgoing: Any) -> int:
        loop = asyncio.get_running_loop()
        self._left = asyncio.Event()
        writer = stdio.Writer(outgoing, lambda: loop.call_soon_threadsafe(self.leave, 1))  # type: ignore[arg-type]
        self.protocol.set_writer(writer)
        threading.Thread(target=self._read, args=(loop, incoming), name="lsp-input", daemon=True).start()
        parent = asyncio.create_task(self._watch_parent())
        await self._left.wait()
        parent.cancel()
        _last_resort(GRACE_S, lambda: self._exit_code)
        await self.end_all()
        if self._runner is not None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._runner.close(), GRACE_S - 0.5)
        logging.shutdown()
        os._exit(self._exit_code)  # a blocked thread must not keep a server alive that nobody talks to

    def _read(self, loop: asyncio.AbstractEventLoop, incoming: Any) -> None:
        """In a thread of its own: hand each message to the event loop, until the input ends."""

        def on_body(body: bytes) -> None:
            loop.call_soon_threadsafe(self.protocol.handle_body, body)

        def on_garbage(what: str) -> None:
            loop.call_soon_threadsafe(self.protocol.answer_error, None, -32700, f"Unreadable input: {what}.")

        try:
            stdio.read_messages(incoming, on_body, on_garbage)
        finally:
            loop.call_soon_threadsafe(self.leave, 0 if self.protocol.was_shut_down else 1)

    def leave(self, code: int) -> None:
        if self._left is not None and not self._left.is_set():
            self._exit_code = code
            if self.protocol.writer is not None:
                self.protocol.writer.close()
            self._left.set()

    async def _watch_parent(self) -> None:
        """pygls stores processId and does not watch it: an editor that crashed would leave its server behind."""
        while True:
            await asyncio.sleep(PARENT_POLL_S)
            pid = self.process_id
            if pid is not None and pid > 0 and not _alive(pid):
                self.leave(1)

    def _cancel_progress(self, token: int | str) -> None:
        self.runs.cancel_token(token)
        self.retesting.cancel_token(token)
        self.fetching.cancel_token(token)

    async def end_all(self) -> None:
        await asyncio.gather(self.runs.cancel_all(SHUTDOWN_TIMEOUT_S), self.retesting.end())
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.recovery.write(), SHUTDOWN_TIMEOUT_S)
        self.outbox.stop()

    def report_server_error(self, error: Exception, source: Any) -> None:
        """To the log only: pygls tells the client, which is one more write when writing is what failed."""
        log.error("%s: %s", getattr(source, "__name__", source), error, exc_info=error)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _last_resort(after_s: float, code: Callable[[], int]) -> None:
    """End the process even if closing hangs."""
    timer = threading.Timer(after_s, lambda: os._exit(code()))
    timer.daemon = True
    timer.start()
