import msgspec
import pytest

from genet.kubeconfig import offer
from genet.settings import Settings

CLUSTER = {"server": "https://api.example.org:6443"}
PUBLIC = {"publicURL": "https://genet.example.org"}


def settings(mode="oauth", cluster=CLUSTER, **changes):
    document = {"auth": {"mode": mode}, "cluster": cluster, "server": PUBLIC, **changes}
    return msgspec.convert(document, Settings)


@pytest.mark.parametrize(
    ("configured", "offered"),
    [
        (settings(), "oidc"),
        (settings(kubeconfig={"mode": "cert"}), "cert"),
        (settings(kubeconfig={"mode": "off"}), "off"),
        (settings(cluster={}), "off"),
        (settings(cluster={}, kubeconfig={"mode": "cert"}), "off"),
        (settings(oidcProvider={"enabled": False}), "off"),
        (settings(server={}), "off"),
        (settings("dev"), "off"),
        (settings("dev", oidcProvider={"enabled": True}), "oidc"),
        (settings("dev", kubeconfig={"mode": "cert"}), "cert"),
    ],
)
def test_what_is_offered_is_what_can_work(configured, offered):
    assert offer.mode(configured) == offered


def test_the_issuer_is_the_public_url_unless_it_has_a_name_of_its_own():
    assert offer.issuer(settings()) == "https://genet.example.org"
    assert offer.issuer(settings(oidcProvider={"issuer": "https://id.example.org"})) == "https://id.example.org"
