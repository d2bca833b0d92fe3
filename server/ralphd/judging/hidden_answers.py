"""Answers that a candidate carries along in another form than input beside result. Pure.

Found are: lists and tables most of whose entries are results that the tests expect, whatever leads to them (the order of
the calls, a digest or the length of the input); branches whose condition spells out an input of the tests; data that is
decoded while the program runs. `literal_tables.py` finds the plain tables.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator, Sequence

from ralphd.core.python_source import written
from ralphd.judging import carried_results, neighbouring_literals, script_literals
from ralphd.judging.literal_pairs import AT_LEAST, Pair
from ralphd.judging.literal_tables import expectations, literal, module_of

_MOSTLY = 2 / 3
"""Of a list's or table's entries: a list of the days of the week is longer than the tests of it."""
_SHARE = 0.5
"""Of the results that the tests expect."""
_DECODERS = frozenset(
    "b64decode b32decode b16decode b85decode a85decode decodebytes standard_b64decode urlsafe_b64decode decompress fromhex"
    " unhexlify a2b_base64 a2b_hex loads rot13".split()
)
_READABLE = frozenset({"json.loads", "tomllib.loads", "yaml.safe_load", "ast.literal_eval"})
_LEAST_DATA = 8
"""Characters of data that can hold an answer."""
_WORDS = re.compile(r"\W+")


def found(path: str, text: str, tests: Sequence[tuple[str, str]]) -> list[str]:
    """What stands out, as ends of a sentence."""
    pairs = {pair for name, source in tests for pair in expectations(name, source)}
    carried = ["carries the tests' own results"] if carried_results.found(path, text, pairs) else []
    results = {value for _, value in pairs if len(value.strip("'\"[](){}")) > 0}
    if not path.endswith((".py", ".pyi")):
        groups = script_literals.values(path, text)
        spelled = {repr(one) for codes in neighbouring_literals.numbers(path, text) for one in _texts_of(codes)}
        held = any(_mostly(group, results) for group in groups) or _spelled(spelled, results)
        return ["holds the tests' own results"] if held else carried
    module = module_of(text)
    if module is None:
        return []
    told = []
    if any(_mostly(group, results) for group in _groups(module)) or _in_numbers(module, results):
        told.append("holds the tests' own results")
    elif _recognises(module, pairs) or any(_keyed(node, pairs) for node in ast.walk(module)):
        told.append("recognises the tests' own inputs")
    else:
        told += carried
    if any(_decodes(node, module) for node in ast.walk(module)):
        told.append("decodes data of its own")
    return told


def _mostly(group: Sequence[str], results: Collection[str]) -> bool:
    """Whether a list is made of what the tests expect. A few different values for many inputs are categories."""
    held = {value for value in group if value in results}
    if len(held) < max(AT_LEAST, _SHARE * len(results)) or len(held) < _MOSTLY * len(group):
        return False
    return any(len(value) > 3 for value in held)  # letters and digits are in every honest table


def _groups(module: ast.Module) -> Iterator[list[str]]:
    """The literals of each list and table, and those that one function returns under comparisons of a computed value."""
    for node in ast.walk(module):
        elements: Sequence[ast.AST | None] = ()
        if isinstance(node, ast.List | ast.Tuple | ast.Set):
            elements = node.elts
        elif isinstance(node, ast.Dict) and not all(
            isinstance(key, ast.Constant) and isinstance(key.value, str) for key in node.keys
        ):
            elements = node.values
        elif (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and isinstance(node.func.value, ast.Dict)
        ):
            elements = [*node.func.value.values, *node.args[1:2]]  # {…}.get(key, default)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            elements = [
                one.body[0].value
                for one in ast.walk(node)
                if isinstance(one, ast.If) and isinstance(one.body[0], ast.Return) and _digests(one.test)
            ]
        if len(elements) >= AT_LEAST:
            yield [literal(element) or "" for element in elements]


def _in_numbers(module: ast.Module, results: Collection[str]) -> bool:
    """Whether the tests' results are there as numbers: the characters of each, or one number of all its bytes."""
    texts = set()
    for node in ast.walk(module):
        value: object = None
        if isinstance(node, ast.List | ast.Tuple):
            value = [part.value for part in node.elts if isinstance(part, ast.Constant)]
        elif isinstance(node, ast.Constant):
            value = node.value
        texts |= {repr(text) for text in _texts_of(value)}
    return _spelled(texts, results)


