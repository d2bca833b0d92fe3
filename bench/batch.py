"""What several answers to one prompt cost the embedded model: one after another, and as sequences of one batch.

    python bench/batch.py [SEQUENCES ...]       default: 1 2 4 6

For each choice of the weights' form (as they are in the file, or repacked for this processor) one server is started as the
product starts it, but for the number of sequences. Seconds are the server's processor time divided by its threads: what the
clock shows where nothing else runs. The prompt is read once and shared by all answers. The last columns say how long it
takes until the first of six answers of 100 tokens is right, where each is right with the given chance: a batch ends with its
last answer, and none follows a right one.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.measuring import ROOT, cpu_s, memory_mb

from ralphd.local_model.weights import installed, weights_path
from ralphd.state import Folders

CONTEXT, THREADS, TOKENS, ANSWERS = 8192, 2, 64, 6
CHANCES = (0.1, 0.3, 0.6)
SERVER = """
import os, sys, threading
import xllamacpp
from ralphd.local_model.shared_process import parameters
said = os.dup(1)
os.dup2(2, 1)
weights, context, threads, sequences, repacked = sys.argv[1], *map(int, sys.argv[2:])
params = parameters(weights, context, threads, "bench")
params.n_parallel, params.kv_unified, params.no_extra_bufts = sequences, True, not repacked
server = xllamacpp.Server(params)
os.write(said, server.listening_address.encode() + b"\\n")
threading.Event().wait()
"""
PROMPT = (
    "Here is a module.\n```python\n"
    + (ROOT / "server/ralphd/answers/fences.py").read_text(encoding="utf-8")[:2400]
    + "\n```\nWrite a Python function `roman(n)` that gives the Roman numeral of a number."
)


@dataclass(frozen=True)
class Speed:
    """Tokens a second: of reading the prompt, and of writing `sequences` answers side by side."""

    sequences: int
    reading: float
    writing: float
    memory_mb: float


def measured(weights: str, sequences: int, repacked: bool) -> Speed:
    argv = [sys.executable, "-c", SERVER, weights, *map(str, (CONTEXT, THREADS, sequences, int(repacked)))]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        try:
            assert server.stdout is not None
            url = server.stdout.readline().strip()
            started = cpu_s(server.pid)
            first = _asked(url, 1, 1)
            read = cpu_s(server.pid)
            answers = _asked(url, sequences, TOKENS)
            assert len(answers["choices"]) == sequences
            reading = first["usage"]["prompt_tokens"] * THREADS / (read - started)
            writing = sequences * TOKENS * THREADS / (cpu_s(server.pid) - read)
            return Speed(sequences, reading, writing, memory_mb(server.pid))
        finally:
            server.kill()


def _asked(url: str, answers: int, tokens: int) -> Any:
    """`answers` answers of exactly `tokens` tokens each to the prompt."""
    body = {
        "messages": [{"role": "user", "content": PROMPT}],
        "max_tokens": tokens,
        "temperature": 0.8,
        "n": answers,
        "ignore_eos": True,
    }
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{url}/bench/v1/chat/completions", json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=900) as reply:
        return json.load(reply)


def until_right(speed: Speed, chance: float, tokens: int = 100) -> float:
    """Expected seconds until one of at most ANSWERS answers is right, in batches of `sequences`."""
    seconds, missed, left = 0.0, 1.0, ANSWERS
    while left > 0:
        batch = min(speed.sequences, left)
        seconds += missed * batch * tokens / speed.writing
        missed *= (1 - chance) ** batch
        left -= batch
    return seconds


def main() -> int:
    cache = Folders.of(os.environ).cache
    if not installed(cache):
        print("The embedded model is not here: `ralphd fetch-model` brings it.", file=sys.stderr)
        return 1
    counts = [int(word) for word in sys.argv[1:]] or [1, 2, 4, 6]
    chances = " | ".join(f"right {chance:.0%}, s" for chance in CHANCES)
    print(f"| weights | sequences | reading, tokens/s | writing, tokens/s | memory, MB | {chances} |")
    print("|---|" + "---:|" * (4 + len(CHANCES)))
    for repacked in (False, True):
        for count in counts:
            speed = measured(str(weights_path(cache)), count, repacked)
            times = " | ".join(f"{until_right(speed, chance):.0f}" for chance in CHANCES)
            form = "repacked" if repacked else "as in the file"
            print(
                f"| {form} | {count} | {speed.reading:.0f} | {speed.writing:.1f} | {speed.memory_mb:.0f} | {times} |",
                flush=True,
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
