"""What a person has given clients leave for, and how to take it back."""

from datetime import datetime
from typing import Annotated

import msgspec
from litestar import Controller, delete, get
from litestar.exceptions import NotAuthorizedException
from litestar.params import PathParameter

from genet.auth.user import User
from genet.errors import NotFound
from genet.kube.records import Record
from genet.oidc.grant import Grant
from genet.oidc.provider import Provider
from genet.web.guards import AnyRequest, current_user
from genet.web.problems import refusals
from genet.web.services import Injected

GrantId = Annotated[str, PathParameter(description="its `id`")]


class GrantView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    id: str
    client: str
    """As people are shown it; the id of one that is no longer configured."""
    created_at: datetime
    last_used_at: datetime
    """Of a client that can keep a secret, to the minute."""
    expires_at: datetime
    """If nobody uses it."""
    user_agent: str
    """The browser it was given with, or the name it was given."""


class GrantList(msgspec.Struct, frozen=True, kw_only=True):
    grants: tuple[GrantView, ...]


class GrantsController(Controller):
    path = "/api/grants"
    tags = ("grants",)

    @get(name="grants:list", summary="List programs that act for you", responses=refusals(401, 403, 503))
    async def list_grants(self, request: AnyRequest, services: Injected) -> GrantList:
        """Those of the caller that are good, the newest first."""
        provider = services.provider
        if provider is None:
            return GrantList(grants=())
        found = await provider.grants.of(_caller(request))
        return GrantList(grants=tuple(_view(record, provider) for record in found))

    @delete("/{grant_id:str}", name="grants:end", summary="End a grant", responses=refusals(401, 403, 404, 503))
    async def end_grant(self, request: AnyRequest, services: Injected, grant_id: GrantId) -> None:
        """Its tokens are refused from now on, on every replica; an ID token lives on for minutes (`ttl.idToken`)."""
        if services.provider is None:
            raise NotFound("you have no such grant")
        await services.provider.grants.end(_caller(request), grant_id)


def _view(record: Record[Grant], provider: Provider) -> GrantView:
    grant = record.value
    client = provider.clients.get(grant.client)
    return GrantView(
        id=record.id,
        client=client.name if client else grant.client,
        created_at=grant.created_at,
        last_used_at=grant.last_used_at,
        expires_at=provider.grants.ends_at(grant),
        user_agent=grant.user_agent,
    )


def _caller(request: AnyRequest) -> User:
    user = current_user(request)
    if user is None:  # the gate has looked already
        raise NotAuthorizedException("log in first")
    return user
