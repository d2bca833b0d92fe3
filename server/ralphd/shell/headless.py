"""`ralphd run`: the same loop as in the editor, on files. Progress to stderr, the diff (or JSON) to stdout."""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import shlex
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ralphd.app import build_service
from ralphd.core import events
from ralphd.core.edits import hunks
from ralphd.core.encodings import decoded
from ralphd.core.result_json import finding_json, range_json, result_json
from ralphd.core.run import EXIT_CODES, Command, Cost, RunRequest, RunResult, new_run_id
from ralphd.core.runner import Decision, Question
from ralphd.core.text import Text, is_binary
from ralphd.core.wording import by_role, money
from ralphd.errors import UsageError
from ralphd.runs.service import MAX_TARGET_CHARACTERS, RunService
from ralphd.settings.project import project_root
from ralphd.shell.terminal import say, say_diff, say_json, tell
from ralphd.shell.writing import text_of, write_texts

COMMANDS: Mapping[str, Command] = {
    "implement": "implement",
    "critique": "critique",
    "chaos": "chaosTests",
    "opinions": "opinions",
}
_MOST_BYTES = 4 * MAX_TARGET_CHARACTERS
"""No longer text is read: a character of UTF-8 has four bytes at most."""
_PLACE = re.compile(r"(?P<path>.+?)(?::(?P<line>\d+)(?::(?P<col>\d+))?)?\Z", re.DOTALL)


