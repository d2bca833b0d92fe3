"""Retrieval by code, not by a model: what a person would open before changing the target. Deterministic.

Sources in order of worth: the target's class and what it names in its file, tests that fail and reach it, its callers,
what it names in other files, other tests that name it, rules files. Packed into a budget of tokens, by the estimate of
core/tokens.py.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from ralphd.context.languages import fence_name, language_of, parse
from ralphd.context.target import Target, definitions
from ralphd.context.tree import ImportGraph, Tree, is_secret
from ralphd.core.text import Text
from ralphd.core.tokens import beginning, tokens_of
from ralphd.retrieval.needs import Project
from ralphd.retrieval.snippets import Kind, joined, snippets, within

SHORT_REST = 2500
"""Characters: where the rest of the target's file is shorter, all of it is shown."""


@dataclass(frozen=True)
class Excerpt:
    """One excerpt, with where it comes from and why it is here."""

    path: str
    why: str
    text: str


@dataclass(frozen=True)
class Context:
    pieces: tuple[Excerpt, ...]
    left_out: int
    """Pieces that did not fit the budget."""
    rules: str = ""

    def render(self, fenced) -> str:  # type: ignore[no-untyped-def]
        """`fenced(text, info)` wraps an excerpt, so that data cannot end its own block."""
        return "\n\n".join(f"{p.path} ({p.why}):\n{fenced(p.text, fence_name(p.path))}" for p in self.pieces)


_TEST_FILE = re.compile(r"(?:^|/)(?:tests?|__tests__|spec)/|(?:^|/)test_[^/]*$|(?:_test|\.test|\.spec|_spec)\.[^/]+$")


def is_test_file(path: str) -> bool:
    return bool(_TEST_FILE.search(path))


def tests_reaching(tree: Tree, target: Target, graph: ImportGraph | None = None) -> list[str]:
    """Test files that import the target's module, or (other languages) name its file's stem. Sorted."""
    tests = [p for p in tree.paths() if is_test_file(p) and p != target.path]
    if target.path.endswith(".py"):
        reach = (graph or ImportGraph(tree)).reaches(target.path)
        return [p for p in tests if p in reach]
    stem = posixpath.basename(target.path).split(".")[0]
    return [p for p in tests if re.search(rf"\b{re.escape(stem)}\b", tree.scan(p) or "")]


def relevant_tests(tree: Tree, target: Target, files: Iterable[str]) -> list[Excerpt]:
    """The test functions that name the target; a whole short file where none does."""
    short = target.name.rsplit(".", 1)[-1]
    pieces = []
    for path in files:
        text = tree.scan(path)
        if text is None:
            continue
        if not short:
            tree.text(path)
            pieces.append(Excerpt(path, "tests", text))
            continue
        if not re.search(rf"\b{re.escape(short)}\b", text):
            continue
        tree.text(path)
        inner = [d for d in definitions(path, text) if re.search(rf"\b{re.escape(short)}\b", text[slice(*d.span)])]
        outer = [
            d for d in inner if not any(o is not d and o.span[0] <= d.span[0] and d.span[1] <= o.span[1] for o in inner)
        ]
        chosen = "\n\n\n".join(text[slice(*d.span)] for d in outer) or text
        pieces.append(Excerpt(path, "tests", chosen))
    return sorted(pieces, key=lambda p: (len(p.text), p.path))


def callers(tree: Tree, target: Target, source: str, graph: ImportGraph | None) -> list[Excerpt]:
    """Functions in other files that import the target's module and name the target; for a whole file: what it defines."""
    names = [target.name.rsplit(".", 1)[-1]] if target.name else []
    if target.kind == "file":
        names = [d.name for d in definitions(target.path, source) if d.name and not re.search(r"^_|\.", d.name)]
    if not names or graph is None:
        return []
    stem = posixpath.basename(target.path).split(".")[0]
    # `d.get(1)` does not call the target's function `get`; of a method nothing else can be seen.
    before = r"\b" if "." in target.name else rf"(?:(?<![\w.])|\b{re.escape(stem)}\.)"
    naming = re.compile(rf"{before}(?:{'|'.join(map(re.escape, names))})\b")
    users = sorted(p for p, used in graph.imports.items() if target.path in used and not is_test_file(p))
    found = []
    for path in users:
        text = tree.scan(path)
        if text is None or not naming.search(text):
            continue
        tree.text(path)  # from here on it is shown
        named = [d for d in definitions(path, text) if naming.search(text, *d.span)]
        leaf = [
            d for d in named if not any(o is not d and d.span[0] <= o.span[0] and o.span[1] <= d.span[1] for o in named)
        ]
        for d in leaf[:3]:
            used = sorted(set(naming.findall(text, *d.span)))
            found.append(Excerpt(path, f"calls {', '.join(used)}", text[slice(*d.span)]))
    return found


