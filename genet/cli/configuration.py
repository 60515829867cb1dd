"""What is configured, and what the server offers."""

import argparse

from genet.cli.common import Commands, settings_of, with_config


def add(commands: Commands) -> None:
    config = commands.add_parser("config", help="print the effective configuration, secrets masked")
    config.add_argument("--schema", action="store_true", help="print the JSON Schema of the configuration file instead")
    with_config(config)
    config.set_defaults(run=_config)

    openapi = commands.add_parser("openapi", help="print the OpenAPI document of the server")
    openapi.set_defaults(run=_openapi)


def _config(arguments: argparse.Namespace) -> int:
    import msgspec

    from genet.settings.sources import effective, schema

    if arguments.schema:
        print(msgspec.json.format(msgspec.json.encode(schema()), indent=2).decode())
        return 0
    settings = settings_of(arguments)
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
