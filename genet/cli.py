"""The command `genet`. A command imports what it needs when it runs: the others stay fast, the base install small."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from genet import __version__

if TYPE_CHECKING:
    from genet.settings import Settings


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    arguments = _parser().parse_args(argv)
    try:
        code: int = arguments.run(arguments)
    except ImportError as error:
        if (error.name or "").partition(".")[0] == "genet":
            raise
        return _complain(f"this command needs the server's packages: pip install 'genet-platform[server]' ({error})")
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="genet", description="Self-service GPUs on Kubernetes.")
    parser.add_argument("--version", action="version", version=f"genet {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    serve = commands.add_parser("serve", help="run the server against a Kubernetes cluster")
    serve.add_argument("--host", default="127.0.0.1", help="address to listen on (default %(default)s)")
    serve.add_argument("--port", type=int, default=8080, help="port to listen on (default %(default)s)")
    _with_config(serve)
    serve.set_defaults(run=_serve)

    demo = commands.add_parser("demo", help="run the server with a cluster of its own, embedded: nothing to install")
    demo.add_argument("--port", type=int, default=8080, help="port to listen on (default %(default)s)")
    demo.add_argument("--scenario", choices=["small", "mixed", "large"], default="small", help="(default %(default)s)")
    demo.set_defaults(run=_demo)

    cleanup = commands.add_parser("cleanup", help="delete what is past its time, once")
    cleanup.add_argument("--dry-run", action="store_true", help="say what would be deleted, delete nothing")
    _with_config(cleanup)
    cleanup.set_defaults(run=_cleanup)

    config = commands.add_parser("config", help="print the effective configuration, secrets masked")
    config.add_argument("--schema", action="store_true", help="print the JSON Schema of the configuration file instead")
    _with_config(config)
    config.set_defaults(run=_config)

    openapi = commands.add_parser("openapi", help="print the OpenAPI document of the server")
    openapi.set_defaults(run=_openapi)
    return parser


def _with_config(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", type=Path, metavar="FILE", help="YAML file (default: what GENET_CONFIG names)")


def _serve(arguments: argparse.Namespace) -> int:
    import asyncio

    from genet.telemetry import configure_logging
    from genet.web.server import UnsafeAddressError, serve

    settings = _settings(arguments.config)
    if settings is None:
        return 2
    configure_logging()
    try:
        asyncio.run(serve(settings, arguments.host, arguments.port))
    except (UnsafeAddressError, OSError) as error:
        return _complain(error)
    return 0


def _demo(arguments: argparse.Namespace) -> int:
    import asyncio

    from genet.demo import demo

    try:
        asyncio.run(demo(arguments.scenario, arguments.port))
    except OSError as error:
        return _complain(error)
    return 0


def _cleanup(arguments: argparse.Namespace) -> int:
    from genet.cleanup.job import main as clean_up

    settings = _settings(arguments.config)
    return 2 if settings is None else clean_up(settings, dry_run=arguments.dry_run)


def _config(arguments: argparse.Namespace) -> int:
    import msgspec

    from genet.settings.sources import effective, schema

    if arguments.schema:
        print(msgspec.json.format(msgspec.json.encode(schema()), indent=2).decode())
        return 0
    settings = _settings(arguments.config)
    if settings is None:
        return 2
    print(msgspec.yaml.encode(effective(settings)).decode(), end="")
    return 0


def _openapi(_: argparse.Namespace) -> int:
    import msgspec

    from genet.settings import Auth, Settings
    from genet.web.app import create_litestar

    document = create_litestar(Settings(auth=Auth(mode="dev"))).openapi_schema.to_schema()
    print(msgspec.json.format(msgspec.json.encode(document), indent=2).decode())
    return 0


def _settings(file: Path | None) -> "Settings | None":
    """The configuration, or None after saying what is wrong with it."""
    import os

    from genet.settings.sources import ConfigurationError, load

    try:
        return load(os.environ, file)
    except ConfigurationError as error:
        _complain(error)
        return None


def _complain(error: Exception | str) -> int:
    print(f"genet: {error}", file=sys.stderr)
    return 2
