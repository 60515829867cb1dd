"""`docs/examples/authentication-configuration.yaml`: its rules, judged by CEL over what Genet puts into its tokens.

No API server judges them here: what they may say is that of Kubernetes 1.30 and newer.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from genet.oidc.clients import KUBE
from genet.oidc.id_tokens import claims_of, id_token_claims
from genet.settings import Lifetimes, OIDCProvider
from genet.simulation import policies
from tests.oidc.grant_world import SCOPE, person

pytestmark = pytest.mark.skipif(not policies.IS_SERVED, reason="cel-python is not installed")

DOCUMENT = yaml.safe_load((Path(__file__).parents[1] / "docs/examples/authentication-configuration.yaml").read_text())
(JWT,) = DOCUMENT["jwt"]
NOW = datetime(2026, 3, 1, tzinfo=UTC)


def refused(claims: dict[str, Any], **user: Any) -> list[str]:
    """What an API server would say of them."""
    from celpy.adapter import json_to_cel

    mapped = {
        "username": JWT["claimMappings"]["username"]["prefix"] + claims["sub"],
        "groups": [JWT["claimMappings"]["groups"]["prefix"] + group for group in claims["groups"]],
    }
    known = {"claims": json_to_cel(claims), "user": json_to_cel(mapped | user)}
    rules = JWT["claimValidationRules"] + JWT["userValidationRules"]
    judged = {rule["message"]: policies._judge(rule["expression"], known) for rule in rules}
    assert not any(isinstance(value, Exception) for value in judged.values()), judged
    return [message for message, value in judged.items() if not value]


def said(*groups: str, email_verified: bool | None = True, **changes: Any) -> dict[str, Any]:
    claims = id_token_claims(
        claims_of(person("alice", *groups), email_verified=email_verified, scope=SCOPE),
        issuer=JWT["issuer"]["url"],
        client=KUBE,
        now=NOW,
        lifetime=timedelta(seconds=Lifetimes().id_token),
        access_token="x",
        auth_time=NOW,
        nonce=None,
    )
    return claims | changes


@pytest.mark.parametrize("verified", [True, False, None])
def test_what_genet_says_of_people_is_let_in(verified):
    assert refused(said("staff", "ml", email_verified=verified)) == []
    assert refused(said()) == []


def test_the_longest_life_that_can_be_set_is_let_in():
    longest = msgspec.json.schema(Lifetimes)["$defs"]["Lifetimes"]["properties"]["idToken"]["maximum"]
    issued = said()["iat"]
    assert refused(said(exp=issued + longest)) == []
    assert refused(said(exp=issued + 900)) == []


@pytest.mark.parametrize(
    ("changes", "user"),
    [
        ({"exp": int(NOW.timestamp()) + 901}, {}),
        ({"exp": int(NOW.timestamp()) + 10 * 365 * 86400}, {}),
        ({}, {"username": "system:admin"}),
        ({}, {"username": "system:"}),
        ({}, {"username": "system:node:one"}),
        ({}, {"groups": ["genet:staff", "system:masters"]}),
    ],
)
def test_what_must_never_be_let_in_is_not(changes, user):
    assert len(refused(said("staff", **changes), **user)) == 1


def test_it_is_for_the_same_client_and_the_same_names():
    assert JWT["issuer"]["audiences"] == [KUBE]
    prefix = OIDCProvider().username_prefix
    assert JWT["claimMappings"] == {
        "username": {"claim": "sub", "prefix": prefix},
        "groups": {"claim": "groups", "prefix": prefix},
    }
