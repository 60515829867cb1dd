import msgspec
import pytest

from genet.kubeconfig import offer
from genet.settings import Settings

CLUSTER = {"server": "https://api.example.org:6443"}
ISSUER = "https://genet.example.org"


def settings(mode="oidc", cluster=CLUSTER):
    document = {"auth": {"mode": "dev"}, "cluster": cluster, "kubeconfig": {"mode": mode}}
    return msgspec.convert(document, Settings)


@pytest.mark.parametrize(
    ("configured", "issuer", "offered"),
    [
        (settings(), ISSUER, "oidc"),
        (settings(), None, "off"),
        (settings(cluster={}), ISSUER, "off"),
        (settings("cert"), ISSUER, "cert"),
        (settings("cert"), None, "cert"),
        (settings("cert", cluster={}), ISSUER, "off"),
        (settings("off"), ISSUER, "off"),
    ],
)
def test_what_is_offered_is_what_can_work(configured, issuer, offered):
    assert offer.mode(configured, issuer) == offered
