"""The command line: `ralphd` speaks LSP; the other commands run the same service headless. Imports what a command needs.

Exit codes of `run`: docs/protocol.md, "Shell". Progress goes to stderr, results to stdout; no traceback reaches a person.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import sys
from collections.abc import Sequence

from ralphd import __version__

USAGE, INTERNAL = 2, 1


def main(argv: Sequence[str] | None = None) -> int:
    arguments = list(sys.argv[1:] if argv is None else argv)
    if not arguments or (arguments[0].startswith("-") and arguments[0] not in ("-h", "--help", "--version")):
        arguments = ["serve", *arguments]
    options = _parser().parse_args(arguments)
    from ralphd.errors import RalphError
    from ralphd.shell.terminal import tell

    try:
        _log_to_file(stderr=options.command == "serve")
    except RalphError as error:
        tell(f"ralphd: {error}")
        return USAGE
    _clean_daily(options.command)
    if options.command == "serve":
        return _serve()
    return _shell(options)


def _clean_daily(command: str) -> None:
    """A server cleans once its start is over; a run at once, since it may be short."""
    if command in ("serve", "run"):
        from ralphd.shell import housekeeping

        housekeeping.begin(os.environ, after_s=10.0 if command == "serve" else 0.0)


_Commands = argparse._SubParsersAction  # argparse has no public name for what `add_subparsers` gives


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="ralphd",
        description="A language server whose agents change code until its tests pass. Without a command it speaks LSP on stdio.",
    )
    parser.add_argument("--version", action="version", version=f"ralphd {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for add in (_add_serve, _add_run, _add_demo, _add_doctor, _add_config, _add_trust, _add_findings, _add_runs):
        add(commands)
    commands.add_parser("clean", help="remove old journals and copies")
    commands.add_parser("fetch-model", help="fetch the embedded model into the cache")
    return parser


def _add_serve(commands: _Commands[argparse.ArgumentParser]) -> None:
    serve = commands.add_parser("serve", help="speak LSP on stdio (the default)")
    serve.add_argument("--stdio", action="store_true", help="accepted: stdio is the only transport")
    serve.add_argument("--clientProcessId", type=int, help="accepted: `initialize` says it too")


def _add_run(commands: _Commands[argparse.ArgumentParser]) -> None:
    run = commands.add_parser("run", help="run one command headless on a file").add_subparsers(
        dest="action", required=True, metavar="ACTION"
    )
    for name, text in (
        ("implement", "write or correct code until its tests pass"),
        ("critique", "review"),
        ("chaos", "attack with hostile tests"),
        ("opinions", "have versions written without seeing the code, and let them vote"),
    ):
        one = run.add_parser(name, help=text)
        one.add_argument("files", nargs="+" if name != "implement" else 1, metavar="FILE[:LINE[:COL]]", help="1-based")
        one.add_argument("--range", metavar="L1:L2", help="lines to work on, inclusive")
        one.add_argument("--json", action="store_true", help="the result as JSON on stdout")
        one.add_argument("--dry-run", action="store_true", help="show what would be sent, and where to; no call")
        one.add_argument(
            "--root", metavar="FOLDER", help="the project; else the repository or workspace around the file"
        )
        if name not in ("chaos", "opinions"):
            one.add_argument("-m", "--message", default="", metavar="TEXT", help="what to do")
        one.add_argument("--test-command", metavar="CMD", help="the command that decides; trusted, because you gave it")
        if name == "implement":
            one.add_argument(
                "--allow",
                metavar="PATH",
                action="append",
                default=[],
                help="a locked or control file that this run may edit; may be given again",
            )
            one.add_argument("--apply", action="store_true", help="write the files when the outcome is `proposed`")
            one.add_argument("--force", action="store_true", help="with --apply: write whatever was proposed")


def _add_demo(commands: _Commands[argparse.ArgumentParser]) -> None:
    pasted = commands.add_parser("apply", help="show or write what an answer of any model changes; asks no model")
    pasted.add_argument(
        "file", metavar="FILE[:LINE]", help="what the answer is about; with a line (1-based) the definition there"
    )
    pasted.add_argument("--answer", metavar="FILE", help="the answer's text; standard input where it is not given")
    pasted.add_argument("--write", action="store_true", help="write the files instead of only showing the diff")
    pasted.add_argument("--allow", action="store_true", help="with --write: also locked and control files")

    demo = commands.add_parser("demo", help="the main job on a shipped example, through the real server")
    demo.add_argument(
        "--yes",
        action="store_true",
        help="do not ask: fetch the model, and go on without isolation where there is none",
    )
    demo.add_argument("--plain", action="store_true", help="plain lines, also on a terminal")
    demo.add_argument("--replay", action="store_true", help="show a recorded demo in some seconds; nothing runs")


def _add_doctor(commands: _Commands[argparse.ArgumentParser]) -> None:
    commands.add_parser("setup", help="choose a provider, test its key, write your own configuration")

    doctor = commands.add_parser("doctor", help="what is configured, found, missing, reachable")
    doctor.add_argument("--json", action="store_true")


def _add_config(commands: _Commands[argparse.ArgumentParser]) -> None:
    config = commands.add_parser("config", help="check, show or start a configuration").add_subparsers(
        dest="action", required=True, metavar="ACTION"
    )
    for name, text in (("check", "problems, with their places"), ("show", "each value and where it comes from")):
        one = config.add_parser(name, help=text)
        one.add_argument("path", nargs="?", default=".", help="a file or folder of the workspace")
        one.add_argument("--json", action="store_true")
    config.add_parser("schema", help="the JSON schema")
    config.add_parser("init", help="write a commented ralph.config.yaml here")


def _add_trust(commands: _Commands[argparse.ArgumentParser]) -> None:
    trust = commands.add_parser("trust", help="consents that you gave, and what a repository asks for").add_subparsers(
        dest="action", required=True, metavar="ACTION"
    )
    for name, text in (
        ("list", "all of them, and what is asked for here"),
        ("give", "agree to what is asked for here"),
    ):
        one = trust.add_parser(name, help=text)
        if name == "give":
            one.add_argument("digest", help="the first characters of its digest")
        one.add_argument("--workspace", metavar="FOLDER", help="instead of the project of the current folder")
    revoke = trust.add_parser("revoke", help="take one back")
    revoke.add_argument("digest", help="the first characters of its digest, or `all`")


def _add_findings(commands: _Commands[argparse.ArgumentParser]) -> None:
    findings = commands.add_parser("findings", help="findings of the last runs; those put away")
    findings.add_argument("--dismissed", action="store_true", help="those put away for good")
    findings.add_argument("--revoke", metavar="FINGERPRINT", help="show this one again")
    findings.add_argument("--json", action="store_true")


def _add_runs(commands: _Commands[argparse.ArgumentParser]) -> None:
    runs = commands.add_parser("runs", help="past runs with outcome and cost")
    runs.add_argument("--json", action="store_true")
    replay = commands.add_parser("replay", help="go through a run again from its journal: offline, at no cost")
    replay.add_argument("run", metavar="RUN", help="a run id, or the path of a journal")
    replay.add_argument("--json", action="store_true")
    receipt = commands.add_parser("receipt", help="what a run proved, as one document to attach; or check one")
    receipt.add_argument("run", nargs="?", metavar="RUN", help="a run id, or the path of a journal")
    receipt.add_argument("--check", metavar="FILE", help="compare this receipt with the working tree")
    receipt.add_argument("--root", metavar="FOLDER", help="with --check: the project, if not that of this folder")


def _log_to_file(*, stderr: bool) -> None:
    """Everything to the log file in full; a server's stderr (the editor's log) gets warnings, without tracebacks.

    Raises `Misconfigured` where the folders that ralphd keeps things in are not safe to use.
    """
    from ralphd.errors import Unwritable
    from ralphd.shell.terminal import OneLine, VisibleLog
    from ralphd.state import Folders, PrivateLog, check, make_private

    root = logging.getLogger()
    root.setLevel(logging.INFO)
    logging.getLogger("pygls").setLevel(logging.WARNING)
    folders = Folders.of(os.environ)
    check(folders)
    root.addHandler(logging.NullHandler())  # without a handler, logging prints on its own
    with contextlib.suppress(OSError, Unwritable):
        handler = PrivateLog(
            make_private(folders.state) / "ralphd.log", maxBytes=5_000_000, backupCount=2, encoding="utf-8", delay=True
        )
        handler.setFormatter(VisibleLog("%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s"))
        root.addHandler(handler)
    if stderr:
        plain = logging.StreamHandler(sys.stderr)
        plain.setLevel(logging.WARNING)
        plain.setFormatter(OneLine("ralphd: %(levelname)s %(message)s"))
        root.addHandler(plain)


def _serve() -> int:
    from ralphd.lsp import loading

    loading.began()
    from ralphd.lsp.server import RalphServer

    environ = dict(os.environ)

    def load() -> None:
        import ralphd.app  # noqa: F401

    def make_runner():  # type: ignore[no-untyped-def]
        from ralphd.app import build_service

        return build_service(environ)

    return RalphServer(make_runner, load).serve()


def _shell(options: argparse.Namespace) -> int:
    from ralphd import shell
    from ralphd.core.wording import OWN_DEFECT
    from ralphd.errors import RalphError
    from ralphd.shell.terminal import tell

    try:
        return shell.run(options, dict(os.environ))
    except RalphError as error:
        tell(f"ralphd: {error}")
        return USAGE
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return INTERNAL
    except Exception:
        logging.getLogger("ralphd").exception("command %s", options.command)
        tell(f"{OWN_DEFECT} (`ralphd doctor` says where).")
        return INTERNAL
