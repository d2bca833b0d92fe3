"""The word "test" as code asks for it, and environment variables that no runner sets: for the suspicion rules. Pure."""

from __future__ import annotations

import re

TEST_WORD = (
    r"(?:(?<![A-Za-z])(?:[a-z]{0,2}[Pp]y|[Uu]nit|[Dd]oc|nose|[Vv]i|i)?[Tt]est(?:s|ing|ed|er|cases?|suites?|runner)?(?![a-z])"
    r"|(?<=[a-z])Test(?:s|ing|ed|er|Cases?|Suites?|Runner)?(?![a-z])"
    r"|(?<![A-Z])(?:PY|UNIT|VI)?TEST(?:S|ING)?(?![A-Z]))"
)
"""As a word, or as a part of a name in camel case: `latest`, `contest` and `fastest` are none."""
_RUNNERS = ("pytest", "unittest", "nosetests", "vitest", "doctest")
_LEAST = 4
"""Letters of a runner's name that tell it: `ytest` stands in nothing else."""
PROJECTS_VARIABLE = r"(?!(?:PY|NOSE|TOX|RALPHD_|DJANGO_|NODE_|BABEL_|JEST|VITE|TEST|UNITTEST|NPM_)|MODE\b|CI\b)[A-Z][A-Z0-9]{1,40}(?:_[A-Z0-9]{1,40}){0,8}\b"
"""A variable of the environment that means something to the project alone: `APP_MODE`, not `NODE_ENV`, which runners set."""
_WORD, _VARIABLE = re.compile(TEST_WORD), re.compile(PROJECTS_VARIABLE)


def tells(text: str) -> bool:
    """Whether who asks for this text asks for tests."""
    part = text.lower()
    return _WORD.search(text) is not None or (len(part) >= _LEAST and any(part in runner for runner in _RUNNERS))


def is_of_the_project(variable: str) -> bool:
    return _VARIABLE.fullmatch(variable) is not None and not tells(variable)
