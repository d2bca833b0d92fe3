"""How many seeded bugs of 40 small functions the Chaos agent, the Critic and second opinions find, and their false alarms.

    python bench/defects.py                          the embedded model's kept answers (bench/answers): asks nothing
    python bench/defects.py --ask                    asks the embedded model for the answers that are not kept, and keeps them
    python bench/defects.py --only slug,gcd --command critique --json out.json

The runs are the product's own, in the real sandbox, on the Python that runs this script; only the model's answers are
replayed. A bug counts as found when what was found fails on the wrong variant and passes on the correct twin. Prompts and
strategies were tuned on 20 of the functions; the other 20, of other kinds, were written before anything was tuned on them.
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

from bench.kept_answers import MODEL, Embedded, KeptAnswers, KeptGateway
from bench.sandboxed_tests import tester

from ralphd.app import build_service
from ralphd.attack.adapters import PythonAdapter
from ralphd.core.findings import Finding
from ralphd.core.run import Command, RunRequest, RunResult
from ralphd.core.runner import Decision, Question
from ralphd.core.text import Text
from ralphd.loop.journal import Recording

CASES = Path(__file__).parent / "cases"
ANSWERS = Path(__file__).parent / "answers" / "defects.jsonl.gz"
WRITTEN = "properties from names and types"
VARIANTS = ("wrong", "right")
COMMANDS: tuple[Command, ...] = ("chaosTests", "critique", "opinions")
VOTED = "second opinions: votes of independent versions"
UNASKED = f"chaos: {WRITTEN}, no model"
TOGETHER = f"{UNASKED}, and second opinions"
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
    tuned: bool = True
    """Whether it is one of those that were tuned on."""

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
    tuned: bool = True


def cases(only: set[str]) -> list[Case]:
    found = []
    for told in sorted(CASES.glob("*/case.json")):
        name = told.parent.name
        if not only or name in only:
            texts = {kind: (told.parent / f"{kind}.py").read_text("utf-8") for kind in (*VARIANTS, "ordinary")}
            said = json.loads(told.read_text("utf-8"))
            found.append(Case(name, said["module"], texts, said.get("tuned", True)))
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


class Laboratory:
    """Runs the product on a case. `ask`: the embedded model answers what is not kept."""

    def __init__(self, scratch: Path, *, ask: bool) -> None:
        self._scratch, self._kept = scratch, KeptAnswers(ANSWERS)
        # The weights are in the person's cache; nothing else of theirs is read or written.
        self._environ = {
            **os.environ,
            "XDG_CONFIG_HOME": str(scratch / "config"),
            "XDG_STATE_HOME": str(scratch / "state"),
        }
        self._embedded = Embedded(self._environ) if ask else None

    async def run(self, case: Case, variant: str, command: Command, *, confirm: bool = True) -> tuple[RunResult, bool]:
        """How the run ended, and whether all its answers were there."""
        root = project(case, variant, self._scratch)
        model = await self._embedded.open(root) if self._embedded else None
        gateway = KeptGateway(self._kept, case.name, command, model)
        settings = {
            "models": "local",
            "testing": {"command": PYTEST},
            "chaos": {"timeout_s": GATE_S},
            "critic": {"confirm": confirm},
            "opinions": {"use": "never"},  # in the rows about the model's own reviews
            "loop": {"max_wall_s": 3600},
        }
        engine = build_service(self._environ, command_line=settings, scripted=gateway)
        request = RunRequest(f"{case.name}-{variant}", command, str(root), case.path, case.texts[variant])
        try:
            result = await engine.run(request, lambda event: None, _nobody)
        finally:
            await engine.close()
        gateway.ended()
        if not gateway.missing and result.outcome not in ("reviewed", "stuck", "tests_proposed", "no_change"):
            # A run that could not do its work says nothing of the agents.
            raise SystemExit(f"{result.run_id}: {result.outcome}: {result.reason}")
        said = "answers are missing (--ask asks for them)" if gateway.missing else result.reason
        print(f"{result.run_id} {command}: {said}", file=sys.stderr, flush=True)
        return result, not gateway.missing

    async def fails_on_twin(self, case: Case, tests: Sequence[str]) -> list[bool]:
        """Whether each test module fails, or cannot run, on the correct variant: then it did not find the bug."""
        root = project(case, "right", self._scratch)
        async with tester(root, self._scratch, PYTEST, TWIN_S) as bench:
            return [(await bench.run_file("test_twin.py", test, STEADY)).exit_code != 0 for test in tests]

    async def close(self) -> None:
        if self._embedded is not None:
            await self._embedded.close()
            self._kept.pack()


async def _nobody(question: Question) -> Decision:
    raise AssertionError(f"a benchmark was asked: {question.text}")


@dataclass(frozen=True)
class Broken:
    """A property that a run broke: the input, and a module that tries it."""

    input: str
    pinned: str


async def chaos(lab: Laboratory, case: Case) -> list[Row]:
    """Written properties alone, and with the model's: both from one run of each variant."""
    ran = [await lab.run(case, variant, "chaosTests") for variant in VARIANTS]
    runs, whole = [result for result, _ in ran], all(asked for _, asked in ran)
    alone = [_written(case, variant, result) for variant, result in zip(VARIANTS, runs, strict=True)]
    shown = [[Broken(f.message.split(" breaks: ")[0], f.test or "") for f in result.findings] for result in runs]
    rows = []
    ways = [(UNASKED, alone), (f"chaos: {WRITTEN}, and those of {MODEL}", shown)]
    for way, (wrong, right) in ways if whole else ways[:1]:
        false = await lab.fails_on_twin(case, [broken.pinned for broken in wrong])
        true = [broken for broken, fails in zip(wrong, false, strict=True) if not fails]
        rows.append(Row(case.name, way, bool(true), bool(right), true[0].input if true else "", case.tuned))
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
    runs = [await lab.run(case, variant, "critique") for variant in VARIANTS]
    runs += [await lab.run(case, variant, "critique", confirm=False) for variant in VARIANTS]
    if not all(asked for _, asked in runs):
        return []
    ran, ran_right, said, said_right = (result.findings for result, _ in runs)
    confirmed = [f for f in ran if f.evidence == "confirmed"]
    false = await lab.fails_on_twin(case, [f.test or "" for f in confirmed])
    true = [f for f, fails in zip(confirmed, false, strict=True) if not fails]
    hit = next((f.message for f in said if at_bug(case, f)), "")
    left = [f for f in ran if f in true or (f not in confirmed and at_bug(case, f))]
    proven = any(f.evidence == "confirmed" for f in ran_right)
    ways = [
        ("critic: all that it says, nothing run", bool(hit), bool(said_right), hit),
        ("critic: its tests run, refuted findings dropped", bool(left), bool(ran_right), ""),
        ("critic: only findings that a run confirmed", bool(true), proven, ""),
    ]
    return [Row(case.name, *way, case.tuned) for way in ways]


