"""`ralphd doctor`: what is configured, found, missing, reachable (`runs/checkup.py` looks). Makes no paid call."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ralphd.app import build_service
from ralphd.runs import checkup
from ralphd.shell.headless import project_of
from ralphd.shell.terminal import say, say_json


def doctor(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    report = asyncio.run(_look(environ))
    if options.json:
        say_json(report, indent=1)
    else:
        say("\n".join(checkup.lines(report)))
    return 0 if report["ready"] else 1


async def _look(environ: Mapping[str, str]) -> dict[str, Any]:
    service = build_service(environ)
    try:
        return await service.checkup(str(project_of(Path.cwd() / "_")))
    finally:
        await service.close()
