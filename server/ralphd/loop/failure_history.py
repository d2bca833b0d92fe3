"""What to do after a failed attempt: repair it, draw a fresh sample, or admit to be stuck. Pure.

Measured on a small model: feeding a failure back repairs 0 of 3, fresh samples solve 2 of 5. So a failure that does not
change is answered with a fresh sample at a higher temperature, and a small local model always gets fresh samples.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal

Step = Literal["repair", "resample", "stuck"]
RESAMPLE_TEMPERATURES = (0.7, 0.8, 0.9)


@dataclass
class FailureHistory:
    """Remembers normalised failures. `stuck_after` equal ones in a row end the run; not of a model whose every try is a
    fresh sample: it often makes the same mistake three times and not the fourth."""

    stuck_after: int
    always_resample: bool = False
    baseline: str = ""
    samples: int = 0
    _last: str = ""
    _equal: int = 0

    def failed(self, signature: str) -> Step:
        digest = hashlib.sha256(signature.encode("utf-8", "replace")).hexdigest()
        same = digest == self._last
        self._equal = self._equal + 1 if same else 1
        self._last = digest
        if self._equal >= self.stuck_after and not self.always_resample:
            return "stuck"
        unchanged = same or signature == self.baseline
        if self.always_resample or unchanged:
            self.samples += 1
            return "resample"
        return "repair"

    def unread(self) -> Step:
        """An answer of a model that always gets fresh samples could not be read."""
        self.samples += 1
        return "resample"

    def temperature(self, configured: float) -> float:
        """Of the next fresh sample: at least the configured one, rising."""
        return max(configured, RESAMPLE_TEMPERATURES[min(self.samples, len(RESAMPLE_TEMPERATURES)) - 1])
