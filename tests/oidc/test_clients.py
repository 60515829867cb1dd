"""Which programs there are, and how they say who they are."""

import base64

import pytest

from genet.oidc.client_authentication import authenticate
from genet.oidc.clients import KUBE, Clients
from genet.oidc.messages import DEVICE_CODE, OAuthError, Parameters
from genet.settings import Client, OIDCProvider
from genet.settings.sources import ConfigurationError

SECRET = "a+b:c %/é"
CLIENTS = Clients(
    OIDCProvider(
        clients=(
            Client(id="grafana", secret=SECRET, redirect_uris=("https://g.example.org/login",)),
            Client(id="spa", redirect_uris=("https://spa.example.org/",)),
        )
    )
)


def basic(client_id, secret):
    return "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()


ENCODED = "a%2Bb%3Ac+%25%2F%C3%A9"


def who(*headers, **form):
    return authenticate(CLIENTS, headers, Parameters(form.items())).id


@pytest.mark.parametrize(
    ("headers", "form"),
    [
        ([basic("grafana", ENCODED)], {}),
        ([basic("grafana", ENCODED).replace("Basic", "bAsIc")], {"client_id": "grafana"}),
        ([], {"client_id": "grafana", "client_secret": SECRET}),
    ],
)
def test_a_client_with_a_secret_says_it_in_either_way(headers, form):
    assert who(*headers, **form) == "grafana"


@pytest.mark.parametrize(
    ("headers", "form"),
    [
        # kubectl tries this first
        ([basic("kube", "")], {}),
        ([], {"client_id": "kube"}),
        ([], {"client_id": "kube", "client_secret": ""}),
    ],
)
def test_a_public_client_has_none_to_say(headers, form):
    assert who(*headers, **form) == KUBE


@pytest.mark.parametrize(
    ("headers", "form"),
    [
        ([], {}),
        ([], {"client_id": "nobody"}),
        ([], {"client_id": "grafana"}),
        ([], {"client_id": "grafana", "client_secret": "wrong"}),
        ([], {"client_id": "kube", "client_secret": "guess"}),
        ([], {"client_id": "GRAFANA", "client_secret": SECRET}),
        ([basic("grafana", "")], {}),
        ([basic("grafana", SECRET.replace("%", "%25").replace("+", " "))], {}),
        ([basic("kube", "guess")], {}),
        (["Basic !!!"], {}),
        (["Basic " + base64.b64encode(b"kube").decode()], {}),
        (["Basic " + base64.b64encode(b"\xff\xfe:").decode()], {}),
        (["Basic"], {}),
        (["Basic " + "a" * 4000], {}),
        (["Bearer x"], {"client_id": "kube"}),
        ([""], {"client_id": "kube"}),
    ],
)
def test_who_does_not_know_it_is_refused(headers, form):
    with pytest.raises(OAuthError) as caught:
        who(*headers, **form)
    assert (caught.value.error, caught.value.status) == ("invalid_client", 401)


@pytest.mark.parametrize(
    ("headers", "form"),
    [
        ([basic("grafana", ENCODED)], {"client_secret": SECRET}),
        ([basic("grafana", ENCODED)], {"client_id": "kube"}),
        ([basic("kube", ""), basic("kube", "")], {}),
    ],
)
def test_and_who_says_it_in_two_ways(headers, form):
    with pytest.raises(OAuthError) as caught:
        who(*headers, **form)
    assert (caught.value.error, caught.value.status) == ("invalid_request", 400)


def test_refusals_and_clients_keep_the_secret_to_themselves():
    assert SECRET not in repr(CLIENTS.get("grafana"))
    with pytest.raises(OAuthError) as caught:
        who(client_id="grafana", client_secret="my-own-guess")
    assert "my-own-guess" not in str(caught.value)


@pytest.mark.parametrize(
    ("clients", "key"),
    [
        ([Client(id="kube", redirect_uris=("https://evil.net/",))], "clients[0].id"),
        ([Client(id="a"), Client(id="a")], "clients[1].id"),
        ([Client(id="a", redirect_uris=("http://app.example.org/",))], "clients[0].redirectURIs[0]"),
    ],
)
def test_what_could_be_misused_stops_the_start(clients, key):
    with pytest.raises(ConfigurationError, match="oidcProvider") as caught:
        Clients(OIDCProvider(clients=tuple(clients)))
    assert key in str(caught.value)


@pytest.mark.parametrize("uri", ["http://localhost:8000", "http://127.0.0.1:18000/", "http://[::1]:1"])
def test_kube_listens_on_loopback_alone(uri):
    kube = CLIENTS.get(KUBE)
    assert kube is not None
    assert kube.may_redirect_to(uri)
    assert not kube.may_redirect_to(f"{uri.rstrip('/')}/callback")
    assert not kube.may_redirect_to(uri.replace("http:", "https:"))


@pytest.mark.parametrize("switch", [True, False])
def test_device_codes_are_a_switch_for_every_client(switch):
    clients = Clients(
        OIDCProvider(device_flow=switch, clients=(Client(id="tv", grant_types=("device_code", "refresh_token")),))
    )
    for name in (KUBE, "tv"):
        client = clients.get(name)
        assert client is not None
        assert (DEVICE_CODE in client.grant_types) is switch
