"""The state of the embedded cluster: all objects as plain dicts, one revision counter, one bounded log for the watches.

It plays etcd and the generic part of the API server's registry together: identity, compare-and-set, graceful deletion
and finalizers live here; what depends on the kind (defaults, quotas, validation) is admission's, what follows from a
change (garbage collection, scheduling) is a subscriber's.

Traps: dicts go in and out without a copy. What is handed in belongs to the store from then on; what comes out must not
be changed: write a new dict. A write that changes nothing keeps its resourceVersion, as in the real server. Everything
runs on one event loop, so there are no locks.
"""

import asyncio
import random
import uuid
from bisect import bisect_left, bisect_right, insort
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from genet.simulation.errors import already_exists, conflict, expired, invalid, not_found, precondition_failed
from genet.simulation.resources import KINDS, Kind

Object = dict[str, Any]
Key = tuple[str, str]
"""namespace ("" for cluster-scoped kinds), name; lists come in this order"""
Subscriber = Callable[[str, str, Object, Object | None], None]
"""plural, ADDED | MODIFIED | DELETED, the object (its last state if deleted), its state before"""

NAME_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
SERVER_FIELDS = ("uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation")
MODIFIED_SINCE = "the object has been modified; please apply your changes to the latest version and try again"


class Event(NamedTuple):
    type: str
    object: Object
    old: Object | None
    revision: int


class Cursor:
    """How far one watch has come, and what wakes it."""

    def __init__(self, plural: str, revision: int) -> None:
        self.plural = plural
        self.revision = revision
        self.wake = asyncio.Event()


