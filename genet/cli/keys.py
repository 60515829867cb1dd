"""The keys that sign ID tokens, for administrators with a kubeconfig: never a private half."""

import argparse
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from genet.cli.common import Commands, complain, settings_of, with_config

if TYPE_CHECKING:
    from datetime import datetime

    from genet.oidc.key_set import KeySet
    from genet.oidc.keys import SigningKeys
    from genet.settings import Settings

_NONE = "there are no signing keys yet: the server makes them when it first needs one"


def add(commands: Commands) -> None:
    keys = commands.add_parser("keys", help="show and change the keys of the OpenID Provider")
    actions = keys.add_subparsers(required=True, metavar="ACTION")

    show = actions.add_parser("show", help="which keys there are, and since when")
    with_config(show)
    show.set_defaults(run=_show)

    rotate = actions.add_parser("rotate", help="sign with the next key; the server does so by itself now and then")
    kind = rotate.add_mutually_exclusive_group()
    kind.add_argument("--wait", action="store_true", help="until the next key is known everywhere")
    kind.add_argument(
        "--force", action="store_true", help="a key has leaked: forget all keys at once, which ends ID tokens"
    )
    kind.add_argument("--sealing", action="store_true", help="announce a new key for cookies and tokens instead")
    with_config(rotate)
    rotate.set_defaults(run=_rotate)


def _show(arguments: argparse.Namespace) -> int:
    async def show(keys: "SigningKeys") -> int:
        found = await keys.found()
        if found is None:
            return complain(_NONE, 1)
        for line in _told(found):
            print(line)
        return 0

    return _run(arguments, show)


def _rotate(arguments: argparse.Namespace) -> int:
    if arguments.sealing:
        return _announce_sealing(arguments)

    async def rotate(keys: "SigningKeys") -> int:
        found = await keys.found()
        if found is None:
            return complain(_NONE, 1)
        if arguments.force:
            return _forced(await keys.replace_leaked())
        if arguments.wait:
            await _until(found.may_rotate_at())
        changed = await keys.rotate()
        for line in _told(changed):
            print(line)
        return 0

    return _run(arguments, rotate)


async def _until(ready: "datetime") -> None:
    import asyncio

    from genet.auth.clock import utc_now

    while (seconds := (ready - utc_now()).total_seconds()) > 0:
        print(f"The next key can sign from {_time(ready)} on; waiting {seconds:.0f} s.", flush=True)
        await asyncio.sleep(min(seconds, 60))


def _forced(changed: "KeySet") -> int:
    from genet.oidc.key_set import MAX_AGE

    seconds = int(MAX_AGE.total_seconds())
    print(
        f"All keys are new. Who keeps the document of keys (API servers do, for up to {seconds} s) refuses tokens of\n"
        "the new key until it fetches the document again, and goes on believing the old ones until then. After that\n"
        "every ID token made before is refused; kubectl and others get new ones with their refresh tokens, which stay\n"
        "good.\n"
        "To end what somebody may have made with the leaked key at once, restart the API servers."
    )
    for line in _told(changed):
        print(line)
    return 0


def _told(keys: "KeySet") -> list[str]:
    from genet.oidc.key_set import PUBLISHED_AFTER

    lines = [
        f"current   {keys.current.kid}  signs since {_time(keys.current.activated_at)}, "
        f"published since {_time(keys.current.published_at)}",
        f"next      {keys.next.kid}  published since {_time(keys.next.published_at)}, "
        f"may sign from {_time(keys.may_rotate_at())}",
    ]
    previous = keys.previous
    if previous is not None:
        end = previous.retired_at + PUBLISHED_AFTER if previous.retired_at else None
        lines.append(
            f"previous  {previous.kid}  signs no more since {_time(previous.retired_at)}, published until {_time(end)}"
        )
    return lines


def _time(time: "datetime | None") -> str:
    return f"{time:%Y-%m-%dT%H:%M:%SZ}" if time else "?"


def _announce_sealing(arguments: argparse.Namespace) -> int:
    import asyncio

    from genet.auth.clock import utc_now
    from genet.auth.identity import Identity
    from genet.auth.keyring import ANNOUNCED
    from genet.errors import GenetError, NotFound
    from genet.kube.client import KubeClient

    async def announce(settings: "Settings") -> None:
        async with KubeClient.connect(settings.kubernetes) as kube:
            await Identity.over(kube, settings, utc_now).keyring.rotate()

    settings = settings_of(arguments)
    if settings is None:
        return 2
    try:
        asyncio.run(announce(settings))
    except NotFound:
        return complain("there are no keys yet: the server makes them when it first needs one", 1)
    except GenetError as error:
        return complain(error.detail, 1)
    minutes = ANNOUNCED.total_seconds() / 60
    print(f"Announced a new key; it is used in {minutes:.0f} minutes. Nothing that was sealed ends.")
    return 0


def _run(arguments: argparse.Namespace, act: Callable[["SigningKeys"], Awaitable[int]]) -> int:
    import asyncio
    from datetime import timedelta

    from genet.auth.clock import utc_now
    from genet.errors import GenetError
    from genet.kube.client import KubeClient
    from genet.kube.records import Records
    from genet.oidc.keys import SigningKeys

    async def connected(settings: "Settings") -> int:
        async with KubeClient.connect(settings.kubernetes) as kube:
            records = Records(kube, settings.kubernetes.grants_namespace)
            period = timedelta(days=settings.oidc_provider.key_rotation_days)
            return await act(SigningKeys(records, None, period=period, clock=utc_now))

    settings = settings_of(arguments)
    if settings is None:
        return 2
    try:
        return asyncio.run(connected(settings))
    except GenetError as error:
        return complain(error.detail, 1)
