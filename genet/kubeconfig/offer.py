"""Which kubeconfigs an installation has to give. Pure."""

from typing import Literal

from genet.settings import Settings


def mode(settings: Settings, issuer: str | None) -> Literal["oidc", "cert", "off"]:
    """What `kubeconfig.mode` says, and `off` where the file would have nothing to say.

    Args:
        settings: the configuration.
        issuer: what Genet's OpenID Provider is called; None: it is off, so there is nowhere to log in.
    """
    wanted = settings.kubeconfig.mode
    if settings.cluster.server is None or (wanted == "oidc" and issuer is None):
        return "off"
    return wanted
