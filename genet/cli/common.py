"""What the groups of commands share."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from genet.settings import Settings

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001 # what add_subparsers returns
"""What a group adds its commands to."""


def with_config(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", type=Path, metavar="FILE", help="YAML file (default: what GENET_CONFIG names)")


def settings_of(arguments: argparse.Namespace) -> "Settings | None":
    """The configuration, or None after saying what is wrong with it."""
    import os

    from genet.settings.sources import ConfigurationError, load

    try:
        return load(os.environ, arguments.config)
    except ConfigurationError as error:
        complain(error)
        return None


def authorities(arguments: argparse.Namespace) -> str | None:
    """What `--ca-file` or `--ca-data` says, in base64, as kubeconfigs hold it."""
    import base64

    if arguments.ca_file is None:
        data: str | None = arguments.ca_data
        return data
    return base64.b64encode(arguments.ca_file.read_bytes()).decode()


def complain(error: Exception | str, code: int = 2) -> int:
    """Say what is wrong; returns the exit code: 2 for what was asked wrongly, 1 for what could not be done."""
    print(f"genet: {error}", file=sys.stderr)
    return code
