"""Each acceptance row without its protection: its test has to fail then. `python -m tests.attacks.without_protection [ROW…]`.

For each row the table names one place of the code, how it reads with the protection taken out (or, where a protection
is that something is never done, with just that done), and the row's test. The changed files are mounted over the real
ones in a mount namespace of their own, so nothing of the working tree changes. It takes minutes per row and is not part
of any suite; Linux only.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.process.test_sandbox_attacks import ON_THE_MACHINE

ROOT = Path(__file__).resolve().parents[2]
LIMIT_S = 400
"""Without some protections a test hangs: that counts as failing."""
NOT_TRIED = {
    "W5": "copies are always made plainly: there is no fast way that could be wrong",
    "C3": "what makes builds equal is SOURCE_DATE_EPOCH and the packers; there is no code of ours to take out",
}


@dataclass(frozen=True)
class Taken:
    """`edits`: (file, text as it is, text without the protection)."""

    test: str
    edits: tuple[tuple[str, str, str], ...]


def taken(test: str, *edits: tuple[str, str, str]) -> Taken:
    return Taken(f"tests/{test}", tuple((f"server/ralphd/{file}", old, new) for file, old, new in edits))


ATTACK = "process/test_sandbox_attacks.py::"
SHADOW = "process/test_sandbox_run.py::"
CONFIGURATION = "attacks/test_repository_configuration.py::"
BWRAP = "sandbox/bwrap.py"
TABLE: dict[str, Taken] = {
    "T1": taken(
        "wire/test_wire_formats.py::test_no_key_of_the_environment_goes_to_a_foreign_endpoint",
        ("model_host/child/keys.py", "if not self._is_home(configured, rules, provider):\n            return NO_KEY", "if False:\n            return NO_KEY"),
    ),
    "T2": taken(
        CONFIGURATION + "test_opening_it_starts_and_reaches_nothing",
        ("runs/service.py", "        for root in roots:\n            resolved", '        for root in roots:\n            open(root + "/.ralph", "w").close()\n            resolved'),
    ),
    "T3": taken(
        CONFIGURATION + "test_nothing_of_it_counts_without_the_persons_word",
        ("runs/consent.py", "if await asyncio.to_thread(self.trust.use, consent.digest):", "if True:"),
    ),
    "T4": taken(
        "wire/test_host_life.py::test_a_hostile_repository_and_a_killed_server",
        ("model_host/process.py", '            "-I",\n', ""),
        ("model_host/process.py", "            cwd=work_dir,\n", ""),
    ),
    "T5": taken(
        "unit/test_settings_trust.py::test_the_digest_changes_with_everything_it_is_bound_to",
        ("settings/consents.py", "json.dumps(to_json(consent)", 'json.dumps({"folder": consent.folder}'),
    ),
    "T6": taken(
        ATTACK + "test_repository_names_are_no_code",
        ("sandbox/shadow.py", "TestCommand(tuple(argv)", 'TestCommand(("/bin/sh", "-c", " ".join(argv))'),
    ),
    "T7": taken(
        CONFIGURATION + "test_a_nested_project_is_asked_for_on_its_own",
        ("settings/consents.py", "json.dumps(to_json(consent)", 'json.dumps({**to_json(consent), "folder": "", "program": "", "target": ""}'),
    ),
    "T8": taken(
        CONFIGURATION + "test_nothing_of_it_counts_without_the_persons_word",
        ("sandbox/git_index.py", '    dot_git = os.path.join(worktree, ".git")\n', '    dot_git = os.path.join(worktree, ".git")\n    __import__("subprocess").run(["git", "-C", worktree, "status"], stdout=-3, stderr=-3)\n'),
    ),
    "T9": taken(
        "attacks/test_state_folders.py::test_a_planted_link_is_refused_in_a_sentence",
        ("state.py", "found = place.lstat()\n    if not stat.S_ISDIR(found.st_mode):", "found = place.stat()\n    if False:"),
    ),
    "S1": taken(
        ATTACK + "test_a_bwrap_that_fails_or_lies",
        ("sandbox/isolation.py", 'if result.exit_code == 0 and "ralph-canary-ok" in result.output and _wrote(scratch):', "if True:"),
    ),
    "S2": taken(
        ATTACK + "test_no_network_but_its_own_loopback",
        (BWRAP, '["--share-net"] if plan.network else []', '["--share-net"]'),
        ("sandbox/isolation.py", "*) exit 13;;", "*) ;;"),
    ),
    "S3": taken(
        ATTACK + "test_no_write_reaches_the_host",
        (BWRAP, '"--bind" if bind.writable else "--ro-bind"', '"--bind"'),
        ("sandbox/isolation.py", "&& exit 15", "&& true"),
    ),
    "S4": taken(
        SHADOW + "test_nothing_reaches_the_workspace_and_refresh_undoes_it",
        ("sandbox/planning.py", "Bind(mirror.tree, place, writable=True)", "Bind(root, place, writable=True)"),
    ),
    "S5": taken(
        "attacks/test_environment_of_a_test_run.py::test_no_variable_of_the_person_travels",
        (BWRAP, "sorted(plan.env.items())", "sorted({**__import__('os').environ, **plan.env}.items())"),
    ),
    "S6": taken(
        ATTACK + "test_a_link_planted_by_a_run_before_the_next_one",
        ("sandbox/planning.py", "    mirror.check_mounts([*listing.trees, *inside, *git])\n", ""),
    ),
    "S7": taken(
        ATTACK + "test_memory_is_counted_over_the_whole_tree",
        ("sandbox/watchdog.py", "self.reason = self._look()", "self.reason = None"),
    ),
    "S8": taken(
        ATTACK + "test_daemons_die_on_time_out_and_cancel",
        (BWRAP, '"--die-with-parent", ', ""),
        ("sandbox/process.py", "signal.pidfd_send_signal(self._init, signal.SIGKILL)", "pass"),
    ),
    "S9": taken(
        ATTACK + "test_a_killed_server_leaves_nothing_running_and_its_slot_is_taken_up",
        (BWRAP, '"--die-with-parent", ', ""),
    ),
    "S10": taken(
        ATTACK + "test_a_run_started_for_a_thread_that_ends_goes_on",
        ("sandbox/process.py", "_starter().submit(lambda: subprocess.Popen(argv, **options)).result()", "subprocess.Popen(argv, **options)"),
    ),
    "S11": taken(
        ATTACK + "test_as_an_ordinary_user_with_many_processes",
        (BWRAP, "return argv + launcher_argv(", 'return [prlimit, f"--nproc={plan.limits.processes}", "--", *argv] + launcher_argv('),
    ),
    "S12": taken(
        "attacks/test_system_calls.py::test_call_by_call",
        (BWRAP, '["--seccomp", str(given.seccomp)] if given.seccomp >= 0 else []', "[]"),
        ("sandbox/isolation.py", "|| exit 18;;", "|| true;;"),
    ),
    "W1": taken(
        SHADOW + "test_an_editable_install_tests_the_candidate",
        ("sandbox/planning.py", "Bind(mirror.tree, place, writable=True)", "Bind(root, place, writable=True)"),
    ),
    "W2": taken(
        "loop/test_implement.py::test_unsaved_buffers_are_tested",
        ("runs/bench.py", "buffers=request.buffers", "buffers={}"),
    ),
    "W3": taken(
        SHADOW + "test_nothing_reaches_the_workspace_and_refresh_undoes_it",
        ("sandbox/planning.py", "Bind(mirror.tree, place, writable=True)", "Bind(root, place, writable=True)"),
    ),
    "W4": taken(
        SHADOW + "test_saving_during_the_run_makes_it_stale",
        ("sandbox/snapshot.py", "return await self._in_thread(self._stale)", "return ()"),
    ),
    "W6": taken(
        "attacks/test_full_disk.py::test_the_disk_is_named_before_a_call_is_paid_for",
        ("sandbox/watchdog.py", "if free < needed:", "if False:"),
    ),
    "W7": taken(
        "attacks/test_hostile_sources.py::test_pipes_dashes_stars_and_loops",
        ("sandbox/selection.py", "elif stat.S_ISREG(mode) or stat.S_ISLNK(mode):", "else:"),
        ("sandbox/reading.py", "os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK", "os.O_RDONLY | os.O_NOFOLLOW"),
    ),
    "L1": taken(
        "attacks/test_endless_answers.py::test_each_is_given_up_and_the_next_answer_counts",
        ("model_host/child/calls.py", "asyncio.timeout(limit) as watchdog", "asyncio.timeout(None) as watchdog"),
        ("model_host/child/calls.py", "watchdog.reschedule(min(clock() + limit, deadline))", "pass"),
    ),
    "L2": taken(
        "wire/test_stream_faults.py::test_broken_at_every_boundary_and_never_mended",
        ("model_host/child/answers.py", 'finish_reason: str = "unknown"', 'finish_reason: str = "stop"'),
        ("model_host/child/answers.py", 'self.details.finish_reason = "unknown"', "pass"),
    ),
    "L3": taken(
        "wire/test_wire_formats.py::test_an_invented_stop_is_unknown",
        ("model_host/child/answers.py", 'self.details.finish_reason = "unknown"', "pass"),
    ),
    "L4": taken(
        "wire/test_wire_formats.py::test_a_web_page_is_no_answer",
        ("model_host/child/http_limits.py", "return _a_page(request) if response.is_success", "return _a_page(request) if False"),
        ("model_host/child/http_limits.py", "if self._exchange.answer.is_page:", "if False:"),
    ),
    "L5": taken(
        "wire/test_retry_and_fallback.py::test_a_rate_limit_waits_as_asked_and_tells",
        ("model_host/child/http_limits.py", "exchange.retry_after_s = asked_wait_s(response.headers)", "exchange.retry_after_s = None"),
    ),
    "L6": taken(
        "wire/test_retry_and_fallback.py::test_fallback_after_partial_text_starts_anew",
        (
            "model_host/child/calls.py",
            "request, parts = attempt.request, []",
            'request, parts = attempt.request, self.__dict__.setdefault("parts", [])',
        ),
    ),
    "L7": taken(
        "lsp/test_implement.py::test_typing_over_it_during_the_run_is_stale",
        ("lsp/publishing.py", "hunk.rebase(run.steps.get(hunk.uri, ()), document.text)", "pass"),
    ),
    "L8": taken(
        "lsp/test_implement.py::test_a_touched_hunk_is_stale",
        ("lsp/hunks.py", "        if span is None:\n            self.give_up(text)\n        else:", "        if span is not None:"),
    ),
    "E9": taken(
        "loop/test_bad_input.py::test_forms_of_text_are_kept",
        ("core/edits.py", "    if before is None or not before:\n        text = with_eol", "    return new\n    if before is None or not before:\n        text = with_eol"),
    ),
    "E10": taken(
        "unit/test_edits.py::test_what_stands_twice_is_never_edited",
        ("answers/resolving.py", "len(found := locate(text, one.old)) == 1]", "(found := locate(text, one.old))]"),
    ),
    "E11": taken(
        "attacks/test_control_files.py::test_through_the_program",
        ("phases/control_files.py", "return _CONTROL.ignores(fold(path))", "return _CONTROL.ignores(path)"),
    ),
    "E12": taken(
        "attacks/test_control_files.py::test_a_path_that_leads_elsewhere",
        ("phases/edit_permissions.py", "if path != target and _leads_outside(path):", "if False:"),
    ),
    "E13": taken(
        "loop/test_bad_input.py::test_files_that_no_model_can_work_on",
        ("runs/service.py", "if is_binary(request.text):", "if False:"),
    ),
    "O1": taken(
        SHADOW + "test_time_limit_output_cap_and_control_sequences",
        ("sandbox/output.py", '_ESCAPES.sub("", piece)', "piece"),
    ),
    "O2": taken(
        "loop/test_critic.py::test_messages_are_plain_text",
        ("answers/plain_text.py", 'bare = _LINK.sub(r"\\1", bare)', "pass"),
    ),
    "O3": taken(
        "attacks/test_hidden_text.py::test_every_surface_of_an_editor",
        ("lsp/protocol.py", "json.dumps(shown(message, ACTED_ON, self._serialize_message))", "json.dumps(message, default=self._serialize_message)"),
    ),
    "B1": taken(
        "wire/test_ledger.py::test_fifty_calls_for_three_from_two_processes",
        ("models/ledger.py", "            self._refuse_what_passes(run, worst, tokens, limits)\n", ""),
    ),
    "B2": taken(
        "wire/test_budget.py::test_unpriced_counts_the_ceiling_and_is_named",
        ("models/prices.py", "        return ceiling\n", "        return 0.0, 0.0\n"),
    ),
    "B3": taken(
        "wire/test_ledger.py::test_sigkill_between_reserve_and_settle",
        ("models/ledger.py", '            db.execute("COMMIT")\n', ""),
    ),
    "B4": taken(
        "wire/test_ledger.py::test_nonsense_is_refused",
        ("models/ledger.py", "if not math.isfinite(usd) or usd < 0:", "if False:"),
    ),
    "B5": taken(
        "wire/test_budget.py::test_over_budget_is_not_sent",
        ("models/ledger.py", "            self._refuse_what_passes(run, worst, tokens, limits)\n", ""),
    ),
    "H1": taken(
        "attacks/test_durability.py::test_consents_dismissals_journals_and_reviews",
        ("state.py", 'part = path.with_name(f"{path.name}.{os.getpid()}.part")', "part = path"),
    ),
    "H2": taken(
        "unit/test_state.py::test_two_windows_that_dismiss_at_once_lose_nothing",
        ("state.py", 'with FileLock(f"{self._path}.lock", timeout=_LOCK_WAIT_S, mode=0o600):', "with contextlib.nullcontext():"),
    ),
    "H3": taken(
        "attacks/test_state_folders.py::test_everything_kept_is_private_and_old_journals_go",
        ("state.py", "place.mkdir(mode=0o700)", "place.mkdir(mode=0o755)"),
        ("state.py", "if found.st_mode & 0o077:", "if False:"),
    ),
    "G1": taken(
        "attacks/test_secrets_in_files.py::test_no_file_of_secrets_is_sent_or_kept",
        ("context/tree.py", "    lower = path.lower()\n", "    return False\n    lower = path.lower()\n"),
    ),
    "G2": taken(
        "wire/test_redaction.py::test_shapes",
        ("model_host/child/redaction.py", "for form in self._forms:", "for form in ():"),
    ),
    "G3": taken(
        "wire/test_retry_and_fallback.py::test_keys_echoed_by_a_provider_are_masked",
        ("model_host/child/redaction.py", "        text = self.keys(text)\n        for pattern", "        return text\n        for pattern"),
    ),
    "G4": taken(
        "wire/test_wire_formats.py::test_no_redirect_to_another_origin",
        ("model_host/child/http_limits.py", "if _origin(target) != _origin(request.url):", "if False:"),
    ),
    "P1": taken(
        "lsp/test_mends.py::test_malformed_messages_have_no_answer",
        ("lsp/protocol.py", 'self.answer_error(None, PARSE_ERROR, "The message is not JSON.")', "pass"),
    ),
    "P2": taken(
        "lsp/test_mends.py::test_nobody_watches_process_id",
        ("lsp/server.py", "if pid is not None and pid > 0 and not _alive(pid):", "if False:"),
    ),
    "P3": taken(
        "lsp/test_implement.py::test_every_route_cancels",
        ("lsp/runs.py", "            work.cancel()", "            pass"),
    ),
    "P4": taken(
        "lsp/test_loop_stays_free.py::test_requests_do_not_touch_the_disk",
        ("lsp/features/code_actions.py", "        self._workspace.documents.last_uri = uri\n", '        self._workspace.documents.last_uri = uri\n        open("/etc/hostname").close()\n'),
    ),
    "P5": taken(
        "lsp/test_mends.py::test_a_change_out_of_order_is_applied",
        ("lsp/documents.py", "if document is None or identifier.version < document.version:", "if document is None:"),
    ),
    "P6": taken(
        "lsp/test_anything_an_editor_does.py::test_a_sample",
        ("lsp/documents.py", "start + inner.start, start + inner.end, inner.new", "start + inner.start, start + inner.start, inner.new"),
    ),
    "P7": taken(
        "lsp/test_mends.py::test_errors_show_tracebacks_and_paths",
        ("lsp/protocol.py", "if error is not None and error.code == INTERNAL_ERROR:", "if False:"),
    ),
    "C1": Taken(
        "tests/attacks/test_supply_chain.py::test_every_requirement_is_pinned_by_hash",
        (("requirements/runtime.txt", "litellm==", "litellm>="),),
    ),
    "C2": taken(
        "test_invariants.py::test_server_starts_without_litellm_and_stays_light",
        ("lsp/server.py", "import asyncio\n", "import asyncio\nimport httpx\n"),
    ),
}  # fmt: skip

FURTHER: dict[str, Taken] = {
    "P6 follow": taken(
        "lsp/test_implement.py::test_hunk_by_hunk_with_typing_between",
        ("lsp/review.py", "        if change.before.value == change.after.value:\n            return\n        for review", "        return\n        for review"),
    ),
    "P6 typed columns": taken(
        "lsp/test_positions.py::test_both_ways",
        ("lsp/workspace.py", "self.documents.encoding = self.client.encoding", 'self.documents.encoding = "utf-16"'),
    ),
    "P6 told columns": taken(
        "lsp/test_positions.py::test_both_ways",
        ("lsp/convert.py", "start=to_position(text.position_at(span[0], encoding))", 'start=to_position(text.position_at(span[0], "utf-16"))'),
    ),
    "S7 scope": taken(
        "process/test_memory_scope.py::test_what_is_asked_for_and_what_the_command_gets",
        ("sandbox/isolation.py", "scope.argv(nonce, plan.limits) if scope is not None else []", "[]"),
    ),
    "S7 told": taken(
        "process/test_memory_scope.py::test_an_end_by_the_kernel_is_told_as_the_limit",
        ("sandbox/process.py", "reason = await asyncio.to_thread(killed)", "pass"),
    ),
    "S8 start": taken(
        SHADOW + "test_nothing_runs_where_its_starter_died_before_it_knew_the_tree",
        (BWRAP, "read -r _ || exit 125; ", ""),
    ),
    "S9 plain": taken(
        SHADOW + "test_a_tree_without_isolation_ends_with_its_starter",
        (BWRAP, "read -r _ <&3; {_END_ALL}", "read -r _ <&3; "),
    ),
    "S9 left group": taken(
        SHADOW + "test_a_tree_without_isolation_ends_with_its_starter",
        (BWRAP, '|| kill -9 "$one"', "|| true"),
    ),
    "S9 modules": taken(
        "process/test_nothing_outlives_its_starter.py::test_a_module_ends_with_its_starter",
        ("core/own_program.py", "        os._exit(1)\n", ""),
    ),
    "B4 days": taken(
        "wire/test_ledger.py::test_jumps_of_a_clock",
        ("models/ledger.py", '        db.execute("DELETE FROM days WHERE day > ?", (today,))\n', ""),
    ),
    "T3 words": taken(
        "unit/test_settings_questions.py::test_no_two_commands_look_alike",
        ("settings/questions.py", "_READS_AS_OURS.sub(lambda found: number(found[0]), text)", "text"),
    ),
    "T3 way up": taken(
        "unit/test_commands.py::test_a_program_is_where_the_system_finds_it",
        ("sandbox/programs.py", 'os.path.realpath(path) if ".." in word.split("/") else os.path.normpath(path)', "os.path.normpath(path)"),
    ),
    "P4 slow texts": taken(
        "unit/test_sources_that_take_long.py::test_quotes_are_given_up",
        ("context/languages.py", "time.thread_time() > until", "False"),
    ),
}  # fmt: skip
"""More than one protection of a row, by names of their own."""


def mounts(row: str, folder: Path) -> list[str]:
    """Shell commands that put the changed files over the real ones. The text must stand there, once or more."""
    changed: dict[str, str] = {}
    for file, old, new in (TABLE | FURTHER)[row].edits:
        text = changed.get(file) or (ROOT / file).read_text(encoding="utf-8")
        if old not in text:
            raise SystemExit(f"{row}: {file} does not hold {old!r} any more")
        changed[file] = text.replace(old, new)
    commands = []
    for number, (file, text) in enumerate(changed.items()):
        copy = folder / f"{row}-{number}"
        copy.write_text(text, encoding="utf-8")
        commands.append(f'mount --bind "{copy}" "{ROOT / file}"')
    return commands


def fails(row: str) -> str:
    """What became of the row's test without its protection."""
    with tempfile.TemporaryDirectory() as folder:
        python = f'"{sys.executable}" -B -m pytest -n 0 -x -q -p no:cacheprovider -o addopts=--strict-markers'
        # Compiled files are looked up by the time and size of their source: none may be left from before or after.
        file, name = (TABLE | FURTHER)[row].test.split("::")  # the test may stand in a class
        environment = "PYTHONDONTWRITEBYTECODE=1 RALPHD_KILLS=40"
        script = " && ".join([*mounts(row, Path(folder)), f"{environment} {python} {file} -k {name}"])
        command = ["unshare", "-m", "sh", "-c", script]
        given = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "start_new_session": True}
        with subprocess.Popen(command, cwd=ROOT, **given) as run:  # type: ignore[call-overload]
            try:
                out, err = run.communicate(timeout=LIMIT_S)
            except subprocess.TimeoutExpired:
                os.killpg(run.pid, signal.SIGKILL)
                return f"fails: it hangs for {LIMIT_S} s"
            finally:
                for path in ON_THE_MACHINE:  # where a test that hangs or is killed cannot take it away itself
                    Path(path).unlink(missing_ok=True)
    lines = [line for line in out.splitlines() if line.startswith(("FAILED", "ERROR"))]
    said = (lines or out.splitlines() or err.splitlines() or ["nothing"])[-1]
    return (
        f"fails: {said[:160]}"
        if run.returncode == 1 and lines
        else f"DOES NOT FAIL (code {run.returncode}): {said[:160]}"
    )


def main(rows: list[str]) -> int:
    bad = 0
    for row in rows or (*TABLE, *FURTHER):
        became = fails(row)
        bad += not became.startswith("fails")
        sys.stdout.write(f"{row:4} {became}\n")
        sys.stdout.flush()
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
