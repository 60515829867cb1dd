"""Tells what is still running (a stream, a terminal) that what let it in has ended, on every replica.

That is a session or a token, or, where a proxy or dev mode vouches for people, that they are not disabled.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass

from genet.auth.people import PERSON, Person
from genet.errors import Unavailable
from genet.kube.cache import Cache, Change
from genet.kube.objects import Secret
from genet.kube.records import RECORD

Callback = Callable[[], None]


@dataclass(frozen=True, eq=False)
class _Waiting:
    name: str
    user: str
    epoch: int | None
    """None: everything may end, and they still come in."""
    callback: Callback


class Endings:
    """Follows the cache; what ends because its time is over is the listener's own business."""

    def __init__(self, cache: Cache[Secret]) -> None:
        self._by_name: dict[str, set[_Waiting]] = {}
        self._by_user: dict[str, set[_Waiting]] = {}
        cache.subscribe(self._follow)

    def on_end(self, secret: Secret, user: str, epoch: int, callback: Callback) -> Callback:
        """Have `callback` called once when the record is gone or its person's epoch another; returns what ends that."""
        waiting = _Waiting(secret.metadata.name, user, epoch, callback)
        self._by_name.setdefault(waiting.name, set()).add(waiting)
        self._by_user.setdefault(user, set()).add(waiting)
        return lambda: self._drop(waiting)

    def on_disabled(self, user: str, callback: Callback) -> Callback:
        """Have `callback` called once when they are disabled or not known any more; returns what ends that."""
        waiting = _Waiting("", user, None, callback)
        self._by_user.setdefault(user, set()).add(waiting)
        return lambda: self._drop(waiting)

    def _follow(self, changes: Collection[Change[Secret]]) -> None:
        for before, after in changes:
            for waiting in self._ended(before, after):
                self._drop(waiting)
                waiting.callback()

    def _ended(self, before: Secret | None, after: Secret | None) -> list[_Waiting]:
        if after is None:
            return list(self._by_name.get(before.metadata.name, ())) + self._of_person(before, None) if before else []
        return self._of_person(after, after)

    def _of_person(self, secret: Secret, now: Secret | None) -> list[_Waiting]:
        """Those waiting of the person whose record this is, if what they wait for ended with its being so `now`."""
        if secret.metadata.labels.get(RECORD) != PERSON.name:
            return []
        try:
            person = PERSON.read(now).value if now else None
        except Unavailable:
            person = None
        waiting = self._by_user.get(secret.metadata.name.removeprefix(PERSON.secret_name("")), ())
        return [one for one in waiting if person is None or person.is_disabled or _is_past(person, one)]

    def _drop(self, waiting: _Waiting) -> None:
        for known, key in ((self._by_name, waiting.name), (self._by_user, waiting.user)):
            group = known.get(key, set())
            group.discard(waiting)
            if not group:
                known.pop(key, None)


def _is_past(person: Person, waiting: _Waiting) -> bool:
    return waiting.epoch is not None and person.epoch > waiting.epoch
