"""Objects by name and by index: what a cache holds, and what a list that is still being read will make of it."""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Generic

from genet.kube.projection import T

Key = tuple[str, str]
"""(namespace, name)"""

Index = Callable[[T], Iterable[str]]
"""The keys under which an object is found by `Content.by`."""


class Content(Generic[T]):
    def __init__(self, indexes: Mapping[str, Index[T]]) -> None:
        self.objects: dict[Key, T] = {}
        self._indexes = indexes
        self._buckets: dict[str, dict[str, dict[Key, T]]] = {name: {} for name in indexes}

    def by(self, index: str, key: str) -> Collection[T]:
        return tuple(self._buckets[index].get(key, {}).values())

    def put(self, obj: T) -> None:
        key = key_of(obj)
        known = self.objects.get(key)
        if known is not None:
            self._unindex(key, known)
        self.objects[key] = obj
        for name, keys_of in self._indexes.items():
            buckets = self._buckets[name]
            for value in keys_of(obj):
                buckets.setdefault(value, {})[key] = obj

    def drop(self, key: Key) -> None:
        known = self.objects.pop(key, None)
        if known is not None:
            self._unindex(key, known)

    def _unindex(self, key: Key, known: T) -> None:
        for name, keys_of in self._indexes.items():
            buckets = self._buckets[name]
            for value in set(keys_of(known)):
                del buckets[value][key]
                if not buckets[value]:
                    del buckets[value]


def key_of(obj: T) -> Key:
    return obj.metadata.namespace, obj.metadata.name


def version_of(obj: T) -> int:
    return int(obj.metadata.resource_version)
