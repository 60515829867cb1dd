"""How people get into their pods: by SSH, by the terminal in the page, by single commands."""

from typing import Annotated

import msgspec

from genet.settings.section import Section


class SSH(Section, frozen=True):
    enabled: bool = True
    """Give every pod a Service of type NodePort for its SSH server."""
    host: str | None = None
    """Name or address at which people reach the nodes' ports; null: the address of the pod's node."""


class Exec(Section, frozen=True):
    per_user: Annotated[int, msgspec.Meta(ge=1)] = 8
    """Commands of one person that run at once by `POST /api/pods/{id}/exec`, on each replica."""


class Terminal(Section, frozen=True):
    enabled: bool = True
    """Offer a shell of the pod in the page."""
    idle_minutes: Annotated[float, msgspec.Meta(gt=0)] = 60
    """A terminal in which nothing is typed and nothing printed for as long is closed."""
    per_user: Annotated[int, msgspec.Meta(ge=1)] = 20
    """Terminals of one person that are open at once, on each replica."""
