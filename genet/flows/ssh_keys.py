"""People's public keys: kept in a record of each person, published into a Secret that their pods have as a file.

The record (in the grants namespace) is the truth, the Secret follows. Traps:
- Two may publish at once, and the older one must not have the last word: the Secret is read first, then what it is to
  hold, and it is written only if it has not changed since. Who changes the truth always writes, also what is there.
- A disabled person's keys open nothing: asked live, before each write.
- A namespace of the person's name may be somebody else's: nothing is written there.
"""

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from genet import naming
from genet.auth.user import User
from genet.errors import Conflict, Forbidden, GenetError, NamespaceTaken, NotFound, Unavailable
from genet.kube.client import KubeClient
from genet.kube.objects import SECRETS, Secret
from genet.kube.records import Kind, Records
from genet.kube.state import compare_and_set
from genet.pods.public_keys import PublicKey
from genet.pods.ssh import KEYS_FILE, KEYS_SECRET
from genet.tenancy.service import Tenancy

log = logging.getLogger(__name__)

MOST_PER_USER: Final = 50
_MOST_TRIES: Final = 20
_CHANGED: Final = "genet.io/changed"
"""Annotation of the Secret: another value at each forced write, so that whoever read it before has to read again."""


class Key(msgspec.Struct, frozen=True):
    id: str
    name: str
    type: str
    blob: str
    """base64"""
    fingerprint: str
    created_at: datetime


class Keys(msgspec.Struct, frozen=True):
    owner: str
    """The identity it belongs to, never the name alone."""
    keys: tuple[Key, ...] = ()


KEYS: Final = Kind("ssh-keys", Keys)


class DuplicateKey(Conflict):
    """The person has that key already."""


class SSHKeys:
    def __init__(
        self,
        kube: KubeClient,
        records: Records,
        tenancy: Tenancy,
        *,
        is_disabled: Callable[[str], Awaitable[bool]],
        clock: Callable[[], datetime],
    ) -> None:
        """Collaborators.

        Args:
            kube: the API server.
            records: where keys are kept.
            tenancy: whose namespace that is.
            is_disabled: whether the person of that userIdentifier is shut out, as it is now.
            clock: what time it is.
        """
        self._kube = kube
        self._records = records
        self._tenancy = tenancy
        self._is_disabled = is_disabled
        self._clock = clock
        self._late: dict[str, int] = {}
        """Whose keys could not be published, and how often that was tried again."""

    async def of(self, user: User) -> tuple[Key, ...]:
        """In the order in which they were added. Raises NamespaceTaken where they are of somebody of the same name."""
        record = await self._records.find(KEYS, user.identifier)
        return _of(record.value if record else None, user).keys

    async def add(self, user: User, key: PublicKey, name: str) -> Key:
        """Raises DuplicateKey, Conflict (too many), Forbidden (disabled), NamespaceTaken."""
        await self._admit(user.identifier)
        new = Key(
            id=secrets.token_hex(8),
            name=name,
            type=key.type,
            blob=key.blob,
            fingerprint=key.fingerprint,
            created_at=self._clock(),
        )

        def added(known: Keys | None) -> Keys:
            held = _of(known, user)
            if same := next((one for one in held.keys if one.blob == new.blob), None):
                raise DuplicateKey(f"you have this key already, as {same.name!r}")
            if len(held.keys) >= MOST_PER_USER:
                raise Conflict(f"you have {MOST_PER_USER} SSH keys; remove one that is not used any more")
            return replace(held, keys=(*held.keys, new))

        await self._records.change(KEYS, user.identifier, added, user=user.identifier)
        try:
            await self.publish(user.identifier, force=True)
        except GenetError as error:
            self._late[user.identifier] = 0
            log.warning("a new SSH key of %s is not in their pods yet: %s", user.identifier, error.detail)
        return new

    async def remove(self, user: User, key_id: str) -> None:
        """It opens nothing any more, in running pods within about a minute. Raises NotFound, NamespaceTaken."""

        def removed(known: Keys | None) -> Keys:
            held = _of(known, user)
            left = tuple(one for one in held.keys if one.id != key_id)
            if len(left) == len(held.keys):
                raise NotFound("you have no such SSH key")
            return replace(held, keys=left)

        await self._records.change(KEYS, user.identifier, removed, user=user.identifier)
        try:
            await self.publish(user.identifier, force=True)
        except GenetError as error:
            self._late[user.identifier] = 0
            log.warning("an SSH key of %s is removed, but not from their pods yet: %s", user.identifier, error.detail)
            raise Unavailable(
                "the key is removed from your profile, but your running pods could not be told: that is tried again "
                "within minutes; delete the pods if somebody else has the key"
            ) from error

    async def catch_up(self) -> None:
        """Publish what could not be published before, once; after many failures the round through all is left to it."""
        for identifier in list(self._late):
            tries = self._late.pop(identifier) + 1
            try:
                await self.publish(identifier, force=True)
            except GenetError as error:
                log.warning("SSH keys of %s are not in their pods yet: %s", identifier, error.detail)
                if tries < _MOST_TRIES:
                    self._late.setdefault(identifier, tries)

    async def publish(self, identifier: str, *, force: bool = False) -> None:
        """Write the person's keys where their pods read them; without pods of theirs there is no such place yet.

        Args:
            identifier: whose.
            force: write also what is there already, as the truth has just changed.
        """
        resident = await self._tenancy.resident_now(identifier)
        if resident is None:
            return

        async def follow(known: Secret | None) -> Mapping[str, Any] | None:
            text = await self._text(resident)
            if known is None:
                return _manifest(identifier, text) if text else None
            if known.data.get(KEYS_FILE) == text.encode() and not force:
                return None
            return {
                "metadata": {"annotations": {_CHANGED: secrets.token_hex(8)}},
                "stringData": {KEYS_FILE: text},
            }

        await compare_and_set(self._kube, SECRETS, KEYS_SECRET, naming.namespace(identifier), follow)

    async def _text(self, user: User) -> str:
        is_disabled, record = await asyncio.gather(
            self._is_disabled(user.identifier), self._records.find(KEYS, user.identifier)
        )
        if is_disabled or record is None or record.value.owner != user.owner:
            return ""
        # type and blob are what a parser made of them, and the id is Genet's: nothing of it is anybody's text
        return "".join(f"{key.type} {key.blob} genet-{key.id}\n" for key in record.value.keys)

    async def _admit(self, identifier: str) -> None:
        if await self._is_disabled(identifier):
            raise Forbidden(f"the account {identifier} is disabled; ask an administrator")


def _of(known: Keys | None, user: User) -> Keys:
    if known is not None and known.owner != user.owner:
        raise NamespaceTaken("SSH keys of this name belong to somebody else; ask an administrator")
    return known or Keys(user.owner)


def _manifest(identifier: str, text: str) -> dict[str, Any]:
    labels = {naming.MANAGED: "true", naming.USER: identifier}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": KEYS_SECRET, "labels": labels},
        "type": "Opaque",
        "stringData": {KEYS_FILE: text},
    }
