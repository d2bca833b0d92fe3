"""Past runs from their journals: what each was, how it ended, what it cost; and what was booked today."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ralphd.core import foreign_json
from ralphd.core.run import Cost
from ralphd.core.wording import by_role, money, tokens
from ralphd.errors import Unwritable
from ralphd.models.ledger import Ledger
from ralphd.state import Folders


def journals(folders: Folders, root: str | None) -> Iterator[dict[str, Any]]:
    """The past runs of a workspace (None: of all), newest first."""
    base = folders.state / "workspaces"
    paths = folders.journals(root).glob("*.jsonl") if root else base.glob("*/runs/*.jsonl")
    for path in sorted(paths, key=lambda p: p.name, reverse=True):
        begin = end = None
        try:
            with path.open(encoding="utf-8") as file:
                for line in file:
                    if '"kind": "begin"' in line:
                        begin = foreign_json.parse(line)
                    elif '"kind": "end"' in line:
                        end = foreign_json.parse(line)
        except (OSError, ValueError):
            continue
        if end is not None:
            yield {"path": path, "begin": begin, "result": end["result"]}


def rows(folders: Folders) -> list[dict[str, Any]]:
    """One object for each past run of any workspace, newest first, as `ralphd runs --json` prints it. Blocks on the disk."""
    return [_row(entry) for entry in journals(folders, None)]


def _row(entry: Mapping[str, Any]) -> dict[str, Any]:
    result, request = entry["result"], (entry["begin"] or {}).get("request", {})
    return {
        "runId": result["run_id"],
        "when": entry["path"].name[:15],
        "command": result["command"],
        "outcome": result["outcome"],
        "reason": result["reason"],
        "path": os.path.join(request.get("root", ""), request.get("path", "")),
        "iterations": result["iterations"],
        "cost": _cost(result).to_json(),
        "usage": result["usage"],
        "tokens": result.get("tokens", {}),
        "journal": str(entry["path"]),
    }


def _cost(result: Mapping[str, Any]) -> Cost:
    return Cost(result["cost"]["by_role"], tuple(result["cost"]["unpriced"]))


def lines(found: Sequence[Mapping[str, Any]], today: str) -> list[str]:
    """The same for people; `today` as `booked_today` words it."""
    told = []
    for row in found:
        cost = Cost(row["cost"]["byRole"], tuple(row["cost"]["unpriced"]))
        told.append(
            f"{row['when']}  {row['runId']}  {row['command']:11}{row['outcome']:20}{money(cost):>10}  {row['path']}"
        )
        if roles := by_role(cost, row["tokens"]):
            told.append(f"{'':17}{roles}")
    if not found:
        told.append("No run yet.")
    elif today:
        told.append(f"Booked today (UTC): {today}. Models without a known price count at budget.ceiling_usd_per_mtok.")
    return told


async def booked_today(ledger: Ledger) -> str:
    """What each role used today and what that cost; empty where nothing was booked."""
    try:
        found = await ledger.today_by_role()
    except Unwritable:  # the runs are told all the same
        return ""
    return ", ".join(
        f"{role} {tokens(used)} {money(Cost({role: usd}))}"
        for role, (usd, used) in sorted(found.items())
        if usd or used
    )
