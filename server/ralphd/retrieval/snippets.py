"""What the target needs, cut to what a reader wants of it: a short thing whole, a long one's signature and docstring."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from ralphd.context.target import Target
from ralphd.core.tokens import tokens_of
from ralphd.retrieval.likely import likely, to_be_written
from ralphd.retrieval.needs import Need, Project, callers_in, needs_of, rows_of
from ralphd.retrieval.symbols import SourceFile, Symbol

WHOLE_ROWS = 25
"""A function or a constant of more rows is shown by its signature and the first paragraph of its docstring."""
CALLERS = 4

Kind = Literal["own", "imported", "failing", "callers", "tests", "likely"]


@dataclass(frozen=True)
class Snippet:
    """A piece of a file, from `row` (0-based) on; `inside` is the first line of the class around it, with its row."""

    kind: Kind
    path: str
    row: int
    text: str
    inside: tuple[int, str] | None = None
    brief: str = ""
    """What is shown of it where there is no room for `text`: how a definition is called."""

    @property
    def cost(self) -> int:
        return tokens_of(self.text) + (1 if self.kind == "likely" else 2)


def snippets(project: Project, target: Target, text: str, said: str = "") -> list[Snippet]:
    """Most wanted first: the class around the target, what it names in its own file and in others, its callers in its
    file, then what a body that is still to be written is likely to name. `said`: by the failing tests."""
    file = project.file(target.path)
    if file is None or file.code is None:
        return []
    needs = sorted(
        needs_of(project, target, text), key=lambda need: (need.symbol.path != target.path, *_small_first(need))
    )
    callers = callers_in(file, target, text)[:CALLERS]
    known = {(one.path, one.name) for one in (*(need.symbol for need in needs), *callers)}
    found = [*_class_around(file, target), *_imports(file, target, text)]
    for need in needs:
        if (home := project.file(need.symbol.path)) is not None:
            found.append(shown("own" if home is file else "imported", home, need.symbol))
    found += [shown("callers", file, symbol) for symbol in callers]
    guesses = likely(project, target, text, said, known) if to_be_written(target, text) else []
    for guess in guesses:
        if (home := project.file(guess.symbol.path)) is not None:
            found.append(_outlined(home, guess.symbol))
    return found


def _outlined(file: SourceFile, symbol: Symbol) -> Snippet:
    """What a thing is called and how, no more; one of a single row as it stands."""
    text = file.rows(symbol.start, symbol.last) if symbol.start == symbol.last else file.signature(symbol)
    return Snippet("likely", file.path, symbol.start, text, _inside(file, symbol))


def _small_first(need: Need) -> tuple[bool, int, str, int]:
    """Constants and types before functions, short ones first: each costs little and is seldom known otherwise."""
    symbol = need.symbol
    return symbol.kind == "definition", symbol.last - symbol.first, symbol.path, symbol.first


def _class_around(file: SourceFile, target: Target) -> list[Snippet]:
    """The head of the class that holds the target, with its docstring and its attributes; a type that has its methods
    outside of it, as in Rust and Go, whole."""
    holder = file.symbols.get(target.name.rpartition(".")[0])
    if holder is None:
        return []
    if not holder.start <= rows_of(target, file.text)[0] <= holder.last:
        return [shown("own", file, holder)]
    members = [symbol for symbol in file.symbols.values() if symbol.owner == holder.name]
    head = file.signature(holder)
    about = docstring(file, holder)
    found = [Snippet("own", file.path, holder.start, "\n".join(filter(None, (head, about))))]
    return found + [shown("own", file, symbol) for symbol in members if symbol.kind == "binding"]


def _imports(file: SourceFile, target: Target, text: str) -> list[Snippet]:
    """The import statements whose names the target uses."""
    first, last = rows_of(target, text)
    inside = file.rows(first, last)
    return [
        Snippet("own", file.path, start, file.rows(start, end))
        for start, end, names in file.import_rows
        if not first <= start <= last and any(name in inside for name in names)
    ]


def shown(kind: Kind, file: SourceFile, symbol: Symbol) -> Snippet:
    """A symbol as a snippet, whole where it is short."""
    return Snippet(kind, file.path, symbol.first, _text_of(file, symbol), _inside(file, symbol), file.signature(symbol))


def _text_of(file: SourceFile, symbol: Symbol) -> str:
    """Whole where it is short."""
    if symbol.last - symbol.first < WHOLE_ROWS:
        return file.rows(symbol.first, symbol.last)
    if symbol.kind == "binding":
        return file.rows(symbol.first, symbol.first + 8) + "\n…"
    shown = [file.signature(symbol), docstring(file, symbol)]
    members = [s for s in file.symbols.values() if s.owner == symbol.name]
    if members:  # a long class: how its members are called
        shown += [file.signature(member) for member in members]
    return "\n".join(filter(None, (*shown, "    …")))


def _inside(file: SourceFile, symbol: Symbol) -> tuple[int, str] | None:
    """The class that it is a member of, with its row."""
    holder = file.holder_of(symbol)
    return (holder.start, file.signature(holder)) if holder is not None else None


def docstring(file: SourceFile, symbol: Symbol) -> str:
    """The first paragraph of a Python docstring, as it stands; other languages have theirs in the comments above."""
    lines = file.rows(symbol.body, min(symbol.last, symbol.body + 12)).split("\n")
    opening = lines[0].strip().lstrip("rRbBuU")
    quote = opening[:3] if opening[:3] in ('"""', "'''") else opening[:1] if opening[:1] in ('"', "'") else ""
    if not quote:
        return ""
    if quote in opening[len(quote) :] or len(quote) == 1:
        return lines[0]
    kept: list[str] = []
    for line in lines:
        if kept and not line.strip():
            break
        kept.append(line)
        if len(kept) > 1 and quote in line:
            return "\n".join(kept)
    return "\n".join([*kept, lines[0][: len(lines[0]) - len(lines[0].lstrip())] + quote])


