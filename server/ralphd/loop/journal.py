"""The append-only record of a run, and its way back: a run replayed from it asks no model and starts no process.

JSON lines: `begin` (the request, masked), `event`, `model` (what is known of a role's), `call` (its answer or error),
`tests` (a run of the test command), `called` (what versions of a function gave), `imports` (which file imports which), `file` (a text that was shown or edited),
`end` (the result). Each line is flushed; a crash leaves a readable file.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any, TextIO

from pydantic import TypeAdapter

from ralphd.attack.admission import Admission
from ralphd.context.file_graph import FileGraph
from ralphd.context.tree import Tree
from ralphd.core import events, foreign_json
from ralphd.core.run import RunRequest, RunResult
from ralphd.errors import MODEL_ERRORS, BadAnswer, ModelError, RalphError
from ralphd.judging.only_in_copy import Apart
from ralphd.judging.verdict import TestRun
from ralphd.judging.workbench import EVERYTHING, Asked, Bounds, Plant, Workbench
from ralphd.models.gateway import (
    Completion,
    CompletionRequest,
    Delta,
    Gateway,
    OnEvent,
    Reading,
    ResolvedModel,
    Role,
    ignore_event,
)

log = logging.getLogger("ralphd")

VERSION = 1
Mask = Callable[[Any], Any]
"""Takes and gives JSON values: masking the text of a line could break its syntax."""


class Journal:
    """Writes one run's record, 0600. `mask` hides secrets in every line before it is written.

    Without a `path` nothing is kept: the run of a person whose disk takes nothing has no record."""

    def __init__(self, path: Path | None, mask: Mask) -> None:
        self.path, self._mask = path, mask
        self._file: TextIO | None = None
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0)
            self._file = os.fdopen(os.open(path, flags, 0o600), "a", encoding="utf-8")

    def write(self, kind: str, **values: Any) -> None:
        if self._file is None:
            return
        plain = json.loads(json.dumps({"kind": kind, **values}, default=_plain))
        line = json.dumps(self._mask(plain), ensure_ascii=True, sort_keys=True) + "\n"
        try:
            self._file.write(line)
            self._file.flush()
        except OSError as error:
            # A full disk must not cost the person the run they paid for: the record then ends here.
            log.warning("the journal %s cannot be written: %s", self.path, error)

    def begin(
        self, request: RunRequest, settings: Mapping[str, Any], argv: Sequence[str], model: ResolvedModel
    ) -> None:
        kept = {k: v for k, v in asdict(request).items() if k not in ("buffers", "findings")}
        kept["findings"] = [asdict(finding) for finding in request.findings]
        self.write("begin", version=VERSION, request=kept, settings=settings, argv=list(argv), model=model.model_dump())

    def event(self, event: events.Event) -> None:
        if not isinstance(event, events.TextStreamed):  # the whole answer is in its `call`
            self.write("event", type=type(event).__name__, **asdict(event))

    def end(self, result: RunResult) -> None:
        """The last line; what comes after it is not written any more."""
        self.write("end", result=result)
        if self._file is not None:
            with contextlib.suppress(OSError):  # what could not be written is tried once more here
                self._file.close()
            self._file = None


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, set | frozenset):
        return sorted(value)
    if isinstance(value, Mapping):
        return dict(value)
    return str(value)


class RecordingGateway:
    """Passes calls on and writes each answer, or error, into the journal."""

    def __init__(self, inner: Gateway, journal: Journal, tell: events.Emit) -> None:
        self._inner, self._journal, self._tell = inner, journal, tell

    async def complete(self, request: CompletionRequest, on_event: OnEvent = ignore_event) -> Completion:
        key = {"role": request.role, "sample": request.sample}
        try:
            answer = await self._inner.complete(request, on_event)
        except ModelError as error:
            self._journal.write(
                "call", **key, request=request.model_dump(), error=error.code, message=error.message, hint=error.hint
            )
            raise
        if answer.cached:
            self._tell(events.Note(f"{request.role.capitalize()}: answered from the cache, at no cost."))
        self._journal.write("call", **key, request=request.model_dump(), answer=answer.model_dump())
        return answer

    async def log_reading(self, reading: Reading) -> None:
        await self._inner.log_reading(reading)

    def first(self, role: Role) -> ResolvedModel:
        return self._inner.first(role)

    async def describe(self, role: Role) -> ResolvedModel:
        model = await self._inner.describe(role)
        self._journal.write("model", role=role, model=model.model_dump())
        return model

    async def close(self) -> None:
        await self._inner.close()


class RecordingTree:
    """Passes reads on; a text that is shown or edited is kept, one that is only looked through is not."""

    def __init__(self, inner: Tree, journal: Journal) -> None:
        self._inner, self._journal = inner, journal
        self._seen: set[str] = set()
        self._journal.write("paths", paths=inner.paths())

    def paths(self) -> list[str]:
        return self._inner.paths()

    def text(self, path: str) -> str | None:
        text = self._inner.text(path)
        if path not in self._seen:
            self._seen.add(path)
            self._journal.write("file", path=path, text=text)
        return text

    def scan(self, path: str) -> str | None:
        return self._inner.scan(path)


_RUN = TypeAdapter(TestRun)


class RecordingBench:
    """Passes test runs on and writes what came back."""

    def __init__(self, inner: Workbench, journal: Journal) -> None:
        self._inner, self._journal = inner, journal
        self.root, self.argv = inner.root, inner.argv
        self.tree: Tree = RecordingTree(inner.tree, journal)
        self._graph: FileGraph | None = None

    async def load(self, candidate: Mapping[str, str | None]) -> None:
        await self._inner.load(candidate)

    async def run(self, asked: Asked = EVERYTHING) -> TestRun:
        return self._wrote("run", await self._inner.run(asked))

    async def run_planted(self, plants: Sequence[Plant], bounds: Bounds) -> Sequence[TestRun | None]:
        runs = await self._inner.run_planted(plants, bounds)
        self._journal.write(
            "planted", runs=[None if run is None else _RUN.dump_python(run, mode="json") for run in runs]
        )
        return runs

    async def run_file(self, path: str, text: str, args: Sequence[str] = (), timeout_s: float = 60) -> TestRun:
        return self._wrote("run_file", await self._inner.run_file(path, text, args, timeout_s))

    def _wrote(self, what: str, run: TestRun) -> TestRun:
        self._journal.write("tests", what=what, run=_RUN.dump_python(run, mode="json"))
        return run

    async def only_in_copy(self, run: TestRun, target: str) -> Sequence[Apart]:
        found = await self._inner.only_in_copy(run, target)
        self._journal.write("apart", apart=[asdict(one) for one in found])
        return found

    async def file_graph(self) -> FileGraph:
        if self._graph is None:
            self._graph = await self._inner.file_graph()
            edges = {path: sorted(used) for path, used in sorted(self._graph.uses.items()) if used}
            self._journal.write("graph", uses=edges)
        return self._graph

    async def hashes(self, paths: Collection[str]) -> Mapping[str, str]:
        found = await self._inner.hashes(paths)
        self._journal.write("hashes", hashes=dict(found))
        return found

    async def changed_since(self) -> set[str]:
        changed = await self._inner.changed_since()
        self._journal.write("changed", paths=sorted(changed))
        return changed


_ADMISSION = TypeAdapter(Admission)
Admit = Callable[[str, str], Awaitable[Admission]]


def recording_admit(inner: Admit, journal: Journal) -> Admit:
    """Passes modules to the gate and writes what it found."""

    async def admit(source: str, module: str) -> Admission:
        found = await inner(source, module)
        journal.write("admission", admission=_ADMISSION.dump_python(found, mode="json"))
        return found

    return admit


def replay_admit(recording: Recording) -> Admit:
    waiting = [_ADMISSION.validate_python(entry["admission"]) for entry in recording.of("admission")]

    async def admit(source: str, module: str) -> Admission:
        if not waiting:
            raise RalphError("The journal has no further attack.")
        found: Admission = waiting.pop(0)
        return found

    return admit


class Recording:
    """A journal that was read back."""

    def __init__(self, lines: Iterable[str]) -> None:
        self.entries: list[dict[str, Any]] = []
        for number, line in enumerate(lines, 1):
            try:
                self.entries.append(foreign_json.parse(line))
            except ValueError as error:
                raise RalphError(
                    f"Line {number} of the journal cannot be read ({error}).", "The file is damaged."
                ) from error
        begin = next((e for e in self.entries if e["kind"] == "begin"), None)
        if begin is None or begin.get("version") != VERSION:
            raise RalphError(
                "This is not a journal of this version of ralphd.", "`ralphd runs` lists the ones that are."
            )
        self.begin = begin
        self.end = next((e["result"] for e in self.entries if e["kind"] == "end"), None)

    def of(self, kind: str, **match: Any) -> list[dict[str, Any]]:
        return [e for e in self.entries if e["kind"] == kind and all(e.get(k) == v for k, v in match.items())]

    def request(self) -> RunRequest:
        raw = dict(self.begin["request"])
        raw["span"] = tuple(raw["span"]) if raw["span"] else None
        request: RunRequest = TypeAdapter(RunRequest).validate_python(raw)
        return request


class ReplayGateway:
    """Answers each role's calls in the order they were recorded; costs nothing."""

    def __init__(self, recording: Recording) -> None:
        self._calls: dict[tuple[str, int], list[dict[str, Any]]] = {}
        for entry in recording.of("call"):
            self._calls.setdefault((entry["role"], entry["sample"]), []).append(entry)
        self._model = _model(recording.begin["model"])
        self._models = {e["role"]: _model(e["model"]) for e in recording.of("model")}

    async def complete(self, request: CompletionRequest, on_event: OnEvent = ignore_event) -> Completion:
        waiting = self._calls.get((request.role, request.sample))
        if not waiting:
            raise BadAnswer(f"The journal has no further answer of the {request.role}.")
        entry = waiting.pop(0)
        if "error" in entry:
            raise MODEL_ERRORS.get(entry["error"], ModelError)(entry["message"], entry["hint"])
        answer = Completion.model_validate(entry["answer"])
        on_event(Delta(attempt=1, text=answer.text))
        return answer

    async def log_reading(self, reading: Reading) -> None:
        """A replay writes no log."""

    def first(self, role: Role) -> ResolvedModel:
        return self._models.get(role) or self._model

    async def describe(self, role: Role) -> ResolvedModel:
        return self.first(role)

    async def close(self) -> None:
        return None


