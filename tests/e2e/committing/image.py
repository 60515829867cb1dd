"""The image of the Job that saves a pod: Debian's Python and `ctr`, and the program that stands in for nerdctl."""

import os
import shutil
from pathlib import Path
from typing import Final

from tests.e2e import workbench

COMMITTING: Final = "cluster.local/genet-committing:1"
_PROGRAM: Final = Path(__file__).with_name("nerdctl.py")
_PACKAGES: Final = ("containerd", "python3")
_NOT_NEEDED: Final = ("usr/bin/containerd*", "usr/sbin/runc")


def load(tool: str) -> None:
    """Make the image and load it into the cluster of that tool."""
    root = workbench.debian("committing", _PACKAGES, _without_daemons)
    program = root / "usr/local/bin/nerdctl"
    new = program.with_name(f".nerdctl-{os.getpid()}")  # in place at once, should another one make the image as well
    shutil.copy(_PROGRAM, new)
    new.chmod(0o755)
    new.replace(program)
    workbench.load_root(tool, COMMITTING, root)


def _without_daemons(root: Path) -> None:
    for pattern in _NOT_NEEDED:
        for path in root.glob(pattern):
            path.unlink()
