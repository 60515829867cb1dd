"""Takes away records whose time is over: grants, devices, sessions, tokens.

Without it the namespace only grows, until listing it hurts the API server. So it must never be what hurts: it reads
page by page, deletes a bounded number each sweep with a few calls at a time, and is done by one replica, the others
standing by. Deletes carry the uid and the version of what was judged: a grant that was refreshed meanwhile stays, and
two that sweep at once only find things gone. Nothing has a finalizer.

What cannot be read, written by a newer Genet perhaps, is counted and left alone.
"""

import asyncio
import logging
import secrets
import socket
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Self

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from genet.auth.sessions import SESSION, Session
from genet.auth.tokens import TOKEN, Token
from genet.errors import Conflict, GenetError, Gone, NotFound, Unavailable
from genet.kube.client import KubeClient
from genet.kube.objects import Secret
from genet.kube.records import RECORD, Kind, Record, Records
from genet.oidc.device import DEVICE, Device
from genet.oidc.grant import GRANT, is_forgettable
from genet.oidc.lease import Leadership
from genet.settings import Lifetimes

PAGE: Final = 100
"""Records read in one call, 2 kB each."""
MOST_DELETES: Final = 1000
"""In one sweep; what is left is the next one's."""
PARALLEL: Final = 4
EVERY: Final = timedelta(minutes=5)
"""From one sweep to the next."""
SOON: Final = timedelta(seconds=5)
"""To the next one where something was left."""
LOOK_SECONDS: Final = 20.0
"""Between two renewals of the Lease, or two tries to get it."""
LEASE: Final = "genet-collector"

_KEPT: Final = timedelta(hours=1)
"""Clocks differ; and what has just ended is still looked at."""
_RENEW_PAGES: Final = 20

log = logging.getLogger(__name__)

IsOver = Callable[[Any, datetime], bool]


@dataclass(frozen=True)
class Sweep:
    """What one sweep saw and did."""

    seen: Counter[str] = field(default_factory=Counter)
    """Records by kind, before anything was deleted."""
    deleted: Counter[str] = field(default_factory=Counter)
    unreadable: Counter[str] = field(default_factory=Counter)
    pages: int = 0
    is_complete: bool = True
    """Whether it came to the end; else something is left."""


def rules(ttl: Lifetimes) -> Mapping[str, tuple[Kind[Any], IsOver]]:
    """When a record of each kind is over."""

    def session(value: Session, now: datetime) -> bool:
        return now >= value.expires_at + _KEPT

    def token(value: Token, now: datetime) -> bool:
        return now >= value.expires_at + _KEPT

    def device(value: Device, now: datetime) -> bool:
        return now >= value.expires_at + _KEPT

    return {
        GRANT.name: (GRANT, lambda grant, now: is_forgettable(grant, now, ttl)),
        SESSION.name: (SESSION, session),
        TOKEN.name: (TOKEN, token),
        DEVICE.name: (DEVICE, device),
    }


class Collect:
    """Sweeps; `tell` is called with each record that was deleted."""

    def __init__(
        self,
        records: Records,
        ttl: Lifetimes,
        *,
        clock: Callable[[], datetime],
        tell: Callable[[Record[Any]], None] | None = None,
    ) -> None:
        self._records = records
        self._rules = rules(ttl)
        self._clock = clock
        self._tell = tell

    async def sweep(self, *, dry_run: bool = False, may_go_on: Callable[[], Awaitable[bool]] | None = None) -> Sweep:
        """One pass over all records.

        Args:
            dry_run: tell, and delete nothing.
            may_go_on: asked now and then; False ends the sweep.

        Raises:
            GenetError: reading them failed; what was deleted before stays deleted.
        """
        seen, deleted, unreadable = Counter[str](), Counter[str](), Counter[str]()
        count = 0
        pages = self._pages()
        async with aclosing(pages):
            async for page in pages:
                count += 1
                over = self._over(page, seen, unreadable)
                room = MOST_DELETES - deleted.total()
                deleted += await self._delete(over[:room], dry_run=dry_run)
                is_told = may_go_on is not None and count % _RENEW_PAGES == 0
                if len(over) > room or (is_told and may_go_on is not None and not await may_go_on()):
                    return Sweep(seen, deleted, unreadable, count, is_complete=False)
        return Sweep(seen, deleted, unreadable, count)

    async def _pages(self) -> AsyncGenerator[list[Secret], None]:
        """Whatever the API server has forgotten of the list's moment on the way is left to the next sweep."""
        pages = self._records.held(tuple(self._rules), page_size=PAGE)
        try:
            async with aclosing(pages):
                async for page in pages:
                    yield page
        except Gone:
            return

    def _over(self, page: list[Secret], seen: Counter[str], unreadable: Counter[str]) -> list[Record[Any]]:
        now = self._clock()
        over: list[Record[Any]] = []
        for secret in page:
            name = secret.metadata.labels[RECORD]
            seen[name] += 1
            kind, is_over = self._rules[name]
            try:
                record = kind.read(secret)
            except Unavailable:
                unreadable[name] += 1
                continue
            if is_over(record.value, now):
                over.append(record)
        return over

    async def _delete(self, records: list[Record[Any]], *, dry_run: bool) -> Counter[str]:
        places = asyncio.Semaphore(PARALLEL)

        async def one(record: Record[Any]) -> str | None:
            async with places:
                if not dry_run:
                    try:
                        await self._records.delete(record, if_unchanged=True)
                    except (NotFound, Conflict):
                        return None
                if self._tell is not None:
                    self._tell(record)
                return record.kind.name

        done = await asyncio.gather(*(one(record) for record in records), return_exceptions=True)
        failure = next((outcome for outcome in done if isinstance(outcome, BaseException)), None)
        if failure is not None:
            raise failure
        return Counter(name for name in done if isinstance(name, str))


