"""Answers that take a while: asked once for everybody who waits, and good for some time after.

Who asks waits no longer than told, but the question goes on, so the next one finds its answer. Failures are not kept.

Trap: a question that goes on is work that nobody waits for, and questions are easily made up. So only so many are open
at once; who comes with one more is told so, and the others' turn comes sooner.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

from genet.errors import Unavailable

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Recent(Generic[K, V]):
    """Keeps at most `most` answers of `ask`, each for `seconds`; close it, or its questions outlive the server.

    Args:
        ask: gives the answer; of its questions no more than `most_open` are asked at once.
        seconds: how long an answer is good.
        most: how many are kept.
        most_open: how many may be under way.
        clock: seconds, monotonic.
    """

    def __init__(
        self,
        ask: Callable[[K], Awaitable[V]],
        *,
        seconds: float,
        most: int,
        most_open: int = 16,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ask = ask
        self._seconds = seconds
        self._most = most
        self._most_open = most_open
        self._clock = clock
        self._asked: dict[K, tuple[float, asyncio.Future[V]]] = {}

    async def get(self, key: K, *, within: float) -> V:
        """The answer, of now or of a moment ago.

        Raises:
            Unavailable: none within so many seconds, or too many questions are open.
            GenetError: what `ask` raised.
        """
        asked_at, answer = self._asked.get(key, (0.0, None))
        if answer is None or (answer.done() and (asked_at + self._seconds <= self._clock() or _failed(answer))):
            if sum(not other.done() for _, other in self._asked.values()) >= self._most_open:
                raise Unavailable("too many questions are open; try again in a moment")
            answer = asyncio.ensure_future(self._ask(key))
            answer.add_done_callback(_failed)  # a failure nobody waits for any more is not an error to log
            self._asked.pop(key, None)
            self._asked[key] = (self._clock(), answer)
            self._forget()
        await asyncio.wait({answer}, timeout=within)
        if not answer.done():
            raise Unavailable(f"no answer within {within:g} s yet; it is still being asked for")
        return answer.result()

    async def close(self) -> None:
        answers = [answer for _, answer in self._asked.values() if not answer.done()]
        for answer in answers:
            answer.cancel()
        await asyncio.gather(*answers, return_exceptions=True)

    def _forget(self) -> None:
        """The oldest answers beyond the bound; what is still being asked is somebody's."""
        beyond = len(self._asked) - self._most
        for key in [key for key, (_, answer) in self._asked.items() if answer.done()][: max(0, beyond)]:
            del self._asked[key]


def _failed(answer: "asyncio.Future[V]") -> bool:
    return answer.cancelled() or answer.exception() is not None