class Store:
    def __init__(self, clock: Callable[[], datetime], *, seed: int | None = None, log_size: int = 20_000) -> None:
        self.clock = clock
        self.revision = 1
        self._random = random.Random(seed)  # noqa: S311 - names and uids of a simulation, no secrets
        self._log_size = log_size
        self._objects: dict[str, dict[Key, Object]] = {plural: {} for plural in KINDS}
        self._order: dict[str, list[Key]] = {plural: [] for plural in KINDS}
        self._log: dict[str, list[Event]] = {plural: [] for plural in KINDS}
        self._floor: dict[str, int] = dict.fromkeys(KINDS, 0)
        self._cursors: dict[str, set[Cursor]] = defaultdict(set)
        self._subscribers: list[Subscriber] = []
        self._undelivered: deque[tuple[str, Event]] = deque()
        self._delivering = False

    def find(self, plural: str, namespace: str, name: str) -> Object | None:
        return self._objects[plural].get((namespace, name))

    def get(self, plural: str, namespace: str, name: str) -> Object:
        found = self.find(plural, namespace, name)
        if found is None:
            raise not_found(KINDS[plural], name)
        return found

    def list(self, plural: str, namespace: str | None = None) -> list[Object]:
        return list(self.scan(plural, namespace))

    def scan(
        self, plural: str, namespace: str | None = None, *, after: Key | None = None, at: int | None = None
    ) -> Iterator[Object]:
        """The objects in key order, those behind the key `after`, as they were at revision `at`; ApiError 410."""
        objects, keys = self._objects[plural], self._order[plural]
        before = self._changed_since(plural, at) if at is not None else {}
        if gone := [key for key in before if key not in objects]:
            keys = keys.copy()
            for key in gone:
                insort(keys, key)
        if namespace is not None:
            after = max(after or ("", ""), (namespace, ""))
        for index in range(bisect_right(keys, after) if after else 0, len(keys)):
            key = keys[index]
            if namespace is not None and key[0] != namespace:
                return
            found = before[key] if key in before else objects[key]
            if found is not None:
                yield found

    def new_uid(self) -> str:
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    def new_name(self, prefix: str) -> str:
        return prefix + "".join(self._random.choices(NAME_ALPHABET, k=5))

    def create(self, plural: str, obj: Object, *, dry_run: bool = False) -> Object:
        """Store a new object. A uid that it brings along is kept: admission may have needed to know it."""
        kind = KINDS[plural]
        metadata = {key: value for key, value in obj.get("metadata", {}).items() if key not in SERVER_FIELDS}
        if not metadata.get("name"):
            if not metadata.get("generateName"):
                raise invalid(
                    kind,
                    "",
                    [("FieldValueRequired", "metadata.name", "Required value: name or generateName is required")],
                )
            metadata["name"] = self.new_name(metadata["generateName"])
        if self.find(plural, metadata.get("namespace", ""), metadata["name"]) is not None:
            raise already_exists(kind, metadata["name"])
        metadata["uid"] = obj["metadata"].get("uid") or self.new_uid()
        metadata["creationTimestamp"] = timestamp(self.clock())
        metadata.pop("resourceVersion", None)
        if _has_generation(kind, obj):
            metadata["generation"] = 1
        created = {**obj, "apiVersion": kind.api_version, "kind": kind.kind, "metadata": metadata}
        return created if dry_run else self._commit(plural, "ADDED", created, None)

    def update(self, plural: str, obj: Object, *, subresource: str | None = None, dry_run: bool = False) -> Object:
        """Replace the object (but its status), or its status only. Compare-and-set if it carries a resourceVersion."""
        kind = KINDS[plural]
        metadata = obj["metadata"]
        name = metadata["name"]
        old = self.get(plural, metadata.get("namespace", ""), name)
        before = old["metadata"]
        if metadata.get("resourceVersion") and metadata["resourceVersion"] != before["resourceVersion"]:
            raise conflict(kind, name, MODIFIED_SINCE)
        if metadata.get("uid") and metadata["uid"] != before["uid"]:
            raise conflict(kind, name, _wrong_uid(plural, old, metadata["uid"]))
        kept = {key: before[key] for key in (*SERVER_FIELDS, "namespace", "resourceVersion") if key in before}
        metadata = {key: value for key, value in metadata.items() if key not in SERVER_FIELDS} | kept
        if subresource is None:
            new = {**obj, "metadata": metadata}
            if "status" in kind.subresources:
                new.pop("status", None)
                new |= {"status": old["status"]} if "status" in old else {}
            if _has_generation(kind, new) and new.get("spec") != old.get("spec"):
                metadata["generation"] = before.get("generation", 0) + 1
        else:
            new = {**old, "metadata": metadata, "status": obj.get("status", {})}
        new |= {"apiVersion": kind.api_version, "kind": kind.kind}
        if new == old or dry_run:
            return new
        waits = metadata.get("finalizers") or metadata.get("deletionGracePeriodSeconds") or _has_content(kind, new)
        if "deletionTimestamp" in metadata and not waits:
            return self._commit(plural, "DELETED", new, old)
        return self._commit(plural, "MODIFIED", new, old)

    def delete(
        self,
        plural: str,
        namespace: str,
        name: str,
        *,
        preconditions: Mapping[str, str] | None = None,
        grace_period_seconds: int | None = None,
        orphan: bool = False,
        dry_run: bool = False,
    ) -> Object:
        """Delete, or mark for deletion what a kubelet, a finalizer or the garbage collector has to see to first."""
        kind = KINDS[plural]
        old = self.get(plural, namespace, name)
        for field, label in (("uid", "UID"), ("resourceVersion", "ResourceVersion")):
            wanted, actual = (preconditions or {}).get(field), old["metadata"][field]
            if wanted and wanted != actual:
                why = (f"the {label} in the precondition ({wanted}) does not match the {label} in record ({actual}). "
                       f"{PRECONDITION_HINTS[field]}")  # fmt: skip
                raise precondition_failed(kind, name, why)
        metadata = dict(old["metadata"])
        if orphan and "deletionTimestamp" not in metadata:
            metadata["finalizers"] = [*metadata.get("finalizers", ()), ORPHAN]
        new = {**old, "metadata": metadata}
        grace = _grace(kind, old, grace_period_seconds)
        if not (grace or metadata.get("finalizers") or _has_content(kind, old)):
            return new if dry_run else self._commit(plural, "DELETED", new, old)
        if "deletionTimestamp" not in metadata or grace < metadata.get("deletionGracePeriodSeconds", 0):
            metadata["deletionTimestamp"] = timestamp(self.clock() + timedelta(seconds=grace))
            if plural != "namespaces":
                metadata["deletionGracePeriodSeconds"] = grace
        if plural == "namespaces":
            new["status"] = {**old.get("status", {}), "phase": "Terminating"}
        return new if dry_run or new == old else self._commit(plural, "MODIFIED", new, old)

    def news(self, cursor: Cursor) -> Sequence[Event]:
        """What happened since that cursor last asked; ApiError 410 when the log no longer reaches back to it."""
        cursor.wake.clear()
        events = self._since(cursor.plural, cursor.revision)
        cursor.revision = self.revision
        return events

    @contextmanager
    def cursor(self, plural: str, revision: int) -> Iterator[Cursor]:
        """Follow a plural from behind that revision: ask for `news`, then wait for `wake`, and so on."""
        cursor = Cursor(plural, revision)
        self._cursors[plural].add(cursor)
        try:
            yield cursor
        finally:
            self._cursors[plural].discard(cursor)

    def subscribe(self, callback: Subscriber) -> None:
        """Call `callback` with every change, in order; what it writes is delivered after the change it reacts to."""
        self._subscribers.append(callback)

    def compact(self) -> None:
        """Forget all history, as etcd's compaction does: earlier revisions get 410, who has seen all does not mind."""
        for plural, log in self._log.items():
            for cursor in self._cursors[plural]:
                if not log or cursor.revision >= log[-1].revision:
                    cursor.revision = self.revision
            log.clear()
            self._floor[plural] = self.revision

    def _since(self, plural: str, revision: int) -> Sequence[Event]:
        if revision < self._floor[plural]:
            raise expired(f"too old resource version: {revision} ({self._floor[plural] + 1})")
        log = self._log[plural]
        return log[bisect_left(log, revision + 1, key=lambda event: event.revision) :]

    def _changed_since(self, plural: str, revision: int) -> dict[Key, Object | None]:
        return {key_of(event.object): event.old for event in reversed(self._since(plural, revision))}

    def _commit(self, plural: str, type_: str, new: Object, old: Object | None) -> Object:
        self.revision += 1
        new["metadata"]["resourceVersion"] = str(self.revision)
        key = key_of(new)
        if type_ == "DELETED":
            del self._objects[plural][key]
            del self._order[plural][bisect_left(self._order[plural], key)]
        else:
            self._objects[plural][key] = new
        if type_ == "ADDED":
            insort(self._order[plural], key)
        event = Event(type_, new, old, self.revision)
        log = self._log[plural]
        log.append(event)
        if len(log) >= 2 * self._log_size:
            self._floor[plural] = log[self._log_size - 1].revision
            del log[: self._log_size]
        for cursor in self._cursors[plural]:
            cursor.wake.set()
        self._deliver(plural, event)
        return new

    def _deliver(self, plural: str, event: Event) -> None:
        self._undelivered.append((plural, event))
        if self._delivering:
            return
        self._delivering = True
        try:
            while self._undelivered:
                where, (type_, new, old, _) = self._undelivered.popleft()
                for callback in self._subscribers:
                    callback(where, type_, new, old)
        finally:
            self._delivering = False


