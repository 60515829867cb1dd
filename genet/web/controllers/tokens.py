"""API tokens over HTTP. A token can do none of this, so whoever steals one cannot make others (`genet.auth.policy`)."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any

import msgspec
from litestar import Controller, Response, delete, get, post
from litestar.exceptions import NotAuthorizedException
from litestar.params import JSONBody, PathParameter

from genet.auth.policy import SCOPES
from genet.auth.tokens import Token
from genet.auth.user import Caller
from genet.errors import FieldError, Invalid
from genet.kube.records import Record
from genet.web.body import Body, BodyDTO
from genet.web.guards import AnyRequest, current_caller
from genet.web.problems import refusals
from genet.web.services import Injected

TokenId = Annotated[str, PathParameter(description="its `id`, not the token")]


class TokenRequest(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    """For its owner's eyes."""
    scopes: Annotated[list[str], msgspec.Meta(min_length=1, max_length=16)]
    expires_in_days: Annotated[int, msgspec.Meta(ge=1, le=365)]


class TokenView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    id: str
    name: str
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None
    """To the hour."""


class TokenList(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    tokens: tuple[TokenView, ...]


class CreatedToken(TokenView, frozen=True, kw_only=True, rename="camel"):
    token: str
    """The token itself: it is shown here and never again."""


class TokensController(Controller):
    path = "/api/tokens"
    tags = ("tokens",)

    @get(name="tokens:list", summary="List API tokens", responses=refusals(401, 403, 503))
    async def list_tokens(self, request: AnyRequest, services: Injected) -> TokenList:
        """Those of the caller that are good, the newest first."""
        services.identity.tokens.require_known()
        found = services.identity.tokens.of(_caller(request).user)
        return TokenList(tokens=tuple(TokenView(**_fields(record)) for record in found))

    @post(
        name="tokens:create",
        summary="Make an API token",
        dto=BodyDTO,
        return_dto=None,
        responses=refusals(401, 403, 409, 413, 415, 503),
    )
    async def create_token(
        self, request: AnyRequest, services: Injected, data: JSONBody[Body[TokenRequest]]
    ) -> Response[CreatedToken]:
        """For scripts, which cannot log in. The token stands in this answer and is never shown again."""
        services.identity.tokens.require_known()
        wanted = data.value
        errors = [*data.errors, *_refusals(wanted, [error.field for error in data.errors])]
        if errors:
            raise Invalid("the request has fields that cannot be used", errors=errors)
        caller = _caller(request)
        record, text = await services.identity.tokens.create(
            caller.user,
            name=wanted.name,
            scopes=wanted.scopes,
            lifetime=timedelta(days=wanted.expires_in_days),
            session_id=caller.credential_id,
        )
        return Response(CreatedToken(token=text, **_fields(record)), headers={"Cache-Control": "no-store"})

    @delete(
        "/{token_id:str}", name="tokens:revoke", summary="Revoke an API token", responses=refusals(401, 403, 404, 503)
    )
    async def revoke_token(
        self,
        request: AnyRequest,
        services: Injected,
        token_id: TokenId,
    ) -> None:
        """It is refused from now on, on every replica."""
        await services.identity.tokens.revoke(_caller(request).user, token_id)


def _refusals(wanted: TokenRequest, known: Sequence[str]) -> list[FieldError]:
    """What the schema cannot say, of fields that are good otherwise."""
    errors: list[FieldError] = []
    if "name" not in known and not (wanted.name.isprintable() and wanted.name.strip()):
        errors.append(FieldError("name", "expected printable characters"))
    if not any(field.partition("[")[0] == "scopes" for field in known):
        for n, scope in enumerate(wanted.scopes):
            if scope not in SCOPES:
                errors.append(FieldError(f"scopes[{n}]", f"no such scope; there are {', '.join(SCOPES)}"))
            elif scope in wanted.scopes[:n]:
                errors.append(FieldError(f"scopes[{n}]", "named twice"))
    return errors


def _fields(record: Record[Token]) -> dict[str, Any]:
    token = record.value
    return {
        "id": record.id,
        "name": token.name,
        "scopes": token.scopes,
        "created_at": token.created_at,
        "expires_at": token.expires_at,
        "last_used_at": token.last_used_at,
    }


def _caller(request: AnyRequest) -> Caller:
    caller = current_caller(request)
    if caller is None:  # the gate has looked already
        raise NotAuthorizedException("log in first")
    return caller
