"""All terminals of a replica: how many somebody may have, and what is left to do when one has ended."""

import asyncio
import secrets
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final

from genet.errors import RateLimited
from genet.kube.client import KubeClient
from genet.pods import processes
from genet.pods.killing import Killing
from genet.pods.place import Place, started
from genet.pods.tasks import Tasks
from genet.pods.terminal import End, Pace, Screen, Session, Size

_RETRY_SECONDS: Final = 5.0
_LAST_WORDS_SECONDS: Final = 5.0
_ENDING: Final = 4
"""So many times as many as may be open may be on their way out: a page that is loaded again waits for none of them."""


class Terminals:
    """All that are open on this replica.

    Args:
        kube: the gateway.
        killing: what ends processes.
        per_user: terminals of one person at once.
        pace: how long what takes.
    """

    def __init__(self, kube: KubeClient, killing: Killing, *, per_user: int, pace: Pace) -> None:
        self._kube = kube
        self._killing = killing
        self._per_user = per_user
        self._pace = pace
        self._open: Counter[str] = Counter()
        self._ending: Counter[str] = Counter()
        self._tasks = Tasks()
        self._draining = asyncio.Event()
        self._shown = 0
        self._none_shown = asyncio.Event()

    def drain(self) -> None:
        """End all of them, and tell their screens to come again: another replica will answer."""
        self._draining.set()

    @contextmanager
    def shown(self) -> Iterator[None]:
        """While a screen is being served, up to its last word: a server does not end before that."""
        self._shown += 1
        try:
            yield
        finally:
            self._shown -= 1
            if not self._shown:
                self._none_shown.set()

    async def close(self) -> None:
        """Wait until their screens have been told and their shells are gone; for the server's own end."""
        self.drain()
        if self._shown:
            self._none_shown.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._none_shown.wait(), _LAST_WORDS_SECONDS)
        await self._tasks.settle()

    async def __call__(
        self,
        user: str,
        where: Place,
        size: Size,
        screen: Screen,
        *,
        logged_out: asyncio.Event,
        check: Callable[[], None],
        is_gone: Callable[[], bool],
    ) -> End:
        """Run a shell on the screen until either has enough.

        Args:
            user: userIdentifier of whose screen it is.
            where: the container.
            size: of the screen.
            screen: the screen.
            logged_out: set when what let them in has ended.
            check: raises GenetError when they may not go on; asked now and then.
            is_gone: whether the pod has ended or is about to.

        Raises:
            RateLimited: as many are open already.
            ExecFailed: the container has no shell.
            NotRunning, NotFound, Unavailable: as `started` says.
        """
        if self._open[user] >= self._per_user:
            detail = f"you have {self._per_user} terminals open already; close one"
            raise RateLimited(detail, retry_after=_RETRY_SECONDS)
        if self._ending[user] >= _ENDING * self._per_user:
            detail = f"{self._ending[user]} of your terminals are still being ended; try again in a moment"
            raise RateLimited(detail, retry_after=_RETRY_SECONDS)
        self._open[user] += 1
        try:
            cookie = secrets.token_hex(16)
            async with started(self._kube, where, processes.terminal(cookie), stdin=True, tty=True) as execution:
                session = Session(execution, screen, cookie, self._pace)
                try:
                    return await session.run(size, logged_out, self._draining, check, is_gone)
                finally:
                    if session.ended is None or session.ended.code is None:
                        await session.begin()
                        self._tasks.start(self._kill(user, where, cookie, session))
        finally:
            _one_less(self._open, user)

    async def _kill(self, user: str, where: Place, cookie: str, session: Session) -> None:
        """A container may take its time over it, so these are counted as well."""
        self._ending[user] += 1
        try:
            if session.began is not None:
                await self._killing.terminal(where, cookie, session.began)
            else:  # it never came to say its PID: whatever has its cookie
                await self._killing.family(where, cookie, None)
        finally:
            _one_less(self._ending, user)


def _one_less(counts: Counter[str], user: str) -> None:
    counts[user] -= 1
    if not counts[user]:
        del counts[user]
