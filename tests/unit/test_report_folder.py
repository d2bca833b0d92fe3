"""No code of the project sees where a report goes, however a Python process starts its tests."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ralphd.judging.report_channel import ReportChannel

_LOOKS = "import os\n\nopen('seen', 'a').write(str('RALPHD_REPORT_DIR' in os.environ) + '\\n')\n"
_SUITE = "class T(unittest.TestCase):\n    def test_it(self):\n        pass\n"
_UNITTEST = f"import looks\nimport unittest\n\n\n{_SUITE}"
_MAIN = "\n\nif __name__ == '__main__':\n    {}\n"
_PYTEST = "import looks\nimport pytest\n\n\ndef test_it():\n    pass\n"


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        (_UNITTEST + _MAIN.format("unittest.main()"), ["check.py"]),
        (_UNITTEST + _MAIN.format("unittest.main(exit=False)"), ["-W", "ignore", "-B", "check.py", "-q"]),
        (_UNITTEST + _MAIN.format("unittest.main()"), ["-m", "check"]),
        (_UNITTEST, ["-m", "unittest", "check"]),
        (_UNITTEST.replace("import looks", "import unittest.mock\nimport looks"), ["-c", "import check, unittest; unittest.main(check)"]),
        (_PYTEST + _MAIN.format("pytest.main([__file__])"), ["check.py"]),
        (_PYTEST, ["-m", "pytest", "check.py"]),
    ],
)  # fmt: skip
def test_the_report_is_taken_before_the_project_is_imported(tmp_path: Path, text: str, arguments: list[str]) -> None:
    channel = ReportChannel(tmp_path / "reports")
    channel.fresh({"root": str(tmp_path)})
    (tmp_path / "looks.py").write_text(_LOOKS)
    (tmp_path / "check.py").write_text(text)
    subprocess.run([sys.executable, *arguments], cwd=tmp_path, env={**os.environ, **channel.environment()}, check=False)
    texts, silent = channel.collect()
    channel.close()
    assert set((tmp_path / "seen").read_text().split()) == {"False"}
    assert (len(texts), silent) == (1, 0)


def test_a_script_that_starts_the_runner_hands_the_folder_on(tmp_path: Path) -> None:
    channel = ReportChannel(tmp_path / "reports")
    channel.fresh({"root": str(tmp_path)})
    (tmp_path / "test_it.py").write_text("def test_it():\n    pass\n")
    (tmp_path / "run.py").write_text(
        "import subprocess, sys\n\nsubprocess.run([sys.executable, '-m', 'pytest', '-q'])\n"
    )
    subprocess.run([sys.executable, "run.py"], cwd=tmp_path, env={**os.environ, **channel.environment()}, check=False)
    texts, silent = channel.collect()
    channel.close()
    assert (len(texts), silent) == (1, 0)
