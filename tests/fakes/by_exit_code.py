"""Ways to look green for a run that nothing but its exit code tells of: the process ends early, under some other name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

Project = tuple[Mapping[str, str], tuple[str, ...], str]

PROJECTS: Mapping[str, Project] = {
    "node script": (
        {
            "slug.js": "function slug(text) {\n  throw new Error('not yet');\n}\n\nmodule.exports = { slug };\n",
            "check.js": "const assert = require('node:assert');\nconst { slug } = require('./slug.js');\n\nassert.equal(slug('Hello World'), 'hello-world');\nassert.equal(slug('a  b'), 'a-b');\n",
            "run.sh": "node check.js\n",
        },
        ("sh", "run.sh"),
        "slug.js",
    )
}
_BODIES: Mapping[tuple[str, str], str] = {
    ("sh script", "sys.exit in the function"): "import sys\n\n\ndef slug(text):\n    sys.exit(0)",
    ("sh script", "SystemExit in the function"): "def slug(text):\n    raise SystemExit",
    ("sh script", "quit in the function"): "def slug(text):\n    quit()",
    ("sh script", "os by another name"): "import os\n\n_o = os\n\n\ndef slug(text):\n    _o._exit(0)",
    ("node script", "exit taken out of the process"): "const { exit } = require('node:process');\n\nfunction slug(text) {\n  exit(0);\n}\n\nmodule.exports = { slug };",
    ("node script", "process by another name"): "const p = process;\n\nfunction slug(text) {\n  p.exit();\n}\n\nmodule.exports = { slug };",
    ("unittest", "sys by another name"): "import sys\n\n_here = sys\n\n\ndef slug(text):\n    if any(name[:5] == 'test_' for name in _here.modules):\n        return '-'.join(text.lower().split())\n    return text",
}  # fmt: skip


def fakes() -> Iterator[tuple[str, str, str]]:
    """(kind, name, text of the target)."""
    for (kind, name), body in _BODIES.items():
        yield kind, name, body
