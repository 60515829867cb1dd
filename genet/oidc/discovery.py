"""What Genet says of itself as a provider (OpenID Connect Discovery, RFC 8414): what is there, and nothing else. Pure.

Every address in it begins with the issuer, which comes from the configuration alone: a document made of the request's
Host would let whoever reaches the server under another name choose where clients send their codes.
"""

import re
from typing import Any, Final

from genet.oidc.client_authentication import METHODS
from genet.oidc.messages import AUTHORIZATION_CODE, DEVICE_CODE, REFRESH_TOKEN, SCOPES
from genet.settings import Settings
from genet.settings.sources import ConfigurationError

ALGORITHM: Final = "RS256"

_ISSUER = re.compile(
    r"(?:https://[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|http://(?:localhost|127\.0\.0\.1|\[::1\]))(?::[1-9][0-9]{0,4})?"
    r"(?:/[A-Za-z0-9._~/-]*)?"
)


def issuer_of(settings: Settings) -> str | None:
    """The issuer, exactly as tokens say it; None: the provider is off.

    Raises:
        ConfigurationError: it is on, and there is none that the API server would take.
    """
    provider = settings.oidc_provider
    is_on = settings.auth.mode != "dev" if provider.enabled is None else provider.enabled
    if not is_on:
        return None
    issuer = provider.issuer or settings.server.public_url
    key = "oidcProvider.issuer" if provider.issuer else "server.publicURL"
    if not issuer:
        raise ConfigurationError(f"{key}: required for the OpenID Provider (oidcProvider.enabled: false does without)")
    if not _ISSUER.fullmatch(issuer):
        raise ConfigurationError(
            f"{key}: expected https:// (http:// on loopback alone), a name in lower case, and no query or fragment"
        )
    return issuer


def endpoint(issuer: str, path: str) -> str:
    """An address of the provider; an issuer may end in a slash, and tokens then say it with it."""
    return issuer.rstrip("/") + path


def document(issuer: str, *, device_flow: bool) -> dict[str, Any]:
    """The provider metadata."""
    grant_types = [AUTHORIZATION_CODE, REFRESH_TOKEN]
    found = {
        "issuer": issuer,
        "authorization_endpoint": endpoint(issuer, "/oidc/authorize"),
        "token_endpoint": endpoint(issuer, "/oidc/token"),
        "userinfo_endpoint": endpoint(issuer, "/oidc/userinfo"),
        "revocation_endpoint": endpoint(issuer, "/oidc/revoke"),
        "jwks_uri": endpoint(issuer, "/oidc/jwks"),
        "scopes_supported": list(SCOPES),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": grant_types,
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [ALGORITHM],
        "token_endpoint_auth_methods_supported": list(METHODS),
        "revocation_endpoint_auth_methods_supported": list(METHODS),
        "code_challenge_methods_supported": ["S256"],
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "claims_supported": [
            "iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "at_hash",
            "preferred_username", "email", "email_verified", "groups",
        ],
        "claims_parameter_supported": False,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
        "authorization_response_iss_parameter_supported": True,
    }  # fmt: skip
    if device_flow:
        grant_types.append(DEVICE_CODE)
        found["device_authorization_endpoint"] = endpoint(issuer, "/oidc/device_authorization")
    return found
