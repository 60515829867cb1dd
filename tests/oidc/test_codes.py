"""A code is presented once, by whom and for where it was made."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from genet.errors import Forbidden, Unavailable
from genet.oidc import codes
from genet.oidc.grant import GRANT
from genet.oidc.messages import AUTHORIZATION_CODE, OFFLINE_ACCESS, OAuthError
from tests.oidc.grant_world import (
    ALICE,
    CHALLENGE,
    REDIRECT,
    SCOPE,
    SECRET_REDIRECT,
    VERIFIER,
    World,
    any_world,
    begun,
    logged_in,
    person,
    redeemed,
    request,
    world,
)

__all__ = ["any_world", "world"]


async def refused(error: str, awaitable: Any) -> OAuthError:
    with pytest.raises(OAuthError) as raised:
        await awaitable
    assert raised.value.error == error
    return raised.value


async def test_a_code_becomes_tokens_that_say_who_it_was(world: World) -> None:
    one = await world.replica()
    await logged_in(one)
    issued = await redeemed(one, world)
    now = int(world.clock.now.timestamp())
    claims = await one.claims(issued)
    assert claims.pop("at_hash")
    assert claims == {
        "iss": "https://genet.example.org",
        "sub": "alice-alice",
        "aud": "kube",
        "iat": now,
        "exp": now + 600,
        "auth_time": now,
        "nonce": "n-0S6_WzA2Mj",
        "preferred_username": "alice",
        "email": "alice@example.org",
        "email_verified": True,
        "groups": ["ml", "staff"],
    }
    assert (issued.scope, issued.expires_in) == (SCOPE, 600)
    assert issued.refresh_token


async def test_a_client_that_may_not_refresh_gets_nothing_to_refresh_with(world: World) -> None:
    one = await world.replica()
    await logged_in(one)
    client = replace(world.client(), grant_types=frozenset({AUTHORIZATION_CODE}))
    issued = await one.grants.redeem(await begun(one, world.clock), client, REDIRECT, VERIFIER)
    assert issued.refresh_token is None
    assert OFFLINE_ACCESS not in issued.scope


async def test_what_is_stored_holds_neither_code_nor_tokens(world: World) -> None:
    one = await world.replica()
    await logged_in(one)
    code = await begun(one, world.clock)
    before = (await one.identity.records.of(GRANT, ALICE.identifier))[0]
    issued = await one.grants.redeem(code, world.client(), REDIRECT, VERIFIER)
    after = await one.grant_of(issued)
    assert issued.refresh_token
    for record in (before, after):
        told = str(record.secret)
        for secret in (code, code.partition(".")[2], issued.refresh_token.rpartition(".")[2], issued.access_token):
            assert secret not in told
        assert secret not in repr(issued)


async def test_no_nonce_is_told_where_none_was_sent(world: World) -> None:
    one = await world.replica()
    await logged_in(one)
    assert "nonce" not in await one.claims(await redeemed(one, world, nonce=None))


@pytest.mark.parametrize("changes", [{"scope": ("openid",)}, {"scope": ("openid", "email")}])
async def test_without_offline_access_there_is_nothing_to_refresh_with(world: World, changes: dict[str, Any]) -> None:
    one = await world.replica()
    await logged_in(one)
    issued = await redeemed(one, world, **changes)
    assert issued.refresh_token is None
    assert "groups" not in await one.claims(issued)
    world.clock.tick(599)
    await one.grants.of_access_token(issued.access_token)
    world.clock.tick(1)
    assert not await one.grants.of(ALICE)


async def test_of_one_code_at_two_replicas_at_once_one_is_answered_and_its_grant_is_dead(any_world: World) -> None:
    world = any_world
    one, two = await world.replica(), await world.replica()
    await logged_in(one)
    answered = 0
    for _ in range(20):
        code = await begun(one, world.clock)
        answers = await asyncio.gather(
            *(replica.grants.redeem(code, world.client(), REDIRECT, VERIFIER) for replica in (one, two)),
            return_exceptions=True,
        )
        issued = [answer for answer in answers if not isinstance(answer, BaseException)]
        refusals = [answer for answer in answers if isinstance(answer, OAuthError)]
        assert (len(issued), [refusal.error for refusal in refusals]) == (1, ["invalid_grant"])
        answered += 1
        for replica in (one, two):
            await refused("invalid_token", replica.grants.of_access_token(issued[0].access_token))
            await refused("invalid_grant", replica.grants.refresh(issued[0].refresh_token or "", world.client()))
    assert answered == 20


async def test_a_code_that_comes_again_ends_what_it_was_given_for(world: World) -> None:
    one, two = await world.replica(), await world.replica()
    await logged_in(one)
    code = await begun(one, world.clock)
    issued = await one.grants.redeem(code, world.client(), REDIRECT, VERIFIER)
    await two.grants.of_access_token(issued.access_token)
    await refused("invalid_grant", two.grants.redeem(code, world.client(), REDIRECT, VERIFIER))
    await refused("invalid_token", one.grants.of_access_token(issued.access_token))
    await refused("invalid_grant", one.grants.refresh(issued.refresh_token or "", world.client()))
    assert (await one.grant_of(issued)).value.ended_because == "its code was presented twice"


async def test_a_code_is_recognised_as_long_as_its_tokens_could_be_refreshed(world: World) -> None:
    one = await world.replica()
    await logged_in(one)
    code = await begun(one, world.clock)
    issued = await one.grants.redeem(code, world.client(), REDIRECT, VERIFIER)
    for _ in range(4):
        world.clock.tick(days=6)
        assert issued.refresh_token
        issued = await one.grants.refresh(issued.refresh_token, world.client())
    await refused("invalid_grant", one.grants.redeem(code, world.client(), REDIRECT, VERIFIER))
    await refused("invalid_grant", one.grants.refresh(issued.refresh_token or "", world.client()))


class Presentation:
    """How a code is presented, one thing changed."""

    def __init__(
        self, *, client: str = "kube", redirect: str | None = REDIRECT, verifier: str | None = VERIFIER, late: int = 0
    ) -> None:
        self.client, self.redirect, self.verifier, self.late = client, redirect, verifier, late


MISFITS: dict[str, tuple[dict[str, Any], Presentation]] = {
    "wrong client": ({}, Presentation(client="other")),
    "wrong client with a secret": ({}, Presentation(client="grafana")),
    "wrong redirect": ({}, Presentation(redirect="http://localhost:8001")),
    "another name of the same host": ({}, Presentation(redirect="http://127.0.0.1:8000")),
    "no redirect": ({}, Presentation(redirect=None)),
    "expired": ({}, Presentation(late=60)),
    "missing verifier": ({}, Presentation(verifier=None)),
    "wrong verifier": ({}, Presentation(verifier="w" * 43)),
    "the challenge as verifier": ({}, Presentation(verifier=CHALLENGE)),
    "superfluous verifier": ({"code_challenge": None}, Presentation()),
}


@pytest.mark.parametrize("misfit", MISFITS)
async def test_one_thing_that_does_not_fit_suffices_and_uses_the_code_up(world: World, misfit: str) -> None:
    """Pocket ID CVE-2026-28513: each alone. The second try with everything right is a second presentation."""
    changes, how = MISFITS[misfit]
    one, two = await world.replica(), await world.replica()
    await logged_in(one)
    code = await begun(one, world.clock, **changes)
    world.clock.tick(how.late)
    await refused("invalid_grant", one.grants.redeem(code, world.client(how.client), how.redirect, how.verifier))
    world.clock.tick(-how.late)
    verifier = VERIFIER if "code_challenge" not in changes else None
    await refused("invalid_grant", two.grants.redeem(code, world.client(), REDIRECT, verifier))


async def test_a_code_is_good_until_its_last_second(world: World) -> None:
    one = await world.replica()
    await logged_in(one)
    code = await begun(one, world.clock)
    world.clock.tick(59)
    assert (await one.grants.redeem(code, world.client(), REDIRECT, VERIFIER)).refresh_token


async def test_a_client_with_a_secret_may_do_without_proof_key(world: World) -> None:
    one = await world.replica()
    await logged_in(one)
    code = await begun(one, world.clock, client="grafana", redirect_uri=SECRET_REDIRECT, code_challenge=None)
    assert (await one.grants.redeem(code, world.client("grafana"), SECRET_REDIRECT, None)).refresh_token


@pytest.mark.parametrize(
    "code",
    [
        "",
        "x",
        "genet-ac-.",
        f"genet-ac-{'a' * 26}.{'b' * 43}",
        f"genet-ac-../../secrets/x.{'b' * 43}",
        f"genet-ac-{'a' * 26}.{'b' * 43}\n",
        f"genet-rt-{'a' * 26}.1.{'b' * 43}",
    ],
)
async def test_what_is_no_code_is_refused(world: World, code: str) -> None:
    one = await world.replica()
    await refused("invalid_grant", one.grants.redeem(code, world.client(), REDIRECT, VERIFIER))


async def test_who_knows_the_grant_but_not_the_code_changes_nothing(world: World) -> None:
    """Ids stand in object names and audit logs; CVE-2022-39222 is to get the code from such an id."""
    one = await world.replica()
    await logged_in(one)
    code = await begun(one, world.clock)
    guess = code.partition(".")[0] + "." + "x" * 43
    await refused("invalid_grant", one.grants.redeem(guess, world.client(), REDIRECT, VERIFIER))
    assert (await one.grants.redeem(code, world.client(), REDIRECT, VERIFIER)).refresh_token
    await refused("invalid_grant", one.grants.redeem(guess, world.client(), REDIRECT, VERIFIER))
    assert len(await one.grants.of(ALICE)) == 1


async def test_a_provider_that_does_not_answer_uses_no_code_up(world: World) -> None:
    one = await world.replica()
    await logged_in(one)
    code = await begun(one, world.clock)
    one.word.says = Unavailable("away")
    with pytest.raises(Unavailable):
        await one.grants.redeem(code, world.client(), REDIRECT, VERIFIER)
    one.word.says = None
    assert (await one.grants.redeem(code, world.client(), REDIRECT, VERIFIER)).refresh_token


async def test_a_person_whom_the_company_let_go_gets_no_tokens(world: World) -> None:
    one = await world.replica()
    await logged_in(one)
    code = await begun(one, world.clock)
    one.word.says = Forbidden("gone")
    await refused("invalid_grant", one.grants.redeem(code, world.client(), REDIRECT, VERIFIER))
    one.word.says = None
    await refused("invalid_grant", one.grants.redeem(code, world.client(), REDIRECT, VERIFIER))


async def test_tokens_say_what_the_company_says_now(world: World) -> None:
    one = await world.replica()
    await logged_in(one)
    code = await begun(one, world.clock)
    one.word.says = person("alice", "new-group")
    issued = await one.grants.redeem(code, world.client(), REDIRECT, VERIFIER)
    assert (await one.claims(issued))["groups"] == ["new-group"]


async def test_codes_of_before_everything_was_ended_are_worth_nothing(world: World) -> None:
    one, two = await world.replica(), await world.replica()
    await logged_in(one)
    code = await begun(one, world.clock)
    record = (await one.identity.records.of(GRANT, ALICE.identifier))[0]
    await two.identity.people.end_everything(ALICE.identifier)
    # as if a replica had died before it deleted them
    await one.identity.records.create(GRANT, record.id, record.value, user=ALICE.identifier)
    await refused("invalid_grant", one.grants.redeem(code, world.client(), REDIRECT, VERIFIER))


async def test_a_session_that_was_ended_everywhere_begins_no_grant(world: World) -> None:
    one, two = await world.replica(), await world.replica()
    await logged_in(one)
    sessions = one.identity.sessions
    cookie, _ = await sessions.start(ALICE, authenticated_at=world.clock.now, user_agent="Firefox")
    caller = await sessions.find(cookie)
    assert caller is not None
    session = caller.credential_id
    assert await one.grants.begin(ALICE, request(), auth_time=world.clock.now, user_agent="Firefox", session_id=session)
    # this request was let in a moment before; now the person ends everything elsewhere
    await two.identity.people.end_everything(ALICE.identifier)
    began = one.grants.begin(ALICE, request(), auth_time=world.clock.now, user_agent="Firefox", session_id=session)
    await refused("access_denied", began)


async def test_disabled_people_begin_nothing_and_redeem_nothing(world: World) -> None:
    one, two = await world.replica(), await world.replica()
    await logged_in(one)
    code = await begun(one, world.clock)
    await two.identity.people.disable(ALICE.identifier)
    await refused("invalid_grant", one.grants.redeem(code, world.client(), REDIRECT, VERIFIER))
    with pytest.raises(Forbidden):
        await begun(one, world.clock)


@pytest.mark.parametrize(
    ("verifier", "challenge", "proves"),
    [
        (VERIFIER, CHALLENGE, True),
        # RFC 7636 appendix B
        ("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", True),
        (None, None, True),
        (VERIFIER, None, False),
        (None, CHALLENGE, False),
        ("", CHALLENGE, False),
        (CHALLENGE, CHALLENGE, False),
        ("v" * 42, CHALLENGE, False),
        ("v" * 129, CHALLENGE, False),
        (VERIFIER + "\n", CHALLENGE, False),
    ],
)
def test_a_proof_key_proves_only_with_its_challenge(verifier: str | None, challenge: str | None, proves: bool) -> None:
    assert codes.proves(verifier, challenge) is proves
