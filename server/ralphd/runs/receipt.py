"""What a recorded run proved, as an in-toto Statement v1: its subjects are the files that the verdict holds for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ralphd import __version__
from ralphd.core.digests import PREFIX
from ralphd.errors import UsageError
from ralphd.loop.journal import Recording

STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "urn:ralphd:test-verdict:v1"


def statement(journal: Path) -> dict[str, Any]:
    """The receipt of a recorded run. `UsageError` where it judged nothing."""
    recording = Recording(journal.read_text(encoding="utf-8").splitlines())
    result = recording.end
    tests = result["tests"] if result else None
    if result is None or tests is None or not tests["hashes"]:
        raise UsageError("This run has no test verdict that a receipt could show.", "`ralphd runs` lists outcomes.")
    runs = [entry["run"] for entry in recording.of("tests", what="run")]
    reported = [run["report"] for run in runs if run.get("report")]
    return {
        "_type": STATEMENT,
        "subject": [
            {"name": path, "digest": {"sha256": value.removeprefix(PREFIX)}}
            for path, value in sorted(tests["hashes"].items())
        ],
        "predicateType": PREDICATE,
        "predicate": {
            "tool": f"ralphd {__version__}",
            "run": result["run_id"],
            "outcome": result["outcome"],
            "reason": result["reason"],
            "command": list(tests["command"]),
            "exitCode": tests["exit_code"],
            "counts": {key: tests[key] for key in ("passed", "failed", "errors", "skipped", "baseline_passed")},
            "alreadyFailing": list(tests["already_failing"]),
            "control": tests.get("control"),
            "canaries": reported[-1].get("canaries") if reported else None,
            "sandbox": tests["sandbox"],
            "models": result["models"],
        },
    }
