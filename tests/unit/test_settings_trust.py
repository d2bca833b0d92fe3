"""Consent: bound to exactly one command, kept outside repositories, void when in doubt."""

from __future__ import annotations

import json
import os
import stat
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from ralphd.errors import RalphError
from ralphd.settings.consents import CommandConsent, SettingsConsent
from ralphd.settings.trust import TrustStore


def command(*argv: str, folder: str = "/repo", **given: Any) -> CommandConsent:
    bound = {"program": "/usr/bin/pytest", "target": "/usr/bin/pytest", "variables": (), "isolation": "bwrap", **given}
    return CommandConsent(folder, argv, **bound)


CONSENT = command("pytest", "-q")


FORGED = json.dumps(
    {
        "version": 2,
        "decisions": [
            {
                "digest": "a" * 64,
                "decision": "always",
                "consent": {**asdict(command("rm", "-rf", "/")), "kind": "command"},
            }
        ],
    }
).encode()


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "state" / "trust.json")


@pytest.mark.row("T5")
def test_the_digest_changes_with_everything_it_is_bound_to() -> None:
    variants = [
        command("pytest", "-q"),
        command("pytest", "-q", folder="/repo2"),
        command("pytest", "-q "),
        command("pytest -q"),
        command("pytest", "-q", ""),
        command("pytest", "-q", program="/repo/.venv/bin/pytest"),
        command("pytest", "-q", target="/repo/evil"),
        command("pytest", "-q", variables=("TOKEN",)),
        command("pytest", "-q", isolation="none"),
        command("pytest", "-q", member="packages/a"),
        command("pytest", "-q", started="/repo/.venv/bin/pytest"),
        SettingsConsent.of("/repo", "/repo/ralph.config.yaml", {"models.critic.model": "openai/x"}),
        SettingsConsent.of("/repo", "/repo/ralph.config.yaml", {"models.critic.model": "openai/y"}),
        SettingsConsent.of("/repo2", "/repo/ralph.config.yaml", {"models.critic.model": "openai/x"}),
    ]
    assert len({consent.digest for consent in variants}) == len(variants)
    assert variants[0].digest == command("pytest", "-q").digest == command("pytest", "-q", member="").digest


def test_always_and_never_outlive_the_process_once_does_not(path: str) -> None:
    store = TrustStore(path)
    assert store.decision(CONSENT.digest) is None
    assert not store.use(CONSENT.digest)
    store.decide(CONSENT.digest, "once", CONSENT)
    assert not os.path.exists(path)
    assert TrustStore(path).decision(CONSENT.digest) is None
    assert store.use(CONSENT.digest)
    assert not store.use(CONSENT.digest)
    store.decide(CONSENT.digest, "always", CONSENT)
    assert store.use(CONSENT.digest) and store.use(CONSENT.digest)
    assert TrustStore(path).decision(CONSENT.digest) == "always"
    store.decide(CONSENT.digest, "never")
    assert TrustStore(path).decision(CONSENT.digest) == "never"
    assert not TrustStore(path).use(CONSENT.digest)


def test_what_is_kept_is_listed_and_can_be_taken_back_by_another_window(path: str) -> None:
    store, other = TrustStore(path), TrustStore(path)
    store.decide(CONSENT.digest, "always", CONSENT)
    (given,) = other.list()
    assert (given.digest, given.decision, given.consent) == (CONSENT.digest, "always", CONSENT)
    assert other.revoke("") == 0
    assert other.revoke("zz") == 0
    assert other.revoke(CONSENT.digest[:8]) == 1
    assert not store.use(CONSENT.digest)
    assert store.list() == ()


def test_a_digest_of_something_else_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="does not belong"):
        TrustStore(path).decide(command("x").digest, "always", CONSENT)
    assert not os.path.exists(path)


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX modes")
def test_the_file_is_the_persons_alone_and_replaced_whole(path: str) -> None:
    store = TrustStore(path)
    store.decide(CONSENT.digest, "always", CONSENT)
    first = os.stat(path)
    assert stat.S_IMODE(first.st_mode) == 0o600
    assert stat.S_IMODE(os.stat(os.path.dirname(path)).st_mode) == 0o700
    store.decide(command("x").digest, "never")
    assert os.stat(path).st_ino != first.st_ino
    assert sorted(os.listdir(os.path.dirname(path))) == ["trust.json", "trust.json.lock"]


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX modes")
def test_a_file_that_others_can_write_is_no_consent(path: str) -> None:
    store = TrustStore(path)
    store.decide(CONSENT.digest, "always", CONSENT)
    os.chmod(path, 0o666)
    assert store.decision(CONSENT.digest) is None
    assert store.problem is not None and "others" in store.problem


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"{",
        b"[]",
        b"\xff\xfe",
        b'{"decisions": 4}',
        b'{"version": 2, "decisions": [{"digest": "x"}]}',
        b'{"version": 2, "decisions": [{"digest": ["x"], "decision": "always", "consent": null}]}',
        b'{"version": 2, "decisions": [{"digest": "x", "decision": "perhaps", "consent": null}]}',
        b'{"version": 2, "decisions": [{"digest": "x", "decision": "always", "consent": {"kind": "wish"}}]}',
        FORGED,
        b"[" * 200_000,
    ],
)  # fmt: skip
def test_a_damaged_file_is_no_consent_and_heals_with_the_next_decision(path: str, damage: bytes) -> None:
    store = TrustStore(path)
    store.decide(CONSENT.digest, "always", CONSENT)
    Path(path).write_bytes(damage)
    assert store.decision(CONSENT.digest) is None
    assert store.problem is not None and "damaged" in store.problem
    store.decide(CONSENT.digest, "always", CONSENT)
    assert store.problem is None
    assert store.use(CONSENT.digest)


@pytest.mark.row("H2")
def test_many_writers_lose_nothing(path: str) -> None:
    consents = [command("run", str(number)) for number in range(19)]
    consents.append(SettingsConsent.of("/repo", "/repo/f", {"litellm.retry_attempts": 2}))  # type: ignore[arg-type]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda consent: TrustStore(path).decide(consent.digest, "always", consent), consents))
    assert {given.consent for given in TrustStore(path).list()} == set(consents)


def test_where_it_cannot_be_kept_a_person_is_told(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file, not a folder")
    with pytest.raises(RalphError, match="could not be remembered"):
        TrustStore(str(tmp_path / "state" / "trust.json")).decide(CONSENT.digest, "always", CONSENT)


def test_a_command_of_megabytes_spoils_no_other_consent(path: str) -> None:
    store, huge = TrustStore(path), command(*(f"{n:4000}" for n in range(1000)))
    store.decide(CONSENT.digest, "always", CONSENT)
    store.decide(huge.digest, "never", huge)
    again = TrustStore(path)
    assert again.problem is None and (again.decision(CONSENT.digest), again.decision(huge.digest)) == (
        "always",
        "never",
    )
    assert {given.digest: given.consent for given in again.list()} == {CONSENT.digest: CONSENT, huge.digest: None}
