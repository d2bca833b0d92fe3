"""Imports that an answer forgot: names of the standard library that it uses and the file does not have. Python only.

Small models write `Counter(words)` or `re.sub(…)` and leave the import out. A name is given its import where only one can
be meant: a module of the standard library whose attributes are used, or one of the members below.
"""

from __future__ import annotations

import ast
import sys

from ralphd.answers.import_section import add_imports
from ralphd.answers.imports import imports_of, root_of
from ralphd.answers.syntax import PYTHON_LIMIT
from ralphd.answers.unused import undefined
from ralphd.context.languages import PYTHON, language_of
from ralphd.core.python_source import NOT_UNDERSTOOD, parsed

_MEMBERS = {
    "collections": "Counter OrderedDict defaultdict deque namedtuple",
    "dataclasses": "dataclass",
    "datetime": "timedelta timezone",
    "decimal": "Decimal ROUND_HALF_UP",
    "enum": "Enum IntEnum",
    "fractions": "Fraction",
    "functools": "cache cached_property cmp_to_key lru_cache partial reduce wraps",
    "itertools": "accumulate chain combinations groupby islice pairwise permutations product zip_longest",
    "math": "ceil comb factorial floor gcd isclose isqrt sqrt",
    "pathlib": "Path",
    "typing": "Any Callable Dict Iterable Iterator List Optional Sequence Tuple Union",
}
_MODULE_OF = {name: module for module, names in _MEMBERS.items() for name in names.split()}
_DATETIME_CLASS = frozenset("now strptime fromisoformat utcnow combine fromtimestamp min max".split())


def with_missing_imports(path: str, before: str | None, after: str) -> tuple[str, list[str]]:
    """`after` with the imports of names that it uses, that nothing defines, and that `before` did not lack; what was
    added, in words."""
    if language_of(path) is not PYTHON or len(after) > PYTHON_LIMIT:
        return after, []
    names = undefined(after) - undefined(before or "")
    if not names:
        return after, []
    try:
        tree = parsed(after)
    except NOT_UNDERSTOOD:
        return after, []
    statements = sorted(filter(None, (_import_of(name, tree) for name in names)))
    root = root_of("\n".join(statements), PYTHON)
    if not statements or root is None:
        return after, []
    placed = add_imports(after, path, imports_of(root, PYTHON))
    if not isinstance(placed, str):
        return after, []
    return placed, [f"added `{statement}`, which the answer forgot" for statement in statements]


def _import_of(name: str, tree: ast.AST) -> str:
    """The statement that brings `name`; "" where none is sure to be meant."""
    nodes = list(ast.walk(tree))
    uses = sum(isinstance(node, ast.Name) and node.id == name for node in nodes)
    attributes = [
        node.attr
        for node in nodes
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == name
    ]
    if name == "datetime" and (_DATETIME_CLASS.intersection(attributes) or len(attributes) < uses):
        return "from datetime import datetime"
    if name in _MODULE_OF:
        return f"from {_MODULE_OF[name]} import {name}"
    if name in sys.stdlib_module_names and not name.startswith("_") and uses and len(attributes) == uses:
        return f"import {name}"
    return ""
