"""What a piece of code needs from its project: the constants, types and functions that it names, and who calls it.

Names lead to definitions through the file itself, the class around the code, and imports (Python, JavaScript and
TypeScript by module; other languages by the folder, the included file, the file of that name, or the files of the project
that define a name which this one uses).
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from ralphd.answers.imports import Binding
from ralphd.context.languages import CPP, CSHARP, GO, JAVA, PYTHON, RUBY, SCRIPTS, go_receiver
from ralphd.context.target import Target
from ralphd.context.tree import Tree
from ralphd.retrieval.symbols import SourceFile, Symbol, Uses, uses_of

MAX_NEIGHBOURS = 40
"""Files of the target's folder that are looked through where imports name no file."""
MAX_USED = 60
"""Files whose names a file uses that are looked through for one."""
_SCRIPT_SUFFIXES = ("", ".ts", ".tsx", ".js", ".jsx", ".mjs", ".cjs", ".mts", ".cts", ".d.ts",
                    "/index.ts", "/index.tsx", "/index.js", "/index.jsx")  # fmt: skip

WHOLE_MODULE = ("namespace_import", "identifier", "default")
"""How a script's binding says that it brings a module rather than one thing of it."""


@dataclass(frozen=True)
class Need:
    """A symbol that the target names; `used`: as it names it."""

    symbol: Symbol
    used: str


