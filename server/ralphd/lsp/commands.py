"""The commands of `workspace/executeCommand`: validated, answered in milliseconds; work goes on in the run's own task.

One table: id, the argument's keys, handler. Unknown keys are refused by name; no argument means the last active document.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pygls.exceptions import JsonRpcException, JsonRpcInvalidParams

from ralphd import __version__
from ralphd.core.run import Command, RunRequest, new_run_id
from ralphd.core.text import Position, Text
from ralphd.lsp import convert
from ralphd.lsp.diagnostics import Shown
from ralphd.lsp.review import Hunk, Review
from ralphd.lsp.runs import Run

if TYPE_CHECKING:
    from ralphd.lsp.server import RalphServer

CONTENT_MODIFIED, REQUEST_FAILED = -32801, -32803
PREFIX = "ralph.server."
_START = frozenset({"uri", "version", "range", "instruction"})


def failed(message: str, data: Any = None) -> JsonRpcException:
    return JsonRpcException(message=message, code=REQUEST_FAILED, data=data)


class Commands:
    def __init__(self, server: RalphServer) -> None:
        self._server = server
        table: Mapping[str, tuple[frozenset[str], Callable[[dict[str, Any]], Any]]] = {
            "implement": (_START, lambda a: self._started("implement", a)),
            "critique": (_START, lambda a: self._started("critique", a)),
            "chaosTests": (_START - {"instruction"}, lambda a: self._started("chaosTests", a)),
            "fix": (frozenset({"uri", "findingId"}), lambda a: self._started("fix", a)),
            "dismiss": (frozenset({"uri", "findingId"}), self._dismiss),
            "accept": (frozenset({"reviewId", "hunkId", "reason"}), self._accept),
            "accepted": (frozenset({"reviewId", "hunkId"}), self._accepted),
            "reject": (frozenset({"reviewId", "hunkId", "reason"}), self._reject),
            "retry": (frozenset({"reviewId", "reason"}), self._retry),
            "allow": (frozenset({"uri", "findingId"}), self._allow),
            "cancel": (frozenset({"runId"}), self._cancel),
            "pin": (frozenset({"uri", "findingId"}), self._pin),
            "status": (frozenset(), self._status),
            "trust": (frozenset({"digest", "decision"}), self._trust),
            "showLog": (frozenset(), self._show_log),
        }
        self.table = {PREFIX + name: self._checked(name, keys, handler) for name, (keys, handler) in table.items()}

    def _checked(
        self, name: str, keys: frozenset[str], handler: Callable[[dict[str, Any]], Any]
    ) -> Callable[[list[Any]], Any]:
        def call(arguments: list[Any]) -> Any:
            if len(arguments) > 1:
                raise JsonRpcInvalidParams(f"{PREFIX}{name} takes one object.")
            given = arguments[0] if arguments and arguments[0] is not None else {}
            if not isinstance(given, Mapping):
                raise JsonRpcInvalidParams(f"{PREFIX}{name} takes one object, not {type(given).__name__}.")
            unknown = sorted(set(given) - keys)
            if unknown:
                raise JsonRpcInvalidParams(
                    f"{PREFIX}{name} does not know {', '.join(unknown)}; it takes {', '.join(sorted(keys)) or 'nothing'}."
                )
            return handler(dict(given))

        return call

    # ---- starting runs -----------------------------------------------------------------------------------------

    def _started(self, command: Command, argument: dict[str, Any]) -> dict[str, Any]:
        return {"runId": self.start(command, argument).run_id}

    def start(self, command: Command, argument: Mapping[str, Any]) -> Run:
        """Check, snapshot, start. Refusals are errors; what is wrong with the work itself is the run's outcome."""
        server, session = self._server, self._server.session
        shown = self._finding(argument) if command == "fix" else None
        uri = argument.get("uri") or session.last_uri
        if not isinstance(uri, str):
            raise failed("There is no active document. Open a file first.")
        uri = next((known for known in session.documents if convert.same_uri(known, uri)), uri)
        document = session.documents.get(uri)
        version = argument.get("version")
        if document is not None and version is not None and version != document.version:
            raise JsonRpcException(message="The document changed since. Try again.", code=CONTENT_MODIFIED)
        if live := server.runs.on(uri):
            raise failed("Ralph is at work on this document already.", {"runId": live.run_id})
        untitled = uri.startswith("untitled:")
        place = session.relative(uri)
        if place is None and not (untitled and document is not None):
            raise failed("The file is outside the workspace. Add its folder to the workspace first.")
        root, path = place or (
            session.roots[0] if session.roots else os.path.expanduser("~"),
            f"untitled-{uri.split(':', 1)[1].strip('/')}",
        )
        text = document.text if document is not None else self._from_disk(os.path.join(root, path))
        instruction = argument.get("instruction") or ""
        if not isinstance(instruction, str):
            raise JsonRpcInvalidParams("instruction must be a string.")
        request = RunRequest(
            run_id=new_run_id(),
            command=command,
            root=root,
            path=path,
            text=text.value,
            span=(shown.span[0], shown.span[0]) if shown else self._span(argument.get("range"), text),
            instruction=instruction,
            buffers={} if untitled else session.buffers(root),
            findings=(shown.finding,) if shown else (),
            untitled=untitled,
        )
        return server.runs.start(request, uri)

    def _from_disk(self, path: str) -> Text:
        try:
            with open(path, "rb") as file:
                return Text(file.read(2_000_000).decode("utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise failed(f"{path} cannot be read as text ({error.__class__.__name__}).") from None

    def _span(self, value: Any, text: Text) -> tuple[int, int] | None:
        if value is None:
            return None
        try:
            ends = [Position(int(value[key]["line"]), int(value[key]["character"])) for key in ("start", "end")]
        except (TypeError, KeyError, ValueError):
            raise JsonRpcInvalidParams("range must be an LSP Range.") from None
        first, last = sorted(text.offset_at(p, self._server.session.client.encoding) for p in ends)
        return first, last

    # ---- findings ----------------------------------------------------------------------------------------------

    def _finding(self, argument: Mapping[str, Any]) -> Shown:
        shown = self._server.diagnostics.find(str(argument.get("findingId")))
        if shown is None:
            raise failed("This finding is not there any more.")
        return shown

    def _dismiss(self, argument: dict[str, Any]) -> dict[str, Any]:
        shown = self._finding(argument)
        self._server.runner().dismiss(
            shown.root, shown.finding.fingerprint, f"{shown.finding.path}: {shown.finding.message}"
        )
        self._server.diagnostics.remove(shown)
        return {"dismissed": True}

    def _allow(self, argument: dict[str, Any]) -> dict[str, Any]:
        """Run again, with this one file opened to edits. The finding stands on the file that was refused."""
        shown = self._finding(argument)
        server = self._server
        last = server.last_request.get(shown.root)
        if last is None:
            raise failed("The run that wanted this edit is over. Start it again and name the file in the instruction.")
        request, uri = last
        if live := server.runs.on(uri):
            raise failed("Ralph is at work on this document already.", {"runId": live.run_id})
        document = server.session.documents.get(uri)
        request = replace(
            request,
            run_id=new_run_id(),
            text=document.text.value if document else request.text,
            buffers=server.session.buffers(request.root),
            allowed=tuple(sorted({*request.allowed, shown.finding.path})),
            sample=request.sample + 1,
        )
        server.diagnostics.remove(shown)
        return {"runId": server.runs.start(request, uri).run_id}

    def _pin(self, argument: dict[str, Any]) -> dict[str, Any]:
        shown = self._finding(argument)
        if not shown.finding.test or not shown.finding.test_path:
            raise failed("There is no test to pin for this finding.")
        review = self._server.propose_test(shown)
        return {"reviewId": review.review_id}

    # ---- reviews -----------------------------------------------------------------------------------------------

    def _hunks(self, argument: Mapping[str, Any]) -> tuple[Review, list[Hunk]]:
        review = self._server.reviews.find(str(argument.get("reviewId")))
        if review is None:
            raise failed("This review is over.")
        wanted = argument.get("hunkId")
        chosen = review.pending if wanted is None else [h for h in review.hunks if h.hunk_id == wanted]
        if wanted is not None and not chosen:
            raise failed(f"There is no change {wanted!r} in this review.")
        if wanted is not None and chosen[0].state == "stale":
            raise JsonRpcException(
                message="These lines were edited since; this change is stale. Run it again.", code=CONTENT_MODIFIED
            )
        if wanted is not None and chosen[0].state != "pending":
            raise failed(f"This change was {chosen[0].state} already.")
        return review, chosen

    def _accept(self, argument: dict[str, Any]) -> dict[str, Any]:
        review, chosen = self._hunks(argument)
        if not self._server.session.client.apply_edit:
            raise failed("This editor does not let a server edit: use the code action instead.")
        self._server.background(self._server.applying.apply(review, chosen, "Ralph: accept change"))
        return {"accepted": True}

    def _accepted(self, argument: dict[str, Any]) -> dict[str, Any]:
        """Bookkeeping after an accept action, whose edit the client applied itself: believed when the text shows it."""
        review = self._server.reviews.find(str(argument.get("reviewId")))
        if review is not None:
            wanted = argument.get("hunkId")
            chosen = [h for h in review.pending if wanted in (None, h.hunk_id)]
            self._server.background(self._server.applying.confirm(review, chosen))
        return {"accepted": True}

    def _reject(self, argument: dict[str, Any]) -> dict[str, Any]:
        review, chosen = self._hunks({k: v for k, v in argument.items() if k != "reason"})
        self._server.remember_rejection(review, argument.get("reason"))
        self._server.reviews.settle(review, chosen, "rejected")
        return {"rejected": True}

    def _retry(self, argument: dict[str, Any]) -> dict[str, Any]:
        server = self._server
        review = server.reviews.find(str(argument.get("reviewId")))
        if review is None:
            raise failed("This review is over.")
        uri = review.home
        if live := server.runs.on(uri):
            raise failed("Ralph is at work on this document already.", {"runId": live.run_id})
        server.remember_rejection(review, argument.get("reason"))
        server.reviews.settle(review, review.pending, "rejected")
        document = server.session.documents.get(uri)
        text = document.text.value if document else review.request.text
        span = review.request.span
        request = replace(
            review.request,
            run_id=new_run_id(),
            text=text,
            span=None if span is None else (min(span[0], len(text)), min(span[1], len(text))),
            buffers=server.session.buffers(review.request.root),
            sample=review.request.sample + 1,
            rejected=tuple(server.rejections.get(uri, ())),
        )
        return {"runId": server.runs.start(request, uri).run_id}

    # ---- the rest ----------------------------------------------------------------------------------------------

    def _cancel(self, argument: dict[str, Any]) -> dict[str, Any]:
        server, wanted = self._server, argument.get("runId")
        chosen = [run for run in server.runs.live.values() if wanted in (None, run.run_id)]
        for run in chosen:
            server.runs.cancel(run)
        return {"cancelled": [run.run_id for run in chosen]}

    def _status(self, argument: dict[str, Any]) -> dict[str, Any]:
        server = self._server
        return {
            "version": __version__,
            "runs": [
                {"runId": r.run_id, "uri": r.uri, "command": r.request.command} for r in server.runs.live.values()
            ],
            "reviews": [
                {"reviewId": r.review_id, "runId": r.run_id, "pending": len(r.pending)}
                for r in server.reviews.reviews.values()
            ],
            **server.runner().status(),
        }

    def _trust(self, argument: dict[str, Any]) -> dict[str, Any]:
        digest, decision = argument.get("digest"), argument.get("decision")
        if decision not in ("once", "always", "never") or not isinstance(digest, str):
            raise JsonRpcInvalidParams('decision must be "once", "always" or "never", and digest a string.')
        if not self._server.runner().decide(digest, decision):
            raise failed("This digest was not asked about: start the run first.")
        return {"digest": digest, "decision": decision}

    def _show_log(self, argument: dict[str, Any]) -> dict[str, Any]:
        server = self._server
        root = server.session.roots[0] if server.session.roots else os.getcwd()
        path = server.runner().log_path(root)
        server.background(server.show_file(path))
        return {"path": path}
