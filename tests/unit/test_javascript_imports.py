"""Imports of JavaScript and TypeScript, as far as they can be seen in the text."""

from __future__ import annotations

from ralphd.context.file_graph import FileGraph
from ralphd.context.tree import MemoryTree

FILES = {
    "src/slug.ts": "export const slug = 1;\n",
    "src/index.ts": "export * from './slug';\n",
    "src/other.ts": "export const other = 1;\n",
    "packages/a/package.json": '{"name": "@own/a"}',
    "packages/a/main.js": "module.exports = require('../../src/slug.ts');\n",
    "test/by-extension.test.ts": "import { slug } from '../src/slug.js';\n",
    "test/by-folder.test.ts": 'import {\n  slug,\n} from "../src";\n',
    "test/by-alias.test.ts": "const m = await import('@/slug');\n",
    "test/by-package.test.js": "const a = require('@own/a');\n",
    "test/by-mock.test.ts": "vi.mock('../src/slug');\n",
    "test/far.test.ts": "import { other } from '../src/other';\nimport fs from 'node:fs';\n",
}


def test_which_tests_reach_the_target() -> None:
    near = FileGraph(MemoryTree(FILES)).reaches("src/slug.ts")
    tests = {path for path in FILES if path.startswith("test/")}
    assert near & tests == tests - {"test/far.test.ts"}
