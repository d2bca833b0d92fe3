"""The language server: wiring, life cycle, and what needs the client's answer. Domain work is the `Runner`'s.

`load` is called in a thread and then `make_runner` after `initialize` was answered: what the handshake does not need is
imported then.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import replace
from typing import Any

from lsprotocol import types
from pygls.exceptions import JsonRpcException
from pygls.lsp.server import LanguageServer

from ralphd import __version__
from ralphd.core.result_json import range_json
from ralphd.core.run import RunRequest
from ralphd.core.runner import Decision, Question, Runner
from ralphd.core.text import Text
from ralphd.lsp import code_actions, code_lens, convert, loading, review, stdio
from ralphd.lsp.applying import Applying
from ralphd.lsp.code_actions import CodeActions
from ralphd.lsp.commands import REQUEST_FAILED, Commands
from ralphd.lsp.diagnostics import Diagnostics, Shown
from ralphd.lsp.edits import Edits
from ralphd.lsp.protocol import RalphProtocol
from ralphd.lsp.review import Review, Reviews
from ralphd.lsp.runs import Runs
from ralphd.lsp.session import Changed, Session
from ralphd.settings.project import CONFIG_NAME

log = logging.getLogger("ralphd.lsp")

ASK_TIMEOUT_S = 120.0
SHUTDOWN_TIMEOUT_S = 1.5
GRACE_S = 3.0
PARENT_POLL_S = 2.0
REJECTIONS_KEPT = 5


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
        self._runner: Runner | None = None
        self._layers: dict[str, Any] = {"settings": None, "user_settings": None}
        self._background: set[asyncio.Task[Any]] = set()
        self._asking = asyncio.Lock()
        self._exit_code = 0
        self._seq = 0
        self._left: asyncio.Event | None = None
        self.session = Session()
        self.diagnostics = Diagnostics(self.session, self.text_document_publish_diagnostics)
        self.reviews = Reviews(self._hunks_changed)
        self.diagnostics.reviews = self.reviews
        self.edits = Edits(self.session)
        self.applying = Applying(self)
        self.runs = Runs(self)
        self.last_request: dict[str, tuple[RunRequest, str]] = {}
        self.rejections: dict[str, list[str]] = {}
        self.code_actions = CodeActions(self)
        self.commands = Commands(self)
        self.protocol.commands = self.commands.table
        self.session.on_opened += [self._opened]
        self.session.on_changed += [self.runs.follow, self.reviews.follow, self.diagnostics.follow, self._changed]
        self.session.on_closed += [self.runs.closed, self.diagnostics.refresh]
        _register(self)

    # ---- life cycle --------------------------------------------------------------------------------------------

    def runner(self) -> Runner:
        if self._runner is None:
            self._runner = self._make_runner()
            self._runner.configure(**self._layers)
        return self._runner

    def serve(self) -> int:
        """Speak LSP on stdio until the client leaves; the process' exit code."""
        incoming, outgoing = stdio.take_stdio()
        return asyncio.run(self._serve(incoming, outgoing))

    async def _serve(self, incoming: Any, outgoing: Any) -> int:
        loop = asyncio.get_running_loop()
        self._left = asyncio.Event()
        self.protocol.set_writer(stdio.Writer(outgoing, lambda: loop.call_soon_threadsafe(self.leave, 1)))  # type: ignore[arg-type]

        def on_body(body: bytes) -> None:
            loop.call_soon_threadsafe(self.protocol.handle_body, body)

        def on_garbage(what: str) -> None:
            loop.call_soon_threadsafe(self.protocol.answer_error, None, -32700, f"Unreadable input: {what}.")

        def read() -> None:
            try:
                stdio.read_messages(incoming, on_body, on_garbage)
            finally:
                loop.call_soon_threadsafe(self.leave, 0 if self.protocol.was_shut_down else 1)

        threading.Thread(target=read, name="lsp-input", daemon=True).start()
        parent = asyncio.create_task(self._watch_parent())
        await self._left.wait()
        parent.cancel()
        _last_resort(GRACE_S, lambda: self._exit_code)
        await self.end_all()
        if self._runner is not None:
            await asyncio.wait_for(self._runner.close(), GRACE_S - 0.5)
        logging.shutdown()
        os._exit(self._exit_code)  # a blocked thread must not keep a server alive that nobody talks to

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

    async def end_all(self) -> None:
        await self.runs.cancel_all(SHUTDOWN_TIMEOUT_S)
        for task in list(self._background):
            task.cancel()

    def report_server_error(self, error: Exception, source: Any) -> None:
        """To the log only: pygls tells the client, which is one more write when writing is what failed."""
        log.error("%s: %s", getattr(source, "__name__", source), error, exc_info=error)

    # ---- handshake and configuration ---------------------------------------------------------------------------

    def capabilities(self, built: types.ServerCapabilities) -> types.ServerCapabilities:
        client = self.session.client
        sync = types.TextDocumentSyncOptions(
            open_close=True, change=types.TextDocumentSyncKind.Incremental, save=types.SaveOptions(include_text=False)
        )
        built.position_encoding = types.PositionEncodingKind(client.encoding)
        built.text_document_sync = sync
        built.code_action_provider = types.CodeActionOptions(
            code_action_kinds=list(code_actions.KINDS), resolve_provider=False
        )
        built.code_lens_provider = types.CodeLensOptions(resolve_provider=False)
        built.execute_command_provider = types.ExecuteCommandOptions(commands=sorted(self.commands.table))
        folders = types.WorkspaceFoldersServerCapabilities(supported=True, change_notifications=True)
        content = types.TextDocumentContentOptions(schemes=["ralph"]) if client.text_document_content else None
        built.workspace = types.WorkspaceOptions(workspace_folders=folders, text_document_content=content)
        built.inline_completion_provider = types.InlineCompletionOptions() if client.inline_completion else None
        return built

    def began(self) -> None:
        """After `initialized`: import the engine, read the configuration, warm what a first run waits for."""
        options = self.protocol.raw_initialize.get("initializationOptions")
        given = options if isinstance(options, Mapping) else {}
        self._layers = {"settings": given.get("settings"), "user_settings": given.get("userSettings")}
        self.background(self._begin())

    async def _begin(self) -> None:
        await asyncio.sleep(0.02)  # the editor's own first requests go before our imports
        await loading.aside(self._load)
        runner = self.runner()
        client = self.session.client
        if client.configuration:
            await self._pull_configuration()
        registrations = []
        if client.dynamic_configuration:
            registrations.append(
                types.Registration(
                    id="ralph-configuration",
                    method="workspace/didChangeConfiguration",
                    register_options={"section": "ralph"},
                )
            )
        if client.dynamic_watch:
            watcher = {"watchers": [{"globPattern": f"**/{CONFIG_NAME}"}]}
            registrations.append(
                types.Registration(id="ralph-files", method="workspace/didChangeWatchedFiles", register_options=watcher)
            )
        if registrations:
            await self.request(
                self.client_register_capability_async(types.RegistrationParams(registrations=registrations)), 10
            )
        for uri in list(self.session.documents):
            self._check_configuration(uri)
        await runner.warm(list(self.session.roots))

    async def _pull_configuration(self) -> None:
        params = types.ConfigurationParams(items=[types.ConfigurationItem(section="ralph")])
        answer = await self.request(self.workspace_configuration_async(params), 10)
        if answer:
            self.reconfigure(answer[0])

    def reconfigure(self, settings: Any) -> None:
        """The editor's settings may come from a workspace file: they count as repository scope for user-only keys."""
        self._layers["settings"] = settings if isinstance(settings, Mapping) else None
        self.runner().configure(**self._layers)
        self.check_all_configuration()

    def check_all_configuration(self) -> None:
        for uri in self.session.documents:
            self._check_configuration(uri)

    def _check_configuration(self, uri: str) -> None:
        path = convert.uri_to_path(uri)
        if path is None or os.path.basename(path) != CONFIG_NAME:
            return
        root = self.session.root_of(path) or os.path.dirname(path)
        document = self.session.documents.get(uri)

        async def check() -> None:
            found = await self.runner().problems(root, path, document.text.value if document else None)
            self.diagnostics.set_problems(uri, found)

        self.background(check())

    # ---- documents ---------------------------------------------------------------------------------------------

    def _opened(self, uri: str) -> None:
        self.reviews.opened(uri, self.session.documents[uri].text)
        self.diagnostics.refresh(uri)
        if self._runner is not None:
            self._check_configuration(uri)
        self.applying.check_landed(uri)

    def _changed(self, change: Changed) -> None:
        self._check_configuration(change.uri)
        self.applying.check_landed(change.uri)

    def uri_in(self, root: str, path: str) -> str:
        """The URI of a workspace file: the client's own spelling where the document is open."""
        made = convert.path_to_uri(os.path.join(root, path))
        return next((uri for uri in self.session.documents if convert.same_uri(uri, made)), made)

    # ---- reviews -----------------------------------------------------------------------------------------------

    def _hunks_changed(self, changed: Review, uris: set[str]) -> None:
        for uri in {*uris, changed.home}:
            self.diagnostics.refresh(uri)
        if changed.hunks and all(hunk.state == "accepted" for hunk in changed.hunks):
            self.diagnostics.fixed(changed.home, changed.request.findings, verified=changed.verified)
        self.refresh_lenses()
        if not self.session.client.events:
            return
        listed = []
        for hunk in changed.hunks:
            document = self.session.documents.get(hunk.uri)
            base = document.text.value if document else changed.request.text if hunk.uri == changed.home else ""
            where = range_json(Text(base), hunk.span, self.session.client.encoding)
            listed.append(
                {
                    "hunkId": hunk.hunk_id,
                    "uri": hunk.uri,
                    "range": where,
                    "newText": hunk.new,
                    "oldText": hunk.old,
                    "state": hunk.state,
                }
            )
        payload = {"type": "hunksChanged", "reviewId": changed.review_id, "hunks": listed}
        live = self.runs.live.get(changed.run_id)
        if live is not None:
            live.progress.send_event(payload)
        else:
            self._seq += 1
            self.notify("ralph/event", {"runId": None, "seq": self._seq, **payload})

    def remember_rejection(self, of: Review, reason: Any) -> None:
        if isinstance(reason, str) and reason.strip():
            self.rejections[of.home] = [*self.rejections.get(of.home, []), reason.strip()][-REJECTIONS_KEPT:]

    def propose_test(self, shown: Shown) -> Review:
        """A finding's test as a change to accept: the end of a test file, or a new one."""
        finding = shown.finding
        home = shown.uri
        document = self.session.documents.get(home)
        path = finding.test_path
        request = RunRequest("pin", "fix", shown.root, finding.path, document.text.value if document else "")
        made = review.build(
            replace(request, run_id=f"pin-{shown.finding_id}"),
            home,
            [(self.uri_in(shown.root, path), path, None, finding.test or "")],
        )
        if os.path.lexists(os.path.join(shown.root, path)):
            raise JsonRpcException(message=f"{path} exists already; nothing was overwritten.", code=REQUEST_FAILED)
        self.reviews.add(made)
        return made

    def virtual_text(self, uri: str) -> str:
        """`ralph:/<reviewId>/<hunkId>`: what a hunk proposes; `ralph:/<reviewId>`: the whole review as a diff."""
        parts = uri.removeprefix("ralph:").strip("/").split("/")
        found = self.reviews.find(parts[0]) if parts else None
        if found is None:
            return "This review is over.\n"
        chosen = [h for h in found.hunks if len(parts) < 2 or h.hunk_id == parts[1]]
        return "\n\n".join(f"{hunk.path} ({hunk.state})\n{review.short_diff(hunk, 1000)}" for hunk in chosen) + "\n"

    # ---- asking and telling ------------------------------------------------------------------------------------

    async def ask(self, question: Question) -> Decision:
        """One question at a time (Helix drops the first of two); no answer within two minutes means no."""
        if not self.session.client.message_request:
            return "never"
        actions = [types.MessageActionItem(title=title) for title, _ in question.choices]
        params = types.ShowMessageRequestParams(type=types.MessageType.Warning, message=question.text, actions=actions)
        async with self._asking:
            answer = await self.request(self.window_show_message_request_async(params), ASK_TIMEOUT_S)
        return next(
            (decision for title, decision in question.choices if answer is not None and answer.title == title), "never"
        )

    async def request(self, answer: Any, timeout_s: float) -> Any:
        """A request to the client, time-boxed: clients may never answer, or answer what cannot be read."""
        try:
            return await asyncio.wait_for(answer, timeout_s)
        except (TimeoutError, JsonRpcException) as error:
            log.info("no usable answer from the client: %s", error)
            return None

    def notify(self, method: str, params: Mapping[str, Any]) -> None:
        self.protocol.send_json({"jsonrpc": "2.0", "method": method, "params": params})

    def show_message(self, text: str, *, error: bool = False) -> None:
        kind = types.MessageType.Error if error else types.MessageType.Warning
        self.window_show_message(types.ShowMessageParams(type=kind, message=text))

    def log_message(self, text: str) -> None:
        self.window_log_message(types.LogMessageParams(type=types.MessageType.Info, message=text))

    async def show_file(self, path: str) -> None:
        if not await asyncio.to_thread(os.path.exists, path):
            self.show_message("No request was made yet: the log is empty.")
        elif self.session.client.show_document:
            await self.request(
                self.window_show_document_async(
                    types.ShowDocumentParams(uri=convert.path_to_uri(path), take_focus=True)
                ),
                10,
            )
        else:
            self.show_message(f"The request log is {path}")

    def refresh_lenses(self) -> None:
        if self.session.client.code_lens_refresh:
            self.background(self.request(self.workspace_code_lens_refresh_async(None), 10))

    def background(self, work: Coroutine[Any, Any, Any]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._background.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._background.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("background task", exc_info=error)


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


def _register(server: RalphServer) -> None:
    """The features that are ours alone; documents, commands and the life cycle are in `RalphProtocol`."""

    @server.feature(types.INITIALIZE)
    def initialize(params: types.InitializeParams) -> None:
        server.session.begin(server.protocol.raw_initialize)
        asyncio.get_running_loop().call_soon(loading.ended)  # when the answer has been written

    @server.feature(types.INITIALIZED)
    def initialized(params: types.InitializedParams) -> None:
        server.began()

    @server.feature(types.TEXT_DOCUMENT_CODE_ACTION)
    def code_action(params: types.CodeActionParams) -> list[types.CodeAction]:
        server.session.last_uri = params.text_document.uri
        return server.code_actions.offer(params)

    @server.feature(types.TEXT_DOCUMENT_CODE_LENS)
    def lens(params: types.CodeLensParams) -> list[types.CodeLens]:
        return code_lens.lenses(server, params.text_document.uri)

    @server.feature(types.TEXT_DOCUMENT_INLINE_COMPLETION)
    def inline_completion(params: types.InlineCompletionParams) -> list[types.InlineCompletionItem]:
        """Only what a run left as a pure insertion at the cursor; asking never starts anything."""
        uri, encoding = params.text_document.uri, server.session.client.encoding
        document = server.session.documents.get(uri)
        if document is None:
            return []
        at = document.text.offset_at(convert.from_position(params.position), encoding)
        fitting = [
            h
            for _, h in server.reviews.pending_in(uri)
            if h.state == "pending" and not h.creates and h.span == (at, at)
        ]
        return [types.InlineCompletionItem(insert_text=hunk.new) for hunk in fitting]

    @server.feature(types.TEXT_DOCUMENT_DID_SAVE)
    def did_save(params: types.DidSaveTextDocumentParams) -> None:
        server.diagnostics.saved(params.text_document.uri)

    @server.feature(types.WORKSPACE_DID_CHANGE_CONFIGURATION)
    def did_change_configuration(params: types.DidChangeConfigurationParams) -> None:
        settings = params.settings
        if isinstance(settings, Mapping) and isinstance(settings.get("ralph"), Mapping):
            server.reconfigure(settings["ralph"])
        elif server.session.client.configuration:
            server.background(server._pull_configuration())

    @server.feature(types.WORKSPACE_DID_CHANGE_WATCHED_FILES)
    def did_change_watched_files(params: types.DidChangeWatchedFilesParams) -> None:
        server.check_all_configuration()

    @server.feature(types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS)
    def folders(params: types.DidChangeWorkspaceFoldersParams) -> None:
        event = params.event
        server.session.folders_changed([f.uri for f in event.added], [f.uri for f in event.removed])

    @server.feature(types.WORKSPACE_TEXT_DOCUMENT_CONTENT)
    def content(params: types.TextDocumentContentParams) -> types.TextDocumentContentResult:
        return types.TextDocumentContentResult(text=server.virtual_text(params.uri))

    @server.feature("ralph/run")
    async def run(params: Any) -> Any:
        """A long request for first-party clients; `$/cancelRequest` cancels the run itself."""
        argument = dict(params) if isinstance(params, Mapping) else {}
        name = argument.pop("command", None)
        if name not in ("implement", "critique", "chaosTests", "fix"):
            raise JsonRpcException(
                message='command must be "implement", "critique", "chaosTests" or "fix".', code=-32602
            )
        keys = {"uri", "findingId"} if name == "fix" else {"uri", "version", "range", "instruction"}
        if unknown := sorted(set(argument) - keys):
            raise JsonRpcException(message=f"ralph/run does not know {', '.join(unknown)}.", code=-32602)
        started = server.commands.start(name, argument)
        try:
            return await asyncio.shield(started.ended)
        except asyncio.CancelledError:
            server.runs.cancel(started)
            await asyncio.shield(started.ended)
            raise
