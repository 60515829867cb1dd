"""The command `genet`. A command imports what it needs when it runs: the others stay fast, the base install small.

A module here is a group of commands: its `add` puts them into the parser, and each sets `run`, which returns the exit
code.
"""

import argparse
import sys
from collections.abc import Sequence

from genet import __version__
from genet.cli import configuration, keys, pods, server, user, users
from genet.cli.common import complain

_GROUPS = (user, pods, server, users, keys, configuration)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    arguments = _parsed(list(sys.argv[1:] if argv is None else argv))
    try:
        code: int = arguments.run(arguments)
    except ImportError as error:
        if (error.name or "").partition(".")[0] == "genet":
            raise
        return complain(f"this command needs the server's packages: pip install 'genet-platform[server]' ({error})")
    return code


def _parsed(words: list[str]) -> argparse.Namespace:
    """Of the words after `--`, which are a command for a pod, argparse would take some for its own."""
    parser = _parser()
    if words[:1] != ["pods"] or "--" not in words:
        return parser.parse_args(words)
    end = words.index("--")
    arguments = parser.parse_args(words[:end])
    if not hasattr(arguments, "command"):
        parser.error("a command (--) is for create, exec and ssh alone")
    arguments.command = [*arguments.command, *words[end + 1 :]]
    return arguments


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="genet", description="Self-service GPUs on Kubernetes.")
    parser.add_argument("--version", action="version", version=f"genet {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for group in _GROUPS:
        group.add(commands)
    return parser
