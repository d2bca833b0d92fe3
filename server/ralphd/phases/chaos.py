"""The Chaos agent: hostile tests that prove that they catch something, or show a counterexample."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ralphd.core.findings import Finding
from ralphd.core.run import ChaosReport


@dataclass(frozen=True)
class Attacked:
    """What an attack brought: counterexamples as findings, admitted tests as new files."""

    report: ChaosReport
    findings: tuple[Finding, ...] = ()
    tests: Mapping[str, str] = field(default_factory=dict)
    summary: str = ""
    problem: str = ""
