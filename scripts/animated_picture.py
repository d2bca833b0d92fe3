# /// script
# requires-python = ">=3.11"
# dependencies = ["pillow==13.0.0"]
# ///
"""One run as a moving picture, from the screenshots that tests/e2e/test_vscode.py leaves.

`uv run scripts/animated_picture.py FOLDER docs/images/vscode-run.webp`; FOLDER holds 01-action.png, 02-consent.png, … of the
flow e2e.mjs. Each frame is held as long as it takes to read.
"""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image

FRAMES = {
    "action": 2.5,
    "consent": 3.0,
    "progress": 1.5,
    "stream": 2.5,
    "review": 5.0,
    "accepted": 3.5,
    "diff-of-all": 3.0,
    "side-bar": 3.0,
    "green": 4.0,
}
"""A screenshot's name without its number, and for how many seconds it is shown: a run from its start to tests that pass."""
WIDTH = 960


def picture(folder: Path, name: str) -> Image.Image:
    [file] = folder.glob(f"[0-9][0-9]-{name}.png")
    whole = Image.open(file).convert("RGB")
    return whole.resize((WIDTH, round(whole.height * WIDTH / whole.width)), Image.Resampling.LANCZOS)


def main(folder: Path, target: Path) -> None:
    first, *others = [picture(folder, name) for name in FRAMES]
    times = [round(seconds * 1000) for seconds in FRAMES.values()]
    # Without loss: few colours tint the dark greys, or lose the green of tests that pass.
    first.save(target, save_all=True, append_images=others, duration=times, loop=0, lossless=True, method=6)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
