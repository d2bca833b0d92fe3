"""The public sets that `public.py` runs on: where they are published, their tasks as small projects, and what judges these.

The project holds no data, only the checksum of each file; two tables can be compared where both were made from these files.
A task is a project with one file to work on and visible tests: the examples of its docstring. The hidden tests stand in no
project that a run sees.
"""

from __future__ import annotations

import contextlib
import doctest
import gzip
import hashlib
import io
import json
import re
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Row = Mapping[str, Any]
"""One line of a set."""
INPUTS = 4
"""Of the set, shown as examples where the docstring has none that can be run."""
PYTEST: tuple[str, ...] = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider")


@dataclass(frozen=True)
class Published:
    """A file of a set, as it was published."""

    file: str
    sha256: str
    where: str


PACK = "HumanEvalPack of OctoPack (MIT): the data set bigcode/humanevalpack on Hugging Face"
SETS = {
    "humaneval": Published(
        "humaneval-plus.jsonl.gz",
        "298f79977b2663b8b8ab6b5fa50b17d6f23a92603d24f39e26203fe58c37eeda",
        "HumanEval+ of EvalPlus, release of 2024-05 (Apache-2.0): evalplus/humanevalplus_release on GitHub",
    ),
    "python": Published(
        "humanevalpack-python.jsonl.gz", "960b7b3838c0fafe556efab54c90c7731c6c53610c7c407ddd512e1d40cad9fc", PACK
    ),
    "js": Published(
        "humanevalpack-js.jsonl.gz", "033d8c06a5b90bf4cfefad1025b38fd62d5fff2d9b7e90f39a9098e1b8696862", PACK
    ),
    "go": Published(
        "humanevalpack-go.jsonl.gz", "65285f7a5aecbed91f069ffc86bb36cbab3465623ac6cbbe99c54c1e9bd0a13b", PACK
    ),
    "rust": Published(
        "humanevalpack-rust.jsonl.gz", "f1d5489bfbf9b1e6ca189f399508e9b9073cd8de99c0226aadc534b33eaa0c09", PACK
    ),
}
TOOLCHAIN = {"js": "node", "go": "go", "rust": "cargo"}
"""The program without which a set cannot be run."""


@dataclass(frozen=True)
class Task:
    """`files`: what a run sees, the file at `path` with what is to be done, and the visible tests, which `argv` runs. `right`
    is what the set holds for right. `hidden` and `hidden_argv` judge what a run proposes."""

    name: str
    path: str
    at: str
    """The cursor stands at its first occurrence in the file."""
    files: Mapping[str, str]
    argv: tuple[str, ...]
    right: str
    hidden: Mapping[str, str] = field(repr=False)
    hidden_argv: tuple[str, ...]
    instruction: str = ""


def rows(folder: Path, name: str) -> list[Row]:
    """The lines of a set. Ends the program where the file is another one."""
    data = (folder / SETS[name].file).read_bytes()
    if hashlib.sha256(data).hexdigest() != SETS[name].sha256:
        raise SystemExit(
            f"{SETS[name].file} is not the file that the kept tables were made with. It is {SETS[name].where}."
        )
    return [json.loads(line) for line in gzip.decompress(data).decode().splitlines()]


def tasks(folder: Path, name: str, every: int = 1, first: int = 0) -> list[Task]:
    """Each `every`-th task of a set from number `first` on. Ends the program where the set's toolchain is not installed."""
    if shutil.which(TOOLCHAIN.get(name, sys.executable)) is None:
        raise SystemExit(f"The set `{name}` needs {TOOLCHAIN[name]}, which is not installed.")
    if name == "humaneval":
        pairs = list(zip(rows(folder, name), rows(folder, "python"), strict=True))
        return [_written(task, twin) for task, twin in pairs[first::every]]
    return [_REPAIRS[name](row) for row in rows(folder, name)[first::every] if _can_be_run(name, row)]


def _can_be_run(name: str, row: Row) -> bool:
    """Left out are tasks without an example, and Rust tasks that need packages of others: a test run has no network."""
    if name == "rust":
        return not re.search(r"\b(?:Regex|Rng|md5|rand)\b", row["canonical_solution"])
    return "assert" in row["example_test"]


# ---- HumanEval: write the function ------------------------------------------------------------------------------


def _written(task: Row, twin: Row) -> Task:
    entry, right = task["entry_point"], task["prompt"] + task["canonical_solution"]
    space: dict[str, Any] = {"__name__": "solution"}
    exec(right, space)
    files, argv = {"solution.py": stub(task)}, [*PYTEST]
    if examples_hold(space[entry], entry, space):
        argv.append("--doctest-modules")
    else:
        files["test_solution.py"] = example_module(task, twin, space)
    hidden = {
        "right_solution.py": right,
        "inputs.json": json.dumps([*task["base_input"], *task["plus_input"]]),
        "test_hidden.py": _HIDDEN.replace("ENTRY", repr(entry)).replace("ATOL", repr(task["atol"])),
    }
    hidden_argv = (*PYTEST, "test_hidden.py")
    return Task(task["task_id"], "solution.py", f"def {entry}(", files, tuple(argv), right, hidden, hidden_argv)