class Project:
    """The files of a tree, parsed when first looked at: those of `paths`, which holds no secret ones. `imports`: by
    file the files that it uses; `texts`: what an open document says in place of the file."""

    def __init__(
        self, tree: Tree, paths: Collection[str], imports: Mapping[str, Iterable[str]], texts: Mapping[str, str]
    ) -> None:
        self._tree, self._paths, self._imports, self._texts = tree, paths, imports, texts
        self._files: dict[str, SourceFile | None] = {}
        self._beside: dict[str, list[str]] = {}
        self._by_name: dict[str, dict[str, list[Symbol]]] = {}

    def file(self, path: str) -> SourceFile | None:
        if path not in self._files:
            text = self._texts.get(path) or (self._tree.scan(path) if path in self._paths else None)
            self._files[path] = SourceFile(path, text) if text is not None else None
        return self._files[path]

    def resolve(self, file: SourceFile, name: str, depth: int = 3) -> Symbol | None:
        """The definition that `name` stands for at the top level of `file`."""
        if found := file.symbols.get(name):
            return found
        if depth == 0:
            return None
        for binding in file.bindings:
            if binding.local == name:
                return self._imported(file, binding, "", depth)
            if binding.local == "*" and (found := self._imported(file, binding, name, depth)):
                return found
        if file.language is not PYTHON and file.language not in SCRIPTS:
            for path in self._neighbours(file, name):
                other = self.file(path)
                if other is not None and (found := other.symbols.get(name)):
                    return found
            return self._used(file, name)
        return None

    def _used(self, file: SourceFile, name: str) -> Symbol | None:
        """A member of that name in the file itself, else what the files that it uses define by that name: at their top
        level, else as the member of one class alone."""
        if own := next((symbol for symbol in file.symbols.values() if symbol.short == name), None):
            return own
        if file.path not in self._by_name:
            found = self._by_name[file.path] = {}
            for path in sorted(self._imports.get(file.path, ()))[:MAX_USED]:
                other = self.file(path)
                for symbol in other.symbols.values() if other is not None else ():
                    found.setdefault(symbol.short, []).append(symbol)
        named = self._by_name[file.path].get(name, [])
        top = sorted((one for one in named if not one.owner), key=lambda one: one.kind != "definition")
        return top[0] if top else named[0] if len({one.owner for one in named}) == 1 else None

    def member(self, file: SourceFile, held: str, name: str) -> Symbol | None:
        """The definition that `held.name` stands for, where `held` is an import or a class of the file."""
        by_names = file.language is not PYTHON and file.language not in SCRIPTS
        for binding in file.bindings:
            if binding.local == held or (binding.local == held.partition(".")[0] and binding.key[2:3] == (held,)):
                found = self._imported(file, binding, name, 3)
                if found is not None or not by_names:
                    return found
        if by_names and (own := file.symbols.get(f"{held}.{name}")):
            return own  # of a type that may be defined elsewhere
        owner = self.resolve(file, held)
        home = self.file(owner.path) if owner is not None else None
        found = self.inherited(home, owner.name, name) if owner is not None and home is not None else None
        return self._used(file, name) if found is None and by_names else found

    def inherited(self, file: SourceFile, owner: str, name: str, depth: int = 3) -> Symbol | None:
        """`owner.name` in `file`, or in one of the classes that `owner` is derived from."""
        if found := file.symbols.get(f"{owner}.{name}"):
            return found
        if depth == 0:
            return None
        above = ((home, base.name) for home, base in self._bases(file, owner))
        found_above = (self.inherited(home, base, name, depth - 1) for home, base in above)
        return next((one for one in found_above if one is not None), None)

    def of_class(self, file: SourceFile, owner: str, name: str) -> Symbol | None:
        """The member `name` of the class around a piece of `file`, whose other members may stand in files beside it."""
        found = self.inherited(file, owner, name)
        if found is None and file.language is not PYTHON and file.language not in SCRIPTS:
            found = self.resolve(file, f"{owner}.{name}")
        return found

    def above(self, file: SourceFile, owner: str, name: str) -> Symbol | None:
        """The member `name` of the nearest class that `owner` is derived from: what `super().name` means."""
        found = (self.inherited(home, base.name, name) for home, base in self._bases(file, owner))
        return next((one for one in found if one is not None), None)

    def of_attribute(self, file: SourceFile, owner: str, attribute: str, name: str) -> list[Symbol]:
        """What `self.attribute.name` means where a method of `owner` says of what class the attribute is; with that method."""
        word = re.escape(attribute)
        given = re.compile(rf"\b(?:self|this)\.{word}\s*(?::\s*([\w.]+)[^=\n]*)?=\s*(?:new\s+)?([\w.$]+)(\s*\()?")
        for setter in [one for one in file.symbols.values() if one.owner == owner and one.kind == "definition"]:
            for annotated, value, called in given.findall(file.rows(setter.body, setter.last)):
                typed = re.search(rf"\b{re.escape(value)}\s*:\s*['\"]?([\w.]+)", file.signature(setter))
                kind = annotated or (value if called else typed[1] if typed else "")
                if kind and (found := self._of_type(file, kind, name)):
                    return [found, setter]
        return []

    def _of_type(self, file: SourceFile, kind: str, name: str) -> Symbol | None:
        held, _, short = kind.rpartition(".")
        owner = self.member(file, held, short) if held else self.resolve(file, short)
        home = self.file(owner.path) if owner is not None else None
        return self.inherited(home, owner.name, name) if owner is not None and home is not None else None

    def members_above(self, file: SourceFile, owner: str, depth: int = 3) -> Iterator[Symbol]:
        """The members that `owner` has from the classes that it is derived from."""
        for home, above in self._bases(file, owner):
            yield from (symbol for symbol in home.symbols.values() if symbol.owner == above.name)
            if depth > 1:
                yield from self.members_above(home, above.name, depth - 1)

    def _bases(self, file: SourceFile, owner: str) -> Iterator[tuple[SourceFile, Symbol]]:
        symbol = file.symbols.get(owner)
        if symbol is None:
            return
        head = file.signature(symbol).partition(symbol.short)[2]
        for base in re.findall(r"[A-Za-z_]\w*", head)[:8]:
            above = self.resolve(file, base)
            home = self.file(above.path) if above is not None and above.name != owner else None
            if above is not None and home is not None:
                yield home, above

    def _imported(self, file: SourceFile, binding: Binding, member: str, depth: int) -> Symbol | None:
        """What `binding` brings, or its `member` where it brings a module."""
        if file.language is PYTHON:
            return self._from_python(file, binding, member, depth)
        if file.language in SCRIPTS:
            return self._from_script(file, binding, member, depth)
        folder = binding.key[0].strip('"') if binding.key else ""
        for path in self._in_folder(folder, file):
            other = self.file(path)
            if member and other is not None and member in other.symbols:
                return other.symbols[member]
        return None

    def _from_python(self, file: SourceFile, binding: Binding, member: str, depth: int) -> Symbol | None:
        if len(binding.key) < 3:
            return None
        how, module, full = binding.key[:3]
        name = member or ("" if how == "import" else full)
        if how == "import":
            return self._in_module(file, full, name, depth) if name else None
        if full == "*":
            return self._in_module(file, module, member, depth)
        if member:  # `from pkg import module` and then `module.member`; or a class of it
            inside = self._in_module(file, f"{module.rstrip('.')}.{full}" if module.strip(".") else module + full,
                                     member, depth)  # fmt: skip
            if inside is not None:
                return inside
            owner = self._in_module(file, module, full, depth)
            home = self.file(owner.path) if owner is not None else None
            return self.inherited(home, owner.name, member, 3) if owner is not None and home is not None else None
        return self._in_module(file, module, full, depth)

    def _in_module(self, file: SourceFile, module: str, name: str, depth: int) -> Symbol | None:
        for path in self._modules(file.path, module):
            other = self.file(path)
            if other is not None and other.path != file.path and (found := self.resolve(other, name, depth - 1)):
                return found
        return None

    def modules_of(self, file: SourceFile, binding: Binding) -> Iterator[SourceFile]:
        """The project's files that an import brings as modules: `from . import money`, `const money = require("./money")`."""
        if file.language in SCRIPTS and binding.key[2:3] and binding.key[2] in WHOLE_MODULE:
            other = self._script_module(file, binding)
            yield from [other] if other is not None else []
        if file.language is not PYTHON or len(binding.key) < 3:
            return
        how, module, full = binding.key[:3]
        dotted = full if how == "import" else module + full if not module.strip(".") else f"{module}.{full}"
        for path in self._modules(file.path, dotted):
            if path != file.path and (other := self.file(path)) is not None:
                yield other

    def _modules(self, path: str, module: str) -> Iterator[str]:
        """The files among those that `path` imports that are `module`."""
        dots = len(module) - len(module.lstrip("."))
        tail = module.lstrip(".").replace(".", "/")
        if dots:
            folder = posixpath.dirname(path)
            for _ in range(dots - 1):
                folder = posixpath.dirname(folder)
            base = posixpath.join(folder, tail) if tail else folder
            for one in (f"{base}.py", posixpath.join(base, "__init__.py"), f"{base}.pyi"):
                if one in self._paths:
                    yield one
            return
        for one in sorted(self._imports.get(path, ())):
            if f"/{one}".endswith((f"/{tail}.py", f"/{tail}/__init__.py")):
                yield one

    def _from_script(self, file: SourceFile, binding: Binding, member: str, depth: int) -> Symbol | None:
        other = self._script_module(file, binding)
        if other is None:
            return None
        whole = binding.key[2] in WHOLE_MODULE
        name = member if whole and member else binding.key[2]
        if whole and not member:
            return other.symbols.get("exports") or other.symbols.get(binding.local)
        return self.resolve(other, name, depth - 1)

    def _script_module(self, file: SourceFile, binding: Binding) -> SourceFile | None:
        """The file that a relative specifier means."""
        if len(binding.key) < 4 or not binding.key[1].startswith("."):
            return None
        base = posixpath.normpath(posixpath.join(posixpath.dirname(file.path), binding.key[1]))
        stems = [base, re.sub(r"\.[cm]?jsx?$", "", base)]
        path = next((s + end for s in stems for end in _SCRIPT_SUFFIXES if s + end in self._paths), None)
        other = self.file(path) if path else None
        return other if other is not None and other.path != file.path else None

    @cached_property
    def _by_folder(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for path in sorted(self._paths):
            found.setdefault(posixpath.dirname(path), []).append(path)
        return found

    @cached_property
    def _by_stem(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for path in sorted(self._paths):
            found.setdefault(posixpath.splitext(posixpath.basename(path))[0], []).append(path)
        return found

    def _neighbours(self, file: SourceFile, name: str) -> list[str]:
        ending = posixpath.splitext(file.path)[1]
        named = [path for path in self._by_stem.get(name, ()) if path.endswith(ending)]
        if file.path not in self._beside:
            included = re.findall(r'^#include "([^"\n]{1,300})"', file.text, re.MULTILINE)
            headers = {
                path
                for one in included
                for path in self._by_stem.get(posixpath.splitext(posixpath.basename(one))[0], ())
                if f"/{path}".endswith(f"/{one}")
            }
            self._beside[file.path] = [*sorted(headers), *self._of_folder(posixpath.dirname(file.path), ending)]
        return [path for path in (*named[:3], *self._beside[file.path]) if path != file.path]

    def _in_folder(self, folder: str, file: SourceFile) -> list[str]:
        """Files of the project's folder that an import path ends in (Go's `example.com/m/internal/money`)."""
        ending = posixpath.splitext(file.path)[1]
        parts = folder.split("/")
        tails = ("/".join(parts[start:]) for start in range(len(parts)))
        return next((found for tail in tails if (found := self._of_folder(tail, ending))), [])

    def _of_folder(self, folder: str, ending: str) -> list[str]:
        return [path for path in self._by_folder.get(folder, ()) if path.endswith(ending)][:MAX_NEIGHBOURS]


def rows_of(target: Target, text: str) -> tuple[int, int]:
    """The first and the last row of the target, from 0."""
    return text.count("\n", 0, target.span[0]), text.count("\n", 0, target.span[1])


def needs_of(project: Project, target: Target, text: str) -> list[Need]:
    """What the target names, in the order of the file; what stands inside the target is none of it."""
    file = project.file(target.path)
    if file is None or file.code is None:
        return []
    rows = rows_of(target, text)
    uses = uses_of(file.code, *rows)
    if target.kind == "file":  # its imports bind names that it uses
        imported = {binding.local for binding in file.bindings} & uses.bound
        uses = replace(uses, names=uses.names | imported)
    return _needs(project, file, uses, rows, _owner(file, target.name))


def _owner(file: SourceFile, name: str) -> str:
    """The class around the target, which in many languages is another file's; the target itself where it is a class."""
    holder = name.rpartition(".")[0]
    elsewhere = holder and file.language is not PYTHON and file.language not in SCRIPTS
    return holder if elsewhere or holder in file.symbols else name


_SELVES = frozenset(("self", "cls", "this", "@", "$this", "type(self)"))
_SELF_UNSAID = (JAVA, CPP, CSHARP, RUBY)
"""Languages in which a method calls another one of its class by its bare name."""


def _receivers(file: SourceFile, rows: tuple[int, int]) -> set[str]:
    """How the Go methods that begin in these rows call what they are called on."""
    if file.language is not GO or file.code is None:
        return set()
    offset = file.code.offset
    methods = (node for node in file.code.root.named_children if rows[0] <= node.start_point[0] - offset <= rows[1])
    return {name for node in methods if (name := go_receiver(node)[0])}


def _needs(project: Project, file: SourceFile, uses: Uses, rows: tuple[int, int], owner: str) -> list[Need]:
    found: dict[tuple[str, str], Need] = {}

    def add(symbol: Symbol | None, used: str) -> None:
        if symbol is None:
            return
        # Comments above the target belong to its symbol, and are no part of its rows.
        inside = symbol.path == file.path and rows[0] <= symbol.start and symbol.last <= rows[1]
        around = symbol.path == file.path and symbol.start <= rows[0] and rows[1] <= symbol.last
        if not inside and not around:
            found.setdefault((symbol.path, symbol.name), Need(symbol, used))

    for name in sorted(uses.names):
        own = project.of_class(file, owner, name) if owner and file.language in _SELF_UNSAID else None
        add(own or project.resolve(file, name), name)
    selves = _SELVES | _receivers(file, rows)
    for held, name in sorted(uses.members):
        if owner and re.match(r"super\b", held):
            add(project.above(file, owner, name), f"{held}.{name}")
        elif owner and (attribute := re.fullmatch(r"(?:self|this)\.(\w+)", held)):
            known: list[Symbol | None] = [*project.of_attribute(file, owner, attribute[1], name)]
            for one in known or [project.member(file, held, name)]:
                add(one, f"{held}.{name}")
        elif held in selves:
            add(project.of_class(file, owner, name) if owner else None, f"{held}.{name}")
        elif re.fullmatch(r"[A-Za-z_$][\w.$]*", held):
            add(project.member(file, held, name), f"{held}.{name}")
    return sorted(found.values(), key=lambda n: (n.symbol.path != file.path, n.symbol.path, n.symbol.first))


def callers_in(file: SourceFile, target: Target, text: str) -> list[Symbol]:
    """The functions of the target's own file that call it, shortest first."""
    short = target.name.rpartition(".")[2]
    if not short or file.code is None:
        return []
    first, last = rows_of(target, text)
    found = []
    for symbol in file.symbols.values():
        if symbol.kind != "definition" or (symbol.first <= last and first <= symbol.last):
            continue
        if short not in file.rows(symbol.body, symbol.last):
            continue
        if any(o is not symbol and symbol.start < o.start and o.last <= symbol.last and o.kind == "definition"
               for o in file.symbols.values()):  # fmt: skip
            continue
        uses = uses_of(file.code, symbol.body, symbol.last)
        if short in uses.names or any(name == short for _, name in uses.members):
            found.append(symbol)
    return sorted(found, key=lambda s: (s.last - s.start, s.first))
