"""Which kubeconfigs an installation has to give, by its settings alone. Pure."""

from typing import Literal

from genet.settings import Settings


def mode(settings: Settings) -> Literal["oidc", "cert", "off"]:
    """`off` also where the file would have nothing to say: no API server, or no OpenID Provider to log in at."""
    wanted = settings.kubeconfig.mode
    if settings.cluster.server is None or (wanted == "oidc" and issuer(settings) is None):
        return "off"
    return wanted


def issuer(settings: Settings) -> str | None:
    """What Genet's OpenID Provider is called; None: it is off."""
    provider = settings.oidc_provider
    is_on = settings.auth.mode != "dev" if provider.enabled is None else provider.enabled
    return (provider.issuer or settings.server.public_url) if is_on else None
