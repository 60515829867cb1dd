"""What the nightly CronJob runs; all of it is `genet cleanup`."""

import os
import sys

from genet.cleanup.command import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
