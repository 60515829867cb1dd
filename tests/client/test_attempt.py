from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from genet.client.attempt import NotOurs, begin
from genet.client.errors import ClientError, OAuthRefused
from genet.client.provider import Metadata

ISSUER = "https://genet.example.org"
REDIRECT = "http://127.0.0.1:4711/"


def an_attempt(**changes):
    fields = {
        "issuer": ISSUER,
        "authorization_endpoint": f"{ISSUER}/oidc/authorize",
        "token_endpoint": f"{ISSUER}/oidc/token",
        "authorization_response_iss_parameter_supported": True,
    }
    return begin(Metadata(**{**fields, **changes}), "kube", REDIRECT)


def answer(attempt, **changes):
    fields = {"code": "c0de", "state": attempt.state, "iss": ISSUER, **changes}
    return urlencode({name: value for name, value in fields.items() if value is not None})


def test_the_request_asks_for_a_code_bound_to_this_login():
    attempt = an_attempt()
    asked = parse_qs(urlsplit(attempt.url).query)
    assert asked["response_type"] == ["code"]
    assert asked["redirect_uri"] == [REDIRECT]
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["state"] == [attempt.state]
    assert asked["nonce"] == [attempt.nonce]
    assert attempt.verifier not in attempt.url


def test_every_login_has_its_own_secrets():
    one, other = an_attempt(), an_attempt()
    assert len({one.state, one.nonce, one.verifier, other.state, other.nonce, other.verifier}) == 6
    assert min(map(len, (one.state, one.nonce, one.verifier))) >= 43


def test_only_scopes_that_exist_are_asked_for():
    scopes = parse_qs(urlsplit(an_attempt(scopes_supported=("openid", "email", "secret")).url).query)["scope"]
    assert scopes == ["openid email"]


def test_the_right_answer_brings_the_code():
    attempt = an_attempt()
    assert attempt.code(answer(attempt)) == "c0de"


@pytest.mark.parametrize("state", ["", "guessed", None])
def test_an_answer_with_another_state_is_not_ours(state):
    attempt = an_attempt()
    with pytest.raises(NotOurs):
        attempt.code(answer(attempt, state=state))
    with pytest.raises(NotOurs):
        attempt.code(answer(attempt, state=state, error="access_denied"))


def test_an_answer_that_says_something_twice_is_not_ours():
    attempt = an_attempt()
    for again in ("code=other", f"state={attempt.state}", "iss=https://evil.example"):
        with pytest.raises(NotOurs):
            attempt.code(f"{answer(attempt)}&{again}")


@pytest.mark.parametrize("issuer", ["https://evil.example", ISSUER + "/", ISSUER.upper(), "", None])
def test_an_answer_of_another_server_ends_the_login(issuer):
    attempt = an_attempt()
    with pytest.raises(ClientError, match="nothing of it was used"):
        attempt.code(answer(attempt, iss=issuer))


def test_a_server_that_never_says_who_it_is_need_not():
    attempt = an_attempt(authorization_response_iss_parameter_supported=False)
    assert attempt.code(answer(attempt, iss=None)) == "c0de"
    with pytest.raises(ClientError):
        attempt.code(answer(attempt, iss="https://evil.example"))


def test_what_the_server_refuses_is_said_without_rewriting_the_terminal():
    attempt = an_attempt()
    with pytest.raises(OAuthRefused) as refused:
        attempt.code(answer(attempt, code=None, error="access_denied", error_description="no\x1b[2J"))
    assert refused.value.code == "access_denied"
    assert "no?[2J" in str(refused.value)


@pytest.mark.parametrize("prefix", [REDIRECT, REDIRECT.rstrip("/")])
def test_a_pasted_address_is_judged_the_same(prefix):
    attempt = an_attempt()
    assert attempt.pasted_code(f" {prefix}?{answer(attempt)}\n") == "c0de"
    with pytest.raises(NotOurs):
        attempt.pasted_code(f"{prefix}?{answer(attempt, state='guessed')}")


@pytest.mark.parametrize("address", ["", "c0de", "https://evil.example/", "http://127.0.0.1:4712/"])
def test_a_pasted_address_of_something_else_is_not_ours(address):
    attempt = an_attempt()
    with pytest.raises(NotOurs):
        attempt.pasted_code(f"{address}?{answer(attempt)}")
