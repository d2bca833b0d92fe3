"""The configuration files on disk: how the repository's is found, and how one becomes a layer."""

from __future__ import annotations

import os
import stat

from ralphd.core.paths import within
from ralphd.settings.project import CONFIG_NAME
from ralphd.settings.provenance import Layer, LayerScope

MAX_CHARACTERS = 100_000
"""A longer file is refused: reading YAML takes about a second for this many characters."""


def find_repository_config(start_dir: str, root: str) -> str | None:
    """Path of the nearest `ralph.config.yaml` from `start_dir` upwards, at most to `root`; None where there is none.

    A file that is a link to somewhere outside `root` does not count: it would not be the repository's own word.
    """
    real_root = os.path.realpath(root)
    for top, start in ((os.path.abspath(root), os.path.abspath(start_dir)), (real_root, os.path.realpath(start_dir))):
        if not within(start, top):
            continue
        folder = start
        while True:
            path = os.path.join(folder, CONFIG_NAME)
            if os.path.isfile(path) and within(os.path.realpath(path), real_root):
                return path
            if folder == top:
                return None
            folder = os.path.dirname(folder)
    return None


def read_file(scope: LayerScope, path: str) -> Layer | None:
    """The layer that the file at `path` holds, or None where there is no file.

    A file that is there but cannot be read gives a layer that says why in `unreadable`: going on as if it were not
    there would drop the limits that it sets.
    """
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        return Layer(scope, path=path, unreadable=f"The file cannot be read: {error.strerror}.")
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        return Layer(scope, path=path, unreadable="This is not a file that can be read.")
    with os.fdopen(handle, "rb") as file:
        try:
            data = file.read(4 * MAX_CHARACTERS + 4)  # a character takes at most four bytes of UTF-8
            text = data.decode("utf-8")
        except UnicodeDecodeError:
            too_long = len(data) > 4 * MAX_CHARACTERS
            return Layer(scope, path=path, unreadable=TOO_LONG if too_long else "The file is not UTF-8 text.")
        except OSError as error:
            return Layer(scope, path=path, unreadable=f"The file cannot be read: {error.strerror}.")
    return Layer(scope, text=text, path=path)


TOO_LONG = f"The file is longer than {MAX_CHARACTERS:,} characters and is not read."
