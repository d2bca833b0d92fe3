"""What the Artisan is shown of a project when a function's body is missing, beside aider's repo map of the same size.

    python bench/context.py FOLDER [--part tuning|measuring] [--cases N] [--aider PYTHON [--maps FOLDER]] [--worst N]

FOLDER holds source distributions that carry their tests, as package clients fetch them:
`pip download --no-deps --no-binary :all: click attrs …` and `npm pack qs …`. `--aider` is the Python of an environment
with aider-chat; its maps take most of the time and do not depend on ralphd, so `--maps` keeps them from one run to the
next. Nothing of the packages is run. Columns: how much of what the true body names of its project is in the prompt as
definition or signature; whether the test that fails is; the share of the context's characters that stand in a definition
that names one of those things or the function itself; and the size of the context. The last line says how big a whole
prompt for a fix is, with the target and what the model is told.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from context_cases import Case, Named, cases_of, packages

from ralphd.context.file_graph import FileGraph
from ralphd.context.target import Target, definitions
from ralphd.context.tree import MemoryTree
from ralphd.core.run import RunRequest
from ralphd.models.scripted import ScriptedGateway
from ralphd.phases import librarian
from ralphd.phases.artisan import Artisan
from ralphd.phases.base import PhaseContext
from ralphd.settings.schema import ContextSettings, LoopSettings, Settings

SIZES = (4_000, 16_000)
FIX = "ralphd, the body in place"
Piece = tuple[str, str]
"""(path, text): what a prompt shows of one file."""


@dataclass
class Score:
    constants: list[bool] = field(default_factory=list)
    functions: list[bool] = field(default_factory=list)
    tests: list[bool] = field(default_factory=list)
    useful: int = 0
    characters: int = 0
    sizes: list[int] = field(default_factory=list)
    """Characters of the project in each prompt."""
    prompts: list[int] = field(default_factory=list)
    """Characters of each whole prompt."""
    seconds: float = 0.0

    def row(self) -> str:
        def share(hits: Sequence[bool]) -> str:
            return f"{100 * sum(hits) / len(hits):.1f} % of {len(hits)}" if hits else "none"

        useful = 100 * self.useful / self.characters if self.characters else 0.0
        sizes = sorted(self.sizes)
        size = f"{sizes[len(sizes) // 2]:,} ({sizes[len(sizes) * 9 // 10]:,})"
        spent = f"{1000 * self.seconds / len(sizes):.0f} ms" if self.seconds else ""
        recall = " | ".join(share(hits) for hits in (self.constants, self.functions, self.tests))
        return f"{recall} | {useful:.1f} % | {size} | {spent}"


def shown(case: Case, source: str, tree: MemoryTree, graph: FileGraph, tokens: int) -> tuple[list[Piece], int]:
    """What the product shows of the project: the Librarian's material and tests, as the Artisan's prompt holds them; and
    the characters of the whole prompt. `source`: the target's file, with the body removed or in place."""
    span = next(d.span for d in definitions(case.path, source) if d.name == case.name)
    target = Target(case.path, span, "definition", case.name)
    request = RunRequest("bench", "implement", "/", case.path, source, span=span)
    loop = LoopSettings.model_construct(librarian="never")
    settings = Settings(context=ContextSettings(max_tokens=tokens)).model_copy(update={"loop": loop})
    layered = MemoryTree({case.path: source}, tree)
    gateway = ScriptedGateway({})
    ctx = PhaseContext(request, settings, gateway, layered, target, lambda event: None, local=False)
    brief = asyncio.run(librarian.gather(ctx, graph, [case.failing]))
    prompt = sum(len(message.content) for message in Artisan(ctx, brief, "").opening)
    return [(piece.path, piece.text) for piece in (*brief.context.pieces, *brief.tests)], prompt


