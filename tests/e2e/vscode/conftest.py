"""Keeps pytest out of the scenario: its failing tests are what the run in the editor has to mend."""

from __future__ import annotations

collect_ignore = ["scenario"]