async def votes(lab: Laboratory, case: Case) -> list[Row]:
    """What versions that were written from the outline alone say of both variants; these have one outline."""
    ran = [await lab.run(case, variant, "opinions") for variant in VARIANTS]
    if not all(asked for _, asked in ran):
        return []
    wrong, right = (result.findings for result, _ in ran)
    false = await lab.fails_on_twin(case, [f.test or "assert False" for f in wrong])
    true = [f for f, fails in zip(wrong, false, strict=True) if not fails]
    return [Row(case.name, VOTED, bool(true), bool(right), true[0].message if true else "", case.tuned)]


def together(rows: Sequence[Row]) -> list[Row]:
    """The functions that were looked at in both ways that need no word of the model: what either of them shows."""
    votes = {row.case: row for row in rows if row.way == VOTED}
    pairs = [(row, votes[row.case]) for row in rows if row.way == UNASKED and row.case in votes]
    return [
        Row(one.case, TOGETHER, one.found or other.found, one.alarm or other.alarm, one.shown or other.shown, one.tuned)
        for one, other in pairs
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
                rows += await votes(lab, case) if "opinions" in commands else []
        finally:
            await lab.close()
    return [*rows, *together(rows)]


def summary(rows: Sequence[Row]) -> list[str]:
    """A line for each way, with columns for the functions that were tuned on and for the others. A function for which an
    answer is missing counts in neither."""
    lines = [
        "| | bugs found, tuned on | false alarms | bugs found, not tuned on | false alarms |",
        "|---|---|---|---|---|",
    ]
    for way in dict.fromkeys(row.way for row in rows):
        cells = []
        for tuned in (True, False):
            own = [row for row in rows if row.way == way and row.tuned is tuned]
            found, alarms = sum(r.found for r in own), sum(r.alarm for r in own)
            cells += [f"{found} of {len(own)}", f"{alarms} of {len(own)}"] if own else ["-", "-"]
        lines.append(f"| {way} | {' | '.join(cells)} |")
    return lines


def table(rows: Sequence[Row]) -> str:
    lines = [*summary(rows), "", "| function | way | bug found | false alarm | |", "|---|---|---|---|---|"]
    for row in rows:
        shown = " ".join(row.shown.replace("|", "\\|").split())
        marks = ("yes" if row.found else "-", "yes" if row.alarm else "-", f"`{shown}`" if shown else "")
        lines.append(f"| {row.case} | {row.way} | {' | '.join(marks)} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ask", action="store_true", help="ask the embedded model for the answers that are not kept")
    parser.add_argument("--only", default="", help="names of cases, comma separated")
    parser.add_argument("--command", choices=COMMANDS, help="one of the three alone")
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