def stub(task: Row) -> str:
    return f"{task['prompt'].rstrip()}\n    raise NotImplementedError\n"


def example_module(task: Row, twin: Row, space: Mapping[str, Any]) -> str:
    """A test module of the docstring's examples as the pack has them; of the set's first inputs where it has none."""
    entry, shown = task["entry_point"], twin["example_test"]
    if "assert" not in shown or not _compiles(shown):
        cases = [(given, space[entry](*json.loads(json.dumps(given)))) for given in task["base_input"][:INPUTS]]
        lines = [f"    assert candidate(*{given!r}) == {right!r}" for given, right in cases]
        shown = "def check(candidate):\n" + "\n".join(lines) + f"\ncheck({entry})\n"
    body, _, _ = shown.rpartition(f"check({entry})")
    solution = "\n" + task["prompt"] + task["canonical_solution"]
    names = ", ".join(name for name, value in space.items() if callable(value) and f"\ndef {name}(" in solution)
    return f"from solution import {names}\n\n\n{body}\n\ndef test_examples():\n    check({entry})\n"


def _compiles(text: str) -> bool:
    try:
        return bool(compile(text, "example_test", "exec"))
    except SyntaxError:
        return False


def examples_hold(function: Any, name: str, space: dict[str, Any]) -> bool:
    """Whether the docstring has examples that doctest can run, and that hold for the set's own solution."""
    try:
        tests = [t for t in doctest.DocTestFinder(recurse=False).find(function, name, globs=space) if t.examples]
    except ValueError:  # a docstring that doctest cannot read
        return False
    with contextlib.redirect_stdout(io.StringIO()):
        runner = doctest.DocTestRunner(verbose=False)
        return bool(tests) and all(runner.run(test).failed == 0 for test in tests)


_HIDDEN = '''"""Each input of the set, beside what the set's own solution gives; compared as EvalPlus does."""

import copy
import json
import pathlib
import signal
import time

import right_solution
import solution

LEAST_S, TIMES_AS_LONG = 2.0, 4.0


def stop(number, frame):
    raise TimeoutError("too slow")


def close(given, right, atol):
    if isinstance(right, (list, tuple)):
        return len(given) == len(right) and all(close(a, b, atol) for a, b in zip(given, right))
    return abs(given - right) <= atol + 1e-7 * abs(right)


def floats(value):
    return isinstance(value, float) or (isinstance(value, (list, tuple)) and bool(value) and all(map(floats, value)))


def same(given, right, values):
    atol = ATOL or (1e-6 if floats(right) else 0)
    if ENTRY == "find_zero":  # any zero is right
        return abs(right_solution.poly(*values, given)) <= atol
    return given == right or bool(atol and type(given) is type(right) and close(given, right, atol))


def test_every_input():
    signal.signal(signal.SIGPROF, stop)
    for values in json.loads(pathlib.Path("inputs.json").read_text()):
        began = time.process_time()
        right = getattr(right_solution, ENTRY)(*copy.deepcopy(values))
        took = time.process_time() - began
        signal.setitimer(signal.ITIMER_PROF, max(LEAST_S, TIMES_AS_LONG * took))
        given = getattr(solution, ENTRY)(*copy.deepcopy(values))
        signal.setitimer(signal.ITIMER_PROF, 0)
        assert same(given, right, values)
'''


# ---- HumanEvalPack: repair the function -------------------------------------------------------------------------


def _repair(row: Row, at: str, **task: Any) -> Task:
    return Task(
        row["task_id"], at=at, instruction=f"{row['entry_point']} is not what its comment says: repair it.", **task
    )


def _python(row: Row) -> Task:
    entry = row["entry_point"]
    shown, hidden = (row[part].rpartition(f"check({entry})")[0] for part in ("example_test", "test"))

    def module(body: str) -> str:
        return f"from solution import *\nfrom solution import {entry}\n\n\n{body.strip()}\n\n\ndef test_it():\n    check({entry})\n"

    return _repair(
        row,
        f"def {entry}(",
        path="solution.py",
        files={"solution.py": row["prompt"] + row["buggy_solution"], "test_solution.py": module(shown)},
        argv=(*PYTEST, "test_solution.py"),
        right=row["prompt"] + row["canonical_solution"],
        hidden={"test_hidden.py": module(hidden)},
        hidden_argv=(*PYTEST, "test_hidden.py"),
    )


