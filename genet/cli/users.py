"""The people Genet knows, for administrators with a kubeconfig: run where the server runs."""

import argparse
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from genet.cli.common import Commands, complain, settings_of, with_config

if TYPE_CHECKING:
    from genet.flows.users import Users

_ENDED = (("session", "session"), ("token", "API token"), ("grant", "grant"), ("device", "device"))


def add(commands: Commands) -> None:
    users = commands.add_parser("users", help="list the people Genet knows, shut them out, let them in again")
    actions = users.add_subparsers(required=True, metavar="ACTION")

    listing = actions.add_parser("list", help="who they are, and what they hold")
    listing.add_argument("--output", choices=["table", "json"], default="table", help="(default %(default)s)")
    with_config(listing)
    listing.set_defaults(run=_list)

    disable = actions.add_parser("disable", help="end everything of a person, and let them in no more")
    disable.add_argument("user", help="userIdentifier")
    with_config(disable)
    disable.set_defaults(run=_disable)

    enable = actions.add_parser("enable", help="let a person in again")
    enable.add_argument("user", help="userIdentifier")
    with_config(enable)
    enable.set_defaults(run=_enable)


def _list(arguments: argparse.Namespace) -> int:
    async def listed(users: "Users") -> None:
        import msgspec

        found = await users.listed()
        if arguments.output == "json":
            print(msgspec.json.format(msgspec.json.encode({"users": found}), indent=2).decode())
            return
        rows = [("USER", "NAME", "MAIL", "LAST LOGIN", "SESSIONS", "GRANTS", "TOKENS", "DISABLED")]
        for one in found:
            login = f"{one.last_login_at:%Y-%m-%d %H:%M}" if one.last_login_at else "-"
            counts = (str(one.sessions), str(one.grants), str(one.tokens))
            rows.append((one.identifier, one.username, one.email, login, *counts, "yes" if one.disabled else "no"))
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for row in rows:
            print("  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip())

    return _run(arguments, listed)


def _disable(arguments: argparse.Namespace) -> int:
    async def disabled(users: "Users") -> None:
        ended = await users.disable(arguments.user)
        parts = [f"{count} {what}{'s' * (count > 1)}" for kind, what in _ENDED if (count := ended[kind])]
        print(f"{arguments.user} is disabled. Ended: {', '.join(parts) or 'nothing, as there was nothing'}.")
        print("kubectl may do nothing more in their name. Their pods stay until their time is over.")

    return _run(arguments, disabled)


def _enable(arguments: argparse.Namespace) -> int:
    async def enabled(users: "Users") -> None:
        await users.enable(arguments.user)
        print(f"{arguments.user} may log in again; kubectl works with their next kubeconfig or pod.")

    return _run(arguments, enabled)


def _run(arguments: argparse.Namespace, act: Callable[["Users"], Awaitable[Any]]) -> int:
    import asyncio

    from genet.auth.clock import utc_now
    from genet.errors import GenetError
    from genet.flows.users import Users

    settings = settings_of(arguments)
    if settings is None:
        return 2

    async def connected() -> None:
        async with Users.connected(settings, utc_now) as users:
            await act(users)

    try:
        asyncio.run(connected())
    except GenetError as error:
        return complain(error.detail, 1)
    return 0
