"""How many seeded bugs the Chaos agent and the Critic find in 20 small functions, and their false alarms on the twins.

    python bench/defects.py                          the embedded model's kept answers (bench/journals): asks nothing
    python bench/defects.py --ask                    asks the embedded model afresh, and keeps its answers
    python bench/defects.py --only slug,gcd --command critique --json out.json

The runs are the product's own, in the real sandbox, on the Python that runs this script; only the model's answers are
replayed. A bug counts as found when what was found fails on the wrong variant and passes on the correct twin.
"""

from __future__ import annotations

import argparse
import asyncio
import difflib
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.sandboxed_tests import tester

from ralphd.app import build_service
from ralphd.attack.adapters import PythonAdapter
from ralphd.core.findings import Finding
from ralphd.core.run import Command, RunRequest, RunResult
from ralphd.core.runner import Decision, Question
from ralphd.core.text import Text
from ralphd.loop.journal import Recording, ReplayGateway
from ralphd.models.gateway import Completion, CompletionRequest, OnEvent, ignore_event
from ralphd.runs.service import RunService

CASES = Path(__file__).parent / "cases"
JOURNALS = Path(__file__).parent / "journals"
MODEL = "Qwen2.5-Coder 1.5B"
WRITTEN = "properties from names and types"
VARIANTS = ("wrong", "right")
COMMANDS: tuple[Command, ...] = ("chaosTests", "critique")
PYTEST = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
GATE_S = 300
"""Wide, so that a busy machine gives the same figures."""
TWIN_S = 60
STEADY = ("-p", "hypothesispytest", "--hypothesis-profile=ci")
"""No deadline, and the same inputs every time."""


@dataclass(frozen=True)
class Case:
    name: str
    module: str
    texts: dict[str, str]

    @property
    def path(self) -> str:
        return f"{self.module}.py"

    def bug_at(self) -> set[int]:
        """The lines of the wrong variant, from 0, that the correct one does not have, or has something more beside."""
        wrong, right = (self.texts[v].splitlines() for v in VARIANTS)
        changes = difflib.SequenceMatcher(None, wrong, right, autojunk=False).get_opcodes()
        return {n for tag, a, b, _, _ in changes if tag != "equal" for n in range(max(0, a - (a == b)), max(b, a + 1))}


@dataclass(frozen=True)
class Row:
    """What one way of looking made of one function: the bug found on the wrong variant, an alarm on the correct one."""

    case: str
    way: str
    found: bool
    alarm: bool
    shown: str = ""


def cases(only: set[str]) -> list[Case]:
    found = []
    for told in sorted(CASES.glob("*/case.json")):
        name = told.parent.name
        if not only or name in only:
            texts = {kind: (told.parent / f"{kind}.py").read_text("utf-8") for kind in (*VARIANTS, "ordinary")}
            found.append(Case(name, json.loads(told.read_text("utf-8"))["module"], texts))
    return found


def project(case: Case, variant: str, scratch: Path) -> Path:
    """One variant in a project of its own: the code and its ordinary tests. Nothing tells which it is."""
    root = scratch / variant / case.name
    if not root.exists():
        (root / "tests").mkdir(parents=True)
        (root / case.path).write_text(case.texts[variant], "utf-8")
        (root / "conftest.py").write_text("", "utf-8")
        (root / "tests" / f"test_{case.module}.py").write_text(case.texts["ordinary"], "utf-8")
    return root


class Kept(ReplayGateway):
    """A kept journal's answers; tells when they were given to another question than is asked now."""

    def __init__(self, recording: Recording, name: str) -> None:
        super().__init__(recording)
        self._asked = [entry["request"]["messages"] for entry in recording.of("call")]
        self._name = name

    async def complete(self, request: CompletionRequest, on_event: OnEvent = ignore_event) -> Completion:
        if not self._asked:
            raise SystemExit(f"{self._name}: more was asked than was kept (--ask asks afresh)")
        if self._asked.pop(0)[:2] != [m.model_dump() for m in request.messages[:2]]:
            print(f"{self._name}: the prompt changed since this answer was kept (--ask asks afresh)", file=sys.stderr)
        return await super().complete(request, on_event)


