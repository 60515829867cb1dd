"""Access tokens open userinfo, as long as their grant lives; nothing else does."""

from datetime import timedelta

import pytest

from genet.auth.people import UPSTREAM_TOKEN, UpstreamToken
from genet.auth.sealing import Purpose
from genet.oidc import access_tokens
from genet.oidc.access_tokens import AccessToken
from tests.oidc.grant_world import ALICE, REDIRECT, VERIFIER, World, begun, logged_in, redeemed, world
from tests.oidc.test_codes import refused

__all__ = ["world"]


async def test_an_access_token_says_whose_it_is_at_every_replica(world: World) -> None:
    one, two = await world.replica(), await world.replica()
    await logged_in(one)
    issued = await redeemed(one, world)
    grant, user = await two.grants.of_access_token(issued.access_token)
    assert (grant.client, user.identifier) == ("kube", "alice-alice")
    assert await two.grants.userinfo(issued.access_token) == {
        "sub": "alice-alice",
        "preferred_username": "alice",
        "email": "alice@example.org",
        "email_verified": True,
        "groups": ["ml", "staff"],
    }


async def test_an_expired_access_token_is_refused(world: World) -> None:
    """Pinniped GHSA-rp4v-hhm6-rcv9."""
    one = await world.replica()
    await logged_in(one)
    issued = await redeemed(one, world)
    world.clock.tick(599)
    assert await one.grants.userinfo(issued.access_token)
    world.clock.tick(1)
    refusal = await refused("invalid_token", one.grants.userinfo(issued.access_token))
    assert refusal.status == 401


@pytest.mark.parametrize("how", ["end", "revoke", "end_everything", "disable"])
async def test_an_access_token_ends_with_its_grant_at_every_replica(world: World, how: str) -> None:
    one, two = await world.replica(), await world.replica()
    await logged_in(one)
    issued = await redeemed(one, world)
    match how:
        case "end":
            await two.grants.end(ALICE, issued.grant_id)
        case "revoke":
            await two.grants.revoke(issued.refresh_token or "", world.client())
        case _:
            await getattr(two.identity.people, how)(ALICE.identifier)
    await refused("invalid_token", one.grants.of_access_token(issued.access_token))
    await refused("invalid_grant", one.grants.refresh(issued.refresh_token or "", world.client()))


async def test_tokens_of_other_types_open_nothing(world: World) -> None:
    """Mattermost CVE-2025-12421: with its prefix or without, sealed for something else or not sealed at all."""
    one = await world.replica()
    await logged_in(one)
    code = await begun(one, world.clock)
    issued = await one.grants.redeem(code, world.client(), REDIRECT, VERIFIER)
    sealer = one.identity.sealer
    payload = AccessToken(issued.grant_id, "kube", ("openid",))
    cookie, _ = await one.identity.sessions.start(ALICE, authenticated_at=world.clock.now, user_agent="")
    other = sealer.seal(Purpose("consent", AccessToken), payload, timedelta(hours=1))
    upstream = sealer.seal(UPSTREAM_TOKEN, UpstreamToken("x"), timedelta(hours=1))
    wrong = [code, issued.id_token, issued.refresh_token or "", cookie, other, upstream, "", "genet-sk-x"]
    for text in wrong:
        for dressed in (text, access_tokens.PREFIX + text, access_tokens.PREFIX + text.rpartition("-")[2]):
            await refused("invalid_token", one.grants.of_access_token(dressed))
    for text in (issued.access_token, issued.id_token, code):
        await refused("invalid_grant", one.grants.refresh(text, world.client()))
    for text in (issued.access_token, issued.id_token, issued.refresh_token or ""):
        await refused("invalid_grant", one.grants.redeem(text, world.client(), REDIRECT, VERIFIER))
    assert access_tokens.read(sealer, issued.access_token) is not None


async def test_a_code_that_was_not_redeemed_has_no_live_grant(world: World) -> None:
    one = await world.replica()
    await logged_in(one)
    id_ = (await begun(one, world.clock)).removeprefix("genet-ac-").partition(".")[0]
    token = access_tokens.write(one.identity.sealer, AccessToken(id_, "kube", ("openid",)), timedelta(minutes=5))
    await refused("invalid_token", one.grants.of_access_token(token))
