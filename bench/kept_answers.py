"""A model's answers, kept in one compressed file a set, so that a table is made again without the model.

An answer is found by its task, the form of the run (the command) and a hash of what was asked: equal questions have equal
answers, in whatever row of a table they are asked. While answers are asked for, each is written down at once; a run that was
stopped goes on from what is there.
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import json
import time
import zlib
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from ralphd.app import build_service
from ralphd.errors import MODEL_ERRORS, BadAnswer, ContextTooLong, ModelError
from ralphd.models.gateway import (
    Completion,
    CompletionRequest,
    Delta,
    Gateway,
    OnEvent,
    Reading,
    ResolvedModel,
    Role,
    Usage,
    ignore_event,
)

MODEL = "Qwen2.5-Coder 1.5B"
EMBEDDED = ResolvedModel(
    model="local",
    provider="local",
    local=True,
    context_window=4096,
    input_usd_per_token=0.0,
    output_usd_per_token=0.0,
)
Key = tuple[str, str, str]
"""Task, form, and the hash of the question."""


@dataclass(frozen=True)
class Answer:
    """One answer of the model. `error`: the code of a `ModelError` that came in its place, with its words in `text`;
    "unwanted" where the run had no more use for it before it was whole."""

    task: str
    form: str
    prompt: str
    text: str
    finish: str = "stop"
    prompt_tokens: int = 0
    completion_tokens: int = 0
    seconds: float = 0.0
    """As the clock showed when it was asked for."""
    error: str = ""

    @property
    def key(self) -> Key:
        return self.task, self.form, self.prompt


UNWANTED = "unwanted"


def prompt_hash(request: CompletionRequest) -> str:
    """Of all that the answer depends on."""
    asked = request.model_dump(include={"role", "messages", "temperature", "max_tokens", "sample"})
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:16]


class KeptAnswers:
    """The answers of one file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._answers = {answer.key: answer for answer in _read(path)}

    def __len__(self) -> int:
        return len(self._answers)

    def find(self, key: Key) -> Answer | None:
        return self._answers.get(key)

    def add(self, answer: Answer) -> None:
        """Written down at once: as a gzip member of its own, which a reader joins to those before it."""
        self._answers[answer.key] = answer
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("ab") as file:
            file.write(gzip.compress(_line(answer), mtime=0))

    def pack(self) -> None:
        """The file as one member, in the order of its keys: smaller, and the same for the same answers."""
        lines = b"".join(_line(self._answers[key]) for key in sorted(self._answers))
        whole = self._path.with_suffix(".new")
        whole.write_bytes(gzip.compress(lines, mtime=0))
        whole.replace(self._path)


def _line(answer: Answer) -> bytes:
    return json.dumps(asdict(answer), sort_keys=True).encode() + b"\n"


def _read(path: Path) -> Iterator[Answer]:
    """Those of a file that was cut in the middle of a write, too: all but the last."""
    if not path.exists():
        return
    try:
        with gzip.open(path) as file:
            for line in file:
                yield Answer(**json.loads(line))
    except (EOFError, zlib.error, ValueError):
        print(f"{path}: its end cannot be read; what stands before it is used.")


class KeptGateway:
    """Answers one run from what is kept; what is missing is asked of `model`, and kept, where there is one."""

    def __init__(self, kept: KeptAnswers, task: str, form: str, model: Gateway | None = None) -> None:
        self._kept, self._task, self._form, self._model = kept, task, form, model
        self.used: list[Answer] = []
        self.missing = 0
        """Questions to which no answer is kept."""
        self._unwanted: list[Answer] = []

    async def complete(self, request: CompletionRequest, on_event: OnEvent = ignore_event) -> Completion:
        key = (self._task, self._form, prompt_hash(request))
        answer = self._kept.find(key)
        if answer is None or (answer.error == UNWANTED and self._model is not None):
            answer = await self._asked(request, key)
        if answer.error == UNWANTED:
            await asyncio.Event().wait()  # until the run has what it needs, as when it was asked for
        self.used.append(answer)
        if answer.error:
            raise MODEL_ERRORS[answer.error](answer.text)
        on_event(Delta(attempt=1, text=answer.text))
        usage = Usage(prompt_tokens=answer.prompt_tokens, completion_tokens=answer.completion_tokens, calls=1)
        return Completion(
            text=answer.text,
            model=EMBEDDED.model,
            provider=EMBEDDED.provider,
            finish_reason=answer.finish,
            usage=usage,
            cost_usd=0.0,
            duration_s=answer.seconds,
        )

    async def _asked(self, request: CompletionRequest, key: Key) -> Answer:
        if self._model is None:
            self.missing += 1
            raise BadAnswer("No answer to this question is kept.", "--ask asks the embedded model.")
        began = time.monotonic()
        try:
            given = await self._model.complete(request)
        except asyncio.CancelledError:
            self._unwanted.append(Answer(*key, "", seconds=time.monotonic() - began, error=UNWANTED))
            raise
        except ContextTooLong as error:
            answer = Answer(*key, error.message, seconds=time.monotonic() - began, error=ContextTooLong.code)
        except ModelError:
            self.missing += 1
            raise
        else:
            used, seconds = given.usage, round(time.monotonic() - began, 2)
            answer = Answer(
                *key, given.text, given.finish_reason, used.prompt_tokens, used.completion_tokens, seconds=seconds
            )
        self._kept.add(answer)
        return answer

    def ended(self) -> None:
        """The run came to its end: what it cancelled on the way was of no use to it. In a run that was stopped from outside
        the same answers are only missing."""
        for answer in self._unwanted:
            self._kept.add(answer)

    async def log_reading(self, reading: Reading) -> None:
        """There is no request log."""

    def first(self, role: Role) -> ResolvedModel:
        return EMBEDDED

    async def describe(self, role: Role) -> ResolvedModel:
        return EMBEDDED

    async def close(self) -> None:
        """The model's own gateway is closed by who opened it."""


OpenModel = Callable[[Path], Awaitable[Gateway]]
"""Opens the model for a run in this folder."""


class Embedded:
    """The embedded model, asked as the product asks it."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        # A cached answer would have no time of its own.
        self._service = build_service(environ, command_line={"models": "local", "litellm": {"enable_caching": False}})

    async def open(self, root: Path) -> Gateway:
        """To be opened for each run: its process is kept for half an hour from then."""
        settings = self._service.settings.read(str(root), "_").settings
        return await self._service.models.open(settings, str(root))

    async def close(self) -> None:
        await self._service.close()
