"""Programs of the npm registry that tests start: see package.json. `make setup` installs them."""

import shutil
import sys
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent


def node() -> str:
    """The Node.js that comes from the Python index, whatever the machine has."""
    assert (HERE / "node_modules").is_dir(), "make setup installs the programs of tests/npm"
    beside = Path(sys.executable).with_name("node")
    found = str(beside) if beside.exists() else shutil.which("node")
    assert found is not None, "there is no Node.js"
    return found
