import pytest

from genet.kubeconfig import auth_provider, exec  # noqa: A004 # the form's name
from genet.settings import Kubeconfig

ISSUER = "https://genet.example.org"


def test_kubelogin_is_told_what_it_must_ask_for():
    assert exec.user(ISSUER, "kubelogin", Kubeconfig())["exec"] | {"installHint": ""} == {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": "kubectl",
        "args": [
            "oidc-login",
            "get-token",
            "--oidc-issuer-url=https://genet.example.org",
            "--oidc-client-id=kube",
            "--oidc-extra-scope=offline_access",
            "--oidc-extra-scope=email",
            "--oidc-extra-scope=groups",
            "--oidc-pkce-method=S256",
        ],
        "interactiveMode": "IfAvailable",
        "provideClusterInfo": False,
        "installHint": "",
    }


def test_genets_own_plugin_is_told_where_to_log_in():
    entry = exec.user(ISSUER, "genet", Kubeconfig())["exec"]
    assert (entry["command"], entry["interactiveMode"]) == ("genet", "IfAvailable")
    assert entry["args"] == ["credential", "--issuer", ISSUER, "--client-id", "kube"]


def test_an_authority_of_ones_own_is_handed_on():
    settings = Kubeconfig(issuer_ca_data="Q0E=")
    assert exec.user(ISSUER, "kubelogin", settings)["exec"]["args"][-1] == "--certificate-authority-data=Q0E="
    assert exec.user(ISSUER, "genet", settings)["exec"]["args"][-2:] == ["--ca-data", "Q0E="]
    config = auth_provider.user(ISSUER, "t", "Q0E=")["auth-provider"]["config"]
    assert config["idp-certificate-authority-data"] == "Q0E="


@pytest.mark.parametrize("plugin", ["kubelogin", "genet"])
def test_people_are_told_how_to_get_the_plugin(plugin):
    assert plugin in exec.user(ISSUER, plugin, Kubeconfig())["exec"]["installHint"]
    assert exec.instructions(plugin)[0].startswith("Install")


def test_genets_own_plugin_is_had_from_the_server_itself():
    page = "https://genet.example.org/downloads/"
    assert page in exec.user(ISSUER, "genet", Kubeconfig(), page)["exec"]["installHint"]
    assert page in exec.instructions("genet", page)[0]
    assert page not in exec.instructions("kubelogin", page)[0]


def test_the_form_without_plugin_holds_the_token_and_no_secret_of_the_client():
    assert auth_provider.user(ISSUER, "t", None) == {
        "auth-provider": {
            "name": "oidc",
            "config": {"idp-issuer-url": ISSUER, "client-id": "kube", "refresh-token": "t"},
        }
    }
