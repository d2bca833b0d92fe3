"""`python -m ralphd`."""

import sys

from ralphd.cli import main

if __name__ == "__main__":
    sys.exit(main())
