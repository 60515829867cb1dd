"""What types alone cannot say of who gets in and how: keys that need each other, and addresses that will not do. Pure.

A setting that only looks like a defence is worse than none, so what would be ignored stops the start.
"""

from collections.abc import Iterator
from ipaddress import ip_network
from typing import TYPE_CHECKING

from genet.settings.urls import is_issuer, is_origin, is_safe

if TYPE_CHECKING:  # the whole configuration knows its parts, and not they it
    from genet.settings import OAuth, Settings

Complaint = tuple[str, str]
"""The key, and what is wrong with it."""

_HTTPS = "expected https://, or http:// on loopback alone"


def login_complaints(settings: "Settings") -> Iterator[Complaint]:
    """What is wrong with the settings of login."""
    url = settings.server.public_url
    if url is not None and not is_origin(url):
        yield (
            "server.publicURL",
            "expected https://NAME or https://NAME:PORT in lower case, without path, slash at the end or usual port",
        )
    yield from _hosts(settings)
    if not settings.oidc_provider.username_prefix or settings.oidc_provider.username_prefix.startswith("system:"):
        yield (
            "oidcProvider.usernamePrefix",
            "expected something, and nothing that begins with system: people would bear the names of the cluster's own",
        )
    if settings.auth.mode == "oauth":
        yield from _oauth(settings)
    if settings.auth.mode == "proxy":
        yield from _proxy(settings)


def _hosts(settings: "Settings") -> Iterator[Complaint]:
    for number, name in enumerate(settings.server.allowed_hosts):
        _, bracket, port = name.rpartition("]") if name.startswith("[") else ("", "", name)
        if not name or ":" in port or "/" in name or "*" in name or (name.startswith("[") and not bracket):
            yield f"server.allowedHosts[{number}]", "expected a host name without port, scheme or wildcard"


def _oauth(settings: "Settings") -> Iterator[Complaint]:
    own, url = settings.oauth, settings.server.public_url
    if url is None:
        yield "server.publicURL", "required for auth.mode oauth: the login provider sends people back there"
    elif not is_safe(url):
        yield "server.publicURL", _HTTPS
    if not own.client_id:
        yield "oauth.clientID", "required for auth.mode oauth"
    yield from _openid(own) if own.provider_url is not None else _plain(own)


def _openid(own: "OAuth") -> Iterator[Complaint]:
    if any(_endpoints(own).values()):
        yield "oauth.providerURL", "either this, or the three endpoints of plain OAuth 2: not both"
    if not is_issuer(own.provider_url or ""):
        yield "oauth.providerURL", f"{_HTTPS}, without query and fragment"
    if "openid" not in own.scopes:
        yield "oauth.scopes", "expected openid among them: without it providers do not say who somebody is"


def _plain(own: "OAuth") -> Iterator[Complaint]:
    endpoints = _endpoints(own)
    if not any(endpoints.values()):
        yield "oauth.providerURL", "required for auth.mode oauth (or the three endpoints of plain OAuth 2)"
    for name, endpoint in endpoints.items():
        if endpoint is None:
            yield f"oauth.{name}", "required with the other two endpoints of plain OAuth 2"
        elif not is_safe(endpoint):
            yield f"oauth.{name}", _HTTPS


def _endpoints(own: "OAuth") -> dict[str, str | None]:
    return {
        "authorizationEndpoint": own.authorization_endpoint,
        "tokenEndpoint": own.token_endpoint,
        "userinfoEndpoint": own.userinfo_endpoint,
    }


def _proxy(settings: "Settings") -> Iterator[Complaint]:
    if "|" in settings.auth.proxy.issuer or not settings.auth.proxy.issuer:
        yield "auth.proxy.issuer", "expected a name without `|`"
    if settings.auth.proxy.user_header == settings.auth.proxy.email_header:
        yield "auth.proxy.emailHeader", "expected another one than auth.proxy.userHeader"
    for number, text in enumerate(settings.auth.trusted_proxies):
        key = f"auth.trustedProxies[{number}]"
        try:
            network = ip_network(text)
        except ValueError:
            yield key, "expected an IP address or a network such as 10.1.0.0/16"
            continue
        if network.num_addresses > 1 and settings.auth.proxy.secret is None:
            yield (
                key,
                "more than one address needs auth.proxy.secret as well: people run pods in this cluster, and any of "
                "them could say who it is",
            )
