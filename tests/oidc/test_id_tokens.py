"""What ID tokens and userinfo say."""

import base64
import hashlib
import json
import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genet.errors import Forbidden
from genet.oidc.id_tokens import GROUPS_BYTES, at_hash, claims_of, id_token_claims, told_groups
from genet.oidc.key_set import first_set, make_key
from genet.oidc.keys import Signer
from tests.oidc.grant_world import ALICE, SCOPE, person

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def claims(**changes: Any) -> dict[str, Any]:
    return claims_of(changes.pop("user", ALICE), email_verified=changes.pop("email_verified", True), scope=SCOPE)


@pytest.mark.parametrize("said", [True, False])
def test_whether_a_mail_address_is_verified_is_told_as_it_was_said(said: bool) -> None:
    """A false that were left out would turn an API server's refusal into consent."""
    assert claims(email_verified=said)["email_verified"] is said


def test_what_nobody_said_of_a_mail_address_is_left_out() -> None:
    assert "email_verified" not in claims(email_verified=None)


def test_scope_opens_mail_and_groups() -> None:
    assert claims_of(ALICE, email_verified=True, scope=("openid",)) == {
        "sub": "alice-alice",
        "preferred_username": "alice",
    }


def test_groups_are_an_array_also_where_there_are_none() -> None:
    assert claims(user=person("bob"))["groups"] == []


@pytest.mark.parametrize("group", ["system:masters", "System:Masters", " system:nodes", "", "x" * 257, "a\nb", "\x00"])
def test_groups_of_the_cluster_and_what_cannot_be_a_name_are_never_told(group: str) -> None:
    assert told_groups(person("alice", "staff", group)) == ["staff"]


@pytest.mark.parametrize("name", ["system:admin", "SYSTEM:admin", "system:node:n1"])
def test_nobody_is_called_like_a_part_of_the_cluster(name: str) -> None:
    called: list[dict[str, Any]] = [{field: name} for field in ("username", "identifier", "email")]
    for changes in called:
        with pytest.raises(Forbidden):
            claims(user=replace(ALICE, **changes))


def test_four_hundred_groups_do_not_fit_and_the_log_says_so(caplog: pytest.LogCaptureFixture) -> None:
    """400 groups once made a token of 27 kB, and proxies end headers at 8."""
    groups = [f"organisation/department-{n:03}/team-with-a-rather-long-name-{n:03}" for n in range(400)]
    user = person("alice", *groups)
    with caplog.at_level(logging.WARNING):
        told = told_groups(user)
    assert told == groups[: len(told)]
    assert 40 < len(told) < 400
    assert "more groups" in caplog.text
    assert groups[399] not in caplog.text
    key = make_key(NOW)
    token = Signer(first_set(key, key).current).sign(
        id_token_claims(
            claims(user=user),
            issuer="https://" + "i" * 200,
            client="c" * 64,
            now=NOW,
            lifetime=timedelta(seconds=600),
            access_token="x",
            auth_time=NOW,
            nonce="n" * 256,
        )
    )
    assert len(token) < 8000


@given(st.lists(st.text(max_size=60), max_size=300))
def test_groups_always_fit(groups: list[str]) -> None:
    told = told_groups(person("alice", *groups))
    assert len(json.dumps(told, separators=(",", ":"))) <= GROUPS_BYTES
    assert told == sorted(set(told))
    assert not any(group.strip().casefold().startswith("system:") for group in told)


def test_the_hash_of_the_access_token_is_its_left_half() -> None:
    digest = hashlib.sha256(b"abc").digest()[:16]
    assert at_hash("abc") == base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def test_a_token_says_when_it_ends_and_not_what_it_does_not_know() -> None:
    token = id_token_claims(
        claims(), issuer="i", client="c", now=NOW, lifetime=timedelta(seconds=600), access_token="x",
        auth_time=None, nonce=None,
    )  # fmt: skip
    assert token["exp"] - token["iat"] == 600
    assert "auth_time" not in token
    assert "nonce" not in token
