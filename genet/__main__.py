"""`python -m genet` is the command `genet`."""

import sys

from genet.cli import main

if __name__ == "__main__":
    sys.exit(main())