class Laboratory:
    """Runs the product on a case. `ask`: the embedded model answers, and its answers are kept."""

    def __init__(self, scratch: Path, *, ask: bool) -> None:
        self._scratch, self._ask = scratch, ask
        # The weights are in the person's cache; nothing else of theirs is read or written.
        self._environ = {
            **os.environ,
            "XDG_CONFIG_HOME": str(scratch / "config"),
            "XDG_STATE_HOME": str(scratch / "state"),
        }
        self._asking = self._engine(confirm=True) if ask else None

    def _engine(self, *, confirm: bool, gateway: ReplayGateway | None = None) -> RunService:
        settings = {
            "models": "local",
            "testing": {"command": PYTEST},
            "chaos": {"timeout_s": GATE_S},
            "critic": {"confirm": confirm},
            "opinions": {"use": "never"},  # the rows are about the model's own reviews
            "litellm": {"enable_caching": False},
            "loop": {"max_wall_s": 3600},
        }
        return build_service(self._environ, command_line=settings, scripted=gateway)

    async def run(self, case: Case, variant: str, command: Command, *, confirm: bool = True) -> RunResult:
        journal = JOURNALS / f"{case.name}-{variant}-{command}.jsonl"
        request = RunRequest(
            run_id=f"{case.name}-{variant}",
            command=command,
            root=str(project(case, variant, self._scratch)),
            path=case.path,
            text=case.texts[variant],
        )
        if self._asking is not None and confirm:
            result = _ended_well(await self._asking.run(request, lambda event: None, _nobody))
            keep(Path(result.journal), journal)
            return result
        recording = Recording(journal.read_text("utf-8").splitlines())
        engine = self._engine(confirm=confirm, gateway=Kept(recording, journal.stem))
        try:
            return _ended_well(await engine.run(request, lambda event: None, _nobody))
        finally:
            await engine.close()

    async def fails_on_twin(self, case: Case, tests: Sequence[str]) -> list[bool]:
        """Whether each test module fails, or cannot run, on the correct variant: then it did not find the bug."""
        root = project(case, "right", self._scratch)
        async with tester(root, self._scratch, PYTEST, TWIN_S) as bench:
            return [(await bench.run_file("test_twin.py", test, STEADY)).exit_code != 0 for test in tests]

    async def close(self) -> None:
        if self._asking is not None:
            await self._asking.close()


def _ended_well(result: RunResult) -> RunResult:
    """A run that could not do its work says nothing of the agents."""
    if result.outcome not in ("reviewed", "stuck", "tests_proposed", "no_change"):
        raise SystemExit(f"{result.run_id}: {result.outcome}: {result.reason}")
    print(f"{result.run_id} {result.command}: {result.reason}", file=sys.stderr, flush=True)
    return result


async def _nobody(question: Question) -> Decision:
    raise AssertionError(f"a benchmark was asked: {question.text}")


def keep(journal: Path, place: Path) -> None:
    """The model's part of a run's journal, without what belongs to this machine."""
    kept = []
    for line in journal.read_text("utf-8").splitlines():
        entry = json.loads(line)
        if entry["kind"] == "begin":
            request = {key: entry["request"][key] for key in ("run_id", "command", "path", "text", "span")}
            entry |= {"request": {**request, "root": "/project"}, "settings": {}, "argv": []}
        if entry["kind"] in ("begin", "call"):
            if "answer" in entry:
                entry["answer"]["duration_s"] = 0.0
            kept.append(json.dumps(entry, sort_keys=True))
    place.parent.mkdir(exist_ok=True)
    place.write_text("\n".join(kept) + "\n", "utf-8")


@dataclass(frozen=True)
class Broken:
    """A property that a run broke: the input, and a module that tries it."""

    input: str
    pinned: str


async def chaos(lab: Laboratory, case: Case) -> list[Row]:
    """Written properties alone, and with the model's: both from one run of each variant."""
    runs = [await lab.run(case, variant, "chaosTests") for variant in VARIANTS]
    alone = [_written(case, variant, result) for variant, result in zip(VARIANTS, runs, strict=True)]
    shown = [[Broken(f.message.split(" breaks: ")[0], f.test) for f in result.findings] for result in runs]
    rows = []
    for way, (wrong, right) in ((f"{WRITTEN}, no model", alone), (f"{WRITTEN}, and those of {MODEL}", shown)):
        false = await lab.fails_on_twin(case, [broken.pinned for broken in wrong])
        true = [broken for broken, fails in zip(wrong, false, strict=True) if not fails]
        rows.append(Row(case.name, f"chaos: {way}", bool(true), bool(right), true[0].input if true else ""))
    return rows


