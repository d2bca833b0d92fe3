"""Code that asks whether it was handed a stand-in of the tests, or writes into its record: a rule of `suspicion.py`. Pure."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

_OF_A_MOCK = re.compile(
    r"assert_(?:called|any_call|has_calls|not_called|awaited|any_await|has_awaits|not_awaited)\w{0,20}|_?mock_\w{1,40}|method_calls"
    r"|call_args_list|await_(?:count|args|args_list)|configure_mock|reset_mock|_spec_class|NonCallableMock|MagicMock|AsyncMock"
)
"""Nothing but a mock has them."""
_OF_OTHERS_TOO = frozenset({"call_count", "call_args", "side_effect"})
"""A wrapper that counts its own calls has them as well."""
_NAMES_OF_A_KIND = frozenset({"__name__", "__class__", "__module__", "__qualname__"})
_SHOWS_A_KIND = frozenset({"repr", "str", "type", "dir", "vars"})
_COMPARES = frozenset("startswith endswith find index count search match fullmatch".split())
_BY_NAME = frozenset({"getattr", "hasattr", "setattr", "delattr"})
_ENDINGS = ("mock", "ock")


def found(module: ast.Module) -> Iterator[str]:
    """What stands out, as ends of a sentence."""
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    own = {"self", "cls"} | {n.name for n in ast.walk(module) if isinstance(n, kinds)}
    for node in ast.walk(module):
        if isinstance(node, ast.Attribute):
            of_itself = isinstance(node.value, ast.Name) and node.value.id in own
            if not of_itself and (node.attr in _OF_OTHERS_TOO or _OF_A_MOCK.fullmatch(node.attr)):
                yield f"uses a mock's `{node.attr}`"
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") in _BY_NAME:
            for text in _texts(node):
                if text in _OF_OTHERS_TOO or _OF_A_MOCK.fullmatch(text):
                    yield f"looks for a mock's `{text}`"
        if any(_is_of_a_mock(text, names=names) for names in _asks_for_a_kind(node) for text in _texts(node)):
            yield "asks whether what it is given is a mock"


def _texts(node: ast.AST) -> list[str]:
    return [n.value for n in ast.walk(node) if isinstance(n, ast.Constant) and isinstance(n.value, str)]


def _is_of_a_mock(text: str, *, names: bool) -> bool:
    return "mock" in text.lower() or (names and text.lower() in _ENDINGS)


def _asks_for_a_kind(node: ast.AST) -> Iterator[bool]:
    """For a comparison or a search: whether it is one of a class's name, or of a text that shows it."""
    if isinstance(node, ast.Compare) or getattr(getattr(node, "func", None), "attr", "") in _COMPARES:
        for inner in ast.walk(node):
            if isinstance(inner, ast.Attribute) and inner.attr in _NAMES_OF_A_KIND:
                yield True
            elif isinstance(inner, ast.Call) and getattr(inner.func, "id", "") in _SHOWS_A_KIND:
                yield False
