"""Public SSH keys over HTTP. A token can add and remove none: whoever stole one would get into every pod."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import msgspec
from litestar import Controller, Response, delete, get, post
from litestar.params import JSONBody, PathParameter

from genet.errors import FieldError, Invalid
from genet.flows.ssh_keys import Key
from genet.pods.public_keys import LONGEST, BadKey, PublicKey, parse
from genet.web.body import Body, BodyDTO
from genet.web.guards import AnyRequest
from genet.web.ownership import caller
from genet.web.problems import refusals
from genet.web.services import Injected

KeyId = Annotated[str, PathParameter(description="its `id`")]


_LONGEST_NAME = 64


class SSHKeyRequest(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    key: Annotated[str, msgspec.Meta(min_length=1, max_length=4 * LONGEST)]
    """One line of a .pub file."""
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=_LONGEST_NAME)] | None = None
    """For its owner's eyes; without one, the key's comment."""


class SSHKeyView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    id: str
    name: str
    type: str
    fingerprint: str
    """As `ssh-keygen -l` prints it."""
    created_at: datetime


class SSHKeyList(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    keys: tuple[SSHKeyView, ...]


class SSHKeysController(Controller):
    path = "/api/profile/ssh-keys"
    tags = ("ssh keys",)

    @get(name="ssh-keys:list", summary="List SSH keys", responses=refusals(401, 403, 503))
    async def list_ssh_keys(self, request: AnyRequest, services: Injected) -> SSHKeyList:
        """Those of the caller, in the order in which they were added."""
        return SSHKeyList(keys=tuple(_view(key) for key in await services.ssh_keys.of(caller(request))))

    @post(
        name="ssh-keys:add",
        summary="Add an SSH key",
        dto=BodyDTO,
        return_dto=None,
        responses=refusals(401, 403, 409, 413, 415, 503),
    )
    async def add_ssh_key(
        self, request: AnyRequest, services: Injected, data: JSONBody[Body[SSHKeyRequest]]
    ) -> Response[SSHKeyView]:
        """It opens the caller's pods, running ones within about a minute."""
        services.require_synced()
        key, errors = _checked(data.value, data.errors)
        if errors or key is None:
            raise Invalid("the request has fields that cannot be used", errors=errors)
        name = data.value.name or key.comment[:_LONGEST_NAME].strip()
        added = await services.ssh_keys.add(caller(request), key, name if _is_plain(name) else key.type)
        return Response(_view(added))

    @delete(
        "/{key_id:str}",
        name="ssh-keys:remove",
        summary="Remove an SSH key",
        responses=refusals(401, 403, 404, 409, 503),
    )
    async def remove_ssh_key(self, request: AnyRequest, services: Injected, key_id: KeyId) -> None:
        """It opens no pod any more, running ones within about a minute."""
        services.require_synced()
        await services.ssh_keys.remove(caller(request), key_id)


def _checked(wanted: SSHKeyRequest, found: Sequence[FieldError]) -> tuple[PublicKey | None, list[FieldError]]:
    """The key, and what is wrong with the fields."""
    errors, bad = list(found), {error.field for error in found}
    key: PublicKey | None = None
    if "key" not in bad:
        try:
            key = parse(wanted.key)
        except BadKey as error:
            errors.append(FieldError("key", str(error)))
    if "name" not in bad and wanted.name is not None and not _is_plain(wanted.name):
        errors.append(FieldError("name", "expected printable characters"))
    return key, errors


def _is_plain(name: str) -> bool:
    return name.isprintable() and bool(name.strip())


def _view(key: Key) -> SSHKeyView:
    return SSHKeyView(id=key.id, name=key.name, type=key.type, fingerprint=key.fingerprint, created_at=key.created_at)
