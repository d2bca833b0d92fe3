"""Imports that an answer adds and nothing uses: they do not enter the file.

Small models like to open with `from typing import *`. For Python, pyflakes says what is unused; for JavaScript, TypeScript,
Go, Java and PHP a name that stands nowhere else is. Other languages bring things by rules that a name does not show (a
Rust trait's methods), and keep what they are given.
"""

from __future__ import annotations

import ast
import re
import sys
import warnings
from collections.abc import Sequence

from ralphd.answers.imports import Binding, Import, imports_of, missing, rendered, root_of
from ralphd.answers.syntax import PYTHON_LIMIT
from ralphd.context.languages import GO, JAVA, PHP, PYTHON, SCRIPTS, Language, language_of
from ralphd.core.edits import split_lines
from ralphd.core.python_source import NOT_UNDERSTOOD, parsed
from ralphd.core.text import BOM

_FOR_EFFECT = frozenset("readline rlcompleter antigravity this site sitecustomize usercustomize faulthandler".split())
_FIXTURES = ("conftest.py", "__init__.py")
_WORD = re.compile(r"[^\W\d]\w*")


def without_unused_imports(path: str, before: str | None, after: str) -> tuple[str, list[str]]:
    """`after` without the imports that it has and `before` has not and that nothing uses; what was dropped, in words."""
    language = language_of(path)
    if (
        language not in (PYTHON, GO, JAVA, PHP, *SCRIPTS)
        or path.rpartition("/")[2] in _FIXTURES
        or len(after) > PYTHON_LIMIT
    ):
        return after, []
    bare = after.removeprefix(BOM)
    new_root, old_root = root_of(bare, language), root_of((before or "").removeprefix(BOM), language)
    if new_root is None or old_root is None:
        return after, []
    has = imports_of(new_root, language, nested=False)
    added = missing(imports_of(old_root, language), has, language)
    if not added:
        return after, []
    stars = _stars(bare, before or "", added) if language is PYTHON else {}
    unused = _unused_python(bare, added) if language is PYTHON else _unused_by_name(bare, has, added, language)
    if not unused and not stars:
        return after, []
    return after[: len(after) - len(bare)] + _rewritten(bare, has, unused, stars, language), _said(unused, stars)


def _said(unused: set[Binding], stars: dict[Binding, str]) -> list[str]:
    names = sorted(binding.local or binding.text for binding in unused if binding.text != "*")
    said = [f"dropped an unused import `{name}`" for name in names]
    for binding, instead in stars.items():
        what = f"took `{instead}` for" if instead else "dropped"
        said.append(f"{what} the import of everything from `{binding.key[1]}`")
    return said


def _rewritten(
    text: str, has: Sequence[Import], unused: set[Binding], stars: dict[Binding, str], language: Language
) -> str:
    lines = split_lines(text)
    for one in reversed(has):
        star = next((binding for binding in one.bindings if binding in stars), None)
        keep = [b for b in one.bindings if b not in unused and b not in stars]
        if len(keep) == len(one.bindings):
            continue
        end = lines[one.last][len(lines[one.last].rstrip("\r\n")) :]
        if star is not None and stars[star]:
            new = [f"from {star.key[1]} import {stars[star]}{end}"]
        elif keep:
            new = [line + end for line in rendered(one, keep, language).split("\n")]
        else:
            new = []
        lines[one.first : one.last + 1] = new
        if not new:
            _close_gap(lines, one.first)
    return "".join(lines)


def _close_gap(lines: list[str], at: int) -> None:
    """Where the first lines of a file went, the blank lines behind them go too; two gaps that meet become one."""
    while at < len(lines) - 1 and not lines[at].strip() and (at == 0 or not lines[at - 1].strip()):
        if at and _blank_run(lines, at) <= 2:
            return
        del lines[at]


def _blank_run(lines: Sequence[str], at: int) -> int:
    first = last = at
    while first and not lines[first - 1].strip():
        first -= 1
    while last < len(lines) and not lines[last].strip():
        last += 1
    return last - first


def _unused_python(text: str, added: Sequence[tuple[Import, tuple[Binding, ...]]]) -> set[Binding]:
    from pyflakes import checker, messages

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = parsed(text)
        found = checker.Checker(tree, filename="module").messages
    except NOT_UNDERSTOOD:
        return set()
    reported = {m.lineno - 1 for m in found if isinstance(m, messages.UnusedImport)}
    words = _names_used(tree)
    unused: set[Binding] = set()
    for one, names in added:
        if one.comment or not any(one.first <= row <= one.last for row in reported) or "# noqa" in one.text:
            continue
        unused.update(b for b in names if b.local not in words and b.text != "*" and not _for_effect(b))
    return unused


def _names_used(tree: ast.AST) -> set[str]:
    """Names, attributes and short strings of a module: a fixture is used by a parameter's name, `__all__` by a string."""
    words: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            words.add(node.id)
        elif isinstance(node, ast.arg):
            words.add(node.arg)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value) < 200:
            words.update(_WORD.findall(node.value) if " " not in node.value else ())
    return words


def _for_effect(binding: Binding) -> bool:
    """Whether a module may be imported for what importing it does: `import readline`, `import app.signals`."""
    kind, source, name = binding.key[0], binding.key[1], binding.key[2]
    if source == "__future__" or name in _FOR_EFFECT:
        return True
    standard = name.partition(".")[0] in sys.stdlib_module_names
    return kind == "import" and not standard and "." in name and len(binding.key) > 3 and not binding.key[3]


def _stars(text: str, before: str, added: Sequence[tuple[Import, tuple[Binding, ...]]]) -> dict[Binding, str]:
    """For each new `from x import *`: the names to import instead, "" where nothing needs it.

    What needs it are names that the text without it does not define, and that were not undefined before.
    """
    stars = [b for one, names in added for b in names if b.text == "*" and not one.comment]
    if not stars:
        return {}
    lines = [line for line in text.split("\n") if not re.match(r"from\s+\S+\s+import\s+\*", line)]
    wanted = undefined("\n".join(lines)) - undefined(before)
    if not wanted:
        return dict.fromkeys(stars, "")
    return {stars[0]: ", ".join(sorted(wanted))} if len(stars) == 1 else {}


def undefined(text: str) -> set[str]:
    """Names of a Python module that nothing defines; none where it does not parse."""
    from pyflakes import checker, messages

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = checker.Checker(parsed(text), filename="module").messages
    except NOT_UNDERSTOOD:
        return set()
    return {str(m.message_args[0]) for m in found if isinstance(m, messages.UndefinedName)}


def _unused_by_name(
    text: str, has: Sequence[Import], added: Sequence[tuple[Import, tuple[Binding, ...]]], language: Language
) -> set[Binding]:
    rows = {row for one in has for row in range(one.first, one.last + 1)}
    words = set(_WORD.findall("\n".join(line for row, line in enumerate(text.split("\n")) if row not in rows)))
    if language in SCRIPTS and re.search(r"<\w", text):
        words.add("React")  # JSX may need it without naming it
    return {b for _, names in added for b in names if b.local and b.local not in words and b.local not in ("_", ".")}
