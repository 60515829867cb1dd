from typing import Any

import jwt
import pytest

from genet.client.errors import ClientError
from genet.client.identity import checked, claims_of

NOW = 1_800_000_000
GOOD = {"iss": "https://genet.example.org", "aud": "kube", "sub": "alice-a", "exp": NOW + 600, "nonce": "n0nce"}
EXPECTED: dict[str, Any] = {"issuer": "https://genet.example.org", "client_id": "kube", "now": NOW, "nonce": "n0nce"}


def token(**changes):
    claims = {name: value for name, value in {**GOOD, **changes}.items() if value is not None}
    return jwt.encode(claims, "k" * 32, "HS256")


def test_a_token_for_this_login_is_believed():
    assert checked(token(), **EXPECTED)["sub"] == "alice-a"
    assert checked(token(aud=["kube"]), **EXPECTED)["sub"] == "alice-a"
    assert checked(token(aud=["kube", "other"], azp="kube"), **EXPECTED)["sub"] == "alice-a"


@pytest.mark.parametrize(
    "change",
    [
        {"iss": None},
        {"iss": "https://genet.example.org/"},
        {"iss": "https://genet.example"},
        {"aud": None},
        {"aud": "kubernetes"},
        {"aud": ["other"]},
        {"aud": ["kube", "other"]},
        {"aud": "kube", "azp": "other"},
        {"nonce": None},
        {"nonce": "other"},
        {"exp": None},
        {"exp": NOW},
        {"exp": NOW - 1},
        {"sub": None},
        {"sub": ""},
    ],
    ids=str,
)
def test_a_token_that_is_for_something_else_is_refused(change):
    if change.get("exp", 1) is not None and "exp" in change:
        with pytest.raises(ClientError, match="clock"):
            checked(token(**change), **EXPECTED)
    else:
        with pytest.raises(ClientError):
            checked(token(**change), **EXPECTED)


def test_a_renewed_token_must_be_about_the_same_person():
    assert checked(token(nonce=None), **{**EXPECTED, "nonce": None}, subject="alice-a")
    with pytest.raises(ClientError, match="somebody else"):
        checked(token(nonce=None), **{**EXPECTED, "nonce": None}, subject="bob-b")


@pytest.mark.parametrize("text", ["", "a.b", "a.!!.c", "a.bnVsbA.c", "a.W10.c", "a.b.c.d"])
def test_what_is_no_token_is_said_to_be_none(text):
    with pytest.raises(ClientError, match="cannot be read"):
        claims_of(text)
