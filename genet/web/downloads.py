"""The command line as a wheel, put together from the files that this very server runs on.

So whoever reaches a Genet can install the version that belongs to it, from there, also where no package index has it.
The wheel is the whole package but for the page: that is what makes it large, and only a server needs it. Its bytes are
the same on every replica of one image.

Trap: an editable install has no package among its files, so these are found beside the package itself; what is known
of the distribution (METADATA, entry points, licence) comes from its `.dist-info` in either case.
"""

import base64
import hashlib
import io
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Final

import genet

DISTRIBUTION: Final = "genet-platform"
_LEFT_OUT: Final = (Path("web/static"),)
_NOT_SOURCES: Final = frozenset({".pyc", ".pyo", ".so"})
_WHEEL: Final = b"Wheel-Version: 1.0\nGenerator: genet\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a zip can hold: when files were installed shall not matter."""
_REGULAR_READABLE: Final = 0o100644 << 16


@dataclass(frozen=True)
class Wheel:
    name: str
    """File name (PEP 427)."""
    content: bytes
    sha256: str
    requires_python: str


def installed(package: Path | None = None) -> Wheel | None:
    """The wheel of what runs here; None where it was never installed, so that nobody knows its name and version.

    Args:
        package: folder of the package; None: where it was imported from.
    """
    try:
        distribution = metadata.distribution(DISTRIBUTION)
    except metadata.PackageNotFoundError:
        return None
    folder = package or Path(genet.__file__).parent
    stem = f"{re.sub(r'[-_.]+', '_', DISTRIBUTION)}-{distribution.version}"
    files = {f"genet/{path.relative_to(folder).as_posix()}": path.read_bytes() for path in _sources(folder)}
    described = {f"{stem}.dist-info/{name}": content for name, content in _description(distribution).items()}
    content = packed({**files, **described, f"{stem}.dist-info/WHEEL": _WHEEL}, f"{stem}.dist-info/RECORD")
    digest = hashlib.sha256(content).hexdigest()
    return Wheel(f"{stem}-py3-none-any.whl", content, digest, distribution.metadata["Requires-Python"])


def packed(files: Mapping[str, bytes], record: str) -> bytes:
    """A zip of the files and of the record of their hashes; the same bytes for the same files."""
    lines = [f"{name},sha256={_digest(content)},{len(content)}\n" for name, content in sorted(files.items())]
    everything = {**dict(sorted(files.items())), record: "".join([*lines, f"{record},,\n"]).encode()}
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as zipped:
        for name, content in everything.items():
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.external_attr = _REGULAR_READABLE
            entry.create_system = 3  # Unix, which the attributes are of
            zipped.writestr(entry, content, zipfile.ZIP_DEFLATED)
    return archive.getvalue()


def _sources(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        is_left_out = any(inside.is_relative_to(left_out) for left_out in _LEFT_OUT)
        is_hidden = any(part.startswith(".") or part == "__pycache__" for part in inside.parts)
        if path.is_file() and path.suffix not in _NOT_SOURCES and not is_left_out and not is_hidden:
            yield path


def _description(distribution: metadata.Distribution) -> dict[str, bytes]:
    """Files of the `.dist-info` that say something of the distribution, and nothing of how it was installed here."""
    found = {name: distribution.read_text(name) for name in ("METADATA", "entry_points.txt")}
    for file in distribution.files or ():
        _, is_licence, name = file.as_posix().partition(".dist-info/licenses/")
        if is_licence:
            found[f"licenses/{name}"] = file.read_text()
    return {name: text.encode() for name, text in found.items() if text is not None}


def _digest(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
