"""A client of the Kubernetes API whose calls a test counts, holds up, loses, or does not survive.

Calls really go to the API server; what is played is the network, and the process that dies.
"""

from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Literal

from genet.errors import Unavailable
from genet.kube.client import KubeClient
from genet.kube.transport import Transport

Fate = Literal["killed before", "killed after", "lost before", "lost after"]
FATES: tuple[Fate, ...] = ("killed before", "killed after", "lost before", "lost after")

WATCHED: ContextVar[str | None] = ContextVar("WATCHED", default=None)
"""Calls count only within a task that sets it: what runs beside the test is left alone."""


class Killed(BaseException):
    """The replica is no more; nobody catches this."""


@dataclass(frozen=True)
class Call:
    method: str
    path: str
    query: Mapping[str, str | int]
    size: int
    """Of the answer's body."""


class Wire(KubeClient):
    def __init__(self, transport: Transport, timeout_seconds: float) -> None:
        super().__init__(transport, timeout_seconds)
        self.calls: list[Call] = []
        self.fate: tuple[int, Fate] | None = None
        """What happens to which call, counted from 0."""
        self.turn: Callable[[str], Awaitable[None]] | None = None
        """Waited for before each call, with what `WATCHED` says."""
        self._count = 0

    def meets(self, call: int, fate: Fate) -> None:
        self.fate, self._count = (call, fate), 0

    async def _call(
        self,
        method: str,
        path: str,
        query: Mapping[str, str | int] | None = None,
        body: Any = None,
        content_type: str = "application/json",
    ) -> bytes:
        watched = WATCHED.get()
        if watched is None:
            return await super()._call(method, path, query, body, content_type)
        if self.turn is not None:
            await self.turn(watched)
        fate = self.fate[1] if self.fate is not None and self.fate[0] == self._count else ""
        self._count += 1
        self._meet(fate, "before")
        answer = await super()._call(method, path, query, body, content_type)
        self._meet(fate, "after")
        self.calls.append(Call(method, path, query or {}, len(answer)))
        return answer

    def _meet(self, fate: str, when: str) -> None:
        if fate == f"killed {when}":
            raise Killed
        if fate == f"lost {when}":
            raise Unavailable("the network is down")
