"""Tells whether an edit of a Python module makes another program, by compiling what it stands in. Pure."""

from __future__ import annotations

import types
from collections.abc import Sequence

from ralphd.core.python_source import NOT_UNDERSTOOD, compiled
from ralphd.core.text import Span


class Programs:
    """The programs that edits of one module made, the one without an edit first. Only the module's statement that an edit
    stands in is compiled, since the others stay as they are: a whole file for each fault would take minutes of a big one."""

    def __init__(self, text: str, statements: Sequence[Span]) -> None:
        """`statements`: where those of the module stand that edits are made in."""
        self._text, self._statements = text, statements
        self._known: dict[Span, set[tuple[object, ...]]] = {}

    def is_new(self, place: Span, new: str) -> bool:
        """Whether `new` in the place of what stands there makes a program that was not had; False too where it makes none
        that compiles."""
        inside = next((s for s in self._statements if s[0] <= place[0] and place[1] <= s[1]), None)
        if inside is None:
            return False
        start, end = inside
        try:
            if inside not in self._known:
                self._known[inside] = {_signature(compiled(self._text[start:end]))}
            code = _signature(compiled(self._text[start : place[0]] + new + self._text[place[1] : end]))
        except NOT_UNDERSTOOD:
            return False
        known = self._known[inside]
        is_new = code not in known
        known.add(code)
        return is_new


def _signature(code: types.CodeType) -> tuple[object, ...]:
    """What the code does, without where it stands: two equal signatures are the same program."""
    consts = tuple(
        _signature(c) if isinstance(c, types.CodeType) else (type(c).__name__, repr(c)) for c in code.co_consts
    )
    return (
        code.co_code, consts, code.co_names, code.co_varnames, code.co_freevars, code.co_exceptiontable, code.co_flags,
    )  # fmt: skip
