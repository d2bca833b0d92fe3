"""The server on a machine without bubblewrap, for as long as the file is there that RALPHD_E2E_MISSING names."""

from __future__ import annotations

import os
import sys

from ralphd import cli
from ralphd.sandbox import isolation

installed = isolation._programs
isolation._programs = lambda: ["/nowhere/bwrap"] if os.path.exists(os.environ["RALPHD_E2E_MISSING"]) else installed()
sys.exit(cli.main())
