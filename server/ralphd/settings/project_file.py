"""Begins a project's own configuration file, for a person who asks for it."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence

from ralphd.errors import RalphError
from ralphd.settings.project import CONFIG_NAME, package_folder


def begin(root: str, path: str, command: Sequence[str]) -> tuple[str, bool]:
    """(path of the file, whether it was written): with `command` as the test command of the package that the file `path`
    (relative to `root`) belongs to. A file that is there already is not touched. Raises `RalphError`."""
    file = os.path.join(root, package_folder(root, path), CONFIG_NAME)
    try:
        with open(file, "x", encoding="utf-8") as new:
            new.write(f"testing:\n  command: {json.dumps(list(command))}\n")  # JSON's lists are YAML's
    except FileExistsError:
        return file, False
    except OSError as error:
        raise RalphError(f"{file} cannot be written ({error.strerror}).", "Set testing.command yourself.") from None
    return file, True
