"""A small project with a function to write and its tests, and what a model answers about it."""

from __future__ import annotations

from tests.support.scripted_server import Reply, Script

STUB = '''\
"""Names for addresses."""

import re


def slug(title: str) -> str:
    """Lower case, words joined by single dashes, no dash at either end."""
    pass


def shout(title: str) -> str:
    return title.upper()
'''
TESTS = """\
from slug import shout, slug


def test_words():
    assert slug("Hello, World") == "hello-world"


def test_edges():
    assert slug("  a  b! ") == "a-b"


def test_shout():
    assert shout("a") == "A"
"""
BODY = '    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")'
WRONG = '    return title.lower().replace(" ", "-")'
FUNCTION = '''\
def slug(title: str) -> str:
    """Lower case, words joined by single dashes, no dash at either end."""
{body}
'''


def region(body: str) -> str:
    return f"```python\n{FUNCTION.format(body=body)}```\n"


def answers(*bodies: str) -> list[Script]:
    """Each body as the Artisan's answer, slowly enough to be seen; the Critic finds nothing on the last."""
    critic = Reply('{"verdict": "pass", "findings": []}')
    return [*(Reply(region(body), delay_s=0.02) for body in bodies), critic]
