"""Record `ralphd demo`, for `ralphd demo --replay`: python bench/record_demo.py MACHINE

Runs the demo with the models that are configured, and writes what it showed, with its times, to the file that the program
ships. MACHINE says in a few words what it ran on, for instance "two cores".
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import sys
from pathlib import Path

from ralphd.shell import demo_replay
from ralphd.shell.demo import demo


def main(machine: str) -> int:
    screen = demo_replay.RecordingScreen(rich=False)
    options = argparse.Namespace(yes=True, plain=True, replay=False)
    if (code := demo(options, dict(os.environ), screen)) != 0:
        return code
    made = {
        "date": f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d}",
        "model": "the embedded Qwen2.5-Coder 1.5B",
        "machine": machine,
    }
    lines = [made, *screen.shown]
    path = Path(demo_replay.__file__).with_name(demo_replay.RECORDING)
    path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
