"""What a process that lives for weeks remembers has an end: a mapping that keeps the entries that were set last."""

from __future__ import annotations

from collections import UserDict
from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Latest(UserDict[K, V]):
    """At most `most` entries. Setting a key that is there makes it the newest; looking one up does not."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most

    def __setitem__(self, key: K, value: V) -> None:
        self.data.pop(key, None)
        self.data[key] = value
        while len(self.data) > self._most:
            del self.data[next(iter(self.data))]
