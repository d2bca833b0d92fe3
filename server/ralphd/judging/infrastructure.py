"""What stood in the way of the tests and is nobody's code: no network, a full disk, no memory left, a kill. Pure.

Such a run says nothing about a candidate: it is named as what it is, and no model is asked to mend it.
"""

from __future__ import annotations

import re

from ralphd.judging.verdict import TestRun, cut_short

_LOOKED_AT = 20_000
"""Characters from the end of the output."""
_NETWORK = re.compile(
    r"Temporary failure in name resolution|Name or service not known|Could(?:n't| not) resolve host|Network is unreachable"
    r"|getaddrinfo (?:EAI_AGAIN|ENOTFOUND)|\bENETUNREACH\b|nodename nor servname provided|dial tcp: lookup |\bgaierror\b"
    r"|\bquery\w{0,10} (?:ECONNREFUSED|ENOTFOUND|ETIMEOUT|ESERVFAIL)\b|No address associated with hostname|UnknownHostException"
    r"|Domain name not found|Could not contact DNS servers|failed to lookup address information",
    re.IGNORECASE,
)
_DISK = re.compile(r"No space left on device|\bENOSPC\b|Disk quota exceeded|\bEDQUOT\b")
_MEMORY = re.compile(r"Cannot allocate memory|\bENOMEM\b|Resource temporarily unavailable.{0,40}fork")


def wants_network(text: str) -> bool:
    """Whether a failure says that a name could not be looked up, or a host not be reached."""
    return bool(_NETWORK.search(text))


def obstacle(run: TestRun) -> str:
    """A sentence without its full stop; "" where the run failed, or passed, by itself.

    It is told of a run that was cut short; of another only where no test passed and, with reports, each failure says so.
    """
    if why := cut_short(run):
        return why
    if run.exit_code == 0 or run.timed_out or run.count("passed"):
        return ""
    texts = [case.detail for case in run.bad] or [run.output[-_LOOKED_AT:]]
    if all(_NETWORK.search(text) for text in texts):
        return "the test command wants the network, which test runs do not have (sandbox.network)"
    return machine(run, texts)


def machine(run: TestRun, texts: list[str] | None = None) -> str:
    """As `obstacle`, of what may come at any moment: the disk or the memory of this machine is used up."""
    if run.exit_code == 0 or run.count("passed"):
        return ""
    texts = texts or [case.detail for case in run.bad] or [run.output[-_LOOKED_AT:]]
    if all(_DISK.search(text) for text in texts):
        return "the disk is full, or the place that a test run has for its files (sandbox.memory_mb)"
    if all(_MEMORY.search(text) for text in texts):
        return "this machine has no memory left for the tests"
    return ""
