"""The shell commands but `serve`: each takes its parsed options and the environment, and gives an exit code."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping


def run(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    if options.command == "run":
        from ralphd.shell.headless import run_files

        return run_files(options, environ)
    if options.command == "apply":
        from ralphd.shell.apply import apply

        return apply(options, environ)
    if options.command == "demo":
        from ralphd.shell.demo import demo

        return demo(options, environ)
    if options.command == "setup":
        from ralphd.shell.setup import setup

        return setup(options, environ)
    if options.command == "doctor":
        from ralphd.shell.doctor import doctor

        return doctor(options, environ)
    if options.command == "receipt":
        from ralphd.shell.receipt import receipt

        return receipt(options, environ)
    from ralphd.shell import configuration, records

    table: Mapping[str, Callable[[argparse.Namespace, Mapping[str, str]], int]] = {
        "config": configuration.config,
        "trust": configuration.trust,
        "findings": records.findings,
        "runs": records.runs,
        "replay": records.replay,
        "clean": records.clean,
        "fetch-model": records.fetch_model,
    }
    return table[options.command](options, environ)
