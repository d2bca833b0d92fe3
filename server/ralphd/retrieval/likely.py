"""What a body that is still to be written may need: its file's and its class's names, and what the file imports.

A target that is no more than a signature names next to nothing. What it will name is guessed from what a person would
look at: names that its docstring and its failing tests say, what the file defines or imports and uses nowhere yet, the
members of its class, its neighbours, and the helpers that the functions around it use.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from ralphd.answers.losses import is_stub
from ralphd.context.languages import language_of, parse
from ralphd.context.target import Target, walk_definitions
from ralphd.core.tokens import tokens_of
from ralphd.retrieval.needs import Project, rows_of
from ralphd.retrieval.symbols import SourceFile, Symbol, function_body

SAID = 6.0
"""The docstring, the signature or a failing test says the name itself."""
UNUSED = 5.0
"""The file defines it as private, or imports it, and nothing uses it yet."""
IMPORTED = 1.5
"""The file imports it by its name."""
SIBLING = 2.0
CONSTANT = 2.0
NEAR_ROWS = 40
USUAL_TOKENS = 15
"""Of an outline: a longer one has to be worth more, for it stands in the place of several."""


@dataclass(frozen=True)
class Guess:
    symbol: Symbol
    worth: float


def likely(project: Project, target: Target, text: str, said: str, known: set[tuple[str, str]]) -> list[Guess]:
    """Symbols in reach of the target that are not `known`, most likely first. `said`: what failing tests and the
    instruction say."""
    file = project.file(target.path)
    if file is None or file.code is None:
        return []
    first, last = rows_of(target, text)
    here = file.rows(first, last)
    words = Counter(re.findall(r"[A-Za-z_$][\w$]*", f"{here}\n{said}"))
    parts = {part for word in words for part in _parts(word)}
    used = _used_outside(file, first, last)
    rarity = _rarity(file)
    owner = target.name.rpartition(".")[0]
    imported = {binding.local for binding in file.bindings}
    found = []
    for name, symbol in _in_reach(project, file, owner, first, last):
        if (symbol.path, symbol.name) in known:
            continue
        short = symbol.short
        worth = SAID * (words[name] > 0 or words[short] > 0) * (1.0 if len(short) > 3 else 0.3)
        worth += sum(rarity.get(part, 1.0) for part in set(_parts(short)) & parts)
        uses = used[name] or used[short]
        private = short.startswith("_") or short.isupper() or symbol.path != file.path
        worth += UNUSED if not uses and private and not short.startswith("__") else math.log1p(uses)
        worth += SIBLING * bool(owner and symbol.owner and symbol.path == file.path and symbol.owner == owner)
        worth += CONSTANT * (symbol.kind == "binding")
        worth += IMPORTED * (symbol.path != file.path and short in imported)
        if symbol.path == file.path:
            distance = max(0, first - symbol.last, symbol.first - last)
            worth += max(0.0, 1.5 - distance / NEAR_ROWS)
        if short.startswith("__") and short.endswith("__"):
            worth -= 3.0
        home = project.file(symbol.path)
        tokens = tokens_of(home.signature(symbol)) if home is not None else USUAL_TOKENS
        found.append(Guess(symbol, worth - math.log(max(tokens, 1) / USUAL_TOKENS)))
    return sorted(found, key=lambda g: (-g.worth, g.symbol.path, g.symbol.first))


def to_be_written(target: Target, text: str) -> bool:
    """Whether the target is a definition whose body does nothing yet; also of `var f = function () {}`."""
    language = language_of(target.path)
    tree = parse(language, text.encode("utf-8", "surrogatepass")) if target.kind == "definition" else None
    if tree is None:
        return False
    for name, _, node in walk_definitions(tree.root_node, language):
        if name == target.name:
            body = function_body(node)
            statements = [c for c in body.named_children if c.type not in language.comments] if body is not None else []
            return body is not None and (not statements or is_stub(body, language))
    return False


def _in_reach(project: Project, file: SourceFile, owner: str, first: int, last: int) -> Iterator[tuple[str, Symbol]]:
    """(name as the file would write it, symbol): its own top level, the members of the target's class and of those that
    it is derived from, and what it imports from the project."""
    for symbol in file.symbols.values():
        inside = first <= symbol.start and symbol.last <= last
        around = symbol.start <= first and last <= symbol.last
        if not inside and not around and (not symbol.owner or symbol.owner == owner):
            yield symbol.name, symbol
    if owner:
        for symbol in project.members_above(file, owner):
            yield symbol.short, symbol
    seen: set[tuple[str, str]] = set()
    held = _members_used(file)
    for binding in file.bindings:
        reached = [(binding.local, project.resolve(file, binding.local))] if binding.local not in ("", "*") else []
        reached += [
            (f"{binding.local}.{m}", project.member(file, binding.local, m)) for m in held.get(binding.local, ())
        ]
        reached += [(symbol.name, symbol) for module in project.modules_of(file, binding) for symbol in module.top]
        for name, found in reached:
            if found is not None and (found.path, found.name) not in seen and found.path != file.path:
                seen.add((found.path, found.name))
                yield name, found


def _members_used(file: SourceFile) -> dict[str, list[str]]:
    """By name of a thing that the file has members taken of: which ones. `money.RATE` shows what `money` is there for."""
    found: dict[str, list[str]] = {}
    for held, member in sorted(file.uses.members):
        found.setdefault(held, []).append(member)
    return found


def _used_outside(file: SourceFile, first: int, last: int) -> Counter[str]:
    """How many rows outside the target hold each word, but for those that define it or import it."""
    lines = file.code.lines if file.code else ()
    skipped = {row for start, end, _ in file.import_rows for row in range(start, end + 1)}
    defining = {symbol.start: symbol.short for symbol in file.symbols.values()}
    counted: Counter[str] = Counter()
    for row, line in enumerate(lines):
        if first <= row <= last or row in skipped:
            continue
        words = set(re.findall(r"[A-Za-z_$][\w$]*", line))
        counted.update(words - {defining.get(row, "")})
    return counted


def _rarity(file: SourceFile) -> dict[str, float]:
    """How much a part of a name tells: one that many of the file's names share tells little."""
    shared = Counter(part for symbol in file.symbols.values() for part in set(_parts(symbol.short)))
    most = max(len(file.symbols), 2)
    return {part: 2.0 * (1.0 - math.log(count + 0.5) / math.log(most + 1)) for part, count in shared.items()}


def _parts(name: str) -> list[str]:
    """`_getLineLength2` → get, line, length."""
    spaced = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name)
    return [part.lower() for part in re.split(r"[^A-Za-z]+", spaced) if len(part) > 2]