def outline(path: str, text: str) -> str:
    """Signatures and docstrings' first lines of a file: what another file may use of it."""
    lines = Text(text)
    out = []
    for d in definitions(path, text):
        head = text[slice(*lines.line_span(d.line))]
        if d.kind == "function_definition" and not head.rstrip().endswith(":"):
            head = " ".join(part.strip() for part in text[slice(*d.span)].split(":\n", 1)[0].splitlines()) + ":"
        out.append(head)
        body = text[slice(*d.span)].split("\n")[1:2]
        if body and body[0].strip().startswith(('"""', "'''")):
            out.append(body[0].rstrip())
    return "\n".join(out)


def rest_of_file(target: Target, text: str) -> str:
    """The target's file without the target; empty for a target that is the file."""
    if target.kind == "file":
        return ""
    rest = text[: target.span[0]].rstrip() + "\n\n# …\n\n" + text[target.span[1] :].strip()
    return rest.strip() if rest.strip(" \n#…") else ""


def surroundings(target: Target, text: str) -> str:
    """The target's file without the target's own text: imports, then outline; the whole file where it is short."""
    if target.kind == "file":
        return ""
    language = language_of(target.path)
    tree = parse(language, text.encode("utf-8", "surrogatepass"))
    imports: list[str] = []
    if tree is not None:
        imports = [
            node.text.decode("utf-8", "replace")
            for node in tree.root_node.named_children
            if node.type in language.imports and node.text
        ]
    inner = [
        d for d in definitions(target.path, text) if not (d.span[0] <= target.span[0] and target.span[1] <= d.span[1])
    ]
    inner = [d for d in inner if not (target.span[0] <= d.span[0] and d.span[1] <= target.span[1])]
    rest = rest_of_file(target, text)
    if len(rest) <= SHORT_REST or tree is None:
        return rest
    return "\n".join([*imports, "", *(text[slice(*d.span)].split("\n", 1)[0] for d in inner)]).strip()


