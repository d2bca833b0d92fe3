"""Killed at any moment: what is kept can be read, nothing that was acknowledged is lost, and nothing lives on.

`RALPHD_KILLS` says how often each is killed: a sample by default, 150 times under `make full`.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ralphd.runs.survivors import Survivors
from ralphd.settings.consents import CommandConsent
from ralphd.settings.trust import TrustStore
from ralphd.state import Dismissed, Folders
from tests.attacks.conftest import PLACE, RIGHT, WRONG
from tests.support import product
from tests.support.fake_editor import FakeEditor
from tests.support.processes import command_of, descendants, gone
from tests.support.scripted_server import Reply, Request, ScriptedServer

KILLS = int(os.environ.get("RALPHD_KILLS", "4"))

WRITER = """
import itertools, json, os, sys
from ralphd.settings.consents import CommandConsent
from ralphd.settings.trust import TrustStore
from ralphd.state import Dismissed, Folders
from ralphd.loop.journal import Journal
from ralphd.runs.survivors import Survivors
folders = Folders.of(os.environ)
trust, dismissed = TrustStore(str(folders.trust)), Dismissed(folders, '/ws')
journal = Journal(folders.journals('/ws') / f'{sys.argv[1]}.jsonl', lambda value: value)
for number in itertools.count():
    consent = CommandConsent('/ws', ('run', sys.argv[1], str(number)), '/bin/run', '/bin/run', (), 'bwrap')
    trust.decide(consent.digest, 'always', consent)
    dismissed.add(f'{sys.argv[1]}-{number}', 'said ' * 50)
    journal.write('event', number=number, text='x' * 5000)
    Survivors(folders).keep('reviews', '/ws', f'{sys.argv[1]}-{number % 3}', json.dumps({'number': number, 'text': 'y' * 5000}))
    os.write(1, b'%d\\n' % number)
"""


@pytest.fixture
def own_temp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A temporary folder that no other program uses."""
    folder = tmp_path / "temp"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    return folder


@pytest.mark.row("H1")
def test_consents_dismissals_journals_and_reviews(tmp_path: Path) -> None:
    """Each writer says when it has kept something; then it is killed in the middle of what it does next."""
    source = random.Random(7)
    folders = Folders.of(os.environ)
    for kill in range(KILLS):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(kill)], stdout=subprocess.PIPE)
        assert writer.stdout is not None
        said = int(writer.stdout.readline())
        time.sleep(source.uniform(0, 0.05))
        writer.send_signal(signal.SIGKILL)
        said = max([said, *(int(line) for line in writer.stdout.read().split(b"\n")[:-1] if line)])
        writer.wait()
        store = TrustStore(str(folders.trust))
        kept = {given.consent.argv for given in store.list() if isinstance(given.consent, CommandConsent)}
        assert store.problem is None and ("run", str(kill), str(said)) in kept
        assert f"{kill}-{said}" in Dismissed(folders, "/ws").all()
        survivors = Survivors(folders)
        reviews = [json.loads(text)["number"] for _, text in survivors.left("reviews", "/ws")]
        assert max(reviews) >= said and len(reviews) == min(3, max(reviews) + 1)
        for number in range(3):
            survivors.drop("reviews", "/ws", f"{kill}-{number}")
        *whole, _ = (folders.journals("/ws") / f"{kill}.jsonl").read_text(encoding="utf-8").split("\n")
        assert [json.loads(line)["number"] for line in whole][: said + 1] == list(range(said + 1))


