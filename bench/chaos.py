"""How many seeded bugs "Ralph: chaos tests" finds in 20 small functions, and how many false alarms it raises on their twins.

    python bench/chaos.py                      properties written from names and annotations alone, no model
    python bench/chaos.py --answers FOLDER     a model's kept answers: FOLDER/<case>-<right|wrong>.py (test modules)
    python bench/chaos.py --only slug,gcd --json out.json

Every test goes through the real gate in the real sandbox, on the Python that runs this script.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ralphd.phases.admission import Admission, Subject, admit
from ralphd.phases.ghostwriter import ghost_module, ghostwrite
from ralphd.phases.mutants import mutants
from ralphd.phases.pytest_session import Setting, probe
from ralphd.sandbox.isolation import detect
from ralphd.sandbox.shadow import ShadowPool
from ralphd.settings.schema import Settings

CASES = Path(__file__).parent / "chaos_cases"
VARIANTS = ("wrong", "right")
Answers = Callable[["Case", str], str]


@dataclass(frozen=True)
class Case:
    name: str
    module: str
    texts: dict[str, str]


@dataclass(frozen=True)
class Score:
    case: str
    variant: str
    admission: Admission

    @property
    def alarm(self) -> bool:
        return bool(self.admission.counterexamples)


def cases(only: set[str]) -> list[Case]:
    found = []
    for told in sorted(CASES.glob("*/case.json")):
        name = told.parent.name
        if not only or name in only:
            texts = {variant: (told.parent / f"{variant}.py").read_text("utf-8") for variant in (*VARIANTS, "ordinary")}
            found.append(Case(name, json.loads(told.read_text("utf-8"))["module"], texts))
    return found


def ghosts(case: Case, variant: str) -> str:
    text = case.texts[variant]
    return ghost_module(ghostwrite(text, (0, len(text)), case.module))


def kept(folder: Path) -> Answers:
    def answer(case: Case, variant: str) -> str:
        path = folder / f"{case.name}-{variant}.py"
        return path.read_text("utf-8") if path.exists() else ""

    return answer


async def attack(case: Case, variant: str, module: str, scratch: Path, settings: Settings) -> Admission:
    """One variant in a project of its own: the code, its ordinary tests, and the gate."""
    root = scratch / f"{case.name}-{variant}"
    (root / "tests").mkdir(parents=True)
    source = case.texts[variant]
    (root / f"{case.module}.py").write_text(source, "utf-8")
    (root / "conftest.py").write_text("", "utf-8")
    (root / "tests" / f"test_{case.module}.py").write_text(case.texts["ordinary"], "utf-8")
    pool = ShadowPool(str(root), str(scratch / "cache"), settings.sandbox, await detect(settings.sandbox.mode))
    try:
        chaos = settings.chaos
        setting = Setting(
            pytest=(sys.executable, "-m", "pytest"),
            target=f"{case.module}.py",
            lines=(1, source.count("\n") + 1),
            module=f"tests/test_{case.module}_chaos.py",
            max_examples=chaos.max_examples,
            report_root=scratch / "reports",
        )
        await probe(pool, setting)
        subject = Subject(source, mutants(source, (0, len(source)), chaos.mutants))
        return await admit(pool, setting, subject, module, repeat=chaos.repeat, timeout_s=300)
    finally:
        await pool.close()


async def measure(chosen: list[Case], answers: Answers) -> list[Score]:
    settings, scores = Settings(), []
    with tempfile.TemporaryDirectory(prefix="chaos-bench-") as folder:
        for case in chosen:
            for variant in VARIANTS:
                module = answers(case, variant)
                admission = await attack(case, variant, module, Path(folder), settings) if module else Admission()
                scores.append(Score(case.name, variant, admission))
                print(f"{case.name} {variant}: {_line(admission)}", file=sys.stderr, flush=True)
    return scores


def _line(admission: Admission) -> str:
    inputs = "; ".join(f"{c.test}({c.input})" for c in admission.counterexamples)
    report = admission.report()
    return (
        f"{report.generated} tests, {report.admitted} admitted, {report.counterexamples} counterexamples,"
        f" {report.killed}/{report.mutants} mutants, dropped {dict(report.dropped)} {inputs}".rstrip()
    )


def table(scores: list[Score], who: str) -> str:
    by_case: dict[str, dict[str, Score]] = {}
    for score in scores:
        by_case.setdefault(score.case, {})[score.variant] = score
    rows = ["| function | bug found | false alarm on the twin | falsifying input |", "|---|---|---|---|"]
    for name, pair in by_case.items():
        wrong, right = pair["wrong"], pair["right"]
        first = wrong.admission.counterexamples[0].input if wrong.alarm else ""
        shown = first.replace("|", "\\|").replace("\n", " ")
        rows.append(
            f"| {name} | {'yes' if wrong.alarm else '-'} | {'yes' if right.alarm else '-'} | {f'`{shown}`' if shown else ''} |"
        )
    found, alarms = (sum(pair[v].alarm for pair in by_case.values()) for v in VARIANTS)
    return "\n".join(
        [*rows, "", f"{who}: {found} of {len(by_case)} bugs found, {alarms} false alarms on {len(by_case)} twins."]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--answers", type=Path, help="a folder of kept test modules instead of written properties")
    parser.add_argument("--only", default="", help="names of cases, comma separated")
    parser.add_argument("--json", type=Path, help="write the figures there")
    options = parser.parse_args()
    chosen = cases({name for name in options.only.split(",") if name})
    answers = kept(options.answers) if options.answers else ghosts
    scores = asyncio.run(measure(chosen, answers))
    print(
        table(
            scores,
            f"kept answers in {options.answers.name}" if options.answers else "written properties alone, no model",
        )
    )
    if options.json:
        figures = [{"case": s.case, "variant": s.variant, **s.admission.report().to_json()} for s in scores]
        options.json.write_text(json.dumps(figures, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
