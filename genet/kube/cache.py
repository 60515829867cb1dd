"""What is known of one resource, in memory, fed by `watch.follow`; readers never wait and never see half a list.

- A failed list or a broken stream changes nothing but `staleness()`: stale content beats an empty cluster.
- Only a newer resourceVersion replaces an object. So what `merge` took from the answer to a write is not undone by an
  older event or list, and its echo in the watch costs nothing. Within one resource versions are ordered numbers.
- What the watch has already passed is not merged: the object may have been deleted since.
- What `forget` removed does not come back by events still on their way: its uid is remembered until its end is seen.

Single event loop, no locks: `apply` never awaits.
"""

import asyncio
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Generic

from genet.kube.client import KubeClient, Listing
from genet.kube.objects import Resource, T
from genet.kube.watch import EVERYTHING, USUAL, Changes, Scope, Timing, Trouble, follow

Key = tuple[str, str]
"""(namespace, name)"""

Index = Callable[[T], Iterable[str]]
"""The keys under which an object is found by `Cache.by`."""

STALE_SECONDS = 15.0
"""How much longer than a watch may be silent before content counts as stale."""


@dataclass(frozen=True)
class Staleness:
    age_seconds: float
    """Since content was last known to be fresh; before the first list: since the cache exists."""
    error: str | None
    """What keeps it from being fresh, in the API server's or the network's words."""
    stale: bool


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
        self._kube = kube
        self._scope = scope
        self._timing = timing
        self._clock = clock
        self._indexes = dict(indexes or {})
        self._objects: dict[Key, T] = {}
        self._buckets: dict[str, dict[str, dict[Key, T]]] = {name: {} for name in self._indexes}
        self._position = 0
        self._forgotten: set[str] = set()
        self._subscribers: list[Callable[[Collection[Key]], None]] = []
        self._ready = asyncio.Event()
        self._fresh_at = clock()
        self._error: str | None = None

    # --- reading

    def get(self, name: str, namespace: str = "") -> T | None:
        return self._objects.get((namespace, name))

    def all(self) -> Collection[T]:
        return tuple(self._objects.values())

    def by(self, index: str, key: str) -> Collection[T]:
        return tuple(self._buckets[index].get(key, {}).values())

    @property
    def is_ready(self) -> bool:
        """Whether a complete list has ever been taken."""
        return self._ready.is_set()

    async def wait_ready(self) -> None:
        await self._ready.wait()

    def staleness(self) -> Staleness:
        age = self._clock() - self._fresh_at
        stale = not self.is_ready or self._error is not None or age > self._timing.idle_seconds + STALE_SECONDS
        return Staleness(age, self._error, stale)

    def subscribe(self, callback: Callable[[Collection[Key]], None]) -> Callable[[], None]:
        """Have `callback` called with the keys of what changed, after each change; returns what ends that."""
        self._subscribers.append(callback)
        return lambda: self._subscribers.remove(callback)

    # --- read your writes

    def merge(self, obj: T) -> None:
        """Take an object that the API server just answered with (also one that is now terminating)."""
        if _version(obj) > self._position and self._put(obj):
            self._changed([_key(obj)])

    def forget(self, obj: T) -> None:
        """Drop an object that the API server just said is gone for good."""
        known = self._objects.get(_key(obj))
        if known is not None and known.metadata.uid == obj.metadata.uid:
            self._forgotten.add(obj.metadata.uid)
            self._drop(known)
            self._changed([_key(obj)])

    # --- being fed

    async def run(self) -> None:
        """Follow the API server until cancelled."""
        async with aclosing(follow(self._kube, self.resource, self._scope, self._timing)) as news:
            async for item in news:
                self.apply(item)

    def apply(self, news: Listing[T] | Changes[T] | Trouble) -> None:
        if isinstance(news, Trouble):
            self._error = news.error.detail
            return
        self._error = None
        self._fresh_at = self._clock()
        changed = self._replace(news) if isinstance(news, Listing) else self._follow(news)
        self._position = int(news.resource_version)
        self._ready.set()
        if changed:
            self._changed(changed)

    def _replace(self, listing: Listing[T]) -> Collection[Key]:
        position = int(listing.resource_version)
        if position < self._position:  # the API server went back in time (a restored backup): what we know is void
            before, self._objects, self._forgotten = self._objects, {}, set()
            self._buckets = {name: {} for name in self._indexes}
        else:
            before = {}
        listed = {_key(obj): obj for obj in listing.items}
        self._forgotten &= {obj.metadata.uid for obj in listing.items}
        gone = [obj for key, obj in self._objects.items() if key not in listed and _version(obj) <= position]
        for obj in gone:
            self._drop(obj)
        changed = {key for key, obj in listed.items() if self._put(obj)}
        return changed.union(before, map(_key, gone))

    def _follow(self, changes: Changes[T]) -> Collection[Key]:
        changed: set[Key] = set()
        for kind, obj in changes.events:
            if kind != "DELETED":
                if self._put(obj):
                    changed.add(_key(obj))
                continue
            self._forgotten.discard(obj.metadata.uid)
            known = self._objects.get(_key(obj))
            if known is not None and (known.metadata.uid == obj.metadata.uid or _version(known) < _version(obj)):
                self._drop(known)
                changed.add(_key(obj))
        return changed

    def _put(self, obj: T) -> bool:
        """Take `obj` unless what is known is as new or it was forgotten; whether it was taken."""
        key = _key(obj)
        known = self._objects.get(key)
        if obj.metadata.uid in self._forgotten or (known is not None and _version(known) >= _version(obj)):
            return False
        if known is not None:
            self._unindex(known)
        self._objects[key] = obj
        for name, keys_of in self._indexes.items():
            for value in keys_of(obj):
                self._buckets[name].setdefault(value, {})[key] = obj
        return True

    def _drop(self, known: T) -> None:
        del self._objects[_key(known)]
        self._unindex(known)

    def _unindex(self, known: T) -> None:
        for name, keys_of in self._indexes.items():
            buckets = self._buckets[name]
            for value in set(keys_of(known)):
                del buckets[value][_key(known)]
                if not buckets[value]:
                    del buckets[value]

    def _changed(self, keys: Collection[Key]) -> None:
        self.revision += 1
        for callback in tuple(self._subscribers):
            callback(keys)


def _key(obj: T) -> Key:
    return obj.metadata.namespace, obj.metadata.name


def _version(obj: T) -> int:
    return int(obj.metadata.resource_version)
