"""`genet pods …`: a person's pods from the command line, over the API."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from genet.cli.common import Commands

if TYPE_CHECKING:
    from collections.abc import Callable

_EPILOG = """exit codes: 0 done; 1 it could not be done; 2 something was asked wrongly, or a field was refused; 3 not
logged in, or not allowed; 4 no such pod; 124 a command in the pod took too long; 130 interrupted. `exec` and `ssh` end
with the exit code of what they ran."""


def add(commands: Commands) -> None:
    pods = commands.add_parser("pods", help="your pods: create, look, enter, give back", epilog=_EPILOG)
    verbs = pods.add_subparsers(required=True, metavar="VERB")
    _add_list(verbs)
    _add_create(verbs)
    _add_looking(verbs)
    _add_entering(verbs)
    _add_changing(verbs)


def _add_list(verbs: Commands) -> None:
    listed = _verb(verbs, "list", "show_list", "your pods and what they use of your quota", named=False)
    listed.add_argument("--all", action="store_true", help="everybody's pods (administrators)")
    _with_output(listed)


def _add_create(verbs: Commands) -> None:
    create = _verb(verbs, "create", "create", "make a pod, and wait until it runs", named=False)
    create.add_argument("-f", "--file", metavar="FILE", help="a request in JSON (-: stdin); options go before it")
    create.add_argument("--image", metavar="IMAGE")
    create.add_argument("--gpus", type=int, metavar="N", help="how many GPUs")
    create.add_argument("--type", metavar="TYPE", help="which kind of GPU")
    create.add_argument("--card", type=int, action="append", metavar="INDEX", help="this card (shared types; repeat)")
    create.add_argument("--node", metavar="NODE", help="on this node")
    create.add_argument("--name", metavar="NAME", help="short name (default: one is made up)")
    create.add_argument("--cpu", metavar="CORES", help="such as 4 or 500m")
    create.add_argument("--memory", metavar="SIZE", help="such as 16Gi")
    create.add_argument("--shm", metavar="SIZE", help="shared memory, such as 8Gi")
    create.add_argument("--workdir", metavar="PATH", help="working directory of the command")
    create.add_argument("--env", action="append", metavar="NAME=VALUE", help="environment variable (repeat)")
    create.add_argument("--no-wait", action="store_true", help="do not wait until it runs")
    create.add_argument("--timeout", default="10m", metavar="TIME", help="how long to wait (default %(default)s)")
    _with_output(create)
    _with_command(create, "instead of the image's own")


def _add_looking(verbs: Commands) -> None:
    describe = _verb(verbs, "describe", "describe", "everything about a pod, and why it does not run")
    _with_output(describe)
    logs = _verb(verbs, "logs", "logs", "what a pod printed")
    logs.add_argument("-f", "--follow", action="store_true", help="go on as more comes")
    logs.add_argument("-p", "--previous", action="store_true", help="of the container before its last restart")
    logs.add_argument("--since", metavar="TIME", help="no older than this, such as 10m")
    logs.add_argument("--tail", type=int, metavar="LINES", help="no more than so many lines (default 500)")
    logs.add_argument("-c", "--container", metavar="NAME")


def _add_entering(verbs: Commands) -> None:
    run = _verb(verbs, "exec", "execute", "run a command in a pod; with -it a shell in your terminal")
    run.add_argument("-i", "--stdin", action="store_true", help="with -t: your keyboard")
    run.add_argument("-t", "--tty", action="store_true", help="with -i: a terminal")
    run.add_argument("-c", "--container", metavar="NAME")
    run.add_argument("--timeout", default="5m", metavar="TIME", help="end it after that (default %(default)s)")
    _with_command(run, "to be run")
    ssh = _verb(verbs, "ssh", "ssh", "run ssh into a pod")
    ssh.add_argument("command", nargs=argparse.REMAINDER, metavar="...", help="options and command for ssh")
    config = _verb(verbs, "ssh-config", "ssh_config", "print a block for ~/.ssh/config")
    config.add_argument(
        "--write-known-host", action="store_true", help="keep the pod's host key in a file, and name it"
    )


def _add_changing(verbs: Commands) -> None:
    extend = _verb(verbs, "extend", "extend", "keep a pod from the clean-up for longer")
    extend.add_argument("time", nargs="+", metavar="TIME", help="`8h` from now, `until 2026-01-31T18:00`, or `none`")
    _with_output(extend)
    restart = _verb(verbs, "restart", "restart", "make a pod anew under its name")
    restart.add_argument("-y", "--yes", action="store_true", help="do not ask")
    restart.add_argument("--no-wait", action="store_true", help="do not wait until it runs")
    restart.add_argument("--timeout", default="10m", metavar="TIME", help="how long to wait (default %(default)s)")
    commit = _verb(verbs, "commit", "commit", "save a pod as an image; without IMAGE: how far that is, or how it ended")
    commit.add_argument("image", nargs="?", metavar="IMAGE", help="NAME[:TAG] in your part of the registry")
    commit.add_argument(
        "--wait", action=argparse.BooleanOptionalAction, default=True, help="wait until it is saved (the default)"
    )
    commit.add_argument("--timeout", default="2h", metavar="TIME", help="how long to wait (default %(default)s)")
    _with_output(commit)
    delete = _verb(verbs, "delete", "delete", "give a pod back")
    delete.add_argument("-y", "--yes", action="store_true", help="do not ask")


def _verb(verbs: Commands, name: str, run: str, about: str, *, named: bool = True) -> argparse.ArgumentParser:
    parser = verbs.add_parser(name, help=about, description=about, epilog=_EPILOG)
    if named:
        parser.add_argument("pod", metavar="POD", help="short name or id")
    parser.add_argument("--server", metavar="URL", help="(default: GENET_URL, else the one a token was kept for last)")
    parser.add_argument(
        "--token-file", type=Path, metavar="FILE", help="an API token (default: GENET_TOKEN, else kept)"
    )
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--ca-file", type=Path, metavar="FILE", help="PEM authorities to check the server with")
    group.add_argument("--ca-data", metavar="BASE64", help="the same, as kubeconfigs hold them")
    parser.add_argument("--owner", metavar="USER", help="act for this user (administrators)")
    parser.set_defaults(run=_verb_of(run))
    return parser


def _verb_of(name: str) -> "Callable[[argparse.Namespace], int]":
    def run(arguments: argparse.Namespace) -> int:
        from genet.cli import pods_verbs  # what it needs is imported when it is needed

        return pods_verbs.run(name, arguments)

    return run


def _with_command(parser: argparse.ArgumentParser, about: str) -> None:
    """Words after `--`: see `genet.cli._parsed`."""
    parser.usage = f"{parser.format_usage().removeprefix('usage: ').rstrip()} [-- COMMAND ...]"
    parser.description = f"{parser.description} (COMMAND: {about})"
    parser.set_defaults(command=[])


def _with_output(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-o", "--output", choices=("json", "yaml", "name"), help="for programs (default: for people)")
