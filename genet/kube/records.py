"""Typed records in Secrets: what Genet must remember of people, one object each, in a namespace of its own.

The Secret's name is its kind and an id that is no secret; the value is JSON under one key. The atoms are those of the
API server: of any number of parallel creates of one id, and of any number of replaces of one version, exactly one wins.

Traps:
- A name is seen by everybody who may read audit logs: never make one of a code or a token.
- A delete with a finalizer answers every caller that it was the one: no finalizers here.
- `get` asks the API server each time. What a cache holds may be a moment old: fine for a session, never for a code.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import msgspec

from genet import naming
from genet.errors import NotFound, Unavailable
from genet.kube.client import KubeClient
from genet.kube.objects import SECRETS, Secret

RECORD = "genet.io/record"
"""Label of a record's Secret: its kind."""

_KEY = "record"

Value = TypeVar("Value", bound=msgspec.Struct)


class Kind(Generic[Value]):
    """One sort of record: `genet-{name}-{id}`, of type `genet.io/{name}`."""

    def __init__(self, name: str, value: type[Value]) -> None:
        self.name = name
        self._decoder = msgspec.json.Decoder(value)

    def secret_name(self, id_: str) -> str:
        return f"genet-{self.name}-{id_}"

    def read(self, secret: Secret) -> "Record[Value]":
        """Raises Unavailable where somebody else wrote what cannot be read."""
        name = secret.metadata.name
        if secret.type != f"genet.io/{self.name}" or _KEY not in secret.data:
            raise Unavailable(f"the Secret {name} is no record of kind {self.name}")
        try:
            value = self._decoder.decode(secret.data[_KEY])
        except msgspec.DecodeError as error:
            raise Unavailable(f"the record {name} cannot be read") from error
        return Record(self, name.removeprefix(self.secret_name("")), value, secret)


@dataclass(frozen=True)
class Record(Generic[Value]):
    """A record as it was when it was read."""

    kind: Kind[Value]
    id: str
    value: Value
    secret: Secret

    @property
    def user(self) -> str | None:
        """The userIdentifier it belongs to."""
        return self.secret.metadata.labels.get(naming.USER)


class Records:
    """The records of one namespace."""

    def __init__(self, kube: KubeClient, namespace: str) -> None:
        self._kube = kube
        self.namespace = namespace

    async def create(self, kind: Kind[Value], id_: str, value: Value, *, user: str | None = None) -> Record[Value]:
        """Raises AlreadyExists where the id is taken."""
        manifest = _manifest(kind, id_, value, user)
        return kind.read(await self._kube.create(SECRETS, manifest, self.namespace))

    async def get(self, kind: Kind[Value], id_: str) -> Record[Value]:
        """As it is now, from the API server. Raises NotFound."""
        return kind.read(await self._kube.get(SECRETS, kind.secret_name(id_), self.namespace))

    async def find(self, kind: Kind[Value], id_: str) -> Record[Value] | None:
        try:
            return await self.get(kind, id_)
        except NotFound:
            return None

    async def replace(self, record: Record[Value], value: Value) -> Record[Value]:
        """Compare-and-set. Raises Conflict where it has changed since it was read, NotFound where it is gone."""
        manifest = _manifest(record.kind, record.id, value, record.user)
        meta = record.secret.metadata
        manifest["metadata"] |= {"uid": meta.uid, "resourceVersion": meta.resource_version}
        return record.kind.read(await self._kube.replace(SECRETS, manifest, self.namespace))

    async def delete(self, record: Record[Any], *, if_unchanged: bool = False) -> None:
        """Raises NotFound where it is gone, Conflict where another of its name is there, or (if asked) it changed."""
        meta = record.secret.metadata
        version = meta.resource_version if if_unchanged else None
        await self._kube.delete(SECRETS, meta.name, self.namespace, uid=meta.uid, resource_version=version)

    async def pages(
        self, kind: Kind[Value], *, user: str | None = None, page_size: int = 100
    ) -> AsyncGenerator[list[Record[Value]], None]:
        """All of a kind, or of one user's, page by page; what cannot be read is left out.

        Raises Gone if reading takes so long that the API server does not remember the first page's moment any more.
        """
        selector = f"{RECORD}={kind.name}" + (f",{naming.USER}={user}" if user else "")
        pages = self._kube.pages(SECRETS, self.namespace, label_selector=selector, page_size=page_size)
        async with aclosing(pages):
            async for page in pages:
                yield [record for secret in page.items if (record := _readable(kind, secret)) is not None]

    async def of(self, kind: Kind[Value], user: str) -> list[Record[Value]]:
        """All of one user's."""
        found: list[Record[Value]] = []
        pages = self.pages(kind, user=user)
        async with aclosing(pages):
            async for page in pages:
                found += page
        return found


def _readable(kind: Kind[Value], secret: Secret) -> Record[Value] | None:
    try:
        return kind.read(secret)
    except Unavailable:
        return None


def _manifest(kind: Kind[Value], id_: str, value: Value, user: str | None) -> dict[str, Any]:
    labels = {naming.MANAGED: "true", RECORD: kind.name}
    if user is not None:
        labels[naming.USER] = user
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": kind.secret_name(id_), "labels": labels},
        "type": f"genet.io/{kind.name}",
        "data": {_KEY: msgspec.to_builtins(msgspec.json.encode(value))},
    }
