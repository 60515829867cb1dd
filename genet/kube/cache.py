"""What is known of one resource, in memory, fed by `watch.follow`; readers never wait and never see half a list.

- A failed list or a broken stream changes nothing but `staleness()`: stale content beats an empty cluster.
- Only a newer resourceVersion replaces an object. So what `merge` took from the answer to a write is not undone by an
  older event or list, and its echo in the watch costs nothing. Within one resource versions are ordered numbers.
- What the watch has already passed is not merged: the object may have been deleted since.
- What `forget` removed does not come back by events still on their way: its uid is remembered until its end is seen.
- A list of 50,000 objects would hold the event loop for a quarter of a second. Its pages are taken one by one into
  content of its own, which takes the place of the present one when the last page is in.

Single event loop, no locks: a step never awaits.
"""

import asyncio
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Generic

from genet.errors import Forbidden, GenetError
from genet.kube.client import KubeClient, Listing
from genet.kube.content import Content, Index, Key, key_of, version_of
from genet.kube.projection import Resource, T
from genet.kube.watch import EVERYTHING, USUAL, Changes, Scope, Timing, Trouble, follow

Change = tuple[T | None, T | None]
"""An object before and after; None: it was not known, or is not any more."""

STALE_SECONDS = 15.0
"""How much longer than a watch may be silent before content counts as stale."""

_PORTION = 500
"""Changes told in one step."""


@dataclass(frozen=True)
class Staleness:
    age_seconds: float
    """Since content was last known to be fresh; before the first list: since the cache exists."""
    error: str | None
    """What keeps it from being fresh, in the API server's or the network's words."""
    stale: bool
    refused: bool = False
    """Whether that is a right which Genet does not have."""


