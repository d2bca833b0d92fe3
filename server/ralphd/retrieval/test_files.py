"""Which files hold tests, by their paths."""

from __future__ import annotations

import re

_TEST_FILE = re.compile(
    r"(?:^|/)(?:tests?|__tests__|spec|(?:[\w.]+\.)?Tests?)/|(?:^|/)test_[^/]*$"
    r"|(?:^|/)tests\.py$|^test\.(?:py|[cm]?[jt]sx?)$|(?:_test|\.test|\.spec|\.cy|_spec|Tests?(?=\.(?:java|cs|php)$))\.[^/]+$"
)


def is_test_file(path: str) -> bool:
    return bool(_TEST_FILE.search(path))
