"""Which command may run, and who said so: a repository's own word needs the person's consent for exactly that command."""

from __future__ import annotations

import asyncio
import sys

from ralphd.core.run import RunRequest
from ralphd.core.runner import Ask, Decision, Question
from ralphd.errors import Misconfigured, Untrusted
from ralphd.sandbox.isolation import Isolation
from ralphd.settings.load import Resolved
from ralphd.settings.trust import Consent, TrustStore


class Consents:
    """Asks for consent, and remembers what was asked so that a late decision finds what it is for."""

    def __init__(self, trust: TrustStore) -> None:
        self.trust = trust
        self._asked: dict[str, Consent] = {}

    async def command(self, request: RunRequest, resolved: Resolved, isolation: Isolation, ask: Ask) -> tuple[str, ...]:
        """The test command that may run now; () where there is none. Raises `Untrusted` or `Misconfigured`."""
        settings = resolved.settings
        command = settings.testing.command
        if request.untitled or not command:
            return ()
        unsandboxed = isolation.kind == "none" and settings.sandbox.mode == "auto"
        if unsandboxed and sys.platform == "linux":
            raise Misconfigured(
                "Nothing that a model wrote runs without isolation, and there is none here.", isolation.detail
            )
        wanted = [("testing.command", command)]
        if settings.testing.fast_command:
            wanted.append(("testing.fast_command", settings.testing.fast_command))
        for key, argv in wanted:
            if not resolved.source(key).trusted or unsandboxed:
                await self._consented(Consent(request.root, tuple(argv), "", isolation.kind), isolation, ask)
        return tuple(command)

    async def _consented(self, consent: Consent, isolation: Isolation, ask: Ask) -> None:
        if await asyncio.to_thread(self.trust.use, consent.digest):
            return
        shown = " ".join(consent.argv)
        decided = await asyncio.to_thread(self.trust.decision, consent.digest)
        if decided != "never":
            self._asked[consent.digest] = consent
            decided = await ask(_question(consent, shown, isolation))
            if decided == "always":
                await asyncio.to_thread(self.trust.decide, consent.digest, "always", consent)
            if decided in ("once", "always"):
                return
        raise Untrusted(
            f"The repository's test command `{shown}` was not allowed, so nothing was run.",
            "Allow it, or set testing.command yourself.",
        )

    def decide(self, digest: str, decision: Decision) -> bool:
        """A consent given outside a question; False where no such digest is known."""
        consent = self._asked.get(digest)
        if consent is None and self.trust.decision(digest) is None:
            return False
        self.trust.decide(digest, decision, consent)
        return True


def _question(consent: Consent, shown: str, isolation: Isolation) -> Question:
    where = "isolated: no network, on a copy" if isolation.kind == "bwrap" else "WITHOUT isolation"
    text = f"This repository asks Ralph to run `{shown}` in {consent.root} ({where}). Run it?"
    choices: tuple[tuple[str, Decision], ...] = (
        ("Run once", "once"),
        ("Always for this command", "always"),
        ("Never", "never"),
    )
    return Question("command", consent.digest, text, choices)
