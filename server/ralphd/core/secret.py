"""A text that is passed on and never shown: not in a log, an error, or a traceback's values."""

from __future__ import annotations


class Secret:
    """Holds a key. Only `reveal` gives it away; whoever calls that sends it where it belongs."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return "Secret(…)"

    def __reduce__(self) -> str:
        raise TypeError("a secret is not written down")