class Collecting(Collector):
    """Sweeps again and again wherever this replica holds the Lease, and tells Prometheus what it saw."""

    def __init__(
        self,
        collect: Collect,
        leadership: Leadership,
        *,
        clock: Callable[[], datetime],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._collect = collect
        self._leadership = leadership
        self._clock = clock
        self._sleep = sleep
        self._due_at: datetime | None = None
        self._seen: Mapping[str, int] | None = None
        self._unreadable: Mapping[str, int] = {}
        self._deleted: Counter[str] = Counter()

    @classmethod
    def over(cls, kube: KubeClient, records: Records, ttl: Lifetimes, clock: Callable[[], datetime]) -> Self:
        """That of one replica, under a name that no other has."""
        identity = f"{socket.gethostname()}-{secrets.token_hex(4)}"
        leadership = Leadership(kube, LEASE, records.namespace, identity=identity, clock=clock)
        return cls(Collect(records, ttl, clock=clock), leadership, clock=clock)

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await self.look()
            except GenetError as error:
                log.warning("records cannot be collected now", extra={"reason": error.detail})
            await self._sleep(SOON.total_seconds() if self._is_due() else LOOK_SECONDS)

    async def look(self) -> Sweep | None:
        """Hold the Lease or try to take it, and sweep if it is time to.

        Returns:
            What was swept; None: it was not this replica's turn.

        Raises:
            GenetError: it cannot be told or done now.
        """
        if not await self._leadership.hold():
            self._seen, self._due_at = None, None  # another replica tells what there is
            return None
        if self._due_at is not None and not self._is_due():
            return None
        self._due_at = self._clock() + EVERY
        done = await self._collect.sweep(may_go_on=self._leadership.hold)
        self._deleted += done.deleted
        if done.is_complete:
            self._seen, self._unreadable = done.seen - done.deleted, done.unreadable
        else:
            self._due_at = self._clock()
        if done.deleted or done.unreadable:
            log.info("collected records", extra={"deleted": dict(done.deleted), "unreadable": dict(done.unreadable)})
        return done

    def _is_due(self) -> bool:
        return self._due_at is not None and self._clock() >= self._due_at

    def collect(self) -> Iterator[Metric]:
        """For `/metrics`. A scrape runs in a thread of its own, and reads what the loop left for it."""
        deleted = CounterMetricFamily(
            "genet_records_deleted", "Records that were deleted as their time was over.", labels=["record"]
        )
        for kind, count in list(self._deleted.items()):
            deleted.add_metric([kind], count)
        yield deleted
        seen = self._seen
        if seen is None:
            return
        held = GaugeMetricFamily("genet_records", "Records there were after the last sweep.", labels=["record"])
        unreadable = GaugeMetricFamily("genet_records_unreadable", "Those that cannot be read.", labels=["record"])
        for kind in (GRANT.name, SESSION.name, TOKEN.name, DEVICE.name):
            held.add_metric([kind], seen.get(kind, 0))
            unreadable.add_metric([kind], self._unreadable.get(kind, 0))
        yield held
        yield unreadable
