"""The kinds of values that settings have, each with its limits: `schema.py` is made of them."""

from __future__ import annotations

import shlex
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, Strict, StringConstraints
from pydantic_core import PydanticCustomError

from ralphd.core.addresses import address_problem


def _argv(value: Any) -> Any:
    if isinstance(value, str):
        return tuple(shlex.split(value))
    return tuple(value) if isinstance(value, list) else value


def _program(argv: tuple[str, ...]) -> tuple[str, ...]:
    if not argv[0].strip():
        raise ValueError("the command is empty")
    return argv


def _whole(value: Any) -> Any:
    """JSON has one kind of number: `1e3` and `8192.0` are whole."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _endpoint(value: str) -> str:
    problem = address_problem(value)
    if problem is not None:
        raise PydanticCustomError("endpoint", "{problem}", {"problem": problem})
    return value


def as_tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


Flag = Annotated[bool, Strict()]
WHOLE = BeforeValidator(_whole)
Count = Annotated[int, Strict(), Field(ge=1, le=1_000_000_000), WHOLE]
Natural = Annotated[int, Strict(), Field(ge=0, le=1_000_000_000), WHOLE]
Seconds = Annotated[float, Strict(), Field(gt=0, le=86_400, allow_inf_nan=False)]
Usd = Annotated[float, Strict(), Field(ge=0, allow_inf_nan=False)]
Line = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=4096, pattern=r"^[^\x00-\x1f\x7f]+$")]
Name = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=256, pattern=r"^[^\s\x00-\x1f\x7f]+$")]
Endpoint = Annotated[Line, AfterValidator(_endpoint)]
Names = Annotated[tuple[Name, ...], BeforeValidator(as_tuple)]
Lines = Annotated[tuple[Line, ...], BeforeValidator(as_tuple)]
Argument = Annotated[str, StringConstraints(strict=True, max_length=4096, pattern=r"^[^\x00]*$")]
Argv = Annotated[
    tuple[Argument, ...], BeforeValidator(_argv), Field(min_length=1, max_length=1000), AfterValidator(_program)
]
