"""Orders as they are kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass
class Order:
    """One line of an order."""

    article: str
    quantity: int = 1
    note: str = ""

    def to_dict(self) -> dict[str, Any]:
        """What is kept; `from_dict` makes an equal order of it."""
        return {"article": self.article, "quantity": self.quantity, "note": self.note}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Order:
        """An order as `to_dict` kept it; what is missing has its default."""
        return cls(data["article"], data.get("quantity", 1), data.get("note", ""))
