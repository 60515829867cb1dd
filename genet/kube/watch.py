"""List, then watch, for ever: one stream of news that never gives up and never lies about what it knows.

- The server is asked to end each stream after `stream_seconds`; real ones send a bookmark shortly before, so that a
  quiet resource still proves twice a minute that it is fresh. A stream silent for longer is half open: dropped.
- A stream that breaks is resumed from the last position. Only 410 Gone, or an ERROR event, makes a new list necessary,
  and nothing is forgotten until that list is complete.
- Failures are news as well (`Trouble`): whoever serves stale content can say so. Waiting grows to `max_delay` at most,
  because an API server that returns must be seen within seconds.

Traps: a bookmark's object is no whole object (`containers: null`); an ERROR event's object is a Status; a stream that
is accepted and ended at once, again and again, must not become a busy loop.
"""

import asyncio
import random
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Generic

import msgspec

from genet.errors import GenetError, Gone, Unavailable
from genet.kube.answers import read_status
from genet.kube.client import KubeClient, Listing
from genet.kube.projection import KubeObject, Resource, T

MIN_STREAM_SECONDS = 1.0


@dataclass(frozen=True)
class Scope:
    """Which objects of a resource: of one namespace (None: all), matching the selectors."""

    namespace: str | None = None
    label_selector: str = ""
    field_selector: str = ""
    name_prefix: str = ""
    """The API server cannot select by it: other objects are read and let go at once."""
    page_size: int = 500
    """Objects per page of a list; fewer where objects may be large."""

    def includes(self, obj: KubeObject) -> bool:
        """Whether an object that the API server sent is one of these."""
        return obj.metadata.name.startswith(self.name_prefix)


@dataclass(frozen=True)
class Timing:
    """All in seconds."""

    stream_seconds: int = 30
    idle_seconds: float = 40.0
    first_delay: float = 0.1
    max_delay: float = 2.0
    max_retry_after: float = 10.0
    sleep: Callable[[float], Awaitable[None]] = field(default=asyncio.sleep, repr=False)


EVERYTHING = Scope()
USUAL = Timing()


@dataclass(frozen=True)
class Changes(Generic[T]):
    """What happened up to `resource_version`, in order; without events: nothing did, and the server said so."""

    events: list[tuple[str, T]]
    """(`ADDED` | `MODIFIED` | `DELETED`, object)"""
    resource_version: str


@dataclass(frozen=True)
class Trouble:
    """News stopped; it is tried again."""

    error: GenetError


async def follow(
    kube: KubeClient, resource: Resource[T], scope: Scope, timing: Timing
) -> AsyncGenerator[Listing[T] | Changes[T] | Trouble, None]:
    """News of a resource, for ever: the pages of a list, then what changes; close the iterator to end it.

    After a `Trouble` between pages the list begins anew.
    """
    position: str | None = None
    proven = False  # whether `position` has ever served, so that 410 means age and not a list that is no use
    failures = 0
    while True:
        try:
            if position is None:
                version = ""
                pages = kube.pages(
                    resource,
                    scope.namespace,
                    label_selector=scope.label_selector,
                    field_selector=scope.field_selector,
                    page_size=scope.page_size,
                )
                async with aclosing(pages):
                    async for page in pages:
                        version = page.resource_version
                        yield replace(page, items=[obj for obj in page.items if scope.includes(obj)])
                        del page  # the receiver may drop objects; this frame must not keep them
                position = version
            async with aclosing(_stream(kube, resource, scope, timing, position)) as stream:
                async for changes in stream:
                    if changes.resource_version != position:
                        proven, failures = True, 0
                    position = changes.resource_version
                    yield changes
            proven, failures = True, 0
        except GenetError as error:
            if isinstance(error, Gone):
                position = None
                if proven:
                    proven = False
                    continue
            yield Trouble(error)
            await timing.sleep(_delay(timing, failures, error))
            failures += 1


async def _stream(
    kube: KubeClient, resource: Resource[T], scope: Scope, timing: Timing, position: str
) -> AsyncGenerator[Changes[T], None]:
    """One watch from `position` until the server ends it; the first news is that it was accepted."""
    began = asyncio.get_running_loop().time()
    rest = b""
    watch = kube.watch(
        resource,
        scope.namespace,
        resource_version=position,
        label_selector=scope.label_selector,
        field_selector=scope.field_selector,
        timeout_seconds=timing.stream_seconds,
        idle_seconds=timing.idle_seconds,
    )
    async with watch as chunks:
        yield Changes([], position)
        async for chunk in chunks:
            *lines, rest = (rest + chunk).split(b"\n")
            if lines:
                changes = _decode(resource, scope, lines, position)
                position = changes.resource_version
                yield changes
    if asyncio.get_running_loop().time() - began < MIN_STREAM_SECONDS:
        raise Unavailable("the Kubernetes API ended the watch at once")


def _decode(resource: Resource[T], scope: Scope, lines: list[bytes], position: str) -> Changes[T]:
    events: list[tuple[str, T]] = []
    try:
        for line in lines:
            event = _EVENT.decode(line)
            if event.type == "ERROR":
                raise Gone(read_status(bytes(event.object)).message)
            if event.type == "BOOKMARK":
                position = _BOOKMARK.decode(event.object).metadata.resource_version
            else:
                changed = resource.one.decode(event.object)
                position = changed.metadata.resource_version
                if scope.includes(changed):
                    events.append((event.type, changed))
    except msgspec.DecodeError as error:
        raise Gone(f"the Kubernetes API sent a watch event that cannot be read: {error}") from error
    return Changes(events, position)


def _delay(timing: Timing, failures: int, error: GenetError) -> float:
    """Seconds to wait: grows with the failures in a row, spread so that replicas do not come back in step."""
    delay = min(timing.max_delay, timing.first_delay * 2.0 ** min(failures, 30)) * random.uniform(0.5, 1.0)  # noqa: S311 # no secret
    retry_after = error.retry_after if isinstance(error, Unavailable) else None
    return max(delay, min(retry_after or 0.0, timing.max_retry_after))


class _Event(msgspec.Struct):
    type: str
    object: msgspec.Raw


class _Position(msgspec.Struct, rename="camel"):
    resource_version: str


class _Bookmark(msgspec.Struct):
    metadata: _Position


_EVENT = msgspec.json.Decoder(_Event)
_BOOKMARK = msgspec.json.Decoder(_Bookmark)