def pieces_of_map(text: str) -> list[Piece]:
    """aider's map: a path, then lines that begin with a bar."""
    found: list[Piece] = []
    path, lines = "", list[str]()
    for line in [*text.split("\n"), "end:"]:
        if line.startswith(("│", "⋮")):
            lines += [line[1:]] if line.startswith("│") else []
        elif line.strip():
            if lines:
                found.append((path, "\n".join(lines)))
            path, lines = line.rstrip().rstrip(":"), []
    return found


def score(case: Case, tree: MemoryTree, pieces: Iterable[Piece], into: Score) -> list[Named]:
    """Adds one prompt to `into`; returns what was not shown."""
    lines: dict[str, set[str]] = {}
    for path, text in pieces:
        lines.setdefault(path, set()).update(line.strip().rstrip("{ ") for line in text.split("\n"))
    missed = []
    for one in case.named:
        hit = one.line.rstrip("{ ") in lines.get(one.path, ())
        (into.constants if one.constant else into.functions).append(hit)
        missed += [] if hit else [one]
    into.tests.append(_shows_test(case, pieces))
    into.sizes.append(sum(len(text) for _, text in pieces))
    words = {one.name for one in case.named} | {case.name.rpartition(".")[2]}
    for path, text in pieces:
        for unit in _units(tree.text(path) or "", path, text):
            into.characters += len(unit)
            into.useful += len(unit) if words & set(re.findall(r"\w+", unit)) else 0
    return missed


def _shows_test(case: Case, pieces: Iterable[Piece]) -> bool:
    """Whether the failing test is there: its first line, and the first of its lines that names the function."""
    path = case.failing.partition("::")[0]
    here = {line.strip() for where, text in pieces if where == path for line in text.split("\n")}
    rows = [row.strip() for row in case.test.split("\n") if row.strip()]
    short = re.compile(rf"\b{re.escape(case.name.rpartition('.')[2])}\b")
    return rows[0] in here and next(row for row in rows if short.search(row)) in here


def _units(source: str, path: str, text: str) -> list[str]:
    """`text`, which shows parts of `source`, in parts: what it shows of one definition, and each line outside of all."""
    spans = [(source.count("\n", 0, d.span[0]), source.count("\n", 0, d.span[1])) for d in definitions(path, source)]
    rows: dict[str, list[int]] = {}
    for number, line in enumerate(source.split("\n")):
        rows.setdefault(line.strip(), []).append(number)
    at, units = -1, dict[object, list[str]]()
    for number, line in enumerate(text.split("\n")):
        places = rows.get(line.strip(), [])
        at = next((row for row in places if row > at), places[0] if places else at)
        around = [span for span in spans if span[0] <= at <= span[1]]
        key: object = min(around, key=lambda span: span[1] - span[0]) if around and line.strip() else number
        units.setdefault(key, []).append(line)
    return ["\n".join(lines) for lines in units.values()]


