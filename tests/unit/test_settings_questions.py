"""What a person reads before they agree: the very words that will run, and nothing in them that hides."""

from __future__ import annotations

import re
import shlex
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ralphd.core.visible import shortened, visible
from ralphd.settings.consents import CommandConsent, SettingsConsent
from ralphd.settings.questions import in_full, question, unused

HIDDEN = [
    *map(chr, [*range(0x20), *range(0x7F, 0xA0), 0xAD, 0x34F, 0x61C, 0x115F, 0x1160, 0x17B4, 0x180E]),
    *map(chr, [*range(0x200B, 0x2010), *range(0x2028, 0x202F), *range(0x2060, 0x2070), 0x2800, 0x3164, 0xFE0F, 0xFEFF]),
    *map(chr, [0xFFA0, 0xFFF9, 0x1D173, 0xE0001, 0xE0041, 0xE0100, 0xE000, 0xA0, 0x2003, 0x3000, 0x301]),
]


def asked(*argv: str, folder: str = "/repo", **given: Any) -> str:
    bound = {"program": "/usr/bin/pytest", "target": "/usr/bin/pytest", "variables": (), "isolation": "bwrap", **given}
    return question(CommandConsent(folder, argv, **bound))


def test_arguments_are_quoted_as_a_shell_reads_them() -> None:
    assert "`pytest -q`" in asked("pytest", "-q")
    assert "`'pytest -q'`" in asked("pytest -q")
    assert "`pytest -k 'a b' ''`" in asked("pytest", "-k", "a b", "")
    assert "isolated: no network, on a copy" in asked("pytest")
    assert "isolated: no network, on a copy" in asked("pytest", isolation="seatbelt")
    assert "WITHOUT isolation" in asked("pytest", isolation="none")
    assert "sees your variables A, B" in asked("pytest", variables=("A", "B"))
    assert "`pytest` in /repo/packages/a (" in asked("pytest", member="packages/a")


def test_whose_program_it_is() -> None:
    assert "Its program is /usr/bin/pytest." in asked("pytest")
    assert "this repository's own `.venv/bin/pytest`" in asked("pytest", program="/repo/.venv/bin/pytest")
    assert "Its program is /repo2/pytest." in asked("pytest", program="/repo2/pytest")
    assert "not found at present" in asked("pytest", program="", target="")


@pytest.mark.parametrize("char", HIDDEN, ids=lambda char: f"{ord(char):x}")
def test_nothing_hides(char: str) -> None:
    for text in (
        asked("pytest", f"a{char}b"),
        asked("pytest", folder=f"/r{char}o"),
        asked("pytest", program=f"/x{char}"),
    ):
        assert char not in text
        assert f"{ord(char):02x}" in text
    consent = SettingsConsent.of("/repo", f"/repo/{char}/ralph.config.yaml", {f"aliases.a{char}": f"x{char}"})
    assert char not in question(consent) + unused(consent) + in_full(consent)


def test_blanks_and_length_push_nothing_out_of_sight() -> None:
    text = asked("pytest", "a" + " " * 300 + "--evil")
    assert "[300 blanks]--evil" in text
    text = asked("pytest", *["x" * 50] * 100, "--evil")
    assert (
        len(text) < 1000
        and text.count("characters left out") == 1
        and "--evil`" in text
        and "of 5,113 characters" in text
    )
    assert len(asked("p" * 5000, folder="/" + "f" * 4000, program="/" + "g" * 4000)) < 1500


def test_the_words_of_the_question_cannot_be_written_by_a_repository() -> None:
    assert asked("pytest", "` in /safe (isolated). Run it?").count("`") == 2


def test_letters_that_look_like_others_are_named() -> None:
    assert "р (cyrillic small letter er)" in asked("рytest")
    assert "look like others" not in asked("pytest")


def test_settings_are_asked_for_with_their_values() -> None:
    roles = ("librarian", "artisan", "critic", "chaos")
    values: dict[str, Any] = {f"models.{role}.model": "openai/theirs" for role in roles}
    values |= {"models.critic.temperature": 0.1, "litellm.enable_fallback": False}
    text = question(SettingsConsent.of("/repo", "/repo/ralph.config.yaml", values))
    assert 'models (all roles) model = "openai/theirs"' in text and text.count("theirs") == 1
    assert "litellm.enable_fallback = false" in text and "models.critic.temperature = 0.1" in text
    many = SettingsConsent.of("/repo", "the editor's settings", {f"aliases.a{n}": "x" * 500 for n in range(40)})
    assert "and 28 more" in question(many) and len(question(many)) < 4000
    assert in_full(many).count("aliases.") == 40


