"""Wheels without a package index: of what this environment has installed, and of the project itself."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from genet.web.downloads import packed
from tests.processes import ROOT

_BUILT_FROM = ("pyproject.toml", "README.md", "LICENSE", "frontend/hatch_build.py")
_NOT_REPACKED = frozenset({"RECORD", "INSTALLER", "REQUESTED", "direct_url.json"})


def base_requirements() -> list[Requirement]:
    """What the project asks for when nobody asks for the server."""
    return [
        requirement
        for text in metadata.requires("genet-platform") or ()
        if (requirement := Requirement(text)).marker is None or requirement.marker.evaluate({"extra": ""})
    ]


def fill(directory: Path, requirements: list[Requirement]) -> None:
    """Puts the requirements, with theirs, into a directory that pip's `--find-links` reads."""
    directory.mkdir(exist_ok=True)
    for name in sorted(_closure(requirements)):
        distribution = metadata.distribution(name)
        wheel = f"{canonicalize_name(name).replace('-', '_')}-{distribution.version}"
        contents = dict(_contents(distribution, f"{wheel}.dist-info"))
        (directory / f"{wheel}-{_tag(distribution)}.whl").write_bytes(packed(contents, f"{wheel}.dist-info/RECORD"))


def build(directory: Path) -> Path:
    """The wheel that a release would be, built by hatchling, over a page that stands for the built one."""
    source = directory / "source"
    for name in _BUILT_FROM:
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, source / name)
    shutil.copytree(ROOT / "genet", source / "genet", ignore=shutil.ignore_patterns("static", "__pycache__"))
    page = source / "genet" / "web" / "static" / "index.html"
    page.parent.mkdir()
    page.write_text("<!doctype html><title>the page</title>")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(directory / "dist")],
        cwd=source, check=True, capture_output=True,
    )  # fmt: skip
    (wheel,) = (directory / "dist").glob("*.whl")
    return wheel


def _closure(requirements: list[Requirement]) -> set[str]:
    found: set[str] = set()
    waiting = list(requirements)
    while waiting:
        name = canonicalize_name(waiting.pop().name)
        if name not in found:
            found.add(name)
            asked = [Requirement(text) for text in metadata.requires(name) or ()]
            waiting += [one for one in asked if one.marker is None or one.marker.evaluate({"extra": ""})]
    return found


def _contents(distribution: metadata.Distribution, described_in: str) -> Iterator[tuple[str, bytes]]:
    for file in distribution.files or ():
        name = file.as_posix()
        folder, _, rest = name.partition("/")
        if name.startswith("..") or "__pycache__" in name or (folder.endswith(".dist-info") and rest in _NOT_REPACKED):
            continue
        target = f"{described_in}/{rest}" if folder.endswith(".dist-info") else name
        yield target, Path(str(distribution.locate_file(file))).read_bytes()


def _tag(distribution: metadata.Distribution) -> str:
    lines = (distribution.read_text("WHEEL") or "").splitlines()
    return next(line.removeprefix("Tag: ") for line in lines if line.startswith("Tag: "))
