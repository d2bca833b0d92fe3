"""A test run beside the baseline: which red tests reach the target, which ids stand for the same test, the verdict."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from ralphd.context.file_graph import FileGraph
from ralphd.judging.reports import TestCase
from ralphd.judging.verdict import TestRun, Verdict, frames_in, judge
from ralphd.judging.workbench import Asked, Workbench


@dataclass(frozen=True)
class Reach:
    """Which of the tests that were red at the baseline have to do with the target, by id."""

    reaching: frozenset[str] = frozenset()
    unknown: frozenset[str] = frozenset()
    """Neither seen to reach it nor measured not to."""


def reaching(baseline: TestRun, target: str, graph: FileGraph | None, root: str) -> Reach:
    """A red test reaches `target` where it was measured to enter it, its file imports it or its traceback passes there.

    An import that cannot be seen (a namespace package, a command started as a process, a web framework's routes) is no
    proof: only a test that was measured not to enter the file is known not to reach it. Where imports are not
    followed (other languages), every red test counts: the person asked for this target.
    """
    bad = baseline.bad
    if graph is None:
        red = frozenset(case.nodeid for case in bad if case.reached is not False)
        elsewhere = _in_other_modules(bad, target) if target.endswith(".rs") else frozenset()
        return Reach(red - elsewhere, elsewhere)
    files = graph.reaches(target)
    found = frozenset(
        case.nodeid
        for case in bad
        if case.reached or case.nodeid.split("::")[0] in files or target in frames_in(baseline, case.nodeid, root)
    )
    return Reach(found, frozenset(c.nodeid for c in bad if c.nodeid not in found and c.reached is None))


_PANICKED = re.compile(r"\bpanicked at ([^\s:]{1,400}\.rs):\d")


def _in_other_modules(bad: Collection[TestCase], target: str) -> frozenset[str]:
    """Of Rust's red tests: those that panic in another module of the crate, where others panic in the target's own file.

    cargo measures no reach. Tests of the target stand in its file or under `tests/`; whether those of another module
    reach it is not known."""
    places = {case.nodeid: found[1] for case in bad if (found := _PANICKED.search(case.detail))}
    own = {name for name, place in places.items() if target == place or target.endswith(f"/{place}")}
    others = {name for name, place in places.items() if name not in own and "tests" not in place.split("/")}
    return frozenset(others) if own else frozenset()


def without(baseline: TestRun, paths: Collection[str]) -> TestRun:
    """The baseline without the tests of files that the person changed since, or let be changed: they cannot be missed."""
    if baseline.report is None or not paths:
        return baseline
    cases = {name: case for name, case in baseline.cases.items() if name.split("::")[0] not in paths}
    return replace(baseline, report=replace(baseline.report, cases=cases))


async def judge_with_rerun(
    bench: Workbench, run: TestRun, baseline: TestRun | None, reach: Reach, texts: Mapping[str, str]
) -> tuple[Verdict, set[str]]:
    """The verdict on `texts`, which are loaded; a test that passed before and fails now is run once more alone before it is
    blamed."""
    if baseline is not None and (unstable := await _unstable(bench, run, baseline, texts)):
        run, _ = _numbered(run, unstable)
        baseline, new = _numbered(baseline, unstable)
        reach = Reach(*(frozenset(new.get(name, name) for name in names) for names in (reach.reaching, reach.unknown)))
    verdict = judge(run, baseline, reach.reaching, unknown=reach.unknown)
    if not verdict.suspects or len(verdict.suspects) != len(verdict.failing) or not run.cases:
        return verdict, set()
    if not any("::" in name for name in verdict.suspects):
        return verdict, set()
    again = await bench.run(Asked(only=verdict.suspects))
    flaky = {name for name in verdict.suspects if (case := again.cases.get(name)) and case.outcome == "passed"}
    return judge(run, baseline, reach.reaching, flaky, reach.unknown), flaky


def function_of(nodeid: str) -> str:
    """A pytest id without its parameters: `test_x.py::test_a[<object at 0x7f>]` is `test_x.py::test_a`."""
    file, separator, rest = nodeid.partition("::")
    return file + separator + rest.split("[", 1)[0] if file.endswith(".py") else nodeid


async def _unstable(bench: Workbench, run: TestRun, baseline: TestRun, texts: Mapping[str, str]) -> set[str]:
    """Test functions whose ids change from process to process (objects, times): seen by collecting the unchanged project
    once more. Ids that only change where `texts` are loaded were made to: the tests that they named are gone."""
    gone, new = baseline.cases.keys() - run.cases.keys(), run.cases.keys() - baseline.cases.keys()
    doubtful = {function_of(name) for name in gone} & {function_of(name) for name in new if "[" in name}
    if not doubtful:
        return set()
    await bench.load({})
    again = await bench.run(Asked(collect=True))
    await bench.load(texts)
    collected = set(again.report.collected) if again.report else set()
    changing = {function_of(name) for name in collected ^ baseline.cases.keys()} if collected else set()
    return doubtful & changing


def _numbered(run: TestRun, functions: set[str]) -> tuple[TestRun, Mapping[str, str]]:
    """`run` with the ids of `functions` replaced by `function[number]`, in the order in which they were reported."""
    new, count = {}, Counter[str]()
    for name in run.cases:
        function = function_of(name)
        if function in functions:
            count[function] += 1
            new[name] = f"{function}[{count[function]}]"
    assert run.report is not None
    cases = {new.get(n, n): replace(case, nodeid=new.get(n, n)) for n, case in run.cases.items()}
    return replace(run, report=replace(run.report, cases=cases)), new
