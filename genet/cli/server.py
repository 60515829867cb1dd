"""The server, the demo and the nightly run."""

import argparse

from genet.cli.common import Commands, complain, settings_of, with_config


def add(commands: Commands) -> None:
    serve = commands.add_parser("serve", help="run the server against a Kubernetes cluster")
    serve.add_argument("--host", default="127.0.0.1", help="address to listen on (default %(default)s)")
    serve.add_argument("--port", type=int, default=8080, help="port to listen on (default %(default)s)")
    with_config(serve)
    serve.set_defaults(run=_serve)

    demo = commands.add_parser("demo", help="run the server with a cluster of its own, embedded: nothing to install")
    demo.add_argument("--port", type=int, default=8080, help="port to listen on (default %(default)s)")
    demo.add_argument("--scenario", choices=["small", "mixed", "large"], default="small", help="(default %(default)s)")
    demo.set_defaults(run=_demo)

    cleanup = commands.add_parser("cleanup", help="delete what is past its time, once")
    cleanup.add_argument("--dry-run", action="store_true", help="say what would be deleted, delete nothing")
    with_config(cleanup)
    cleanup.set_defaults(run=_cleanup)


def _serve(arguments: argparse.Namespace) -> int:
    import asyncio

    from genet.settings.sources import ConfigurationError
    from genet.telemetry import configure_logging
    from genet.web.server import UnsafeAddressError, serve

    settings = settings_of(arguments)
    if settings is None:
        return 2
    configure_logging()
    try:
        asyncio.run(serve(settings, arguments.host, arguments.port))
    except (UnsafeAddressError, ConfigurationError, OSError) as error:
        return complain(error)
    return 0


def _demo(arguments: argparse.Namespace) -> int:
    import asyncio

    from genet.demo import demo

    try:
        asyncio.run(demo(arguments.scenario, arguments.port))
    except OSError as error:
        return complain(error)
    return 0


def _cleanup(arguments: argparse.Namespace) -> int:
    from genet.cleanup.job import main as clean_up

    settings = settings_of(arguments)
    return 2 if settings is None else clean_up(settings, dry_run=arguments.dry_run)
