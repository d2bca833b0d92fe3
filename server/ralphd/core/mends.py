"""What a person can do about a run that a model, a key, a budget or a setting stopped: by the error that stopped it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ralphd.errors import (
    AuthenticationFailed,
    HostStopped,
    ModelError,
    NoIsolation,
    NoModel,
    OverBudget,
    RalphError,
    Unpriced,
)

MendKind = Literal[
    "fetchModel", "setKey", "chooseModel", "raiseBudget", "openSetting", "setup", "useTestCommand", "installIsolation"
]


@dataclass(frozen=True)
class Mend:
    """One way on. `setting`: the key that decides, with dots; "" where it is about none."""

    kind: MendKind
    setting: str = ""
    command: tuple[str, ...] = ()
    """For `useTestCommand`: what the project's tests seem to be run by; for `installIsolation`: what installs it."""


FETCH_MODEL = Mend("fetchModel")
SET_KEY = Mend("setKey", "api_keys")
CHOOSE_MODEL = Mend("chooseModel", "models")
OPEN_COMMAND = Mend("openSetting", "testing.command")
SETUP = Mend("setup")
"""`ralphd setup`, for a person who has no configuration of their own yet."""


def mends_for(error: RalphError) -> tuple[Mend, ...]:
    """In the order in which they are worth trying; none where the sentence of the error is all that can be said."""
    if isinstance(error, NoModel):
        if not error.embedded:
            return (SET_KEY, CHOOSE_MODEL)
        return (FETCH_MODEL, CHOOSE_MODEL) if error.fetchable else (CHOOSE_MODEL,)
    if isinstance(error, NoIsolation):
        install = (Mend("installIsolation", command=error.installer),) if error.installer else ()
        return (*install, Mend("openSetting", "sandbox.mode"))
    if isinstance(error, OverBudget):
        return (Mend("raiseBudget", error.setting), CHOOSE_MODEL)
    if isinstance(error, Unpriced):
        return (Mend("openSetting", "prices"), CHOOSE_MODEL)
    if isinstance(error, AuthenticationFailed):
        return (SET_KEY, CHOOSE_MODEL)
    if isinstance(error, HostStopped):
        return ()
    if isinstance(error, ModelError):
        return (CHOOSE_MODEL,)
    return (Mend("openSetting", error.setting),) if error.setting else ()
