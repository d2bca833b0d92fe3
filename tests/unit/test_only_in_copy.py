"""What a failure of the copy alone looks like, in the words of many libraries and runners."""

from __future__ import annotations

from pathlib import Path

import pytest

from ralphd.judging.only_in_copy import apart
from ralphd.judging.reports import Report, TestCase
from ralphd.judging.verdict import TestRun
from tests.support.projects import write

ON_DISK = ("build/table.json", "dist/index.js", "app/_fast.cpython-311-x86_64-linux-gnu.so", "tests/fixtures/big.bin")
IN_COPY = ("app/__init__.py", "tests/test_a.py", "calc.py")
TABLE = "build/table.json"


@pytest.mark.parametrize(
    ("detail", "lack", "named"),
    [
        ("dulwich.errors.NotGitRepository: No git repository was found at .", "git", ""),
        ("_pygit2.GitError: Repository not found at /w", "git", ""),
        ("assert False\n +  where False = exists()\n +    where exists = PosixPath('/w/.git').exists", "git", ""),
        ("Exception: this needs either an sdist tarball, or access to an upstream git repository.", "git", ""),
        ("could not find repository from '.'; class=Repository (6); code=NotFound (-3)", "git", ""),
        ("stat /w/.git: no such file or directory", "git", ""),
        ("OSError: build/table.json: cannot open shared object file: No such file or directory", "file", TABLE),
        ("cat: build/table.json: No such file or directory", "file", TABLE),
        ("Errno::ENOENT: No such file or directory @ rb_sysopen - build/table.json", "file", TABLE),
        ("java.io.FileNotFoundException: build/table.json (No such file or directory)", "file", TABLE),
        ("file_get_contents(build/table.json): Failed to open stream: No such file or directory", "file", TABLE),
        ("Could not find file '/w/build/table.json'.", "file", TABLE),
        ("Error: Failed to load url ../dist/index.js in tests/a.test.ts. Does the file exist?", "file", "dist/index.js"),
        ("Cannot find module '/w/dist/index.js' imported from /w/tests/a.mjs", "file", "dist/index.js"),
        ("ImportError: cannot import name '_fast' from 'app' (/w/app/__init__.py)", "file", ON_DISK[2]),
        ("No such file or directory: 'fixtures/big.bin'", "file", "tests/fixtures/big.bin"),
        ("dial tcp 1.2.3.4:443: connect: network is unreachable", "network", ""),
        ("Error: queryA ECONNREFUSED example.com", "network", ""),
        ("java.net.UnknownHostException: example.com", "network", ""),
        ("dial tcp 127.0.0.1:5432: connect: connection refused", "server", "127.0.0.1:5432"),
        ('connection to server on socket "/var/run/postgresql/.s.PGSQL.5432" failed', "server",
         "/var/run/postgresql/.s.PGSQL.5432"),
        ("docker.errors.DockerException: Error while fetching server API version", "server", "docker"),
        ("AssertionError: assert 1 == 2", None, ""),
        ("No such file or directory: 'calc.json'", None, ""),
        ("assert False\n +  where False = exists()\n +    where exists = PosixPath('build/table.json').exists", None, ""),
        ("AssertionError: 'build/table.json' not found in ['a']", None, ""),
        ("ModuleNotFoundError: No module named 'app.more'", None, ""),
    ],
)  # fmt: skip
def test_what_only_the_copy_lacks(detail: str, lack: str | None, named: str, tmp_path: Path) -> None:
    write(tmp_path, dict.fromkeys((*ON_DISK, *IN_COPY, ".git/HEAD"), "x"))
    case = TestCase("tests/test_a.py::test_a", "failed", detail.replace("/w/", f"{tmp_path}/"))
    run = TestRun(("pytest",), 1, report=Report({case.nodeid: case}))
    found = apart(run, str(tmp_path), "", IN_COPY, "calc.py", lambda test: None)
    assert [(one.lack, one.named) for one in found] == ([] if lack is None else [(lack, named)])


def test_what_does_not_count_is_named_as_closely_as_others_of_its_file_count(tmp_path: Path) -> None:
    """A file of which one test needs the network still counts with its other tests."""
    down = "dial tcp 1.2.3.4:443: connect: network is unreachable"
    cases = [
        TestCase("tests/test_a.py::test_fetch", "failed", down),
        TestCase("tests/test_a.py::test_adds", "passed"),
        TestCase("tests/test_net.py::test_get", "failed", down),
        TestCase("tests/test_net.py::test_put", "failed", down),
    ]
    run = TestRun(("pytest",), 1, report=Report({case.nodeid: case for case in cases}))
    (found,) = apart(run, str(tmp_path), "", IN_COPY, "calc.py", lambda test: None)
    assert found.sentence == (
        "`tests/test_a.py::test_fetch`, `tests/test_net.py` need the network, which test runs do not have: they do not count."
    )
