"""Who may call what: one table, one line per operation. A route without a line stops the server at its start."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

CLUSTER_READ: Final = "cluster:read"
PODS_READ: Final = "pods:read"
PODS_WRITE: Final = "pods:write"
SCOPES: Final = (CLUSTER_READ, PODS_READ, PODS_WRITE)
"""What API tokens can be made for."""
ANY_TOKEN: Final = "*"  # noqa: S105 # no password: stands for whatever the token was made for
"""In a rule: every token will do, whatever it was made for."""


class Access(Enum):
    PUBLIC = "public"
    """The same for everybody: nobody is asked who they are."""
    PROTOCOL = "protocol"
    """The handler finds out itself who is calling, as its protocol says; the gate does not look."""
    ANYBODY = "anybody"
    """Open, but the answer may depend on who asks."""
    LOGGED_IN = "logged in"
    ADMIN = "admin"


@dataclass(frozen=True)
class Rule:
    access: Access
    scope: str | None = None
    """What an API token must have been made for. None: no token may, as whoever stole one could make others with it."""


POLICY: Final[Mapping[str, Rule]] = {
    "health:live": Rule(Access.PUBLIC),
    "health:ready": Rule(Access.PUBLIC),
    "spa:asset": Rule(Access.PUBLIC),
    "spa:page": Rule(Access.PUBLIC),
    "openapi:schema": Rule(Access.PUBLIC),
    "openapi:reference": Rule(Access.PUBLIC),
    "downloads:list": Rule(Access.PUBLIC),
    "downloads:file": Rule(Access.PUBLIC),
    "config:show": Rule(Access.ANYBODY, ANY_TOKEN),
    "auth:status": Rule(Access.ANYBODY, ANY_TOKEN),
    "auth:login": Rule(Access.PROTOCOL),
    "auth:callback": Rule(Access.PROTOCOL),
    "auth:logout": Rule(Access.LOGGED_IN),
    "cluster:gpu-overview": Rule(Access.ANYBODY, CLUSTER_READ),
    "cluster:gpu-overview-stream": Rule(Access.ANYBODY, CLUSTER_READ),
    "cluster:node": Rule(Access.ANYBODY, CLUSTER_READ),
    "cluster:availability": Rule(Access.LOGGED_IN, CLUSTER_READ),
    "cluster:usage": Rule(Access.LOGGED_IN, CLUSTER_READ),
    "monitor:cluster": Rule(Access.ADMIN, CLUSTER_READ),
    "monitor:system": Rule(Access.ADMIN, CLUSTER_READ),
    "pods:list": Rule(Access.LOGGED_IN, PODS_READ),
    "pods:create": Rule(Access.LOGGED_IN, PODS_WRITE),
    "pods:get": Rule(Access.LOGGED_IN, PODS_READ),
    "pods:delete": Rule(Access.LOGGED_IN, PODS_WRITE),
    "pods:extend": Rule(Access.LOGGED_IN, PODS_WRITE),
    "pods:restart": Rule(Access.LOGGED_IN, PODS_WRITE),
    "pods:commit": Rule(Access.LOGGED_IN, PODS_WRITE),
    "pods:commit-status": Rule(Access.LOGGED_IN, PODS_READ),
    "pods:consequences": Rule(Access.LOGGED_IN, PODS_READ),
    "history:list": Rule(Access.LOGGED_IN, PODS_READ),
    "pods:exec": Rule(Access.LOGGED_IN, PODS_WRITE),
    "pods:terminal": Rule(Access.LOGGED_IN, PODS_WRITE),
    "pods:logs": Rule(Access.LOGGED_IN, PODS_READ),
    "pods:metrics": Rule(Access.LOGGED_IN, PODS_READ),
    "pods:shared-gpus": Rule(Access.LOGGED_IN, PODS_READ),
    "pods:events": Rule(Access.LOGGED_IN, PODS_READ),
    "pods:describe": Rule(Access.LOGGED_IN, PODS_READ),
    # a token may see which keys there are, but neither add nor remove one: that would outlive the token
    "ssh-keys:list": Rule(Access.LOGGED_IN, PODS_READ),
    "ssh-keys:add": Rule(Access.LOGGED_IN),
    "ssh-keys:remove": Rule(Access.LOGGED_IN),
    "volumes:list": Rule(Access.LOGGED_IN, PODS_READ),
    "volumes:resize": Rule(Access.LOGGED_IN, PODS_WRITE),
    "tokens:list": Rule(Access.LOGGED_IN),
    "tokens:create": Rule(Access.LOGGED_IN),
    "tokens:revoke": Rule(Access.LOGGED_IN),
    "grants:list": Rule(Access.LOGGED_IN),
    "grants:end": Rule(Access.LOGGED_IN),
    "kubeconfig:show": Rule(Access.LOGGED_IN),
    "kubeconfig:issue": Rule(Access.LOGGED_IN),
    "kubeconfig:download": Rule(Access.LOGGED_IN),
    "oidc:discovery": Rule(Access.PUBLIC),
    "oidc:jwks": Rule(Access.PUBLIC),
    # whose browser it is, if anybody's; what an API token is presented with is refused
    "oidc:authorize": Rule(Access.ANYBODY),
    "oidc:authorize-posted": Rule(Access.PROTOCOL),
    "oidc:consent": Rule(Access.LOGGED_IN),
    "oidc:token": Rule(Access.PROTOCOL),
    "oidc:userinfo": Rule(Access.PROTOCOL),
    "oidc:userinfo-posted": Rule(Access.PROTOCOL),
    "oidc:kubeconfig": Rule(Access.PROTOCOL),
    "oidc:revoke": Rule(Access.PROTOCOL),
    "oidc:device-authorization": Rule(Access.PROTOCOL),
    "oidc:device": Rule(Access.ANYBODY),
    "oidc:device-decide": Rule(Access.LOGGED_IN),
}