class Aider:
    """A process of aider's own environment that is asked for one map after the other, or the maps that it gave before."""

    def __init__(self, python: str, kept: Path | None) -> None:
        script = Path(__file__).with_name("aider_map.py")
        self._kept = kept
        self._process = subprocess.Popen([python, str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                         stderr=subprocess.DEVNULL)  # fmt: skip

    def maps(self, folder: Path, case: Case, texts: dict[str, str]) -> list[list[Piece]]:
        """A map of the package for each of `SIZES`, of the function without its body."""
        kept = self._kept and self._kept / hashlib.sha256(f"{case.package} {case.stub}".encode()).hexdigest()
        if kept is None or not kept.exists():
            root = folder / case.package
            for path, text in {**texts, case.path: case.stub}.items():
                file = root / path
                if not file.exists() or path == case.path:
                    file.parent.mkdir(parents=True, exist_ok=True)
                    file.write_text(text, encoding="utf-8", errors="surrogatepass")
            asked = {"root": str(root), "path": case.path, "name": case.name, "files": sorted(texts), "sizes": SIZES}
            answer = self._ask(asked)
            (root / case.path).write_text(texts[case.path], encoding="utf-8", errors="surrogatepass")
            if kept is not None:
                kept.write_text(answer)
        else:
            answer = kept.read_text()
        return [pieces_of_map(text) for text in json.loads(answer)["texts"]]

    def _ask(self, asked: dict[str, object]) -> str:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        return self._process.stdout.readline()

    def close(self) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--part", choices=("tuning", "measuring"), default="tuning")
    parser.add_argument("--cases", type=int, default=200)
    parser.add_argument("--aider", default="")
    parser.add_argument("--maps", type=Path, help="a folder in which aider's maps are kept")
    parser.add_argument("--worst", type=int, default=0, help="print what was missed, of so many cases")
    asked = parser.parse_args()
    held = dict(packages(asked.folder))
    cases = sorted((c for name, texts in held.items() for c in cases_of(name, texts) if c.part == asked.part),
                   key=lambda c: c.order)  # fmt: skip
    cases = _even(cases, asked.cases)
    chosen = {case.package for case in cases}
    print(f"{len(cases)} functions of {len(chosen)} packages ({asked.part}): {', '.join(sorted(chosen))}")
    scores = _ours(cases, held, asked.worst)
    if asked.aider:
        scores |= _aiders(cases, held, Aider(asked.aider, asked.maps))
    print("| | constants | functions and types | the failing test | characters of use | median (90 %) | CPU time |")
    print("|---|---|---|---|---|---|---|")
    for name, one in scores.items():
        print(f"| {name} | {one.row()} |")
    prompts = sorted(scores[FIX].prompts)
    middle, most = prompts[len(prompts) // 2], prompts[len(prompts) * 9 // 10]
    print(f"A whole prompt for a fix: {middle:,} characters in the median, {most:,} at 90 %.")


def _even(cases: list[Case], most: int) -> list[Case]:
    """`most` cases, the packages by turns, so that no big one fills the table."""
    by: dict[str, list[Case]] = {}
    for case in cases:
        by.setdefault(case.package, []).append(case)
    ranked = sorted(((n, case.order, case) for held in by.values() for n, case in enumerate(held)), key=lambda r: r[:2])
    return [case for _, _, case in ranked[:most]]


def _ours(cases: Sequence[Case], held: dict[str, dict[str, str]], worst: int) -> dict[str, Score]:
    scores = {f"ralphd, {size:,} tokens": Score() for size in SIZES}
    fix = scores.setdefault(FIX, Score())
    graphs: dict[str, FileGraph] = {}
    for case in cases:
        tree = MemoryTree(held[case.package])
        graph = graphs.get(case.package) or graphs.setdefault(case.package, FileGraph(tree))
        asked = [(case.stub, size, scores[f"ralphd, {size:,} tokens"]) for size in SIZES]
        for source, size, into in [*asked, (held[case.package][case.path], SIZES[1], fix)]:
            began = time.process_time()
            pieces, prompt = shown(case, source, tree, graph, size)
            into.seconds += time.process_time() - began
            into.prompts.append(prompt)
            missed = score(case, tree, pieces, into)
            if worst > 0 and (missed or not into.tests[-1]):
                print(f"{size} {case.package} {case.path} {case.name} (test {into.tests[-1]}):")
                print("    " + ", ".join(f"{one.path}:{one.name}{' =' if one.constant else ''}" for one in missed))
        worst -= 1
    return scores


def _aiders(cases: Sequence[Case], held: dict[str, dict[str, str]], aider: Aider) -> dict[str, Score]:
    scores = {f"aider's map, {size:,} tokens": Score() for size in SIZES}
    with tempfile.TemporaryDirectory(prefix="ralphd-bench-") as folder:
        for case in cases:
            texts = held[case.package]
            for pieces, into in zip(aider.maps(Path(folder), case, texts), scores.values(), strict=True):
                score(case, MemoryTree(texts), pieces, into)
    aider.close()
    return scores


if __name__ == "__main__":
    main()