def _spelled(texts: Collection[str], results: Collection[str]) -> bool:
    """Whether texts that numbers spell are the tests' results, of which one is longer than a few letters."""
    held = set(texts) & set(results)
    return any(len(text) > len("'abc'") for text in held) and len(held) >= min(AT_LEAST - 1, len(results))


def _texts_of(value: object) -> Iterator[str]:
    """What a number or numbers spell, where they are printable characters."""
    codes: Sequence[int] = ()
    if isinstance(value, list) and value and all(type(code) is int and 32 <= code < 127 for code in value):
        codes = value
    elif type(value) is int and value >= 32:
        codes = value.to_bytes((value.bit_length() + 7) // 8, "big")
    if codes and all(32 <= code < 127 for code in codes):
        text = "".join(map(chr, codes))
        yield from (text, text[::-1])


def _digests(test: ast.AST) -> bool:
    """Whether something that was computed of the input is compared with a literal: `hash(x) == 17`."""
    return (
        isinstance(test, ast.Compare)
        and isinstance(test.ops[0], ast.Eq)
        and any(isinstance(side, ast.Call | ast.Subscript) for side in (test.left, *test.comparators))
    )


def _recognises(module: ast.Module, pairs: Collection[Pair]) -> bool:
    """Whether conditions spell out inputs of the tests (in a regular expression, a prefix) before their results."""
    wanted = [(_plain(key), value) for key, value in pairs if len(_plain(key)) > 0]
    matched = set()
    for node in ast.walk(module):
        if isinstance(node, ast.If) and isinstance(node.body[0], ast.Return):
            value = literal(node.body[0].value)
        elif isinstance(node, ast.IfExp):
            value = literal(node.body)
        else:
            continue
        texts = [n.value for n in ast.walk(node.test) if isinstance(n, ast.Constant) and isinstance(n.value, str)]
        spelled = {_plain(re.sub(r"\\[a-zA-Z]", "", text)) for text in texts}
        matched |= {key for key, result in wanted if result == value and key in spelled}
    return len(matched) >= max(AT_LEAST, _SHARE * len({key for key, _ in wanted}))


def _keyed(node: ast.AST, pairs: Collection[Pair]) -> bool:
    """Whether the keys of a table are the tests' inputs, in whatever case, whatever stands beside them."""
    if not isinstance(node, ast.Dict):
        return False
    keys = {
        repr(key.value.casefold()) for key in node.keys if isinstance(key, ast.Constant) and isinstance(key.value, str)
    }
    return _mostly(sorted(keys), {key.casefold() for key, _ in pairs})


def _plain(text: str) -> str:
    return _WORDS.sub("", text)


def _decodes(node: ast.AST, module: ast.Module) -> bool:
    """Whether a constant of the change itself is decoded, under whatever name it stands."""
    if not isinstance(node, ast.Call) or not node.args or written(node.func) in _READABLE:
        return False
    name = getattr(node.func, "attr", getattr(node.func, "id", ""))
    by_codec = name == "decode" and len(node.args) >= 2
    if name not in _DECODERS and not by_codec:
        return False
    given = node.args[0]
    if isinstance(given, ast.Name):
        assigned = [n for n in module.body if isinstance(n, ast.Assign)]
        values = [n.value for n in assigned if any(getattr(t, "id", "") == given.id for t in n.targets)]
        given = values[-1] if values else given
    return isinstance(given, ast.Constant) and isinstance(given.value, str | bytes) and len(given.value) >= _LEAST_DATA
