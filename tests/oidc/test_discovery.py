"""What the provider says of itself."""

import pytest

from genet.oidc.discovery import document, issuer_of
from genet.settings import Auth, OIDCProvider, Server, Settings
from genet.settings.sources import ConfigurationError


def settings(mode="oauth", *, enabled=None, issuer=None, public_url=None):
    return Settings(
        auth=Auth(mode=mode),
        server=Server(public_url=public_url),
        oidc_provider=OIDCProvider(enabled=enabled, issuer=issuer),
    )


PUBLIC = "https://genet.example.org"


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (settings(public_url=PUBLIC), PUBLIC),
        (settings(public_url=PUBLIC, issuer="https://id.example.org/"), "https://id.example.org/"),
        (settings("proxy", public_url=PUBLIC), PUBLIC),
        (settings("dev", public_url=PUBLIC), None),
        (settings("dev", enabled=True, issuer="http://localhost:8080"), "http://localhost:8080"),
        (settings(enabled=False), None),
    ],
)
def test_the_issuer_is_what_the_configuration_says(found, expected):
    assert issuer_of(found) == expected


@pytest.mark.parametrize(
    "issuer",
    [None, "http://genet.example.org", "https://genet.example.org?x=1", "https://genet.example.org#x", "https://u@genet.org",
     "https://Genet.example.org", "https://genet.example.org\n", "genet.example.org"],
)  # fmt: skip
def test_what_no_api_server_would_take_stops_the_start(issuer):
    with pytest.raises(ConfigurationError):
        issuer_of(settings(issuer=issuer))


@pytest.mark.parametrize("device_flow", [True, False])
def test_only_what_is_there_is_said(device_flow):
    found = document(PUBLIC, device_flow=device_flow)
    assert found["issuer"] == PUBLIC
    assert found["token_endpoint"] == f"{PUBLIC}/oidc/token"
    assert found["code_challenge_methods_supported"] == ["S256"]
    assert found["authorization_response_iss_parameter_supported"] is True
    assert found["request_uri_parameter_supported"] is False
    assert set(found["token_endpoint_auth_methods_supported"]) == {
        "none", "client_secret_basic", "client_secret_post",
    }  # fmt: skip
    assert ("device_authorization_endpoint" in found) is device_flow
    assert any("device" in name for name in found["grant_types_supported"]) is device_flow
    assert not {"registration_endpoint", "end_session_endpoint", "introspection_endpoint"} & found.keys()


def test_an_issuer_with_a_slash_at_its_end_keeps_it_and_its_addresses_have_one():
    found = document(f"{PUBLIC}/", device_flow=False)
    assert (found["issuer"], found["jwks_uri"]) == (f"{PUBLIC}/", f"{PUBLIC}/oidc/jwks")
