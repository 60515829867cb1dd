"""Typed records in Secrets: what Genet must remember of people, one object each, in a namespace of its own.

The Secret's name is its kind and an id that is no secret; the value is JSON under one key. The atoms are those of the
API server: of any number of parallel creates of one id, and of any number of replaces of one version, exactly one wins.

Traps:
- A name is seen by everybody who may read audit logs: never make one of a code or a token.
- A delete with a finalizer answers every caller that it was the one: no finalizers here.
- What Genet may not do here (a right, a ResourceQuota) is its own trouble, not the caller's: Unavailable, or else a
  missing right would look like a person who is shut out.
- `get` asks the API server each time. What a cache holds may be a moment old: fine for a session, never for a code.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import msgspec

from genet import naming
from genet.errors import AlreadyExists, Conflict, Forbidden, NotFound, Unavailable
from genet.kube.client import KubeClient
from genet.kube.objects import NAMESPACES, SECRETS, Secret
from genet.kube.state import ATTEMPTS, stand_back

log = logging.getLogger(__name__)

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
        """Raises AlreadyExists where the id is taken. The first record of all makes the namespace."""
        manifest = _manifest(kind, id_, value, user)
        with _own_trouble():
            try:
                secret = await self._kube.create(SECRETS, manifest, self.namespace)
            except NotFound:
                await self._make_namespace()
                secret = await self._kube.create(SECRETS, manifest, self.namespace)
        return kind.read(secret)

    async def get(self, kind: Kind[Value], id_: str) -> Record[Value]:
        """As it is now, from the API server. Raises NotFound."""
        with _own_trouble():
            secret = await self._kube.get(SECRETS, kind.secret_name(id_), self.namespace)
        return kind.read(secret)

    async def find(self, kind: Kind[Value], id_: str) -> Record[Value] | None:
        try:
            return await self.get(kind, id_)
        except NotFound:
            return None

    async def replace(self, record: Record[Value], value: Value) -> Record[Value]:
        """Compare-and-set. Raises Conflict where it has changed since it was read; that or NotFound if it is gone."""
        manifest = _manifest(record.kind, record.id, value, record.user)
        meta = record.secret.metadata
        manifest["metadata"] |= {"uid": meta.uid, "resourceVersion": meta.resource_version}
        with _own_trouble():
            secret = await self._kube.replace(SECRETS, manifest, self.namespace)
        return record.kind.read(secret)

    async def change(
        self,
        kind: Kind[Value],
        id_: str,
        mutate: Callable[[Value | None], Value | None],
        *,
        user: str | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> Record[Value] | None:
        """Change a record by what it is, or create it.

        `mutate`, given the value as it is (None: there is none), returns what it is to be; None leaves things alone. It
        is called again each time somebody else was faster; what it raises ends the attempt.

        Returns:
            The record as it is now; None if there is none.

        Raises:
            Conflict: somebody else was faster each time.
        """
        conflict: Conflict | NotFound | None = None
        for attempt in range(ATTEMPTS):
            await stand_back(attempt, sleep)
            known = await self.find(kind, id_)
            value = mutate(known.value if known else None)
            if value is None:
                return known
            try:
                return await (self.create(kind, id_, value, user=user) if known is None else self.replace(known, value))
            except (Conflict, NotFound) as error:
                conflict = error
        raise Conflict(f"the record {kind.secret_name(id_)} changes too often") from conflict

    async def delete(self, record: Record[Any], *, if_unchanged: bool = False) -> None:
        """Raises NotFound where it is gone, Conflict where another of its name is there, or (if asked) it changed."""
        meta = record.secret.metadata
        version = meta.resource_version if if_unchanged else None
        with _own_trouble():
            await self._kube.delete(SECRETS, meta.name, self.namespace, uid=meta.uid, resource_version=version)

    async def pages(
        self, kind: Kind[Value], *, user: str | None = None, page_size: int = 100
    ) -> AsyncGenerator[list[Record[Value]], None]:
        """All of a kind, or of one user's, page by page; what cannot be read is left out.

        Raises Gone if reading takes so long that the API server does not remember the first page's moment any more.
        """
        selector = f"{RECORD}={kind.name}" + (f",{naming.USER}={user}" if user else "")
        pages = self._listed(selector, page_size)
        async with aclosing(pages):
            async for page in pages:
                yield [record for secret in page if (record := _readable(kind, secret)) is not None]

    async def of(self, kind: Kind[Value], user: str) -> list[Record[Value]]:
        """All of one user's."""
        found: list[Record[Value]] = []
        pages = self.pages(kind, user=user)
        async with aclosing(pages):
            async for page in pages:
                found += page
        return found

    async def held(
        self, kinds: Collection[str], *, user: str | None = None, page_size: int = 100
    ) -> AsyncGenerator[list[Secret], None]:
        """The Secrets of several kinds, by name, page by page, whatever is in them. Raises Gone as `pages` does."""
        selector = f"{RECORD} in ({','.join(sorted(kinds))})" + (f",{naming.USER}={user}" if user else "")
        pages = self._listed(selector, page_size)
        async with aclosing(pages):
            async for page in pages:
                yield page

    async def delete_held(self, kinds: Collection[str], user: str) -> list[Secret]:
        """Delete everything of these kinds that is one user's; returns what was deleted.

        Whoever makes more of it at the same time may be left with that: what ends records for good is another thing.
        """
        deleted: list[Secret] = []
        pages = self.held(kinds, user=user)
        async with aclosing(pages):
            async for page in pages:
                for secret in page:
                    meta = secret.metadata
                    try:
                        with _own_trouble():
                            await self._kube.delete(SECRETS, meta.name, self.namespace, uid=meta.uid)
                    except (NotFound, Conflict):
                        continue
                    deleted.append(secret)
        return deleted

    async def _listed(self, selector: str, page_size: int) -> AsyncGenerator[list[Secret], None]:
        pages = self._kube.pages(SECRETS, self.namespace, label_selector=selector, page_size=page_size)
        with _own_trouble():
            async with aclosing(pages):
                async for page in pages:
                    yield page.items

    async def _make_namespace(self) -> None:
        # without the label genet.io/managed: it is nobody's, and the clean-up has no business there
        try:
            await self._kube.create(NAMESPACES, {"metadata": {"name": self.namespace}})
        except AlreadyExists:
            return


@contextmanager
def _own_trouble() -> Iterator[None]:
    try:
        yield
    except Forbidden as error:
        log.error("Genet may not do with its own records what it has to: %s", error.detail)  # noqa: TRY400 # no bug
        raise Unavailable("Genet cannot get at its own records; its log says why") from error


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
