"""A big project: what its index costs from nothing, at a start and after one edit, what a target's context costs,
and how long the editor waits for code actions while the index is being built. Times are processor time.

The project is of the shape of a monorepo: 7 of 10 files Python, the others TypeScript, each with an import of another one;
most have a dozen lines and one in 500 has 3,000; beside them lie 30 % as many ignored files.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from bench.editor import session
from bench.latency import Asked, asker, compare
from bench.measuring import BARE, ROOT, Json, Row, memory_mb, scratch, user_settings
from tests.support.raw_rpc import RawClient, load_capabilities

from ralphd.context.project_index import FILE, ProjectIndex
from ralphd.context.target import find_target
from ralphd.judging.workbench import SnapshotTree
from ralphd.retrieval.pack import gather
from ralphd.sandbox.selection import Selection

FEW, MANY = 20_000, 100_000
IN_FOLDER = 50
QUIET_SAMPLES, MOST_SAMPLES = 300, 3000


def write_monorepo(root: Path, files: int) -> None:
    """`files` files, and 30 % as many that are ignored."""
    root.mkdir(parents=True)
    (root / ".gitignore").write_text("out/\n")
    chance = random.Random(1)
    for start in range(0, files, IN_FOLDER):
        for base in (root / _folder(start), root / "out" / _folder(start)):
            base.mkdir(parents=True)
        for n in range(start, min(start + IN_FOLDER, files)):
            other = chance.randrange(files)
            if n % 10 < 7:
                rows = 1500 if n % 500 == 0 else 6
                body = "".join(f"def f{n}_{k}(x):\n    return x + {k}\n" for k in range(rows))
                module = _folder(other).replace("/", ".")
                (root / _folder(n) / f"m{n}.py").write_text(f"from {module} import m{other}\n{body}")
            else:
                (root / _folder(n) / f"s{n}.ts").write_text(f"import {{x}} from './s{n - 1}'\nexport const y{n} = 1\n")
            if n % 10 < 3:
                (root / "out" / _folder(n) / f"o{n}.js").write_text("built()\n")


def _folder(n: int) -> str:
    return f"pkg{n // 1000}/sub{n // IN_FOLDER}"


def _spent(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def one_size(root: Path, database: Path) -> Json:
    """In a process of its own: what a first, a next and an edited start cost, in seconds, and megabytes above an empty one."""
    empty = memory_mb(os.getpid())
    found = Selection(str(root), home=str(root.parent), max_files=200_000, max_bytes=4 << 30).scan(lambda: False)
    signatures = {p: s for p, s in found.files.items() if stat.S_ISREG(s[0])}
    tree = SnapshotTree(str(root), sorted(signatures), {})
    paths = [p for p in tree.paths() if p.endswith(".py")]
    starts: list[float] = []
    size = sum(signature[1] for signature in signatures.values())
    read = _spent(lambda: [compile(tree.scan(p) or "", p, "exec", 0x400) for p in paths])  # 0x400: to a tree
    for index in (
        ProjectIndex(database),
        ProjectIndex(database),
    ):  # the second as a server that is started again has it
        starts.append(_spent(partial(index.graph, str(root), tree, signatures)))
    edited = paths[1]
    (root / edited).write_text("import os\n")
    s = os.lstat(root / edited)
    signatures[edited] = (s.st_mode, s.st_size, s.st_mtime_ns, s.st_ctime_ns, s.st_ino)
    edit = _spent(lambda: index.graph(str(root), tree, signatures))
    graph = index.graph(str(root), tree, signatures)
    target = paths[len(paths) // 2]
    text = tree.scan(target) or ""
    at = text.index("return x")

    def context() -> None:
        where = find_target(target, text, (at, at))
        gather(tree, where, text, max_tokens=16_000, rules_files=("AGENTS.md",), exclude=(), local=False, graph=graph)

    walk = _spent(lambda: [os.lstat(f"{folder}/{name}") for folder, _, names in os.walk(root) for name in names])
    took = {
        "cold": starts[0],
        "warm": starts[1],
        "edit": edit,
        "gather": _spent(context),
        "walk": walk,
        "read": read,
        "bytes": size,
    }
    return took | {"memory": memory_mb(os.getpid()) - empty}


async def _while_it_is_built(root: Path, base: Path, env: dict[str, str]) -> list[Row]:
    """Code actions from the server's start to the end of the index, which a process of its own builds."""
    file = next(root.glob("pkg0/sub0/*1.py"))
    bare = await RawClient.spawn(BARE, env=env)
    await bare.initialize(load_capabilities("neovim-0.12"), str(base))
    item = {"uri": file.as_uri(), "languageId": "python", "version": 1, "text": file.read_text()}
    await bare.notify("textDocument/didOpen", {"textDocument": item})
    try:
        async with session(root, env, user_settings(None)) as editor:
            building, resting = Asked(), Asked()
            ask = asker(editor.rpc, bare, await editor.open(file))
            begun = False
            while len(building.ours) < MOST_SAMPLES and (_building() or not begun):
                begun = begun or _building()
                await ask(building)
            while _building():
                await asyncio.sleep(0.2)
            for _ in range(QUIET_SAMPLES):
                await ask(resting)
    finally:
        await bare.kill()
    return compare(f"index of {FEW:,} files being built, {len(building.ours)} asked", building, resting)


def _building() -> bool:
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                if b"ralphd.judging.index_builder" in Path(f"/proc/{entry}/cmdline").read_bytes():
                    return True
            except OSError:
                continue
    return False


def measure() -> list[Row]:
    took: dict[int, Json] = {}
    with scratch() as (base, env):
        for files in (FEW, MANY):
            write_monorepo(base / str(files) / "w", files)
            command = [sys.executable, "-m", "bench.scale", str(base / str(files) / "w"), str(base / str(files) / FILE)]
            done = subprocess.run(command, cwd=ROOT, env=env, check=True, capture_output=True, text=True)
            took[files] = json.loads(done.stdout)
        rows = asyncio.run(_while_it_is_built(base / str(FEW) / "w", base, env))
    few, many = took[FEW], took[MANY]
    parse, walk = "parsing its Python", "os.walk + lstat of it"
    for files, one in took.items():
        what = f"{files:,} files"
        rows += [
            Row(f"index from nothing, {what}, CPU", one["cold"], one["read"], "s", parse),
            Row(f"index at a start, {what}, CPU", one["warm"], one["walk"], "s", walk, ceiling=0.3),
            Row(f"index after one edit, {what}, CPU", one["edit"], one["walk"], "s", walk, ceiling=0.1),
            Row(f"context of a target, {what}, CPU", one["gather"], one["walk"], "s", walk, ceiling=0.3),
        ]
    each = 1e6 * many["cold"] / many["bytes"], 1e6 * few["cold"] / few["bytes"]
    rows.append(Row(f"index from nothing, a MB of {MANY:,} files, CPU", *each, "s", f"a MB of {FEW:,} files", aim=1.3))
    rows.append(Row(f"memory, {MANY:,} files", many["memory"], few["memory"], "MB", f"{FEW:,} files", ceiling=150))
    return rows


if __name__ == "__main__":
    print(json.dumps(one_size(Path(sys.argv[1]), Path(sys.argv[2]))))
