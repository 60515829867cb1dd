"""The programs that may ask Genet who its user is: those of the configuration, and `kube`, which is built in."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from genet.oidc import redirects
from genet.oidc.messages import AUTHORIZATION_CODE, DEVICE_CODE, REFRESH_TOKEN
from genet.settings import Client, OIDCProvider
from genet.settings.sources import ConfigurationError

KUBE: Final = "kube"
"""The client of kubectl and its plugins, and the audience that the API server accepts."""

_KUBE_NAME: Final = "kubectl"
_WIRE: Final = {
    "authorization_code": AUTHORIZATION_CODE,
    "refresh_token": REFRESH_TOKEN,
    "device_code": DEVICE_CODE,
}


@dataclass(frozen=True)
class RegisteredClient:
    id: str
    name: str
    """What people are shown."""
    secret: str | None
    """None: it cannot keep one (a public client)."""
    redirect_uris: tuple[str, ...]
    grant_types: frozenset[str]
    """As `grant_type` says them."""

    @property
    def is_public(self) -> bool:
        return self.secret is None

    def __repr__(self) -> str:
        return f"RegisteredClient({self.id!r})"  # never the secret

    def may_redirect_to(self, uri: str) -> bool:
        return any(redirects.matches(registered, uri) for registered in self.redirect_uris)


class Clients:
    """All of them.

    Raises:
        ConfigurationError: an id is there twice or is `kube`, or a redirect URI could lead somewhere else.
    """

    def __init__(self, settings: OIDCProvider) -> None:
        self._clients = {KUBE: _kube(device_flow=settings.device_flow)}
        for n, configured in enumerate(settings.clients):
            path = f"oidcProvider.clients[{n}]"
            if configured.id in self._clients:
                raise ConfigurationError(f"{path}.id: {configured.id} is there already")
            _check(configured.redirect_uris, path)
            self._clients[configured.id] = _registered(configured, device_flow=settings.device_flow)

    def get(self, id_: str) -> RegisteredClient | None:
        return self._clients.get(id_)


def _kube(*, device_flow: bool) -> RegisteredClient:
    """Its plugin listens on http://localhost:8000, without a path; a path of "/" is what browsers make of that."""
    hosts = ("localhost", "127.0.0.1", "[::1]")
    return RegisteredClient(
        id=KUBE,
        name=_KUBE_NAME,
        secret=None,
        redirect_uris=tuple(f"http://{host}{path}" for host in hosts for path in ("", "/")),
        grant_types=_offered((AUTHORIZATION_CODE, REFRESH_TOKEN, DEVICE_CODE), device_flow=device_flow),
    )


def _registered(client: Client, *, device_flow: bool) -> RegisteredClient:
    return RegisteredClient(
        id=client.id,
        name=client.name or client.id,
        secret=client.secret,
        redirect_uris=client.redirect_uris,
        grant_types=_offered((_WIRE[kind] for kind in client.grant_types), device_flow=device_flow),
    )


def _offered(grant_types: Iterable[str], *, device_flow: bool) -> frozenset[str]:
    return frozenset(kind for kind in grant_types if device_flow or kind != DEVICE_CODE)


def _check(uris: tuple[str, ...], path: str) -> None:
    for n, uri in enumerate(uris):
        if what := redirects.fault(uri):
            raise ConfigurationError(f"{path}.redirectURIs[{n}]: {what}")
