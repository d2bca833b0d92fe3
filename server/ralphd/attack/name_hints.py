"""What the names of functions and arguments say of their behaviour: the words that properties are guessed from."""

from __future__ import annotations

INVERSES = (
    ("encode", "decode"), ("encrypt", "decrypt"), ("compress", "decompress"), ("serialize", "deserialize"), ("serialise", "deserialise"),
    ("pack", "unpack"), ("escape", "unescape"), ("quote", "unquote"), ("dumps", "loads"), ("dump", "load"), ("dump", "parse"),
    ("format", "parse"), ("render", "parse"), ("stringify", "parse"), ("marshal", "unmarshal"), ("flatten", "unflatten"),
    ("to", "from"), ("wrap", "unwrap"), ("zip", "unzip"), ("split", "join"),
)  # fmt: skip
"""Pairs of words: what the first does, the second undoes."""
IDEMPOTENT = frozenset([
    "normalize", "normalise", "normalized", "clean", "cleaned", "strip", "stripped", "trim", "trimmed", "sort",
    "sorted", "dedupe", "dedup", "deduplicate", "unique", "uniq", "slugify", "slug", "canonical", "canonicalize",
    "canonicalise", "sanitize", "sanitise", "simplify", "collapse", "squeeze", "clamp", "clip", "abs", "absolute",
    "lower", "upper", "casefold", "dedent", "flatten", "truncate", "coalesce", "tidy", "snake", "kebab", "merge",
    "compact",
])  # fmt: skip
"""A function of this name, applied twice, gives what it gave the first time."""
REFERENCES = (
    "reference", "ref", "slow", "naive", "simple", "brute", "bruteforce", "brute_force", "old", "orig", "original",
    "spec",
)  # fmt: skip
"""Words for a slower or older version that must agree with the function beside it."""
ORDERED = (
    ("lo", "hi"), ("low", "high"), ("lower", "upper"), ("minimum", "maximum"), ("min_value", "max_value"), ("start", "stop"),
    ("start", "end"), ("begin", "end"), ("first", "last"),
)  # fmt: skip
"""Arguments that are a range by their names: the first is not above the second."""
