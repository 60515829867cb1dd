"""The image that tests of work in a pod run: a small Debian with bash, procps and an SSH server, from its packages.

Its root file system is made once and kept (`GENET_TEST_CACHE`, else `~/.cache/genet-tests`); the cluster's own tool
(`GENET_TEST_CLUSTER`) makes an image of it. `python -m tests.e2e.workbench` does it for whoever wants it before. Other
images of Debian's packages are made the same way.
"""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

WORKBENCH: Final = "cluster.local/genet-workbench:1"
_RELEASE: Final = "bookworm"
_PACKAGES: Final = ("openssh-server", "procps")
_NOT_NEEDED: Final = (
    "var/cache/apt/archives",
    "var/lib/apt/lists",
    "usr/share/doc",
    "usr/share/locale",
    "usr/share/man",
)


def load(tool: str) -> None:
    """Make the image and load it into the cluster of that tool; the file system is made where it is not there yet."""
    load_root(tool, WORKBENCH, debian("workbench", _PACKAGES, _finish))


def load_root(tool: str, image: str, root: Path) -> None:
    """Make an image of a root file system and load it."""
    subprocess.run([tool, "image", image, str(root)], check=True, timeout=120, stdout=subprocess.DEVNULL)


def debian(name: str, packages: Sequence[str], finish: Callable[[Path], object]) -> Path:
    """The root file system of a small Debian with these packages, kept under that name once it is made."""
    root = _cache() / f"{name}-{_RELEASE}"
    if not root.is_dir():
        _cache().mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=_cache()) as directory:
            made = Path(directory) / "root"
            _make(made, packages)
            finish(made)
            try:
                made.rename(root)
            except OSError:
                if not root.is_dir():  # else another one was faster
                    raise
    return root


def _make(root: Path, packages: Sequence[str]) -> None:
    command = ["debootstrap", "--variant=minbase", f"--include={','.join(packages)}", _RELEASE, str(root), _mirror()]
    subprocess.run(command, check=True, timeout=300, stdout=subprocess.DEVNULL)
    for name in _NOT_NEEDED:
        shutil.rmtree(root / name, ignore_errors=True)


def _finish(root: Path) -> None:
    for key in (root / "etc/ssh").glob("ssh_host_*"):
        key.unlink()
    # what an image might say, and what must not count in a pod
    with (root / "etc/ssh/sshd_config").open("a") as configuration:
        configuration.write("PermitRootLogin yes\nPasswordAuthentication yes\nPermitEmptyPasswords yes\n")
    subprocess.run(["chroot", str(root), "chpasswd"], input=b"root:workbench\n", check=True)


def _mirror() -> str:
    """Where this machine's own Debian packages come from."""
    sources = [Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt/sources.list.d").glob("*"))]
    texts = [path.read_text() for path in sources if path.is_file()]
    found = re.findall(
        r"(?:^URIs:|^deb)\s+(?:\[[^]]*\]\s+)?(https?://\S+/debian)/?(?:\s|$)", "\n".join(texts), re.MULTILINE
    )
    if not found:
        raise LookupError("nothing under /etc/apt says where Debian packages come from")
    return str(found[0])


def _cache() -> Path:
    return Path(os.environ.get("GENET_TEST_CACHE") or Path.home() / ".cache" / "genet-tests")


if __name__ == "__main__":
    load(os.environ["GENET_TEST_CLUSTER"])
