"""Who may call what: one table, one line per operation. A route without a line stops the server at its start."""

from collections.abc import Mapping
from enum import Enum
from typing import Final


class Access(Enum):
    ANYBODY = "anybody"
    LOGGED_IN = "logged in"


POLICY: Final[Mapping[str, Access]] = {
    "health:live": Access.ANYBODY,
    "health:ready": Access.ANYBODY,
    "config:show": Access.ANYBODY,
    "auth:status": Access.ANYBODY,
    "cluster:gpu-overview": Access.ANYBODY,
    "cluster:gpu-overview-stream": Access.ANYBODY,
    "cluster:availability": Access.LOGGED_IN,
    "cluster:node": Access.ANYBODY,
    "cluster:usage": Access.LOGGED_IN,
    "spa:asset": Access.ANYBODY,
    "spa:page": Access.ANYBODY,
    "openapi:schema": Access.ANYBODY,
    "pods:list": Access.LOGGED_IN,
    "pods:create": Access.LOGGED_IN,
    "pods:get": Access.LOGGED_IN,
    "pods:delete": Access.LOGGED_IN,
    "pods:extend": Access.LOGGED_IN,
    "pods:logs": Access.LOGGED_IN,
    "pods:events": Access.LOGGED_IN,
}
