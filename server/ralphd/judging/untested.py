"""A workbench for what cannot be tested: an untitled buffer has no project around it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from ralphd.context.file_graph import FileGraph
from ralphd.context.tree import Tree
from ralphd.errors import SandboxError
from ralphd.judging.only_in_copy import Apart
from ralphd.judging.verdict import TestRun
from ralphd.judging.workbench import EVERYTHING, Asked, Bounds, Plant


class UntestedBench:
    def __init__(self, root: str, tree: Tree) -> None:
        self.root, self.tree = root, tree
        self.argv: tuple[str, ...] = ()

    async def load(self, candidate: Mapping[str, str | None]) -> None:
        return None

    async def run(self, asked: Asked = EVERYTHING) -> TestRun:
        raise SandboxError("There is no test command here.")

    async def run_planted(self, plants: Sequence[Plant], bounds: Bounds) -> Sequence[TestRun | None]:
        raise SandboxError("There is no test command here.")

    async def run_file(self, path: str, text: str, args: Sequence[str] = (), timeout_s: float = 60) -> TestRun:
        raise SandboxError("There is no test command here.")

    async def only_in_copy(self, run: TestRun, target: str) -> Sequence[Apart]:
        return ()

    async def file_graph(self) -> FileGraph:
        return FileGraph(self.tree)

    async def hashes(self, paths: Collection[str]) -> Mapping[str, str]:
        return {}

    async def changed_since(self) -> set[str]:
        return set()