def _model(recorded: Mapping[str, Any]) -> ResolvedModel:
    """A model of a journal, which may be an older version's: what is no longer a field is left out."""
    return ResolvedModel.model_validate({k: v for k, v in recorded.items() if k in ResolvedModel.model_fields})


class ReplayTree:
    def __init__(self, recording: Recording) -> None:
        self._paths: list[str] = next((e["paths"] for e in recording.of("paths")), [])
        self._texts = {e["path"]: e["text"] for e in recording.of("file")}

    def paths(self) -> list[str]:
        return list(self._paths)

    def text(self, path: str) -> str | None:
        text: str | None = self._texts.get(path)
        return text

    def scan(self, path: str) -> str | None:
        return self.text(path)


class ReplayBench:
    """Gives back the recorded test runs; starts no process."""

    def __init__(self, recording: Recording) -> None:
        self.root = recording.begin["request"]["root"]
        self.argv = tuple(recording.begin["argv"])
        self.tree: Tree = ReplayTree(recording)
        self._runs = {
            what: [_RUN.validate_python(e["run"]) for e in recording.of("tests", what=what)]
            for what in ("run", "run_file")
        }
        self._planted = [
            [None if run is None else _RUN.validate_python(run) for run in e["runs"]] for e in recording.of("planted")
        ]
        self._hashes = [e["hashes"] for e in recording.of("hashes")]
        self._changed = [set(e["paths"]) for e in recording.of("changed")]
        self._apart = [
            Apart(tuple(one["tests"]), one["lack"], one["named"], tuple(one.get("whole", ())))
            for e in recording.of("apart")
            for one in e["apart"]
        ]
        self._uses = next((e["uses"] for e in recording.of("graph")), None)

    async def load(self, candidate: Mapping[str, str | None]) -> None:
        return None

    async def run(self, asked: Asked = EVERYTHING) -> TestRun:
        return self._next("run")

    async def run_planted(self, plants: Sequence[Plant], bounds: Bounds) -> Sequence[TestRun | None]:
        if not self._planted:
            raise RalphError(
                "The journal has no further planted faults: the run took another way than the recorded one."
            )
        return self._planted.pop(0)

    async def run_file(self, path: str, text: str, args: Sequence[str] = (), timeout_s: float = 60) -> TestRun:
        return self._next("run_file")

    def _next(self, what: str) -> TestRun:
        if not self._runs[what]:
            raise RalphError("The journal has no further test run: the run took another way than the recorded one.")
        run: TestRun = self._runs[what].pop(0)
        return run

    async def only_in_copy(self, run: TestRun, target: str) -> Sequence[Apart]:
        return self._apart

    async def file_graph(self) -> FileGraph:
        return FileGraph(self.tree) if self._uses is None else FileGraph.of(self._uses)

    async def hashes(self, paths: Collection[str]) -> Mapping[str, str]:
        return self._hashes.pop(0) if self._hashes else {}

    async def changed_since(self) -> set[str]:
        return self._changed.pop(0) if self._changed else set()
