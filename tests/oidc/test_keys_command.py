"""`genet keys`: what it says, and that it never says a private half."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from msgspec.structs import replace

from genet.cli import main
from genet.oidc.keys import ID, SIGNING_KEYS
from tests.oidc.grant_world import Replica, World, world

__all__ = ["world"]


@pytest.fixture
def genet(world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    """Runs the command; gives its code, what it printed and what it complained of."""
    config = tmp_path / "genet.yaml"
    kubernetes = {"kubeconfig": world.kubeconfig, "grantsNamespace": world.namespace}
    config.write_text(yaml.safe_dump({"auth": {"mode": "dev"}, "kubernetes": kubernetes}))

    async def run(*arguments: str) -> tuple[int, str, str]:
        code = await asyncio.to_thread(main, ["keys", *arguments, "--config", str(config)])
        out, err = capsys.readouterr()
        assert "PRIVATE" not in out + err
        return code, out, err

    return run


async def with_keys(world: World, *, since: timedelta) -> Replica:
    """Keys of that age by the real clock, which the command goes by."""
    world.clock.now = datetime.now(UTC) - since
    one = await world.replica()
    await one.keys.live()
    return one


async def test_without_keys_it_says_so_and_makes_none(world: World, genet: Any) -> None:
    one = await world.replica()
    for arguments in (("show",), ("rotate",), ("rotate", "--force")):
        code, _, err = await genet(*arguments)
        assert code == 1
        assert "there are no signing keys yet" in err
    assert await one.identity.records.find(SIGNING_KEYS, ID) is None


async def test_it_shows_names_and_times(world: World, genet: Any) -> None:
    one = await with_keys(world, since=timedelta(hours=1))
    keys = await one.keys.live()
    code, out, _ = await genet("show")
    assert code == 0
    assert f"current   {keys.current.kid}  signs since {world.clock.now:%Y-%m-%dT%H:%M:%SZ}" in out
    assert keys.next.kid in out


async def test_too_early_it_refuses_and_says_when(world: World, genet: Any) -> None:
    one = await with_keys(world, since=timedelta(seconds=30))
    before = await one.keys.live()
    code, _, err = await genet("rotate")
    assert code == 1
    assert f"can sign from {before.may_rotate_at():%Y-%m-%dT%H:%M:%SZ} on" in err
    assert await one.keys.live() == before


async def test_in_time_it_rotates_and_says_until_when_the_old_key_stays(world: World, genet: Any) -> None:
    one = await with_keys(world, since=timedelta(hours=1))
    before = await one.keys.live()
    code, out, _ = await genet("rotate")
    after = await one.keys.live()
    assert code == 0
    assert after.current.kid == before.next.kid
    assert f"previous  {before.current.kid}  signs no more since" in out
    assert (await genet("rotate"))[0] == 1


async def test_it_can_wait(world: World, genet: Any) -> None:
    one = await with_keys(world, since=timedelta(hours=1))
    record = await one.identity.records.get(SIGNING_KEYS, ID)
    almost = datetime.now(UTC) - timedelta(seconds=119)
    await one.identity.records.replace(
        record, replace(record.value, next=replace(record.value.next, published_at=almost))
    )
    code, out, _ = await genet("rotate", "--wait")
    assert code == 0
    assert "waiting" in out


async def test_a_leaked_key_is_forgotten_at_once_and_it_says_what_breaks(world: World, genet: Any) -> None:
    one = await with_keys(world, since=timedelta(seconds=1))
    before = await one.keys.live()
    code, out, _ = await genet("rotate", "--force")
    after = await one.keys.live()
    assert code == 0
    assert {before.current.kid, before.next.kid}.isdisjoint({after.current.kid, after.next.kid})
    assert "every ID token made before is refused" in out


async def test_keys_for_sealing_are_announced(world: World, genet: Any) -> None:
    world.clock.now = datetime.now(UTC)
    one = await world.replica()
    before = len(one.identity.keyring.sealing())
    code, out, _ = await genet("rotate", "--sealing")
    assert code == 0
    assert "used in 60 minutes" in out
    async with asyncio.timeout(10):
        while len(one.identity.keyring.sealing()) == before:  # noqa: ASYNC110 # a watch's news
            await asyncio.sleep(0.005)
