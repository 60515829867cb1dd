"""What all projections of Kubernetes objects share, and where objects of one kind are served.

Traps:
- 50,000 pods live here at once. `gc=False` keeps the collector out, and strings that thousands of objects share are
  interned as they are decoded. No Struct here may ever hold a reference cycle.
- What `kubectl apply` notes about itself (`last-applied-configuration`) repeats the whole object: dropped.
"""

from dataclasses import dataclass, field
from datetime import datetime
from sys import intern
from typing import Generic, TypeVar, dataclass_transform

import msgspec
from msgspec import field as named
from msgspec.structs import force_setattr

_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def intern_values(texts: dict[str, str]) -> None:
    for key, text in texts.items():
        texts[key] = intern(text)


@dataclass_transform(frozen_default=True, field_specifiers=(msgspec.field,))
class Projection(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """Base of everything read from the API server; msgspec hands `frozen` down, the decorator tells type checkers."""


class OwnerReference(Projection):
    api_version: str
    kind: str
    name: str
    uid: str
    controller: bool = False


class ObjectMeta(Projection):
    name: str
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    creation_timestamp: datetime | None = None
    deletion_timestamp: datetime | None = None
    owner_references: tuple[OwnerReference, ...] = ()

    def __post_init__(self) -> None:
        force_setattr(self, "namespace", intern(self.namespace))
        intern_values(self.labels)
        self.annotations.pop(_LAST_APPLIED, None)


class KubeObject(Projection):
    """What every object has; alone it serves the kinds of which Genet reads no more than that."""

    metadata: ObjectMeta


class Condition(Projection):
    type: str
    status: str
    reason: str = ""
    message: str = ""
    last_transition_time: datetime | None = None

    def __post_init__(self) -> None:
        force_setattr(self, "type", intern(self.type))
        force_setattr(self, "status", intern(self.status))


T = TypeVar("T", bound=KubeObject)


class ListMeta(Projection):
    resource_version: str = ""
    continue_: str = named(name="continue", default="")


class Page(Projection, Generic[T]):
    """One page of a list, as the API server sends it."""

    metadata: ListMeta
    items: list[T]


@dataclass(frozen=True)
class Resource(Generic[T]):
    """Where objects of one kind are served, and what is read of them."""

    api_version: str
    kind: str
    plural: str
    type: type[T]
    namespaced: bool = True
    one: msgspec.json.Decoder[T] = field(init=False, repr=False, compare=False)
    page: msgspec.json.Decoder[Page[T]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "one", msgspec.json.Decoder(self.type))
        object.__setattr__(self, "page", msgspec.json.Decoder(Page[self.type]))  # type: ignore[name-defined] # run-time generic
