"""The people Genet knows, as administrators see and shut them out."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from datetime import datetime
from typing import Self

import msgspec

from genet import naming
from genet.auth.clock import Clock
from genet.auth.identity import Identity
from genet.auth.people import Person
from genet.errors import NotFound
from genet.flows.ssh_keys import SSHKeys
from genet.kube.cache import Cache
from genet.kube.client import KubeClient
from genet.kube.objects import NAMESPACES
from genet.kube.records import RECORD
from genet.settings import Settings
from genet.tenancy.service import Tenancy


class Listed(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One person; the counts take in what is over but not collected yet."""

    identifier: str
    username: str
    email: str
    owner: str
    disabled: bool
    created_at: datetime
    last_login_at: datetime | None
    """None: known by a proxy's word alone."""
    sessions: int
    grants: int
    tokens: int


class Users:
    def __init__(self, identity: Identity, tenancy: Tenancy, ssh_keys: SSHKeys) -> None:
        self._identity = identity
        self._tenancy = tenancy
        self._ssh_keys = ssh_keys

    @classmethod
    @asynccontextmanager
    async def connected(cls, settings: Settings, clock: Clock) -> AsyncIterator[Self]:
        """For a command, which asks and goes: without caches that follow anything."""
        async with KubeClient.connect(settings.kubernetes) as kube:
            identity = Identity.over(kube, settings, clock)
            tenancy = Tenancy(kube, settings, namespaces=Cache(kube, NAMESPACES))
            is_disabled = identity.people.is_disabled
            yield cls(identity, tenancy, SSHKeys(kube, identity.records, tenancy, is_disabled=is_disabled, clock=clock))

    async def listed(self) -> list[Listed]:
        """Everybody, by identifier."""
        held = await self._held()
        people: list[Listed] = []
        pages = self._identity.people.pages()
        async with aclosing(pages):
            async for page in pages:
                people += [_listed(record.value, held) for record in page]
        return sorted(people, key=lambda person: person.identifier)

    async def disable(self, identifier: str) -> dict[str, int]:
        """Shut a person out: nobody is let in, nothing of theirs counts, and kubectl may do nothing in their name.

        Their SSH keys open no pod any more, but sessions that are open stay open. In this order: the preparation of a
        namespace, which gives the rights, looks at the person once more at its end. Pods stay, as they may hold work
        that others need; the nightly run takes them when their time is over. It may be done again where it was
        interrupted. Who had another name at the provider before is shut out under that, too.

        Returns:
            How many records of each kind were deleted.

        Raises:
            NotFound: there is no such person.
        """
        ended: Counter[str] = Counter()
        for name in await self._names(identifier):
            ended.update(await self._identity.people.disable(name))
            await self._tenancy.shut_out(name)
            await self._ssh_keys.publish(name, force=True)
        return dict(ended)

    async def enable(self, identifier: str) -> None:
        """Let them in again, with their SSH keys; other rights come back with their next pod or kubeconfig.

        Raises:
            NotFound: there is no such person.
        """
        for name in await self._names(identifier):
            await self._identity.people.enable(name)
            await self._ssh_keys.publish(name, force=True)

    async def _names(self, identifier: str) -> list[str]:
        """The identifier, and others that the same account has had. Raises NotFound."""
        record = await self._identity.people.live(identifier)
        if record is None:
            raise NotFound("there is no such user")
        names = [identifier]
        pages = self._identity.people.pages()
        async with aclosing(pages):
            async for page in pages:
                people = (one.value for one in page)
                names += [one.identifier for one in people if one.owner == record.value.owner]
        return list(dict.fromkeys(names))

    async def _held(self) -> Counter[tuple[str, str]]:
        held: Counter[tuple[str, str]] = Counter()
        pages = self._identity.records.held(("grant", "session", "token"))
        async with aclosing(pages):
            async for page in pages:
                for labels in (secret.metadata.labels for secret in page):
                    held[labels.get(naming.USER, ""), labels[RECORD]] += 1
        return held


def _listed(person: Person, held: Counter[tuple[str, str]]) -> Listed:
    return Listed(
        identifier=person.identifier,
        username=person.username,
        email=person.email,
        owner=person.owner,
        disabled=person.is_disabled,
        created_at=person.created_at,
        last_login_at=person.last_login_at,
        sessions=held[person.identifier, "session"],
        grants=held[person.identifier, "grant"],
        tokens=held[person.identifier, "token"],
    )
