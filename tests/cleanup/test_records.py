"""The nightly run over people's records, on the embedded cluster."""

import asyncio
import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from genet.cleanup import records
from genet.cleanup.job import OK, main
from genet.cleanup.run import Action
from genet.errors import Unavailable
from tests.oidc.grant_world import World, begun, logged_in, redeemed, world
from tests.oidc.test_collect import fill, grant
from tests.oidc.wire import WATCHED, Wire

__all__ = ["world"]


async def swept(world: World, kube: Any, **more: Any) -> tuple[Counter[str], list[Action]]:
    told: list[Action] = []
    await records.collect(kube, world.settings, clock=world.clock, tell=told.append, **more)
    return Counter(action.action for action in told), told


async def test_what_is_over_goes_and_what_counts_stays(world: World) -> None:
    one = await world.replica()
    await logged_in(one)
    await begun(one, world.clock)
    world.clock.tick(hours=2)
    kept = await redeemed(one, world)
    counts, told = await swept(world, one.kube)
    assert counts == {"deleted": 1}
    assert (told[0].kind, told[0].namespace, told[0].reason) == ("Secret", world.namespace, "expired")
    await one.grants.userinfo(kept.access_token)


async def test_it_goes_on_until_nothing_is_left(world: World) -> None:
    one = await world.replica()
    fill(world, 1500, grant(world))
    world.clock.tick(days=9)
    assert (await swept(world, one.kube))[0] == {"deleted": 1500}


async def test_a_dry_run_tells_and_deletes_nothing(world: World) -> None:
    one = await world.replica()
    fill(world, 2, grant(world))
    world.clock.tick(days=9)
    assert (await swept(world, one.kube, dry_run=True))[0] == {"would-delete": 2}
    assert (await swept(world, one.kube))[0] == {"deleted": 2}


async def test_a_failure_is_told(world: World) -> None:
    one = await world.replica(Wire)
    assert isinstance(one.kube, Wire)
    one.kube.meets(0, "lost before")
    WATCHED.set("nightly")
    counts, told = await swept(world, one.kube)
    assert counts == {"failed": 1}
    assert told[0].reason == Unavailable("the network is down").detail


async def test_the_command_does_it_beside_the_pods(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.clock.now = datetime.now(UTC) - timedelta(days=9)
    await world.replica()
    fill(world, 1, grant(world))
    code = await asyncio.to_thread(main, world.settings)
    out, err = capsys.readouterr()
    assert code == OK
    assert [json.loads(line)["kind"] for line in out.splitlines()] == ["Secret"]
    assert err == "Clean-up: 1 deleted.\n"