ORPHAN = "orphan"
"""The finalizer of an object whose dependents are to stay."""
PRECONDITION_HINTS = {
    "uid": "The object might have been deleted and then recreated",
    "resourceVersion": "The object might have been modified",
}


def key_of(obj: Object) -> Key:
    return obj["metadata"].get("namespace", ""), obj["metadata"]["name"]


def timestamp(moment: datetime) -> str:
    return moment.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat() + "Z"


def _wrong_uid(plural: str, obj: Object, wanted: str) -> str:
    path = "/".join(filter(None, (plural, *key_of(obj))))
    return (
        f"StorageError: invalid object, Code: 4, Key: /registry/{path}, ResourceVersion: 0, AdditionalErrorMsg: "
        f"Precondition failed: UID in precondition: {wanted}, UID in object meta: {obj['metadata']['uid']}"
    )


def _has_generation(kind: Kind, obj: Object) -> bool:
    counted = kind.plural in ("pods", "networkpolicies") or (kind.group and "status" in kind.subresources)
    return bool(counted) and "spec" in obj


def _grace(kind: Kind, obj: Object, wanted: int | None) -> int:
    """Seconds: a pod on a node gets what was asked for, or what its spec says, until its kubelet has stopped it."""
    ended = obj.get("status", {}).get("phase") in ("Succeeded", "Failed")
    if kind.plural != "pods" or not obj["spec"].get("nodeName") or ended:
        return 0
    return int(obj["spec"].get("terminationGracePeriodSeconds", 30)) if wanted is None else wanted


def _has_content(kind: Kind, obj: Object) -> bool:
    """A namespace that has not been emptied yet."""
    return kind.plural == "namespaces" and bool(obj.get("spec", {}).get("finalizers"))
