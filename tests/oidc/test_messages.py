"""Requests as clients write them, and as attackers do."""

import pytest

from genet.oidc.messages import OAuthError, Parameters, read_authorization_request, read_scope

CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
GOOD = {
    "response_type": "code",
    "client_id": "kube",
    "redirect_uri": "http://localhost:8000",
    "scope": "openid groups",
}


def read(*doubled, **changes):
    pairs = [(name, value) for name, value in {**GOOD, **changes}.items() if value is not None]
    return read_authorization_request(Parameters([*pairs, *doubled]))


def refused(*doubled, **changes):
    with pytest.raises(OAuthError) as caught:
        read(*doubled, **changes)
    assert caught.value.status == 400
    return caught.value.error


def test_a_request_is_read():
    request = read(
        state="a b",
        nonce="n",
        code_challenge=CHALLENGE,
        code_challenge_method="S256",
        prompt="login consent",
        max_age="0",
    )
    assert (request.scope, request.state, request.nonce) == (("openid", "groups"), "a b", "n")
    assert (request.code_challenge, request.prompt, request.max_age) == (CHALLENGE, {"login", "consent"}, 0)


def test_what_is_not_understood_is_passed_over():
    assert read(extra="foobar", display="page", ui_locales="de", scope="openid phone groups") == read()


def test_what_has_no_value_was_left_out():
    assert read(state="", nonce="", prompt="", max_age="") == read()


@pytest.mark.parametrize("name", ["client_id", "redirect_uri", "state", "scope", "response_type", "nonce", "unknown"])
@pytest.mark.parametrize("value", ["other", "", None])
def test_nothing_may_be_there_twice(name, value):
    first = GOOD.get(name, "x")
    assert refused((name, first if value is None else value), **{name: first}) == "invalid_request"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": None}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"request": "eyJ.e30."}, "request_not_supported"),
        ({"request_uri": "https://evil.net/r"}, "request_uri_not_supported"),
        ({"registration": "{}"}, "registration_not_supported"),
        ({"scope": None}, "invalid_scope"),
        ({"scope": "groups"}, "invalid_scope"),
        ({"scope": "openid  groups"}, "invalid_scope"),
        ({"scope": 'openid "x"'}, "invalid_scope"),
        ({"code_challenge": CHALLENGE}, "invalid_request"),
        ({"code_challenge": CHALLENGE, "code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": CHALLENGE[:-1], "code_challenge_method": "S256"}, "invalid_request"),
        ({"code_challenge": f"{CHALLENGE}\n", "code_challenge_method": "S256"}, "invalid_request"),
        ({"code_challenge_method": "S256"}, "invalid_request"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"prompt": "create"}, "invalid_request"),
        ({"max_age": "-1"}, "invalid_request"),
        ({"max_age": "1.5"}, "invalid_request"),
        ({"max_age": "\uff11"}, "invalid_request"),
        ({"max_age": "9" * 30}, "invalid_request"),
        ({"state": "a\nb"}, "invalid_request"),
        ({"state": "ä"}, "invalid_request"),
        ({"state": "s" * 1025}, "invalid_request"),
        ({"nonce": "n" * 257}, "invalid_request"),
    ],
)
def test_what_cannot_be_meant_is_refused(changes, error):
    assert refused(**changes) == error


def test_scopes_are_known_ones_in_one_order():
    assert read_scope("offline_access email unknown openid") == ("openid", "email", "offline_access")
    assert read_scope(None) == ()