@pytest.mark.full
@pytest.mark.row("H1", "H2")
def test_two_servers_of_which_one_is_killed(tmp_path: Path) -> None:
    """One goes on all the time: nothing that it kept is lost by what becomes of the other, and it never has to wait for it."""
    source, folders = random.Random(19), Folders.of(os.environ)
    said = tmp_path / "said"
    with said.open("wb") as out:
        beside = subprocess.Popen([sys.executable, "-c", WRITER, "beside"], stdout=out)
        try:
            for kill in range(max(4, KILLS // 5)):
                writer = subprocess.Popen([sys.executable, "-c", WRITER, str(kill)], stdout=subprocess.PIPE)
                assert writer.stdout is not None and writer.stdout.readline() == b"0\n"
                time.sleep(source.uniform(0, 0.05))
                writer.kill()
                writer.communicate()
            assert beside.poll() is None
        finally:
            beside.kill()
            beside.wait()
    last = int(said.read_bytes().split(b"\n")[-2])
    assert last > 0
    store = TrustStore(str(folders.trust))
    argvs = {given.consent.argv for given in store.list() if isinstance(given.consent, CommandConsent)}
    assert store.problem is None and argvs >= {("run", "beside", str(number)) for number in range(last + 1)}
    assert Dismissed(folders, "/ws").all().keys() >= {f"beside-{number}" for number in range(last + 1)}
    *whole, _ = (folders.journals("/ws") / "beside.jsonl").read_text(encoding="utf-8").split("\n")
    assert [json.loads(line)["number"] for line in whole][: last + 1] == list(range(last + 1))
    reviews = dict(Survivors(folders).left("reviews", "/ws"))
    assert max(json.loads(reviews[f"beside-{number}"])["number"] for number in range(min(3, last + 1))) >= last


@pytest.mark.slow
@pytest.mark.row("H1", "B3", "S9")
async def test_a_whole_run(project: Path) -> None:
    """`ralphd run` killed at random moments: no process of it lives, the books and the list of runs can be read."""
    source = random.Random(11)
    for _ in range(max(2, KILLS // 5)):
        with ScriptedServer([WRONG, WRONG, RIGHT]) as model:
            product.person_file(product.person_settings(model))
            run = subprocess.Popen(
                [sys.executable, "-m", "ralphd", "run", "implement", PLACE, "--json"],
                cwd=project,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
            )
            assert run.stderr is not None
            for line in run.stderr:
                if line.startswith("Tests: as they are"):
                    break
            time.sleep(source.uniform(0, 6))
            children = descendants(run.pid)
            run.send_signal(signal.SIGKILL)
            run.wait()
            await gone(children, 60)
        listed = product.ralphd(project, "runs", "--json")
        assert listed.returncode == 0 and "Traceback" not in listed.stderr
        json.loads(listed.stdout)
    with ScriptedServer([RIGHT]) as model:
        assert product.run(project, PLACE, model).result["outcome"] == "proposed"


@pytest.mark.full
@pytest.mark.row("H1", "S9")
async def test_a_server_with_its_host_and_its_run(project: Path, tmp_path: Path, own_temp: Path) -> None:
    """The server alone is killed, at random moments: its host, its tests and what they left go with it."""
    source = random.Random(13)
    for _ in range(max(2, KILLS // 5)):
        with ScriptedServer([WRONG, WRONG, RIGHT]) as model:
            product.person_file(product.person_settings(model))
            stderr = tmp_path / "stderr.log"
            editor = await FakeEditor.start([sys.executable, "-m", "ralphd"], project, stderr_path=stderr)
            uri = await editor.open(project / "double.py")
            await editor.command("ralph.server.implement", {"uri": uri})
            await asyncio.sleep(source.uniform(0, 8))
            children = descendants(editor.rpc.pid)
            os.kill(editor.rpc.pid, signal.SIGKILL)
            await gone(children, 60)
            await editor.rpc.kill()
        listed = product.ralphd(project, "runs", "--json")
        assert listed.returncode == 0 and "Traceback" not in listed.stderr + stderr.read_text()
        json.loads(listed.stdout)
    with ScriptedServer([RIGHT]) as model:  # sweeps what a kill in the middle of a self-test left
        assert product.run(project, PLACE, model).result["outcome"] == "proposed"
    assert not [*own_temp.iterdir()]


@pytest.mark.full
@pytest.mark.row("H1", "H2")
async def test_two_windows_of_which_one_is_killed(project: Path, tmp_path: Path) -> None:
    """Two servers on one folder, with a run in each. Whenever the one is killed, the other's run ends as ever, once, and is
    among the runs that are kept."""
    source = random.Random(23)
    fresh = (project / "double.py").read_text()
    cheap = {"openai/scripted": {"input_usd_per_mtok": 0.001, "output_usd_per_mtok": 0.001}}
    command, errors = [sys.executable, "-m", "ralphd"], tmp_path / "stderr.log"
    kept: list[str] = []
    with ScriptedServer([RIGHT] * KILLS * 4) as model:
        product.person_file(product.person_settings(model, prices=cheap))
        stays = await FakeEditor.start(command, project, stderr_path=errors)
        uri = await stays.open(project / "double.py")
        for _ in range(max(2, KILLS // 5)):
            other = await FakeEditor.start(command, project, stderr_path=tmp_path / "other.log")
            await other.command("ralph.server.implement", {"uri": await other.open(project / "double.py")})
            started = await stays.command("ralph.server.implement", {"uri": uri})
            await asyncio.sleep(source.uniform(0, 6))
            children = descendants(other.rpc.pid)
            os.kill(other.rpc.pid, signal.SIGKILL)
            await gone(children, 60)
            await other.rpc.kill()
            result = await stays.run_ended(started["runId"], product.HANGS_S)
            assert result["outcome"] == "proposed", result
            kept.append(started["runId"])
        ended = [m["params"]["runId"] for d, m in stays.rpc.log if d == "<-" and m.get("method") == "ralph/runEnded"]
        assert ended == kept
        await stays.stop()
    listed = json.loads(product.ralphd(project, "runs", "--json").stdout)
    assert {run["runId"] for run in listed if run["outcome"] == "proposed"} >= set(kept)
    said = errors.read_text() + (tmp_path / "other.log").read_text()
    assert "Traceback" not in said and (project / "double.py").read_text() == fresh


def the_host(server: int) -> int | None:
    """The server's model host, as soon as it is there."""
    return next((pid for pid in descendants(server) if "ralphd.model_host.child" in command_of(pid)), None)


@pytest.mark.full
@pytest.mark.row("H1")
async def test_the_model_host_alone(project: Path, tmp_path: Path, own_temp: Path) -> None:
    """Only the model host is killed, at random moments of a run: its server goes on, each run ends once, says what
    happened and what can be done, and the next one has a host again."""
    source = random.Random(17)
    fresh = (project / "double.py").read_text()
    outcomes: list[str] = []

    def slowly(request: Request) -> Reply:
        return Reply(RIGHT, chunk=1, delay_s=source.uniform(0.01, 0.1))

    with ScriptedServer([slowly] * KILLS * 4) as model:
        product.person_file(product.person_settings(model))
        stderr = tmp_path / "stderr.log"
        editor = await FakeEditor.start([sys.executable, "-m", "ralphd"], project, stderr_path=stderr)
        uri = await editor.open(project / "double.py")
        for kill in range(max(2, KILLS // 5)):
            asked = len(model.requests)
            started = await editor.command("ralph.server.implement", {"uri": uri})
            while the_host(editor.rpc.pid) is None or (kill % 2 and len(model.requests) == asked):
                await asyncio.sleep(0.02)
            await asyncio.sleep(source.uniform(0, 1 if kill % 2 else 6))  # every other one in the middle of a call
            if (host := the_host(editor.rpc.pid)) is not None:
                os.kill(host, signal.SIGKILL)
            result = await editor.run_ended(started["runId"], product.HANGS_S)
            outcomes.append(result["outcome"])
            if result["outcome"] == "provider_failed":
                assert "model host stopped" in result["reason"] and "started again" in result["reason"], result
                assert any(action["kind"] == "tryAgain" for action in result["actions"]), result
            else:
                assert result["outcome"] == "proposed", result
            assert (await editor.command("ralph.server.status"))["version"]
        started = await editor.command("ralph.server.implement", {"uri": uri})
        assert (await editor.run_ended(started["runId"], product.HANGS_S))["outcome"] == "proposed"
        ended = [m["params"]["runId"] for d, m in editor.rpc.log if d == "<-" and m.get("method") == "ralph/runEnded"]
        assert len(ended) == len(set(ended)) == len(outcomes) + 1
        children = descendants(editor.rpc.pid)
        await editor.stop()
        await gone(children, 60)
    assert "provider_failed" in outcomes and "Traceback" not in stderr.read_text(), outcomes
    listed = json.loads(product.ralphd(project, "runs", "--json").stdout)
    assert sorted(run["outcome"] for run in listed) == sorted([*outcomes, "proposed"])
    assert not [*own_temp.iterdir()] and (project / "double.py").read_text() == fresh
    assert not [*Path(os.environ["XDG_STATE_HOME"]).rglob("at_work/*")]


@pytest.mark.row("H1")
@pytest.mark.slow
def test_a_home_that_cannot_be_written_to(project: Path) -> None:
    """Said in a sentence, whatever ends: no traceback, and nothing of the person's is touched."""
    home, around = read_only_home()
    with ScriptedServer([RIGHT]) as model:
        ended = product.run(project, PLACE, model, around=around)
    assert ended.result["outcome"] == "misconfigured" and ended.prompts == (), ended.stderr
    assert "Traceback" not in ended.stderr and str(home) in ended.result["reason"]


@pytest.mark.slow
@pytest.mark.row("H1")
def test_a_run_that_costs_nothing_needs_no_home(project: Path) -> None:
    """No books are needed for it, so it goes on without any record, and says so."""
    _, around = read_only_home()
    free = {"openai/scripted": {"input_usd_per_mtok": 0, "output_usd_per_mtok": 0}}
    with ScriptedServer([RIGHT]) as model:
        ended = product.run(project, PLACE, model, around=around, prices=free)
    assert ended.result["outcome"] == "proposed" and ended.result["journal"] == "", ended.stderr
    assert "Nothing is kept of this run" in ended.stderr and "Traceback" not in ended.stderr


def read_only_home() -> tuple[Path, tuple[str, ...]]:
    """The folder of this test's state, cache and configuration, and a command in front of which it takes no write."""
    if subprocess.run(["unshare", "-Urm", "true"], capture_output=True, check=False).returncode:
        pytest.skip("no file system can be mounted here")
    home = Path(os.environ["XDG_STATE_HOME"]).parent
    for name in ("state", "cache", "config"):
        (home / name).mkdir(parents=True, exist_ok=True)
    script = f'mount --bind "{home}" "{home}" && mount -o remount,bind,ro "{home}" && exec "$@"'
    return home, ("unshare", "-Urm", "sh", "-c", script, "sh")


FAKE_CLOCK = Path("/usr/lib", f"{os.uname().machine}-linux-gnu", "faketime/libfaketimeMT.so.1")


@pytest.mark.slow
@pytest.mark.skipif(not FAKE_CLOCK.exists(), reason="Debian's libfaketime is not there")
@pytest.mark.row("B4", "H1")
def test_a_clock_that_jumps(project: Path, tmp_path: Path) -> None:
    """Ten years on in the middle of a run, and twenty back: the run ends as ever, and what it cost is known the day after."""
    clock = tmp_path / "clock"

    def jumping(to: str, answer: str) -> Callable[[Request], str]:
        def reply(request: Request) -> str:
            clock.write_text(to)
            return answer

        return reply

    clock.write_text("+0d\n")
    environment = {
        "LD_PRELOAD": str(FAKE_CLOCK),
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_NO_CACHE": "1",
        "DONT_FAKE_MONOTONIC": "1",
    }
    with ScriptedServer([jumping("+3650d\n", WRONG), jumping("-3650d\n", RIGHT)]) as model:
        ended = product.run(project, PLACE, model, environment=environment)
    assert ended.result["outcome"] == "proposed" and "Traceback" not in ended.stderr, ended.stderr
    listed = json.loads(product.ralphd(project, "runs", "--json").stdout)
    assert [run["outcome"] for run in listed] == ["proposed"]
    with ScriptedServer([RIGHT]) as model:
        assert product.run(project, PLACE, model).result["outcome"] == "proposed"