def _written(case: Case, variant: str, result: RunResult) -> list[Broken]:
    """What the written properties found: they are attacked with first, where there are any."""
    text = case.texts[variant]
    if not PythonAdapter().ghost(text, (0, len(text)), case.module):
        return []
    attacks = Recording(Path(result.journal).read_text("utf-8").splitlines()).of("admission")
    return [Broken(c["input"], c["pinned"]) for c in attacks[0]["admission"]["counterexamples"]]


async def critic(lab: Laboratory, case: Case) -> list[Row]:
    """What it says; what is left of that when its tests ran; what they confirmed."""
    ran = [await lab.run(case, variant, "critique") for variant in VARIANTS]
    said = [await lab.run(case, variant, "critique", confirm=False) for variant in VARIANTS]
    wrong = ran[0].findings
    confirmed = [f for f in wrong if f.evidence == "confirmed"]
    false = await lab.fails_on_twin(case, [f.test for f in confirmed])
    true = [f for f, fails in zip(confirmed, false, strict=True) if not fails]
    hit = next((f.message for f in said[0].findings if at_bug(case, f)), "")
    left = [f for f in wrong if f in true or (f not in confirmed and at_bug(case, f))]
    proven = any(f.evidence == "confirmed" for f in ran[1].findings)
    return [
        Row(case.name, "critic: all that it says, nothing run", bool(hit), bool(said[1].findings), hit),
        Row(case.name, "critic: its tests run, refuted findings dropped", bool(left), bool(ran[1].findings)),
        Row(case.name, "critic: only findings that a run confirmed", bool(true), proven),
    ]


def at_bug(case: Case, finding: Finding) -> bool:
    """Whether the finding marks the line with the bug, and not the whole function: the most that can be said of one
    that nothing ran."""
    lines = Text(case.texts["wrong"])
    marked = range(lines.line_of(finding.start), lines.line_of(finding.end) + 1)
    return len(marked) <= 3 and bool(case.bug_at() & set(marked))


async def measure(chosen: list[Case], commands: Sequence[Command], *, ask: bool) -> list[Row]:
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="defects-") as folder:
        lab = Laboratory(Path(folder), ask=ask)
        try:
            for case in chosen:
                rows += await chaos(lab, case) if "chaosTests" in commands else []
                rows += await critic(lab, case) if "critique" in commands else []
        finally:
            await lab.close()
    return rows


def table(rows: list[Row]) -> str:
    by_way: dict[str, list[Row]] = {}
    for row in rows:
        by_way.setdefault(row.way, []).append(row)
    lines = ["| | bugs found | false alarms on the correct twins |", "|---|---|---|"]
    for way, own in by_way.items():
        found, alarms = sum(r.found for r in own), sum(r.alarm for r in own)
        lines.append(f"| {way} | {found} of {len(own)} | {alarms} of {len(own)} |")
    lines += ["", "| function | way | bug found | false alarm | |", "|---|---|---|---|---|"]
    for row in rows:
        shown = " ".join(row.shown.replace("|", "\\|").split())
        marks = ("yes" if row.found else "-", "yes" if row.alarm else "-", f"`{shown}`" if shown else "")
        lines.append(f"| {row.case} | {row.way} | {' | '.join(marks)} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ask", action="store_true", help="ask the embedded model afresh and keep its answers")
    parser.add_argument("--only", default="", help="names of cases, comma separated")
    parser.add_argument("--command", choices=COMMANDS, help="one of the two agents alone")
    parser.add_argument("--json", type=Path, help="write the rows there")
    options = parser.parse_args()
    chosen = cases({name for name in options.only.split(",") if name})
    commands = (options.command,) if options.command else COMMANDS
    rows = asyncio.run(measure(chosen, commands, ask=options.ask))
    print(table(rows))
    if options.json:
        options.json.write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