def joined(chosen: Iterable[Snippet]) -> str:
    """The snippets of one file in their order, each member under the first line of its class. Outlines stand line by line,
    other things with a blank line around them."""
    rows: dict[int, tuple[str, bool]] = {}
    for one in chosen:
        rows.setdefault(one.row, (one.text, one.kind == "likely"))
        if one.inside is not None:
            rows.setdefault(one.inside[0], (one.inside[1], one.kind == "likely"))
    text, outlined = "", True
    for row in sorted(rows):
        shown, outline = rows[row]
        text += ("\n" if outline and outlined else "\n\n") + shown
        outlined = outline
    return text.lstrip("\n")


def within(found: Sequence[Snippet], shares: dict[Kind, int], budget: int) -> list[Snippet]:
    """Those that fit: each kind within its share first, in brief where not whole, then what is left of the budget in the order of `found`, but for
    outlines of what a body may name, which come before longer texts. Passing tests get no more than their share: the next
    one seldom says more than those before."""
    left = dict(shares)
    chosen: dict[int, Snippet] = {}
    rest: list[int] = []
    for at, one in enumerate(found):
        short = replace(one, text=one.brief, brief="") if one.brief else one
        fitting = next((form for form in (one, short) if form.cost <= min(left[one.kind], budget)), None)
        if fitting is not None:
            left[one.kind] -= fitting.cost
            budget -= fitting.cost
            chosen[at] = fitting
        if fitting is not one and one.kind != "tests":
            rest.append(at)
    for at in sorted(rest, key=lambda at: found[at].kind != "likely"):
        held = chosen[at].cost if at in chosen else 0
        if found[at].cost <= budget + held:
            budget += held - found[at].cost
            chosen[at] = found[at]
    return [chosen[at] for at in sorted(chosen)]
