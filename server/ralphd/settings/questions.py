"""The words in which a consent is asked for and listed. What a repository wrote is shown so that nothing in it hides."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Sequence

from ralphd.core.paths import within
from ralphd.core.run import ROLES
from ralphd.core.visible import not_ascii, number, shortened
from ralphd.core.visible import visible as visible_text
from ralphd.settings.consents import CommandConsent, Consent, SettingsConsent

_COMMAND_CHARACTERS = 400
_VALUE_CHARACTERS = 120
_LETTERS = 12
_VALUES = 12
"""Settings that one question names; the others are counted."""


_READS_AS_OURS = re.compile(r"\\(?=x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8})|\[(?=\d+ blanks\]|… )|`")
"""What reads like a character's number, a count of blanks or the mark of what is left out; and what ends a command."""


def visible(text: str) -> str:
    """As the core's, and no two texts look alike: what reads like something that it writes is shown by its own number."""
    return visible_text(_READS_AS_OURS.sub(lambda found: number(found[0]), text))


def question(consent: Consent) -> str:
    """What the person is asked."""
    if isinstance(consent, SettingsConsent):
        goes = any(key.startswith(("models.", "aliases.")) for key, _ in consent.values)
        told = " Your code would go to the providers of these models." if goes else ""
        values = "; ".join(_values(consent, _VALUES))
        return f"{_owner(consent)} chooses models or how they are called: {values}.{told} Use these settings here?"
    shown = command(consent, _COMMAND_CHARACTERS)
    where = "WITHOUT isolation" if consent.isolation == "none" else "isolated: no network, on a copy"
    more = [_program(consent)]
    if letters := not_ascii("".join((*consent.argv, consent.member))):
        others = f" and {len(letters) - _LETTERS} more" if len(letters) > _LETTERS else ""
        more.append(f"It holds letters that may look like others: {', '.join(letters[:_LETTERS])}{others}.")
    if consent.variables:
        more.append(f"It sees your variables {', '.join(map(visible, consent.variables))}.")
    folder = shortened(visible(consent.started_in), _VALUE_CHARACTERS)
    return f"This repository asks Ralph to run `{shown}` in {folder} ({where}). {' '.join(more)} Run it?"


def unused(consent: SettingsConsent) -> str:
    """What a run says that goes on without the settings."""
    return (
        f"{_owner(consent)} chooses models or how they are called, and you have not agreed, so your own or the default "
        f"ones are used: {'; '.join(_values(consent, _VALUES))}. `ralphd trust give {consent.digest[:12]}` agrees."
    )


def command(consent: CommandConsent, limit: int) -> str:
    """The command as a shell would read it."""
    return shortened(visible(_joined(consent.argv)), limit)


def in_full(consent: Consent) -> str:
    """The consent on one line, nothing left out: what `ralphd trust list` shows."""
    if isinstance(consent, SettingsConsent):
        return f"settings {'; '.join(_values(consent, len(consent.values)))}  in {visible(consent.folder)}"
    with_variables = f", sees {', '.join(map(visible, consent.variables))}" if consent.variables else ""
    leads = f", which leads to {visible(consent.target)}" if consent.target != consent.program else ""
    starts = f", starts {visible(consent.started)}" if consent.started else ""
    return (
        f"{visible(_joined(consent.argv))}  in {visible(consent.started_in)} "
        f"({consent.isolation}; program {visible(consent.program) or 'not found'}{leads}{starts}{with_variables})"
    )


def _joined(argv: Sequence[str]) -> str:
    """The arguments quoted; a first one that a shell would take for an assignment is none here, but the program's name."""
    joined = shlex.join(argv)
    return f"'{argv[0]}'{joined[len(argv[0]) :]}" if "=" in argv[0] and joined.startswith(argv[0]) else joined


def _owner(consent: SettingsConsent) -> str:
    if os.path.isabs(consent.origin):
        return f"This repository's {shortened(visible(consent.origin), _VALUE_CHARACTERS)}"
    return f"This workspace ({consent.origin})"


def _program(consent: CommandConsent) -> str:
    if not consent.program:
        return "Its program is not found at present."
    root = os.path.realpath(consent.folder) if "\0" not in consent.folder else consent.folder
    at, own = _place(consent.program, consent.folder)
    target, own_target = _place(consent.target, root)
    leads = f", which leads to {target}" if (own or own_target) and target != at else ""
    starts = f" It starts {_place(consent.started, root)[0]}." if consent.started else ""
    return f"Its program is {at}{leads}.{starts}"


def _place(path: str, root: str) -> tuple[str, bool]:
    """A program in words, and whether it is the repository's own."""
    if not within(path, root):
        return shortened(visible(path), _VALUE_CHARACTERS), False
    return f"this repository's own `{shortened(visible(os.path.relpath(path, root)), _VALUE_CHARACTERS)}`", True


def _values(consent: SettingsConsent, most: int) -> list[str]:
    """`key = value` for each setting; what all four roles share is said once."""
    values = dict(consent.values)
    lines: dict[str, str] = {}
    for key, value in values.items():
        section, _, rest = key.partition(".")
        role, _, name = rest.partition(".")
        shared = section == "models" and all(values.get(f"models.{other}.{name}") == value for other in ROLES)
        lines[f"models (all roles) {name}" if shared and role in ROLES else key] = value
    told = [f"{visible(key)} = {shortened(visible(value), _VALUE_CHARACTERS)}" for key, value in lines.items()]
    return told if len(told) <= most else [*told[:most], f"and {len(told) - most} more (`ralphd trust list` shows all)"]
