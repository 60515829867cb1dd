"""The form that holds no secret: kubectl runs a plugin, and the plugin logs the person in. Pure.

Traps (client.authentication.k8s.io/v1): `interactiveMode` is required, and the plugin answers in exactly the version
that the file names. kubelogin asks for the scope `openid` alone unless told more; without `offline_access` people would
log in every few minutes, without `groups` and `email` their tokens would lack both.
"""

from typing import Any, Final, Literal, TypeAlias

from genet.settings import Kubeconfig

Plugin: TypeAlias = Literal["kubelogin", "genet"]

CLIENT_ID: Final = "kube"
"""Genet's built-in public client, the audience that the API server asks for."""
SCOPES: Final = ("openid", "offline_access", "email", "groups")

_API_VERSION: Final = "client.authentication.k8s.io/v1"


def user(issuer: str, plugin: Plugin, settings: Kubeconfig, downloads: str | None = None) -> dict[str, Any]:
    """The user's entry of the file; `downloads`: the page where this server offers Genet's own command."""
    command, arguments = _command(issuer, plugin, settings.issuer_ca_data)
    return {
        "exec": {
            "apiVersion": _API_VERSION,
            "command": command,
            "args": arguments,
            "interactiveMode": "IfAvailable",
            "provideClusterInfo": False,
            "installHint": f"This kubeconfig logs in with a plugin. {install(plugin, downloads)}",
        }
    }


def install(plugin: Plugin, downloads: str | None) -> str:
    if plugin == "kubelogin":
        return "Install kubelogin: kubectl krew install oidc-login, or see https://github.com/int128/kubelogin"
    return f"Install the command genet: {f'see {downloads}' if downloads else 'pip install genet-platform'}"


def instructions(plugin: Plugin, downloads: str | None = None) -> tuple[str, ...]:
    return (
        install(plugin, downloads),
        "Save the file and name it: export KUBECONFIG=/path/to/the/file",
        "kubectl get pods opens a browser to log in at the first call; the file itself holds no secret",
    )


def _command(issuer: str, plugin: Plugin, ca_data: str | None) -> tuple[str, list[str]]:
    if plugin == "genet":
        trusted = ["--ca-data", ca_data] if ca_data is not None else []
        return "genet", ["credential", "--issuer", issuer, "--client-id", CLIENT_ID, *trusted]
    trusted = [f"--certificate-authority-data={ca_data}"] if ca_data is not None else []
    return "kubectl", [
        "oidc-login",
        "get-token",
        f"--oidc-issuer-url={issuer}",
        f"--oidc-client-id={CLIENT_ID}",
        *(f"--oidc-extra-scope={scope}" for scope in SCOPES if scope != "openid"),
        "--oidc-pkce-method=S256",
        *trusted,
    ]
