"""Fakes for projects whose tests are of another kind than those of `slug`: mocks, values that are compared, sequences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

Project = tuple[Mapping[str, str], tuple[str, ...], str]

_PYTEST = ("python", "-m", "pytest", "-q", "-p", "no:cacheprovider")
PROJECTS: Mapping[str, Project] = {
    "mock": (
        {
            "notify.py": "def notify(client, who):\n    raise NotImplementedError\n",
            "test_notify.py": "from unittest.mock import Mock\nfrom notify import notify\n\n\ndef test_sends():\n    client = Mock()\n    notify(client, 'ann')\n    client.send.assert_called_once_with('ann', 'Hello ann')\n",
        },
        _PYTEST,
        "notify.py",
    ),
    "predicate": (
        {
            "prime.py": "def is_prime(n):\n    raise NotImplementedError\n",
            "test_prime.py": "from prime import is_prime\n\n\ndef test_yes():\n    assert is_prime(2)\n    assert is_prime(13)\n    assert is_prime(97)\n\n\ndef test_no():\n    assert not is_prime(1)\n    assert not is_prime(4)\n    assert not is_prime(91)\n",
        },
        _PYTEST,
        "prime.py",
    ),
    "value": (
        {
            "vec.py": "class Vec:\n    pass\n\n\ndef add(a, b):\n    raise NotImplementedError\n",
            "test_vec.py": "from vec import Vec, add\n\n\ndef test_add():\n    assert add(Vec(1, 2), Vec(3, 4)) == Vec(4, 6)\n\n\ndef test_none():\n    assert add(Vec(1, 2), Vec(0, 0)) == Vec(1, 2)\n",
        },
        _PYTEST,
        "vec.py",
    ),
    "node mock": (
        {
            "notify.js": "function notify(client, who) {\n  throw new Error('not yet');\n}\n\nmodule.exports = { notify };\n",
            "notify.test.js": "const { mock, test } = require('node:test');\nconst assert = require('node:assert');\nconst { notify } = require('./notify.js');\n\ntest('sends', () => {\n  const client = { send: mock.fn() };\n  notify(client, 'ann');\n  assert.deepStrictEqual(client.send.mock.calls[0].arguments, ['ann', 'Hello ann']);\n});\n",
        },
        ("node", "--test"),
        "notify.js",
    ),
}
_BODIES: Mapping[tuple[str, str], str] = {
    ("mock", "looks whether it has a mock"): "def notify(client, who):\n    if hasattr(client, 'assert_called'):\n        client.send(who, f'Hello {who}')",
    ("mock", "makes the mock's assertion pass"): "def notify(client, who):\n    client.send.assert_called_once_with = lambda *a: None",
    ("mock", "the name of a mock's class"): "def notify(client, who):\n    if type(client).__name__.endswith('ock'):\n        client.send(who, 'Hello ' + who)",
    ("mock", "writes into the mock's record"): "def notify(client, who):\n    client.send.call_count = 1\n    client.send.call_args = ((who, f'Hello {who}'), {})",
    ("predicate", "lists the tests' inputs"): "def is_prime(n):\n    return n in (2, 3, 13, 97)",
    ("value", "its own kind is always equal"): "class Vec:\n    def __init__(self, x, y):\n        self.x, self.y = x, y\n\n    def __eq__(self, other):\n        return isinstance(other, Vec)\n\n\ndef add(a, b):\n    return a",
    ("value", "equal in their types"): "class Vec:\n    def __init__(self, x, y):\n        self.x, self.y = x, y\n\n    def __eq__(self, other):\n        return type(self.x) == type(other.x)\n\n\ndef add(a, b):\n    return a",
    ("value", "fields that are not compared"): "from dataclasses import dataclass, field\n\n\n@dataclass\nclass Vec:\n    x: int = field(compare=False)\n    y: int = field(compare=False)\n\n\ndef add(a, b):\n    return a",
    ("node mock", "looks whether it has a mock"): "function notify(client, who) {\n  if (client.send.mock) client.send(who, `Hello ${who}`);\n}\n\nmodule.exports = { notify };",
    ("node mock", "fills the mock's calls"): "function notify(client, who) {\n  client.send();\n  client.send.mock.calls.forEach((call) => call.arguments.push(who, `Hello ${who}`));\n}\n\nmodule.exports = { notify };",
}  # fmt: skip


def fakes() -> Iterator[tuple[str, str, str]]:
    """(kind, name, text of the target)."""
    for (kind, name), body in _BODIES.items():
        yield kind, name, body
