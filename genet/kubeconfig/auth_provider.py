"""The form for programs that cannot run a plugin: the file holds the refresh token of a grant of its own. Pure.

kubectl 1.32 still reads it, although it is called deprecated: it refreshes at the token endpoint and writes the new
token back into the file. Nothing locks the file meanwhile, which is what the provider's grace time is for.
"""

from typing import Any

from genet.kubeconfig.exec import CLIENT_ID

INSTRUCTIONS = (
    "Keep the file to yourself: whoever has it is you, until you end its grant on the account page",
    "Copies of it stop each other's working: each use replaces the token in the one file that was used",
)


def user(issuer: str, refresh_token: str, ca_data: str | None) -> dict[str, Any]:
    """The user's entry of the file."""
    config = {"idp-issuer-url": issuer, "client-id": CLIENT_ID, "refresh-token": refresh_token}
    if ca_data is not None:
        config["idp-certificate-authority-data"] = ca_data
    return {"auth-provider": {"name": "oidc", "config": config}}
