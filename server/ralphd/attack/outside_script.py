"""The same as `outside.py` for JavaScript: `plain_process/outside.cjs` is what the test starts. Pure.

TypeScript is left out: a Node that no runner started does not read it everywhere.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Collection, Iterator
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from ralphd.context.languages import language_of, parse
from ralphd.core.python_source import NOT_UNDERSTOOD
from ralphd.judging.literal_pairs import Pair
from ralphd.judging.literal_tables import expectations

if TYPE_CHECKING:
    from tree_sitter import Node

TITLE = "ralph outside"
_MOST_EXPECTED = 2000
SUFFIXES = (".js", ".cjs", ".mjs")
_TEST = """

{imported}
{test}("{title}", ({argument}) => {{
  const gone = /^(?:NODE_TEST|NODE_OPTIONS|NODE_CHANNEL|NODE_ENV$|JEST|VITE|MOCHA|AVA|RALPHD|TEST|npm_|(?:MODE|DEV|PROD|SSR|BASE_URL)$)/;
  const given = {{ file: {file}, ...JSON.parse({given}) }};
  const around = Object.fromEntries(Object.entries(process.env).filter(([name]) => !gone.test(name)));
  const asked = {{ cwd: process.cwd(), env: around, stdio: ["pipe", "ignore", "ignore", "pipe"], timeout: 20000 }};
  const input = `const GIVEN = ${{JSON.stringify(given)}};\\n${{{script}}}`;
  const {{ output }} = {spawn}.spawnSync(process.execPath, ["-"], {{ ...asked, input }});
  const said = String(output?.[3] ?? "");
  if (Object.values(JSON.parse(said || "{{}}")).some(Boolean)) throw new Error("ralph" + " saw " + said);
  {end}
}});
"""


def test_of(text: str, path: str, changed: Collection[str]) -> str:
    """What is put at the end of the test file; "" where its tests cannot be told."""
    source = text.encode("utf-8", "surrogatepass")
    tree = parse(language_of(path), source)
    called = re.search(r"^[ \t]*(test|it)(?:\.\w+)?\(", text, re.MULTILINE)
    if tree is None or called is None or re.search(r"""['"]tape['"]""", text):  # tape waits for the end of each test
        return ""
    modern = path.endswith(".mjs") or any(node.type == "import_statement" for node in tree.root_node.named_children)
    body = _body(tree.root_node, source)
    expected = [pair for pair in map(_as_json, expectations(path, text)) if all(pair)][:_MOST_EXPECTED]
    given = {"changed": sorted(changed), "expected": expected, "body": "{\n" + body + "\n}"}
    of_ava = bool(re.search(r"""from\s+['"]ava['"]""", text))
    return _TEST.format(
        imported='import * as ralphSpawns from "node:child_process";' if modern else "",
        test=called[1],
        title=TITLE,
        argument="t" if of_ava else "",
        file="decodeURIComponent(new URL(import.meta.url).pathname)" if modern else "__filename",
        given=json.dumps(json.dumps(given)),
        script=json.dumps(_script()),
        spawn="ralphSpawns" if modern else 'require("node:child_process")',
        end="t.pass();" if of_ava else "",
    )


def _as_json(pair: Pair) -> list[str]:
    """Both sides as `JSON.stringify` writes them; "" for a side that it does not."""
    found = []
    for side in pair:
        try:
            found.append(json.dumps(ast.literal_eval(side), ensure_ascii=False, separators=(",", ":")))
        except NOT_UNDERSTOOD + (TypeError,):
            found.append("")
    return found


@cache
def _script() -> str:
    return resources.files("ralphd.attack").joinpath("plain_process", "outside.cjs").read_text(encoding="utf-8")


def _body(root: Node, source: bytes) -> str:
    """The statements, in which each import is a call of `load`."""
    text = source
    for node in reversed(root.named_children):
        if node.type == "import_statement":
            new = "\n".join(_loads(node, source)).encode("utf-8", "surrogatepass")
            text = text[: node.start_byte] + new + text[node.end_byte :]
    return text.decode("utf-8", "surrogatepass")


def _loads(node: Node, source: bytes) -> Iterator[str]:
    name = node.child_by_field_name("source")
    clause = next((child for child in node.named_children if child.type == "import_clause"), None)
    loaded = f"await load({_text(name, source)})"
    parts = clause.named_children if clause is not None else []
    if not parts:
        yield f"{loaded};"
    for part in parts:
        if part.type == "identifier":
            yield f"const {{ default: {_text(part, source)} }} = {loaded};"
        elif part.type == "namespace_import":
            yield f"const {_text(part.named_children[0], source)} = {loaded};"
        else:
            yield f"const {_text(part, source).replace(' as ', ': ')} = {loaded};"


def _text(node: Node | None, source: bytes) -> str:
    return "" if node is None else source[node.start_byte : node.end_byte].decode("utf-8", "surrogatepass")
