"""What the person agreed to: a repository's own word needs their consent for exactly that command or those settings."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterable, Mapping, Sequence

from ralphd.core.latest import Latest
from ralphd.core.run import RunRequest
from ralphd.core.runner import Ask, Decision, KnownConsent, Question
from ralphd.errors import Untrusted
from ralphd.judging.commands import launched
from ralphd.sandbox.isolation import Isolation
from ralphd.sandbox.programs import program_at
from ralphd.settings import questions
from ralphd.settings.consents import CommandConsent, Consent, SettingsConsent
from ralphd.settings.provenance import Configuration
from ralphd.settings.trust import TrustStore

ASKED_KEPT = 1000
_TITLES: Mapping[str, tuple[tuple[str, Decision], ...]] = {
    "command": (("Run once", "once"), ("Always for this command", "always"), ("Never", "never")),
    "settings": (("Use once", "once"), ("Always for these settings", "always"), ("Do not use", "never")),
}


def command_consents(
    root: str, folder: str, configuration: Configuration, isolation: Isolation, environ: Mapping[str, str]
) -> list[CommandConsent]:
    """The consents that the test commands need, started in `folder` of the workspace `root`: those of a repository, and
    all where nothing isolates them."""
    testing = configuration.settings.testing
    unisolated = isolation.kind == "none" and configuration.settings.sandbox.mode == "auto"
    found = []
    for name, argv in (("command", testing.command), ("fast_command", testing.fast_command)):
        if argv and (unisolated or not configuration.source(f"testing.{name}").trusted):
            program, target = _resolved(root, folder, argv[0], environ)
            _, started = _resolved(root, folder, launched(argv), environ)
            variables = tuple(sorted(name for name in testing.env if name in environ))
            found.append(CommandConsent(root, tuple(argv), program, target, variables, isolation.kind, folder, started))
    return found


def _resolved(root: str, folder: str, word: str, environ: Mapping[str, str]) -> tuple[str, str]:
    """Where a program is found, and where that leads to when every link is followed; empty where it is not found."""
    program = program_at(root, folder, word, environ) if word else ""
    return program, os.path.realpath(program) if program else ""


def _where(request: RunRequest) -> str:
    """Where the shell finds the question: a member of a monorepo has its own configuration and programs."""
    return f" in the folder {request.folder}" if request.folder else ""


class Consents:
    """Asks for consent, and remembers what was asked so that a late decision finds what it is for."""

    def __init__(self, trust: TrustStore, environ: Mapping[str, str]) -> None:
        self.trust, self._environ = trust, environ
        self._asked: Latest[str, Consent] = Latest(ASKED_KEPT)
        self._declined: Latest[str, bool] = Latest(ASKED_KEPT)

    async def command(
        self, request: RunRequest, configuration: Configuration, isolation: Isolation, ask: Ask
    ) -> tuple[str, ...]:
        """The test command that may run now; () where there is none. Raises `Untrusted` or `Misconfigured`."""
        settings = configuration.settings
        if request.untitled or not settings.testing.command:
            return ()
        if isolation.kind == "none" and settings.sandbox.mode == "auto" and sys.platform == "linux":
            raise isolation.refusal()
        where = request.root, request.folder
        for consent in await asyncio.to_thread(command_consents, *where, configuration, isolation, self._environ):
            decided = await self._decided(consent, ask)
            if decided not in ("once", "always"):
                word = "was not allowed" if decided == "never" else "needs your word, and nobody gave it"
                raise Untrusted(
                    f"The repository's test command `{questions.command(consent, 200)}` {word}, so nothing was run.",
                    f"Allow it (`ralphd trust give {consent.digest[:12]}`{_where(request)}), or set testing.command "
                    "yourself.",
                )
        return tuple(settings.testing.command)

    async def needed(
        self, root: str, folder: str, configuration: Configuration, isolation: Isolation
    ) -> frozenset[str]:
        """Digests of the consents that the test commands need as things are now."""
        found = await asyncio.to_thread(command_consents, root, folder, configuration, isolation, self._environ)
        return frozenset(consent.digest for consent in found)

    async def none_forbidden(self, digests: Iterable[str]) -> bool:
        """Whether the person said "never" to none of them since."""
        decisions = await asyncio.to_thread(lambda: [self.trust.decision(digest) for digest in digests])
        return "never" not in decisions

    async def settings(self, asked: Sequence[SettingsConsent], ask: Ask) -> frozenset[str]:
        """Which of the repository's models and switches may be used now, by digest. A no is not asked again."""
        agreed = set()
        for consent in asked:
            if consent.digest not in self._declined and await self._decided(consent, ask) in ("once", "always"):
                agreed.add(consent.digest)
            else:
                self._declined[consent.digest] = True
        return frozenset(agreed)

    async def _decided(self, consent: Consent, ask: Ask) -> Decision | None:
        """What the person said before, or says now; None: nobody answered."""
        if await asyncio.to_thread(self.trust.use, consent.digest):
            return "always"
        if await asyncio.to_thread(self.trust.decision, consent.digest) == "never":
            return "never"
        self._asked[consent.digest] = consent
        text = questions.question(consent)
        decided = await ask(Question(consent.kind, consent.digest, text, _TITLES[consent.kind]))
        if decided in ("always", "never"):
            await asyncio.to_thread(self.trust.decide, consent.digest, decided, consent)
        return decided

    def known(self, root: str, folder: str, configuration: Configuration, isolation: Isolation) -> list[KnownConsent]:
        """What is remembered, then what the workspace asks for, with tests that run in `folder` of it, and nobody decided.
        Blocks on the disk."""
        given = [
            KnownConsent(one.digest, one.decision, _in_words(one.consent))
            for one in self.trust.list()
            if one.decision != "once"
        ]
        commands = command_consents(root, folder, configuration, isolation, self._environ)
        wanted: list[Consent] = [*configuration.asked, *commands]
        asked = [consent for consent in wanted if self.trust.decision(consent.digest) is None]
        self._asked.update({consent.digest: consent for consent in asked})
        return [*given, *(KnownConsent(one.digest, "asked", questions.in_full(one)) for one in asked)]

    def decide(self, digest: str, decision: Decision) -> bool:
        """A consent given outside a question; False where no such digest is known."""
        consent = self._asked.get(digest)
        if consent is None and self.trust.decision(digest) is None:
            return False
        self.trust.decide(digest, decision, consent)
        self._declined.pop(digest, None)
        return True


def _in_words(consent: Consent | None) -> str:
    return questions.in_full(consent) if consent else "(only its digest is known)"