class Cache(Generic[T]):
    """One per resource; `run` must be running, `wait_ready` says when the first list is in."""

    def __init__(
        self,
        kube: KubeClient,
        resource: Resource[T],
        *,
        scope: Scope = EVERYTHING,
        indexes: Mapping[str, Index[T]] | None = None,
        timing: Timing = USUAL,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.resource = resource
        self.revision = 0
        self.restarts = 0
        """How often a list took the place of what the watch had told, since that could not go on."""
        self._kube = kube
        self._scope = scope
        self._timing = timing
        self._clock = clock
        self._indexes = dict(indexes or {})
        self._content: Content[T] = Content(self._indexes)
        self._coming: _Coming[T] | None = None
        self._position = 0
        self._forgotten: set[str] = set()
        self._subscribers: list[Callable[[Collection[Change[T]]], None]] = []
        self._ready = asyncio.Event()
        self._fresh_at = clock()
        self._error: GenetError | None = None

    # --- reading

    def get(self, name: str, namespace: str = "") -> T | None:
        return self._content.objects.get((namespace, name))

    def all(self) -> Collection[T]:
        return tuple(self._content.objects.values())

    def by(self, index: str, key: str) -> Collection[T]:
        return self._content.by(index, key)

    @property
    def is_ready(self) -> bool:
        """Whether a complete list has ever been taken."""
        return self._ready.is_set()

    async def wait_ready(self) -> None:
        await self._ready.wait()

    def staleness(self) -> Staleness:
        age = self._clock() - self._fresh_at
        stale = not self.is_ready or self._error is not None or age > self._timing.idle_seconds + STALE_SECONDS
        error = self._error.detail if self._error else None
        return Staleness(age, error, stale, refused=isinstance(self._error, Forbidden))

    def subscribe(self, callback: Callable[[Collection[Change[T]]], None]) -> Callable[[], None]:
        """Have `callback` called with what changed, after each change; returns what ends that."""
        self._subscribers.append(callback)
        return lambda: self._subscribers.remove(callback)

    # --- read your writes

    def merge(self, obj: T) -> None:
        """Take an object that the API server just answered with (also one that is now terminating)."""
        if version_of(obj) <= self._position:
            return
        change = self._put(obj)
        if change:
            if self._coming is not None:
                self._coming.merge(obj)
            self._tell([change])

    def forget(self, obj: T) -> None:
        """Drop an object that the API server just said is gone for good."""
        key = key_of(obj)
        known = self._content.objects.get(key)
        if known is not None and known.metadata.uid == obj.metadata.uid:
            self._forgotten.add(obj.metadata.uid)
            if self._coming is not None:
                self._coming.forget(obj)
            self._content.drop(key)
            self._tell([(known, None)])

    # --- being fed

    async def run(self) -> None:
        """Follow the API server until cancelled."""
        async with aclosing(follow(self._kube, self.resource, self._scope, self._timing)) as news:
            async for item in news:
                for _ in self._steps(item):
                    await asyncio.sleep(0)

    def apply(self, news: Listing[T] | Changes[T] | Trouble) -> None:
        """Take `news` at once."""
        for _ in self._steps(news):
            pass

    def clear(self) -> None:
        """Drop everything: the API server does not serve the resource any more."""
        self.apply(Listing([], str(self._position)))

    def _steps(self, news: Listing[T] | Changes[T] | Trouble) -> Iterator[None]:
        """Take `news`; at each `yield` others may run and see what is right for now."""
        if isinstance(news, Trouble):
            self._error = news.error
            self._coming = None
            return
        if isinstance(news, Listing):
            if self._coming is None:
                position = int(news.resource_version)
                if position < self._position:  # back in time (a restored backup): what we know is void
                    self._forgotten.clear()
                self._coming = _Coming(position, self._indexes, is_void=position < self._position)
            self._coming.take(news.items, self._content.objects, self._forgotten)
            yield
            if news.continues:
                return
            changed = self._replace(self._coming)
            self._coming = None
            self.restarts += self.is_ready
        else:
            changed = self._follow(news)
        self._position = int(news.resource_version)
        self._error = None
        self._fresh_at = self._clock()
        while changed:
            self._tell(changed[:_PORTION])
            del changed[:_PORTION]  # the last that holds what was replaced: freed in portions as well
            yield
        self._ready.set()

    def _replace(self, coming: "_Coming[T]") -> list[Change[T]]:
        """Put the complete list in the place of what is known; returns what changed."""
        changed, known = coming.changed, self._content.objects
        for key in known.keys() - coming.content.objects.keys():
            if coming.is_overtaken_by(known[key]):
                coming.content.put(known[key])
            else:
                changed.append((known[key], None))
        self._content = coming.content
        self._forgotten &= coming.forgotten
        return changed

    def _follow(self, changes: Changes[T]) -> list[Change[T]]:
        changed: list[Change[T]] = []
        for kind, obj in changes.events:
            if kind != "DELETED":
                change = self._put(obj)
                if change:
                    changed.append(change)
                continue
            self._forgotten.discard(obj.metadata.uid)
            known = self._content.objects.get(key_of(obj))
            if known is not None and (known.metadata.uid == obj.metadata.uid or version_of(known) < version_of(obj)):
                self._content.drop(key_of(obj))
                changed.append((known, None))
        return changed

    def _put(self, obj: T) -> Change[T] | None:
        """Take `obj` unless what is known is as new or it was forgotten; returns what that changed."""
        known = self._content.objects.get(key_of(obj))
        if obj.metadata.uid in self._forgotten or _is_as_new(known, obj):
            return None
        self._content.put(obj)
        return known, obj

    def _tell(self, changed: Sequence[Change[T]]) -> None:
        self.revision += 1
        for callback in tuple(self._subscribers):
            callback(changed)


class _Coming(Generic[T]):
    """A list that is still being read, and what it will change."""

    def __init__(self, position: int, indexes: Mapping[str, Index[T]], *, is_void: bool) -> None:
        self.content: Content[T] = Content(indexes)
        self.changed: list[Change[T]] = []
        self.forgotten: set[str] = set()
        """Those of the forgotten about which events may still follow."""
        self._position = position
        self._is_void = is_void

    def take(self, items: Sequence[T], known: Mapping[Key, T], forgotten: Collection[str]) -> None:
        """Take a page, beside what is `known` and `forgotten` just now."""
        for obj in items:
            if obj.metadata.uid in forgotten:
                self.forgotten.add(obj.metadata.uid)
                continue
            before = known.get(key_of(obj))
            if before is not None and _is_as_new(before, obj) and not self._is_void:
                self.content.put(before)  # rather than its equal, which would take memory of its own
            else:
                self.content.put(obj)
                self.changed.append((before, obj))

    def merge(self, obj: T) -> None:
        if self.is_overtaken_by(obj):
            self.content.put(obj)

    def forget(self, obj: T) -> None:
        self.forgotten.add(obj.metadata.uid)
        listed = self.content.objects.get(key_of(obj))
        if listed is not None and listed.metadata.uid == obj.metadata.uid:
            self.content.drop(key_of(obj))

    def is_overtaken_by(self, obj: T) -> bool:
        """Whether `obj` is newer than the list, which then has no say on it."""
        return version_of(obj) > self._position and not self._is_void


def _is_as_new(known: T | None, obj: T) -> bool:
    return known is not None and version_of(known) >= version_of(obj)
