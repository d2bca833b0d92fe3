"""Which lines differ between two texts, in time that grows with their length and never with its square.

Lines that are equal at both ends are set aside; lines that stand once on both sides are anchors (the idea of Bram Cohen's
patience diff); what lies between two anchors is compared line by line while a budget of comparisons lasts, and taken as
replaced as a whole after that. A result is always right; only how small it is depends on the budget.
"""

from __future__ import annotations

import itertools
from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence

Change = tuple[int, int, int, int]
"""Lines `a[i1:i2]` became `b[j1:j2]`: (i1, i2, j1, j2), end exclusive."""
Part = tuple[int, int, int, int]
CELLS = 1_000_000
"""Comparisons that one diff may spend between anchors, about 0.3 s of CPU."""
DEPTH = 12
"""How often a part between anchors is searched for further anchors."""


def changes(a: Sequence[str], b: Sequence[str]) -> list[Change]:
    """The parts that differ, in order, with equal lines between any two of them."""
    pairs = _matching(a, b)
    found: list[Change] = []
    i = j = 0
    for x, y in [*pairs, (len(a), len(b))]:
        if x > i or y > j:
            found.append((i, x, j, y))
        i, j = x + 1, y + 1
    return found


def _matching(a: Sequence[str], b: Sequence[str]) -> list[tuple[int, int]]:
    """Pairs of equal lines, rising in both."""
    pairs: list[tuple[int, int]] = []
    budget = CELLS
    work: list[tuple[Part, int]] = [((0, len(a), 0, len(b)), 0)]
    while work:
        (i1, i2, j1, j2), depth = work.pop()
        while i1 < i2 and j1 < j2 and a[i1] == b[j1]:
            pairs.append((i1, j1))
            i1, j1 = i1 + 1, j1 + 1
        while i1 < i2 and j1 < j2 and a[i2 - 1] == b[j2 - 1]:
            i2, j2 = i2 - 1, j2 - 1
            pairs.append((i2, j2))
        if i1 == i2 or j1 == j2:
            continue
        anchors = _anchors(a, b, (i1, i2, j1, j2)) if depth < DEPTH else []
        if anchors:
            pairs += anchors
            edges = [(i1 - 1, j1 - 1), *anchors, (i2, j2)]
            for (x, y), (u, v) in itertools.pairwise(edges):
                if u > x + 1 and v > y + 1:
                    work.append(((x + 1, u, y + 1, v), depth + 1))
        elif (cells := (i2 - i1) * (j2 - j1)) <= budget:
            budget -= cells
            pairs += _common(a, b, (i1, i2, j1, j2))
    return sorted(pairs)


def _anchors(a: Sequence[str], b: Sequence[str], part: Part) -> list[tuple[int, int]]:
    """Lines that stand once in each part, as the longest run that rises in both."""
    i1, i2, j1, j2 = part
    count_a, count_b = Counter(a[i1:i2]), Counter(b[j1:j2])
    place = {b[j]: j for j in range(j1, j2) if count_b[b[j]] == 1}
    rows = [(i, place[a[i]]) for i in range(i1, i2) if count_a[a[i]] == 1 and a[i] in place]
    tails: list[int] = []
    at: list[int] = []
    before: list[int] = []
    for number, (_, j) in enumerate(rows):
        length = bisect_left(tails, j)
        before.append(at[length - 1] if length else -1)
        if length == len(tails):
            tails.append(j)
            at.append(number)
        else:
            tails[length], at[length] = j, number
    chain = []
    number = at[-1] if at else -1
    while number >= 0:
        chain.append(rows[number])
        number = before[number]
    return chain[::-1]


def _common(a: Sequence[str], b: Sequence[str], part: Part) -> list[tuple[int, int]]:
    """The longest common subsequence of a small part, by the textbook table."""
    i1, i2, j1, j2 = part
    rows = [[0] * (j2 - j1 + 1)]
    for i in range(i2 - 1, i1 - 1, -1):
        below, row, line = rows[-1], [0] * (j2 - j1 + 1), a[i]
        for j in range(j2 - 1, j1 - 1, -1):
            at = j - j1
            row[at] = below[at + 1] + 1 if line == b[j] else max(below[at], row[at + 1])
        rows.append(row)
    rows.reverse()
    pairs = []
    i, j = i1, j1
    while i < i2 and j < j2:
        if a[i] == b[j]:
            pairs.append((i, j))
            i, j = i + 1, j + 1
        elif rows[i + 1 - i1][j - j1] > rows[i - i1][j + 1 - j1]:
            i += 1
        else:
            j += 1
    return pairs