def _js(row: Row) -> Task:
    entry = row["entry_point"]
    names = ", ".join(re.findall(r"(?m)^const (\w+) = \(", row["prompt"]))  # a task may bring functions beside its own
    end = f"\nmodule.exports = {{ {names} }}\n"

    def module(shown: str) -> str:
        body = re.sub(r"^(\w+)\(\);?\s*$", "", shown, flags=re.MULTILINE).replace("console.assert(", "assert(")
        name = re.search(r"const (\w+) = \(", shown)
        assert name is not None
        return (
            f"const assert = require('node:assert')\nconst test = require('node:test')\n"
            f"const {{ {names} }} = require('./solution.js')\n\n{body.strip()}\n\ntest('{name[1]}', {name[1]})\n"
        )

    return _repair(
        row,
        f"const {entry} =",
        path="solution.js",
        files={
            "solution.js": row["prompt"] + row["buggy_solution"].rstrip() + "\n" + end,
            "solution.test.js": module(row["example_test"]),
            "package.json": '{"name": "solution", "version": "1.0.0", "scripts": {"test": "node --test"}}\n',
        },
        argv=("node", "--test"),
        right=row["prompt"] + row["canonical_solution"].rstrip() + "\n" + end,
        hidden={"hidden.test.js": module(row["test"])},
        hidden_argv=("node", "--test", "hidden.test.js"),
    )


_GO_ASSERT = """package main

import (
	"reflect"
	"testing"
)

// What the set's tests use of a package that is not in Go's own library.
type assertions struct{ t *testing.T }

var assert assertions

func (assertions) New(t *testing.T) assertions { return assertions{t} }

func (a assertions) Equal(right, given interface{}) {
	a.t.Helper()
	if !reflect.DeepEqual(right, given) {
		a.t.Errorf("expected %v, got %v", right, given)
	}
}
"""


def _go(row: Row) -> Task:
    """The set has code and tests in one file with one list of imports; Go refuses a file that imports what it does not use."""
    packages = sorted({*re.findall(r'"([\w/]+)"', row["import"] + row["test_setup"])})

    def file(body: str) -> str:
        used = [name for name in packages if re.search(rf"\b{name.rpartition('/')[2]}\.", _without_comments(body))]
        return "\n".join(["package main", "", *(f'import "{name}"' for name in used), "", body.strip(), ""])

    head = row["prompt"].removeprefix(row["import"])
    return _repair(
        row,
        f"func {row['entry_point']}(",
        path="solution.go",
        files={
            "go.mod": "module solution\n\ngo 1.19\n",
            "solution.go": file(head + row["buggy_solution"]),
            "solution_test.go": file(row["example_test"]),
            "assert_test.go": _GO_ASSERT,
        },
        argv=("go", "test", "./..."),
        right=file(head + row["canonical_solution"]),
        hidden={"solution_test.go": file(row["test"])},
        hidden_argv=("go", "test", "./..."),
    )


def _without_comments(text: str) -> str:
    return re.sub(r"//.*", "", text)


def _rust(row: Row) -> Task:
    prompt = re.sub(r"(?m)^(?:fn main\(\)\{\}|use (?:rand|regex|md5)\b.*;)\n", "", row["prompt"])
    head = "#![allow(warnings)]\n"
    test = row["test"].strip()
    return _repair(
        row,
        f"fn {row['entry_point']}",
        path="src/lib.rs",
        files={
            "Cargo.toml": '[package]\nname = "solution"\nversion = "0.1.0"\nedition = "2021"\n',
            "src/lib.rs": f"{head}{prompt}{row['buggy_solution'].rstrip()}\n\n#[cfg(test)]\nmod shown;\n",
            "src/shown.rs": _rust_module(_first_assertion(test)),
        },
        argv=("cargo", "test", "--offline"),
        right=f"{head}{prompt}{row['canonical_solution'].rstrip()}\n\n#[cfg(test)]\nmod shown;\n",
        hidden={"src/shown.rs": _rust_module(test)},
        hidden_argv=("cargo", "test", "--offline"),
    )


def _rust_module(test: str) -> str:
    """The inside of `mod tests { … }`, as a file of its own: the target's file holds no test then."""
    return test[test.index("{") + 1 : test.rindex("}")]


def _first_assertion(test: str) -> str:
    """The set has no examples in Rust: the visible test ends behind its first assertion."""
    lines, kept = test.splitlines(), []
    for line in lines:
        kept.append(line)
        opened = "".join(kept)
        if "assert" in opened and line.rstrip().endswith(";"):
            break
    return "\n".join(kept) + "\n    }\n}\n"


_REPAIRS: dict[str, Callable[[Row], Task]] = {"python": _python, "js": _js, "go": _go, "rust": _rust}
