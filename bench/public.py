"""What the product makes of public sets of tasks with the embedded model: written from the docstring, and repaired.

    python bench/public.py FOLDER                         HumanEval, from the model's kept answers: asks nothing
    python bench/public.py FOLDER --set python,js,go,rust --row critique
    python bench/public.py FOLDER --ask --row greedy      asks the embedded model for the answers that are not kept

FOLDER holds the files that `public_sets.py` names. Every run is one of the service that the product builds, in the real
sandbox; only the model's answers are replayed (bench/answers). A task is solved where the hidden tests pass, which no run
sees. Every fourth task is measured, the others are there to tune on. What a run is stopped in goes on from there: each answer
is written down at once, and with `--endings FILE` what became of each task too.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.defects import STEADY, Case, at_bug
from bench.kept_answers import MODEL, Embedded, KeptAnswers, KeptGateway, OpenModel
from bench.public_sets import PYTEST, SETS, Task, tasks
from bench.sandboxed_tests import tester

from ralphd.app import build_service
from ralphd.core.run import Command, RunRequest, RunResult
from ralphd.core.runner import Decision, Question

ANSWERS = Path(__file__).parent / "answers"
EVERY = 4
HIDDEN_S = 600
"""Wide: the hidden tests limit each call by its processor time."""
GREEN = ("proposed", "proposed_unverified", "proposed_suspect")


@dataclass(frozen=True)
class Way:
    """A row of the table: a command, and the settings in which it differs from the product as it is."""

    title: str
    settings: Mapping[str, Any]
    command: Command = "implement"
    tested: bool = True
    """Whether the run has the visible tests as its test command."""


SEVERAL: dict[str, Any] = {"models": {"default": "local", "artisan": {"candidates": 4}}}
NEVER: dict[str, Any] = {"opinions": {"use": "never"}}
ALWAYS: dict[str, Any] = {"opinions": {"use": "always"}}
WAYS: dict[str, Way] = {
    "greedy": Way("one greedy answer", NEVER, tested=False),
    "loop": Way("the loop as it is", {}),
    "mending": Way("the loop, mending alone", NEVER),
    "samples": Way("the loop, mending and four samples at once", {**NEVER, **SEVERAL}),
    "votes": Way("the loop, mending and votes", ALWAYS),
    "together": Way("the loop, mending, four samples at once and votes", {**ALWAYS, **SEVERAL}),
    "critique": Way("critique", {}, "critique"),
    "chaos": Way("chaos tests", {}, "chaosTests"),
}
"""No setting switches mending off (in the reading of answers and by small changes): it is in every row of the loop."""


@dataclass(frozen=True)
class Ending:
    """What became of one task in one row. Of the commands that look for defects: `solved` is the bug that was found, `wrong`
    the alarm on the fix."""

    task: str
    row: str
    outcome: str
    reason: str
    solved: bool
    wrong: bool
    warned: bool = False
    tokens: int = 0
    seconds: float = 0.0
    missing: int = 0


class Laboratory:
    """Runs the product on tasks of one set; `model` answers what is not kept, where there is one."""

    def __init__(
        self, scratch: Path, environ: Mapping[str, str], kept: KeptAnswers, model: OpenModel | None = None
    ) -> None:
        self._scratch, self._environ, self._kept, self._model = scratch, environ, kept, model

    async def ending(self, task: Task, row: str) -> Ending:
        way = WAYS[row]
        return await (self._written(task, row) if way.command == "implement" else self._looked(task, row))

    async def _written(self, task: Task, row: str) -> Ending:
        root, way = self._project(task, task.files), WAYS[row]
        result, gateway = await self._run(task, row, root, task.files[task.path])
        text = result.edits.get(task.path)
        green = result.outcome in GREEN
        if text is not None and not way.tested:
            green = await self._passes(root, {task.path: text}, task.argv)
        hidden = {**task.hidden, task.path: text or ""}
        solved = text is not None and await self._passes(root, hidden, task.hidden_argv)
        warned = way.tested and (result.outcome != "proposed" or any(f.kind == "opinion" for f in result.findings))
        return _ending(task, row, [(result, gateway)], solved, green and not solved, warned)

    async def _looked(self, task: Task, row: str) -> Ending:
        """A look at the function with its bug, and at the fix."""
        texts = {"wrong": task.files[task.path], "right": task.right}
        case = Case(task.name, Path(task.path).stem, {**texts, "ordinary": ""})
        roots = {name: self._project(task, {**task.files, task.path: text}) for name, text in texts.items()}
        runs = {name: await self._run(task, row, root, texts[name]) for name, root in roots.items()}
        found = False
        for finding in runs["wrong"][0].findings:
            if finding.evidence != "quoted" and finding.test:
                argv = (*PYTEST, *STEADY, "test_finding.py")
                found |= await self._passes(roots["right"], {"test_finding.py": finding.test}, argv)
            else:
                found |= at_bug(case, finding)
        return _ending(task, row, list(runs.values()), found, bool(runs["right"][0].findings))

    def _project(self, task: Task, files: Mapping[str, str]) -> Path:
        root = Path(tempfile.mkdtemp(dir=self._scratch)) / "project"
        for name, text in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text, "utf-8")
        return root

    async def _run(self, task: Task, row: str, root: Path, text: str) -> tuple[RunResult, KeptGateway]:
        way = WAYS[row]
        model = await self._model(root) if self._model is not None else None
        gateway = KeptGateway(self._kept, task.name, way.command, model)
        settings: dict[str, Any] = {"models": "local", "loop": {"max_wall_s": 7200}, **way.settings}
        if way.tested:
            settings["testing"] = {"command": list(task.argv)}
        service = build_service(self._environ, command_line=settings, scripted=gateway)
        at = text.index(task.at)
        request = RunRequest(
            f"{row}-{task.name}".replace("/", "-"),
            way.command,
            str(root),
            task.path,
            text,
            (at, at),
            instruction=task.instruction,
        )
        try:
            result = await service.run(request, lambda event: None, _nobody)
        finally:
            await service.close()
        gateway.ended()
        if result.outcome in ("misconfigured", "internal_error", "untrusted", "cancelled"):
            raise SystemExit(f"{task.name}: {result.outcome}: {result.reason}")
        return result, gateway

    async def _passes(self, root: Path, files: Mapping[str, str], argv: Sequence[str]) -> bool:
        async with tester(root, self._scratch, argv, HIDDEN_S) as bench:
            await bench.load(dict(files))
            return (await bench.run()).exit_code == 0


def _ending(
    task: Task,
    row: str,
    runs: Sequence[tuple[RunResult, KeptGateway]],
    solved: bool,
    wrong: bool,
    warned: bool = False,
) -> Ending:
    used = {answer.key: answer for _, gateway in runs for answer in gateway.used}.values()
    result = runs[0][0]
    return Ending(
        task.name,
        row,
        result.outcome,
        result.reason,
        solved,
        wrong,
        warned,
        sum(answer.prompt_tokens + answer.completion_tokens for answer in used),
        round(sum(answer.seconds for answer in used), 1),
        sum(gateway.missing for _, gateway in runs),
    )


async def _nobody(question: Question) -> Decision:
    raise AssertionError(f"a benchmark was asked: {question.text}")


def table(endings: Sequence[Ending]) -> str:
    """Rows by what was asked of the product. A task for which an answer is missing is in no figure."""
    written = [e for e in endings if WAYS[e.row].command == "implement"]
    looked = [e for e in endings if e not in written]
    head = ("solved by hidden tests", "green but wrong", "of those without a warning", *_COSTS)
    lines = _table(head, written, _written_cells) if written else []
    head = ("bugs found", "alarms on the fix", *_COSTS)
    lines += ["", *_table(head, looked, _looked_cells)] if looked else []
    return "\n".join(lines).strip()


_COSTS = ("tokens, median", "seconds of the model, median", "without a kept answer")


def _table(head: Sequence[str], endings: Sequence[Ending], cells: Any) -> list[str]:
    lines = [f"| | {' | '.join(head)} |", "|---" * (len(head) + 1) + "|"]
    for row in dict.fromkeys(e.row for e in endings):
        own = [e for e in endings if e.row == row]
        whole = [e for e in own if not e.missing]
        costs = [
            f"{statistics.median([e.tokens for e in whole] or [0]):,.0f}",
            f"{statistics.median([e.seconds for e in whole] or [0]):.0f}",
            str(len(own) - len(whole)),
        ]
        lines.append(f"| {WAYS[row].title} | {' | '.join([*cells(whole), *costs])} |")
    return lines


def _written_cells(whole: Sequence[Ending]) -> list[str]:
    wrong = [e for e in whole if e.wrong]
    return [f"{sum(e.solved for e in whole)} of {len(whole)}", str(len(wrong)), str(sum(not e.warned for e in wrong))]


def _looked_cells(whole: Sequence[Ending]) -> list[str]:
    return [f"{sum(e.solved for e in whole)} of {len(whole)}", f"{sum(e.wrong for e in whole)} of {len(whole)}"]


def _known(path: Path | None) -> dict[tuple[str, str], Ending]:
    """The endings that an earlier run wrote."""
    if path is None or not path.exists():
        return {}
    rows = (Ending(**json.loads(line)) for line in path.read_text("utf-8").splitlines())
    return {(ending.task, ending.row): ending for ending in rows}


async def measure(
    lab: Laboratory, own: Sequence[Task], ways: Sequence[str], kept_at: Path | None = None
) -> list[Ending]:
    """The endings of the tasks in each row."""
    known = _known(kept_at)
    measured = []
    for row in ways:
        for task in own:
            ending = known.get((task.name, row)) or await lab.ending(task, row)
            if kept_at is not None and (task.name, row) not in known and not ending.missing:
                with kept_at.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(asdict(ending)) + "\n")
            measured.append(ending)
            print(_line(ending), file=sys.stderr, flush=True)
    return measured


async def measure_set(
    name: str, own: Sequence[Task], ways: Sequence[str], *, ask: bool, kept_at: Path | None
) -> list[Ending]:
    kept = KeptAnswers(ANSWERS / f"{name}.jsonl.gz")
    with tempfile.TemporaryDirectory(prefix="public-") as folder:
        scratch = Path(folder)
        # The weights are in the person's cache; nothing else of theirs is read or written.
        own_folders = {"XDG_CONFIG_HOME": str(scratch / "config"), "XDG_STATE_HOME": str(scratch / "state")}
        environ = {**os.environ, **own_folders}
        embedded = Embedded(environ) if ask else None
        try:
            lab = Laboratory(scratch, environ, kept, embedded.open if embedded else None)
            return await measure(lab, own, [row for row in ways if _fits(name, row)], kept_at)
        finally:
            if embedded is not None:
                await embedded.close()
                kept.pack()


def _fits(name: str, row: str) -> bool:
    """HumanEval has nothing to look for defects in; hostile tests are there for Python only."""
    command = WAYS[row].command
    return command == "implement" or (name != "humaneval" and (command == "critique" or name == "python"))


def _line(ending: Ending) -> str:
    marks = [word for word, on in (("solved", ending.solved), ("wrong", ending.wrong), ("warned", ending.warned)) if on]
    return f"{ending.task} {ending.row}: {' '.join(marks) or '-'} {ending.seconds:.0f} s; {ending.outcome}: {ending.reason}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="where the sets are")
    parser.add_argument("--set", default="humaneval", help=f"of {', '.join(SETS)}; comma separated")
    parser.add_argument("--row", default=",".join(WAYS), help=f"of {', '.join(WAYS)}; comma separated")
    parser.add_argument("--ask", action="store_true", help="ask the embedded model for the answers that are not kept")
    parser.add_argument("--every", type=int, default=EVERY, help="measure each so many'th task")
    parser.add_argument("--tasks", type=int, help="so many tasks only")
    parser.add_argument("--endings", type=Path, help="keep there what became of each task, and run none twice")
    given = parser.parse_args()
    names, rows = given.set.split(","), given.row.split(",")
    if not set(names) <= set(SETS) or not set(rows) <= set(WAYS):
        parser.error(f"sets are {', '.join(SETS)}; rows are {', '.join(WAYS)}")
    for name in names:
        chosen = tasks(given.folder, name, given.every)[: given.tasks]
        endings = asyncio.run(measure_set(name, chosen, rows, ask=given.ask, kept_at=given.endings))
        print(f"\n{name}: {SETS[name].where}; {MODEL}\n\n{table(endings)}", flush=True)


if __name__ == "__main__":
    main()
