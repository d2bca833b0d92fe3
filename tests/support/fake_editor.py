"""An editor without a screen: real buffers, versions and encodings over a RawClient. Its text is the truth.

It applies edits as the real client of its profile does, faults included, and notes in `faults` what the server sent
that this client cannot bear. It shares no code with the server: line rules and encodings are here once more on purpose.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .client_profiles import PROFILES, Profile
from .editor_buffers import Buffer, apply_text_edits, path_of, position_at
from .patience import seconds
from .raw_rpc import Json, RawClient, load_capabilities


class Refused(Exception):
    """An edit that this client does not apply; the text is its failureReason."""


class FakeEditor:
    def __init__(self, rpc: RawClient, profile: Profile) -> None:
        self.rpc = rpc
        self.profile = profile
        self.encoding: str = "utf-16"
        self.buffers: dict[str, Buffer] = {}
        self.diagnostics: dict[str, list[Json]] = {}
        self.diagnostics_version: dict[str, int | None] = {}
        self.progress: dict[str | int, list[Json]] = {}
        self.events: list[Json] = []
        self.streams: list[Json] = []
        self.choices: list[str | None] = []
        """Titles picked in answer to the next showMessageRequests; when there are none left: dismissed."""
        self.asked: list[Json] = []
        self.shown: list[Json] = []
        self.settings: Json = {}
        """What workspace/configuration answers for the section `ralph`."""
        self.edits_received: list[Json] = []
        self.faults: list[str] = []
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._flushes: set[asyncio.Task[None]] = set()
        rpc.listeners.append(self._notified)
        rpc.answers.update(
            {
                "workspace/applyEdit": self._apply_edit,
                "workspace/configuration": self._configuration,
                "workspace/workspaceFolders": lambda _: None,
                "window/showMessageRequest": self._asked,
                "window/showDocument": self._show_document,
                "window/workDoneProgress/create": self._create_progress,
            }
        )

    @classmethod
    async def start(
        cls,
        server: Sequence[str] | Path,
        root: str | Path,
        *,
        profile: str = "vscode",
        env: Mapping[str, str] | None = None,
        stderr_path: str | Path | None = None,
        settings: Json | None = None,
        user_settings: Json | None = None,
        events: bool = True,
        stream: bool = True,
        capabilities: Json | None = None,
        **extra: Any,
    ) -> FakeEditor:
        """`server` is a command, or the file of a scripted model's replies. `settings` and `user_settings` become
        initializationOptions; `capabilities` replaces the profile's own."""
        known = PROFILES[profile]
        begin = RawClient.serve if isinstance(server, Path) else RawClient.spawn
        editor = cls(await begin(server, env=env, cwd=str(root), stderr_path=stderr_path), known)  # type: ignore[operator]
        offered = load_capabilities(known.capabilities) if capabilities is None else capabilities
        if events or stream:
            ralph = {"events": events, "stream": stream}
            offered = {**offered, "experimental": {**(offered.get("experimental") or {}), "ralph": ralph}}
        editor.settings = settings or {}
        options = {"settings": settings, "userSettings": user_settings}
        options = {key: value for key, value in options.items() if value is not None}
        if options:
            extra.setdefault("initializationOptions", options)
        try:
            answer = await editor.rpc.initialize(
                offered, str(Path(root).absolute()), clientInfo={"name": known.client_name, "version": "0"}, **extra
            )
        except BaseException:
            await editor.rpc.kill()
            raise
        editor.encoding = answer["capabilities"].get("positionEncoding", "utf-16")
        encodings = (offered.get("general") or {}).get("positionEncodings", ["utf-16"])
        assert editor.encoding in encodings, f"the server chose {editor.encoding}, the client offers {encodings}"
        return editor

    async def stop(self) -> int:
        """shutdown and exit; the exit code."""
        for timer in self._timers.values():
            timer.cancel()
        return await self.rpc.shutdown()

    # Buffers

    async def open(self, file: str | Path, text: str | None = None, language: str = "python") -> str:
        """Open a file (an absolute path, or a URI with its text); answers its URI."""
        uri = file if isinstance(file, str) and re.match(r"[a-z]+:", file) else Path(file).resolve().as_uri()
        if text is None:
            text = path_of(uri).read_bytes().decode("utf-8")
        buffer = self.buffers[uri] = Buffer(uri, text, self.profile.first_version, language)
        item = {"uri": uri, "languageId": language, "version": buffer.version, "text": text}
        await self.rpc.notify("textDocument/didOpen", {"textDocument": item})
        return uri

    def text(self, uri: str) -> str:
        return self.buffers[uri].text

    async def change(self, uri: str, start: int, end: int, new: str) -> None:
        """Replace code points `start` to `end`, as typing does: the server hears of it after the profile's delay."""
        buffer = self.buffers[uri]
        rng = {
            "start": position_at(buffer.text, start, self.encoding),
            "end": position_at(buffer.text, end, self.encoding),
        }
        buffer.undo.append(buffer.text)
        buffer.text = buffer.text[:start] + new + buffer.text[end:]
        buffer.unsent.append({"range": rng, "text": new})
        if self.profile.change_delay_s == 0:
            await self.flush(uri)
        else:
            self._flush_later(uri)

    async def replace(self, uri: str, old: str, new: str) -> None:
        """Type `new` over the one place where `old` stands."""
        text = self.text(uri)
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {uri}"
        at = text.index(old)
        await self.change(uri, at, at + len(old), new)

    async def undo(self, uri: str) -> None:
        before = self.buffers[uri].undo.pop()
        await self.change(uri, 0, len(self.text(uri)), before)
        self.buffers[uri].undo.pop()

    def _flush_later(self, uri: str) -> None:
        if uri in self._timers:
            self._timers[uri].cancel()

        def fire() -> None:
            task = asyncio.ensure_future(self.flush(uri))
            self._flushes.add(task)
            task.add_done_callback(self._flushes.discard)

        self._timers[uri] = asyncio.get_running_loop().call_later(self.profile.change_delay_s, fire)

    async def flush(self, uri: str) -> None:
        """Tell the server what was typed so far; every request does it first, as real clients do."""
        buffer = self.buffers.get(uri)
        if buffer is None or not buffer.unsent:
            return
        changes, buffer.unsent = buffer.unsent, []
        buffer.version += 1
        document = {"uri": uri, "version": buffer.version}
        await self.rpc.notify("textDocument/didChange", {"textDocument": document, "contentChanges": changes})

    async def save(self, uri: str) -> None:
        await self.flush(uri)
        path = path_of(uri)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self.text(uri).encode("utf-8"))
        await self.rpc.notify("textDocument/didSave", {"textDocument": {"uri": uri}})

    async def save_all(self) -> None:
        for uri in list(self.buffers):
            await self.save(uri)

    async def close(self, uri: str) -> None:
        await self.flush(uri)
        del self.buffers[uri]
        await self.rpc.notify("textDocument/didClose", {"textDocument": {"uri": uri}})

    # What a person does

    def range_of(self, uri: str, part: str) -> Json:
        """The range of the one place where `part` stands."""
        text = self.text(uri)
        assert text.count(part) == 1, f"{part!r} stands {text.count(part)} times in {uri}"
        at = text.index(part)
        ends = (at, at + len(part))
        return dict(zip(("start", "end"), (position_at(text, e, self.encoding) for e in ends), strict=True))

    async def actions(self, uri: str, rng: Json | None = None, only: list[str] | None = None) -> list[Json]:
        """The code actions at a range (none: the document's start), with the diagnostics there as context."""
        await self.flush(uri)
        rng = rng or {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 0}}
        here = [
            d
            for d in self.diagnostics.get(uri, [])
            if d["range"]["start"]["line"] <= rng["end"]["line"] and d["range"]["end"]["line"] >= rng["start"]["line"]
        ]
        context: Json = {"diagnostics": here, "triggerKind": 1}
        if only is not None:
            context["only"] = only
        params = {"textDocument": {"uri": uri}, "range": rng, "context": context}
        found: list[Json] = await self.rpc.result("textDocument/codeAction", params) or []
        return found

    async def act(self, uri: str, title: str, rng: Json | None = None) -> Any:
        """Run the one code action whose title begins so: its edit as this client applies it, then its command."""
        actions = await self.actions(uri, rng)
        matches = [a for a in actions if a["title"].startswith(title)]
        assert len(matches) == 1, f"{title!r} fits {len(matches)} of {[a['title'] for a in actions]}"
        action = matches[0]
        assert "disabled" not in action, f"{action['title']} is disabled: {action['disabled']}"
        if action.get("edit"):
            await self._apply(action["edit"])
            for uri_ in list(self.buffers):
                await self.flush(uri_)
        command = action.get("command")
        if isinstance(command, dict):
            return await self.command(command["command"], *command.get("arguments", []))
        return None

    async def lenses(self, uri: str) -> list[Json]:
        await self.flush(uri)
        found: list[Json] = await self.rpc.result("textDocument/codeLens", {"textDocument": {"uri": uri}}) or []
        return found

    async def command(self, name: str, *arguments: Any) -> Any:
        """The result of a command that must not be refused."""
        for uri in list(self.buffers):
            await self.flush(uri)
        params: Json = {"command": name}
        if arguments:
            params["arguments"] = list(arguments)
        return await self.rpc.result("workspace/executeCommand", params)

    async def run_ended(self, run_id: str | None = None, timeout: float = seconds(300)) -> Json:
        """The RunResult of a run (of the next that ends, without an id); needs `events`."""
        fits = (lambda p: p["runId"] == run_id) if run_id else (lambda p: True)
        result: Json = await self.rpc.wait_notification("ralph/runEnded", fits, timeout)
        return result

    async def wait_diagnostics(self, uri: str, count: int, code: str = "", timeout: float = seconds(60)) -> list[Json]:
        """Until `uri` has `count` diagnostics whose code begins with `code`."""

        def those() -> list[Json]:
            return [d for d in self.diagnostics.get(uri, []) if str(d.get("code", "")).startswith(code)]

        await self.rpc.wait_for(lambda: len(those()) == count, timeout, f"{count} diagnostics {code} in {uri}")
        return those()

    # What the server does

    def _notified(self, method: str, params: Any) -> None:
        if method == "textDocument/publishDiagnostics":
            uri, version = params["uri"], params.get("version")
            buffer = self.buffers.get(uri)
            current = buffer.version if buffer else None
            if self.profile.drops_stale_diagnostics and version is not None and version != current:
                return
            self.diagnostics[uri] = params["diagnostics"]
            self.diagnostics_version[uri] = version
        elif method == "$/progress":
            self._progressed(params["token"], params["value"])
        elif method == "ralph/event":
            self.events.append(params)
        elif method == "ralph/stream":
            self.streams.append(params)

    def _create_progress(self, params: Json) -> None:
        if params["token"] in self.progress:
            self.faults.append(f"progress token {params['token']} made twice")
        self.progress[params["token"]] = []

    def _progressed(self, token: str | int, value: Json) -> None:
        seen = self.progress.get(token)
        if seen is None:
            self.faults.append(f"progress {value['kind']} on a token that nobody made: {token}")
            seen = self.progress[token] = []
        kinds = [v["kind"] for v in seen]
        if "end" in kinds or (value["kind"] == "begin") != (not kinds):
            self.faults.append(f"progress {value['kind']} after {kinds[-1:] or 'nothing'}")
        seen.append(value)

    def _configuration(self, params: Json) -> list[Any]:
        return [self.settings if item.get("section") == "ralph" else None for item in params["items"]]

    def _asked(self, params: Json) -> Json | None:
        self.asked.append(params)
        title = self.choices.pop(0) if self.choices else None
        titles = [action["title"] for action in params.get("actions") or []]
        assert title is None or title in titles, f"{title!r} is not among {titles}"
        return {"title": title} if title else None

    def _show_document(self, params: Json) -> Json:
        self.shown.append(params)
        return {"success": True}

    async def _apply_edit(self, params: Json) -> Json:
        self.edits_received.append(params)
        if "metadata" in params and not self.profile.takes_metadata:
            self.faults.append("applyEdit with metadata to a client that breaks on it")
            if self.profile.staleness == "error":
                raise Refused("unknown keyword :metadata")
        try:
            touched = await self._apply(params["edit"])
        except Refused as refusal:
            if self.profile.staleness == "error":
                raise
            return {"applied": False, "failureReason": str(refusal)}
        for uri in touched:
            if self.profile.answers_before_change:
                self._flush_later(uri)
            else:
                await self.flush(uri)
        return {"applied": True}

    async def _apply(self, edit: Json) -> list[str]:
        """Apply a WorkspaceEdit by this client's rules; the URIs whose buffers changed."""
        changes: list[Json] = edit.get("documentChanges") or [
            {"textDocument": {"uri": uri, "version": None}, "edits": edits}
            for uri, edits in (edit.get("changes") or {}).items()
        ]
        if edit.get("changeAnnotations") and not self.profile.takes_annotations:
            self.faults.append("change annotations to a client that stumbles over them")
        if self.profile.staleness != "skip-silently":  # those look at every version before they touch anything
            for change in changes:
                if self._is_stale(change):
                    raise Refused(f"{change['textDocument']['uri']} changed meanwhile")
        touched: list[str] = []
        for index, change in enumerate(changes):
            if "kind" in change:
                await self._resource(change)
                continue
            uri = change["textDocument"]["uri"]
            if uri in self.buffers and change["textDocument"].get("version") is None:
                self.faults.append(f"an edit of {uri} without a version")
            if self.profile.staleness == "skip-silently" and index == 0 and self._is_stale(change):
                continue
            if uri not in self.buffers:
                path = path_of(uri)
                await self.open(uri, path.read_bytes().decode("utf-8") if path.exists() else "")
            await self._edit_buffer(self.buffers[uri], change["edits"])
            touched.append(uri)
        return touched

    def _is_stale(self, change: Json) -> bool:
        version = (change.get("textDocument") or {}).get("version")
        buffer = self.buffers.get(change["textDocument"]["uri"]) if version is not None else None
        if buffer is None or version is None:
            return False
        if self.profile.checks_first_change_only:
            return bool(version > 0 and buffer.version > version)
        return bool(buffer.version != version)

    async def _resource(self, change: Json) -> None:
        options = change.get("options") or {}
        if change["kind"] != "create":
            raise Refused(f"ralphd has no business with {change['kind']}")
        if not self.profile.creates_files:
            self.faults.append("CreateFile to a client that has none")
            raise Refused("unknown document change")
        path = path_of(change["uri"])
        if path.exists() and not options.get("ignoreIfExists"):
            self.faults.append(f"CreateFile over {path.name}, which exists")
            if not (options.get("overwrite") or self.profile.empty_create_truncates):
                raise Refused(f"{path} exists")
            path.write_bytes(b"")
        elif not (self.profile.empty_create_truncates and options.get("ignoreIfExists")):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()

    async def _edit_buffer(self, buffer: Buffer, edits: Sequence[Json]) -> None:
        if any("snippet" in e for e in edits):
            self.faults.append("a snippet edit")
            raise Refused("no newText")
        after = apply_text_edits(buffer.text, edits, self.encoding)
        before = buffer.text
        # One change of the whole range that differs: what editors send for one applied edit, and one step of undo.
        start = 0
        while start < min(len(before), len(after)) and before[start] == after[start]:
            start += 1
        tail = 0
        while tail < min(len(before), len(after)) - start and before[-1 - tail] == after[-1 - tail]:
            tail += 1
        # No position lies between "\r" and "\n".
        start -= 1 if start and before[start - 1] == "\r" else 0
        tail -= 1 if tail and before[len(before) - tail] == "\n" else 0
        rng = {
            "start": position_at(before, start, self.encoding),
            "end": position_at(before, len(before) - tail, self.encoding),
        }
        buffer.undo.append(before)
        buffer.text = after
        buffer.unsent.append({"range": rng, "text": after[start : len(after) - tail]})