def run_files(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    requests = [request_for(place, options) for place in options.files]
    if options.dry_run:
        for request in requests:
            asyncio.run(_preview(request, options, environ))
        return 0
    codes = []
    for number, request in enumerate(requests):
        result = asyncio.run(_run(request, options, environ))
        codes.append(_report(result, request, options))
        if codes[-1] == 130 or (
            number + 1 < len(requests) and result.outcome in ("untrusted", "budget_exceeded", "provider_failed")
        ):
            break
    return max(codes)


def request_for(place: str, options: argparse.Namespace) -> RunRequest:
    """The request for `FILE[:LINE[:COL]]`; lines and columns are 1-based."""
    match = _PLACE.match(place)
    assert match is not None
    name, line, column = (place, None, None) if os.path.exists(place) else (match["path"], match["line"], match["col"])
    path = Path(os.path.abspath(name))
    if not path.is_file():
        raise UsageError(f"{name} is not a file.")
    root = _root_of(path, getattr(options, "root", None))
    try:
        if (size := path.stat().st_size) > _MOST_BYTES:
            raise UsageError(f"{name} is too big for a model ({size:,} bytes).", "Work on a smaller file.")
        data = path.read_bytes()
        text = decoded(data) if not is_binary(data) else data.decode("utf-8", "replace")
    except UnicodeError:
        raise UsageError(f"{name} is not UTF-8 text, and it declares no other encoding.") from None
    except OSError as error:
        raise UsageError(f"{name} cannot be read: {error.strerror}.") from None
    return RunRequest(
        run_id=new_run_id(),
        command=COMMANDS[options.action],
        root=str(root),
        path=path.relative_to(root).as_posix(),
        text=text,
        span=_span(Text(text), line, column, options.range),
        instruction=getattr(options, "message", ""),
        allowed=tuple(_allowed(root, given) for given in getattr(options, "allow", ())),
    )


def _root_of(path: Path, given: str | None) -> Path:
    """The workspace of `path`: the folder that the command line names, else the project around the file."""
    if given is None:
        return project_of(path)
    root = Path(os.path.abspath(given))
    if not root.is_dir():
        raise UsageError(f"--root {given} is not a folder.")
    if root not in path.parents:
        raise UsageError(f"{path} is not in --root {given}.")
    return root


def _allowed(root: Path, given: str) -> str:
    """A path of `--allow`, relative to the workspace."""
    path = Path(os.path.abspath(given))
    if root not in path.parents:
        raise UsageError(f"--allow {given} is outside the workspace {root}.")
    return path.relative_to(root).as_posix()


def project_of(path: Path) -> Path:
    """The project that a file belongs to; where it belongs to none, the working folder around it, else its own."""
    found = project_root(str(path))
    if found is not None:
        return Path(found)
    here = Path.cwd()
    return here if here in path.parents and here not in (Path.home(), *Path.home().parents) else path.parent


def _span(text: Text, line: str | None, column: str | None, lines: str | None) -> tuple[int, int] | None:
    if lines:
        match = re.fullmatch(r"(\d+)[:-](\d+)", lines)
        if not match or not 1 <= int(match[1]) <= int(match[2]) <= text.line_count:
            raise UsageError(f"--range {lines}: give two lines of the file, such as 3:9 (it has {text.line_count}).")
        return text.line_span(int(match[1]) - 1)[0], text.line_span(int(match[2]) - 1)[1]
    if line is None:
        return None
    number = int(line)
    if not 1 <= number <= text.line_count:
        raise UsageError(f"The file has {text.line_count} lines; there is no line {number}.")
    start, end = text.line_span(number - 1)
    at = min(start + max(int(column) - 1, 0), end) if column else start
    return at, at


class Shown:
    """Progress on stderr: one line an event that a person cares about."""

    def __init__(self) -> None:
        self.cost, self.tokens = Cost(), 0
        self._of = 0

    def __call__(self, event: events.Event) -> None:
        line = self._line(event)
        if line:
            tell(line)

    def _line(self, event: events.Event) -> str:
        if isinstance(event, events.PhaseStarted):
            return {
                "baseline": "Tests: as they are",
                "librarian": "Librarian: gathering context",
                "critic": "Critic: reviewing",
                "chaos": "Chaos: attacking",
                "opinions": "Second opinions: writing versions without seeing the code",
            }.get(event.phase, "")
        if isinstance(event, events.IterationStarted):
            return f"Attempt {event.iteration} of {event.of}: running the tests"
        if isinstance(event, events.TestsEnded):
            tests = event.tests
            return (
                f"Tests: {tests.passed} passed, {tests.failed} failed, {tests.errors} errors, {tests.skipped} skipped"
                + (" — green" if event.green else "")
            )
        if isinstance(event, events.ModelChosen):
            return f"{event.role.capitalize()}: asking {event.model}"
        if isinstance(event, events.FellBack):
            return f"{event.role.capitalize()}: {event.from_model} failed ({event.why}), asking {event.to_model}"
        if isinstance(event, events.Retrying):
            return f"{event.role.capitalize()}: {event.why}, waiting {event.wait_ms / 1000:.1f} s"
        if isinstance(event, events.FindingAdded):
            return f"Finding: {event.finding.message}"
        if isinstance(event, events.Note):
            return event.text
        if isinstance(event, events.CostChanged):
            self.cost, self.tokens = event.cost, event.usage.get("totalTokens", 0)
        return ""


def _service(options: argparse.Namespace, environ: Mapping[str, str]) -> RunService:
    given: dict[str, Any] = {}
    if options.test_command:
        try:
            given["testing"] = {"command": shlex.split(options.test_command)}
        except ValueError as error:
            raise UsageError(f"--test-command {options.test_command}: {error}.") from None
    return build_service(environ, command_line=given or None)


async def _preview(request: RunRequest, options: argparse.Namespace, environ: Mapping[str, str]) -> None:
    service = _service(options, environ)
    try:
        preview = await service.preview(request, ask)
    finally:
        await service.close()
    if options.json:
        say_json({"text": preview.text, "path": preview.path})
    else:
        say(preview.text, end="")


async def _run(request: RunRequest, options: argparse.Namespace, environ: Mapping[str, str]) -> RunResult:
    service = _service(options, environ)
    task = asyncio.ensure_future(service.run(request, Shown(), ask))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(number, task.cancel)
        except NotImplementedError:  # Windows: KeyboardInterrupt it is
            break
    try:
        return await task
    finally:
        await service.close()


async def ask(question: Question) -> Decision | None:
    """A prompt on a terminal; None elsewhere, where there is nobody to ask."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return None
    titles = "  ".join(f"[{number}] {title}" for number, (title, _) in enumerate(question.choices, 1))
    tell(f"{question.text}\n{titles}")
    answer = (await asyncio.to_thread(sys.stdin.readline)).strip()
    if answer.isdigit() and 1 <= int(answer) <= len(question.choices):
        return question.choices[int(answer) - 1][1]
    return None


def _report(result: RunResult, request: RunRequest, options: argparse.Namespace) -> int:
    applied = _apply(result, request, options)
    if options.json:
        text = Text(request.text)
        found = [finding_json(f, f.fingerprint, range_json(text, (f.start, f.end))) for f in result.findings]
        made = sum(len(hunks(result.base.get(path) or "", after)) for path, after in result.edits.items())
        say_json({**result_json(result, review_id=None, hunks=made, findings=found), "edits": dict(result.edits)})
    else:
        for path, after in sorted(result.edits.items()):
            say_diff(path, result.base.get(path), after)
        for finding in result.findings:
            line = Text(request.text).line_of(finding.start) + 1 if finding.path == request.path else 1
            way_on = f" (--allow {finding.path})" if finding.kind == "locked" else ""
            told = f"{finding.message} ({finding.evidence}) {finding.scenario}{way_on}"
            say(f"{finding.path}:{line}: {finding.severity}: {told}")
    tell(f"{result.outcome}: {result.reason}")
    if applied:
        tell(f"Wrote {', '.join(applied)}.")
    if result.usage.get("totalTokens"):
        tell(
            f"{result.usage['totalTokens']} tokens in {result.usage['calls']} calls, {money(result.cost)}"
            f" ({by_role(result.cost, result.tokens)})"
        )
    return EXIT_CODES.get(result.outcome, 1)


def _apply(result: RunResult, request: RunRequest, options: argparse.Namespace) -> list[str]:
    """Write the files, only when the outcome is `proposed` (or with --force), and only where they are as they were."""
    if not getattr(options, "apply", False) or not result.edits or not (result.outcome == "proposed" or options.force):
        return []
    for path in result.edits:
        target, before = Path(request.root, path), result.base.get(path)
        if text_of(target) != before:
            raise UsageError(f"{path} changed during the run; nothing was written.", "Run it again.")
    return write_texts(request.root, result.edits)