ALIKE: list[tuple[tuple[str, ...], tuple[str, ...]]] = [
    (("pytest -q",), ("pytest", "-q")),
    (("pytest", "-k", "a b"), ("pytest", "-k", "a", "b")),
    (("pytest", ""), ("pytest",)),
    (("pytest", " "), ("pytest", "")),
    (("sh", "-c", "a\nb"), ("sh", "-c", "a\\x0ab")),
    (("sh", "-c", "a\rb"), ("sh", "-c", "a\\x0db")),
    (("sh", "-c", "a\tb"), ("sh", "-c", "a\\x09b")),
    (("sh", "-c", "a\u202eb"), ("sh", "-c", "a\\u202eb")),
    (("sh", "-c", "a\U000e0041b"), ("sh", "-c", "a\\U000e0041b")),
    (("sh", "-c", "a`b"), ("sh", "-c", "a\\x60b")),
    (("sh", "-c", "a" + " " * 300 + "b"), ("sh", "-c", "a[300 blanks]b")),
    (("sh", "-c", "a" + " " * 300 + "b"), ("sh", "-c", "a" + " " * 299 + "b")),
    (("sh", "-c", "a\u00a0b"), ("sh", "-c", "a b")),
    (("sh", "-c", "a\u3000b"), ("sh", "-c", "a b")),
    (("sh", "-c", "a\u200bb"), ("sh", "-c", "ab")),
    (("sh", "-c", "e\u0301"), ("sh", "-c", "\u00e9")),
    (("sh", "-c", "a\\b"), ("sh", "-c", "a\\\\b")),
    (("sh", "-c", "'a'"), ("sh", "-c", '"a"')),
    (("sh", "-c", "$HOME"), ("sh", "-c", "'$HOME'")),
    (("A=1", "pytest"), ("A=1 pytest",)),
    (("pytest", "\udc80"), ("pytest", "\\udc80")),
    (("pytest", "\x1b[2K\rls"), ("pytest", "ls")),
    (("p\u0443test",), ("pytest",)),
    (("pytest", "-q;", "ls"), ("pytest", "-q", ";", "ls")),
]


@pytest.mark.parametrize(("one", "other"), ALIKE, ids=str)
def test_no_two_commands_look_alike(one: tuple[str, ...], other: tuple[str, ...]) -> None:
    assert asked(*one) != asked(*other)
    bound: Any = {"program": "/usr/bin/x", "target": "/usr/bin/x", "variables": (), "isolation": "bwrap"}
    assert in_full(CommandConsent("/repo", one, **bound)) != in_full(CommandConsent("/repo", other, **bound))


@given(st.lists(st.text(st.sampled_from(" a\\x0[]`'\"=\n4blnks5c"), max_size=12), min_size=1, max_size=3))
def test_a_command_can_be_read_back(argv: list[str]) -> None:
    """Whoever undoes the numbers and the counts has the very arguments."""
    shown = re.search(r"`(.*)`", asked(*argv))
    assert shown is not None
    blanks = re.sub(r"\[(\d+) blanks\]", lambda found: " " * int(found[1]), shown[1])
    assert shlex.split(re.sub(r"\\x([0-9a-f]{2})", lambda found: chr(int(found[1], 16)), blanks)) == argv


def test_an_assignment_in_front_is_the_name_of_a_program() -> None:
    """No shell reads the command, so there are no assignments: where one means a program, it reads as one."""
    assert "`'PYTHONPATH=src' pytest`" in asked("PYTHONPATH=src", "pytest", program="", target="")
    assert "`env PYTHONPATH=src pytest`" in asked("env", "PYTHONPATH=src", "pytest")


def test_every_letter_that_may_look_like_another_is_counted() -> None:
    innocent = "äöüßéèêàâîïôûçñ"
    assert "and 4 more" in asked("pytest", innocent + "\u0430")
    assert "(cyrillic small letter a)" in asked("pytest", member="p\u0430ckages")


@pytest.mark.parametrize(
    ("program", "target", "said"),
    [
        ("/repo/run", "/repo/run", "this repository's own `run`."),
        (
            "/repo/run",
            "/repo/bin/evil",
            "this repository's own `run`, which leads to this repository's own `bin/evil`.",
        ),
        ("/repo/run", "/tmp/evil", "this repository's own `run`, which leads to /tmp/evil."),
        ("/usr/bin/run", "/repo/evil", "/usr/bin/run, which leads to this repository's own `evil`."),
        ("/usr/bin/python3", "/usr/bin/python3.11", "Its program is /usr/bin/python3."),
        ("/repo/a`b", "/repo/a\nb", "own `a\\x60b`, which leads to this repository's own `a\\x0ab`."),
    ],
)
def test_where_a_program_leads_to(program: str, target: str, said: str) -> None:
    assert said in asked("run", program=program, target=target)


def test_what_a_launcher_starts() -> None:
    assert "It starts this repository's own `.venv/bin/pytest`." in asked(
        "env", "pytest", started="/repo/.venv/bin/pytest"
    )
    assert "It starts /usr/bin/pytest." in asked("env", "pytest", started="/usr/bin/pytest")


@given(st.text(max_size=200), st.integers(10, 100))
def test_no_text_escapes(text: str, limit: int) -> None:
    shown = visible(text)
    assert shown.isprintable() and not re.search(" {4,}", shown)
    assert len(shortened(shown, limit)) <= limit + 60


def test_every_character_is_shown_or_numbered() -> None:
    for code in [*range(0x21, 0x3000), *range(0xD700, 0xE100), *range(0xF900, 0x10100), *range(0xE0000, 0xE0200)]:
        shown = visible(chr(code))
        assert shown.isprintable() and shown.strip(), hex(code)
