"""The download of the embedded model on behalf of an editor: one at a time, with progress that can be cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from ralphd.core.runner import Runner
from ralphd.errors import RalphError
from ralphd.lsp.client_capabilities import ClientCapabilities
from ralphd.lsp.outbox import Outbox
from ralphd.lsp.progress import ProgressReporter

_TITLE = "Ralph: fetching the embedded model"


class Fetching:
    """`begin` starts the download beside all else, and tells what became of it."""

    def __init__(self, outbox: Outbox, client: Callable[[], ClientCapabilities], runner: Callable[[], Runner]) -> None:
        self._outbox, self._client, self._runner = outbox, client, runner
        self._work: asyncio.Task[None] | None = None
        self._progress: ProgressReporter | None = None

    def begin(self) -> None:
        if self._work is not None and not self._work.done():
            self._outbox.tell("The embedded model is being fetched already.")
        else:
            self._work = self._outbox.background(self._fetch())

    def cancel_token(self, token: int | str) -> None:
        if self._work is not None and self._progress is not None and self._progress.token == token:
            self._work.cancel()

    async def _fetch(self) -> None:
        self._progress = progress = ProgressReporter(self._outbox, self._client(), "", _TITLE, lambda event: {})
        progress.doing("1.1 GB, once")
        progress.begin()
        sentence = "Stopped. What has arrived stays, and the next try goes on from there."
        try:
            await self._runner().fetch_model(
                lambda done, total: progress.doing(f"{done / 1e6:,.0f} of {total / 1e6:,.0f} MB")
            )
        except RalphError as error:
            sentence = "It could not be fetched."
            self._outbox.show(str(error), error=True)
        else:
            sentence = "The embedded model is here."
            self._outbox.tell(f"{sentence} Run it again.")
        finally:
            self._progress = None
            progress.end(sentence)