def gather(
    tree: Tree,
    target: Target,
    text: str,
    *,
    max_tokens: int,
    rules_files: Iterable[str],
    exclude: Iterable[str],
    local: bool,
    graph: ImportGraph | None = None,
    failing: Collection[str] = (),
) -> tuple[Context, list[Excerpt]]:
    """(context, tests of the target), together within `max_tokens`. `graph`: of the whole tree, for a Python target;
    `failing`: the ids of the baseline's tests that failed and may reach the target.

    Tests say what right means, so they have the first half of the budget to themselves and what the context leaves of
    the other; the context has its half whatever the tests are. Neither pushes the other out.
    """
    left = {p for p in tree.paths() if not is_secret(p)}
    tests = relevant_tests(tree, target, tests_reaching(tree, target, graph))
    if not local:
        tests = with_failing(tree, target, tests, failing)
    wanted = sum(tokens_of(p.text) for p in tests)
    budget = max_tokens - min(wanted, max_tokens // 2)
    barred = {p for p in exclude if p != target.path}
    kept, dropped = (
        _nearby(tree, target, text, graph, left - barred, budget)
        if local
        else _needed(tree, target, text, graph, left, barred, budget)
    )
    rules = "" if local else "\n\n".join(r[:4000] for p in rules_files if p in left and (r := tree.text(p)))
    used = sum(tokens_of(p.text) + HEADING for p in kept)
    return Context(tuple(kept), dropped, rules), _fitting(tests, max_tokens - used)


HEADING = 12
"""Tokens of the line above an excerpt and of its fence."""


def _nearby(
    tree: Tree, target: Target, text: str, graph: ImportGraph | None, allowed: Collection[str], budget: int
) -> tuple[list[Excerpt], int]:
    """For a small model, whose window is short: the rest of the file, and outlines of what the file imports."""
    candidates: list[Excerpt] = []
    if around := surroundings(target, text):
        candidates.append(Excerpt(target.path, "the rest of the file", around))
    if graph is not None:
        for path in sorted(graph.imports.get(target.path, ())):
            if path in allowed and not path.endswith("conftest.py") and (source := tree.text(path)):
                candidates.append(Excerpt(path, "imported by it", outline(path, source)))
    return _within_budget(candidates, budget)


def _needed(
    tree: Tree,
    target: Target,
    text: str,
    graph: ImportGraph | None,
    readable: Collection[str],
    barred: Collection[str],
    budget: int,
) -> tuple[list[Excerpt], int]:
    """What the target names, wherever it is defined, and who calls it. Each kind has a share that no other takes.
    Names are followed through all `readable` files; `barred` ones are not shown."""
    imports = graph.imports if graph is not None else {}
    project = Project(tree, readable, imports, {target.path: text})
    found = [one for one in snippets(project, target, text) if one.path not in barred]
    around = rest_of_file(target, text)
    whole = bool(around) and (len(around) <= SHORT_REST or not language_of(target.path).module)
    if whole:
        found = [one for one in found if one.path != target.path]
    kept: list[Excerpt] = []
    if whole and (cost := tokens_of(around) + HEADING) <= budget:
        kept.append(Excerpt(target.path, "the rest of the file", around))
        budget -= cost
    users = [one for one in callers(tree, target, text, graph) if one.path in readable and one.path not in barred]
    calling, unshown = _within_budget(users, budget // 5)
    budget -= sum(tokens_of(one.text) + HEADING for one in calling)
    paths = sorted({one.path for one in found})
    shares: dict[Kind, int] = {"own": budget // 2, "imported": budget * 3 // 10, "callers": budget // 5}
    chosen = within(found, shares, budget - HEADING * min(len(paths), budget // (4 * HEADING)))
    for path in sorted(paths, key=lambda p: p != target.path):
        if mine := [one for one in chosen if one.path == path]:
            kept.append(Excerpt(path, "around it" if path == target.path else "used by it", joined(mine)))
    kept += calling
    for piece in kept:
        tree.text(piece.path)  # from here on it is shown
    return kept, len(found) - len(chosen) + unshown


def _within_budget(pieces: Iterable[Excerpt], budget: int) -> tuple[list[Excerpt], int]:
    """(those that fit, one after the other; how many do not)."""
    kept, dropped = [], 0
    for piece in pieces:
        cost = tokens_of(piece.text) + HEADING
        if cost <= budget:
            kept.append(piece)
            budget -= cost
        else:
            dropped += 1
    return kept, dropped


def with_failing(tree: Tree, target: Target, tests: list[Excerpt], failing: Collection[str]) -> list[Excerpt]:
    """The tests that fail now come first, also those that do not name the target; with the fixtures that they ask for."""
    red: dict[str, set[str]] = {}
    for nodeid in failing:
        path, _, named = nodeid.partition("::")
        if named and path != target.path:
            red.setdefault(path, set()).add(named.partition("[")[0].split("::")[-1])
    first: list[Excerpt] = []
    for path in sorted(red):
        text = tree.scan(path)
        if text is None:
            continue
        chosen = [d for d in definitions(path, text) if d.name.rpartition(".")[2] in red[path]]
        if chosen:
            tree.text(path)
            functions = [text[slice(*d.span)] for d in chosen]
            functions = [*_fixtures(path, text, functions), *functions]
            first.append(Excerpt(path, "fails now", "\n\n\n".join(functions)))
    shown = {(one.path, part) for one in first for part in one.text.split("\n\n\n")}
    others = []
    for one in tests:
        parts = [part for part in one.text.split("\n\n\n") if (one.path, part) not in shown]
        if parts:
            others.append(Excerpt(one.path, one.why, "\n\n\n".join(parts)))
    return [*first, *others]


_ARGUMENTS = re.compile(r"def \w+\(([^)]{0,2000})\)")


def _fixtures(path: str, text: str, parts: list[str]) -> list[str]:
    """The fixtures of a Python test file that these tests take by name."""
    if not path.endswith(".py"):
        return []
    asked = {word for part in parts for m in _ARGUMENTS.finditer(part) for word in re.findall(r"\w+", m[1])}
    found = [d for d in definitions(path, text) if d.name in asked and "fixture" in text[slice(*d.span)][:200]]
    return [text[slice(*d.span)] for d in found]


_LEAST = 60
"""Tokens. Less than this of a test says nothing."""


def _fitting(tests: list[Excerpt], max_tokens: int) -> list[Excerpt]:
    kept: list[Excerpt] = []
    spent = 0
    for piece in tests:
        cost = tokens_of(piece.text)
        if spent + cost > max_tokens:
            if not kept and max_tokens - spent > _LEAST:
                kept.append(Excerpt(piece.path, piece.why, beginning(piece.text, max_tokens - spent)))
            break
        kept.append(piece)
        spent += cost
    return kept
