"""How money, tokens and ralphd's own failures are worded, in the editor and in the shell alike."""

from __future__ import annotations

from collections.abc import Mapping

from ralphd.core.run import ChaosReport, Cost, TestReport

OWN_DEFECT = "ralphd met a problem of its own; its log has the details"
"""What a person is told about a defect of ralphd itself, without the full stop: some places go on with the log's path."""

HOST_STARTING = "The process that talks to models is still starting; the call waits for it."
MODEL_BUSY = "The embedded model is answering another request; this one waits its turn."


def dollars(usd: float) -> str:
    """`$0.013`, `$0.00042`; an amount above zero never reads as zero."""
    return f"${usd:.3f}" if usd >= 0.001 or usd == 0 else f"${usd:.5f}" if usd >= 0.00001 else "<$0.00001"


def money(cost: Cost) -> str:
    """`$0.013`, or what is known of it: an unknown price is never shown as zero."""
    if cost.usd is not None:
        return dollars(cost.usd)
    known = sum(cost.by_role.values())
    rest = f", the rest {dollars(known)}" if known else ""
    return f"cost unknown ({', '.join(sorted(cost.unpriced))} has no known price{rest})"


def tokens(count: int) -> str:
    """`950 tok`, `1.2k tok`."""
    return f"{count / 1000:.1f}k tok" if count >= 1000 else f"{count} tok"


def by_role(cost: Cost, used: Mapping[str, int]) -> str:
    """`artisan 1.2k tok $0.010, critic 0.9k tok $0.004`: the roles that were asked, with `used` tokens by role.

    A role whose price is unknown stands there without one.
    """
    parts = []
    for role, count in used.items():
        if count:
            usd = cost.by_role.get(role)
            priced = "" if usd is None or cost.unpriced else f" {money(Cost({role: usd}))}"
            parts.append(f"{role} {tokens(count)}{priced}")
    return ", ".join(parts)


def evidence(tests: TestReport) -> str:
    """`4 tests passed, 7 of 8 planted faults noticed`: what the last run of the tests showed, for a label."""
    passed = f"{tests.passed} test{'s' if tests.passed != 1 else ''} passed"
    control = tests.control
    if control is None:
        return passed
    if control.planted:
        return f"{passed}, {control.noticed} of {control.planted} planted faults noticed"
    return f"{passed}, {'a broken body was noticed' if control.first else 'none noticed a broken body'}"


def hostile_evidence(chaos: ChaosReport) -> str:
    """`3 new tests passed, 5 of 6 planted faults noticed`: what is known of hostile tests that are proposed, for a label."""
    passed = f"{chaos.admitted} new test{'s' if chaos.admitted != 1 else ''} passed"
    return f"{passed}, {chaos.killed} of {chaos.mutants} planted faults noticed" if chaos.mutants else passed
