"""The words in which a consent is asked for and listed. What a repository wrote is shown so that nothing in it hides."""

from __future__ import annotations

import os
import shlex

from ralphd.core.paths import within
from ralphd.core.run import ROLES
from ralphd.core.visible import not_ascii, shortened
from ralphd.core.visible import visible as visible_text
from ralphd.settings.consents import CommandConsent, Consent, SettingsConsent

_COMMAND_CHARACTERS = 400
_VALUE_CHARACTERS = 120
_VALUES = 12
"""Settings that one question names; the others are counted."""


def visible(text: str) -> str:
    """As the core's; a backtick is shown by its number too, since it would end what stands between two of them."""
    return visible_text(text).replace("`", "\\x60")


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
    if letters := not_ascii("".join(consent.argv)):
        more.append(f"It holds letters that may look like others: {', '.join(letters[:5])}.")
    if consent.variables:
        more.append(f"It sees your variables {', '.join(consent.variables)}.")
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
    return shortened(visible(shlex.join(consent.argv)), limit)


def in_full(consent: Consent) -> str:
    """The consent on one line, nothing left out: what `ralphd trust list` shows."""
    if isinstance(consent, SettingsConsent):
        return f"settings {'; '.join(_values(consent, len(consent.values)))}  in {visible(consent.folder)}"
    with_variables = f", sees {', '.join(consent.variables)}" if consent.variables else ""
    return (
        f"{visible(shlex.join(consent.argv))}  in {visible(consent.started_in)} "
        f"({consent.isolation}; program {visible(consent.program) or 'not found'}{with_variables})"
    )


def _owner(consent: SettingsConsent) -> str:
    if os.path.isabs(consent.origin):
        return f"This repository's {shortened(visible(consent.origin), _VALUE_CHARACTERS)}"
    return f"This workspace ({consent.origin})"


def _program(consent: CommandConsent) -> str:
    if not consent.program:
        return "Its program is not found at present."
    if within(consent.program, consent.folder):
        own = os.path.relpath(consent.program, consent.folder)
        return f"Its program is this repository's own `{shortened(visible(own), _VALUE_CHARACTERS)}`."
    return f"Its program is {shortened(visible(consent.program), _VALUE_CHARACTERS)}."


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
