"""What a nightly CronJob runs: `genet cleanup`, configured by the environment (`GENET_CONFIG` names a file)."""

import os
import sys

from genet.cleanup.job import main
from genet.settings.sources import load

if __name__ == "__main__":
    sys.exit(main(load(os.environ), dry_run="--dry-run" in sys.argv[1:]))
