"""What clients ask without a person: who the provider is, tokens for codes, and who a token is about."""

from typing import Any

from litestar import Request, Response, Router, get, post

from genet.oidc import discovery as metadata
from genet.oidc.client_authentication import authenticate
from genet.oidc.clients import RegisteredClient
from genet.oidc.device import INTERVAL, LIFETIME, shown
from genet.oidc.issuing import Issued
from genet.oidc.keys import JWKS
from genet.oidc.messages import (
    AUTHORIZATION_CODE,
    DEVICE_CODE,
    OPENID,
    REFRESH_TOKEN,
    DeviceAuthorizationResponse,
    OAuthError,
    Parameters,
    TokenResponse,
    read_scope,
)
from genet.oidc.provider import Provider
from genet.web import oauth
from genet.web.guards import AnyRequest
from genet.web.oauth import NO_STORE, authorization, form_of, provider_of
from genet.web.services import Injected


@get("/.well-known/openid-configuration", name="oidc:discovery", include_in_schema=False)
async def discovery(services: Injected) -> Response[dict[str, Any]]:
    provider = provider_of(services)
    return Response(
        metadata.document(provider.issuer, device_flow=provider.has_device_flow),
        headers={"Cache-Control": f"public, max-age={provider.keys.max_age}"},
    )


@get("/oidc/jwks", name="oidc:jwks", include_in_schema=False)
async def jwks(services: Injected) -> Response[JWKS]:
    provider = provider_of(services)
    return Response(await provider.keys.jwks(), headers={"Cache-Control": f"public, max-age={provider.keys.max_age}"})


@post("/oidc/token", name="oidc:token", status_code=200, include_in_schema=False)
async def token(request: Request[Any, Any, Any], services: Injected) -> Response[TokenResponse]:
    provider = provider_of(services)
    form = await form_of(request)
    # before anything is used up: programs come again when they have said in the wrong way who they are
    client = authenticate(provider.clients, authorization(request), form)
    issued = await _issued(provider, client, form)
    return Response(
        TokenResponse(
            access_token=issued.access_token,
            id_token=issued.id_token,
            refresh_token=issued.refresh_token,
            expires_in=issued.expires_in,
            scope=" ".join(issued.scope),
        ),
        headers=NO_STORE,
    )


@get("/oidc/userinfo", name="oidc:userinfo", include_in_schema=False)
async def userinfo(request: Request[Any, Any, Any], services: Injected) -> Response[dict[str, Any]]:
    provider = provider_of(services)
    return Response(await provider.grants.userinfo(_bearer(request, None)), headers=NO_STORE)


@post("/oidc/userinfo", name="oidc:userinfo-posted", status_code=200, include_in_schema=False)
async def userinfo_posted(request: Request[Any, Any, Any], services: Injected) -> Response[dict[str, Any]]:
    provider = provider_of(services)
    form = await form_of(request) if oauth.has_form(request) else None
    return Response(await provider.grants.userinfo(_bearer(request, form)), headers=NO_STORE)


@post("/oidc/revoke", name="oidc:revoke", status_code=200, include_in_schema=False)
async def revoke(request: Request[Any, Any, Any], services: Injected) -> Response[bytes]:
    """RFC 7009: 200 for what was never a token as well; but never where it is not known whether one is left."""
    provider = provider_of(services)
    form = await form_of(request)
    client = authenticate(provider.clients, authorization(request), form)
    await provider.grants.revoke(form.required("token"), client)
    return Response(b"", headers=NO_STORE)


@post("/oidc/device_authorization", name="oidc:device-authorization", status_code=200, include_in_schema=False)
async def device_authorization(
    request: Request[Any, Any, Any], services: Injected
) -> Response[DeviceAuthorizationResponse]:
    """RFC 8628 section 3.1. Nothing is written: anybody may ask."""
    provider = provider_of(services)
    if not provider.has_device_flow:
        raise OAuthError("unsupported_grant_type", "login by device code is switched off", 404)
    form = await form_of(request)
    client = authenticate(provider.clients, authorization(request), form)
    _require(client, DEVICE_CODE)
    scope = read_scope(form.get("scope"))
    question, device_code, complete = provider.devices.ask(
        client.id,
        scope if OPENID in scope else (OPENID, *scope),
        address=request.client.host if request.client else "",
        user_agent=request.headers.get("user-agent", ""),
    )
    page = provider.endpoint("/oidc/device")
    code = shown(question.user_code)
    return Response(
        DeviceAuthorizationResponse(
            device_code=device_code,
            user_code=code,
            verification_uri=page,
            verification_uri_complete=f"{page}?user_code={code}&question={complete}",
            expires_in=int(LIFETIME.total_seconds()),
            interval=INTERVAL,
        ),
        headers=NO_STORE,
    )


async def _issued(provider: Provider, client: RegisteredClient, form: Parameters) -> Issued:
    match form.required("grant_type"):
        case "authorization_code":
            _require(client, AUTHORIZATION_CODE)
            code = form.required("code")
            return await provider.grants.redeem(code, client, form.get("redirect_uri"), form.get("code_verifier"))
        case "refresh_token":
            _require(client, REFRESH_TOKEN)
            # as it was sent: what is not known here was never granted
            scope = tuple((form.get("scope") or "").split())
            return await provider.grants.refresh(form.required("refresh_token"), client, scope)
        case grant_type if grant_type == DEVICE_CODE and provider.has_device_flow:
            _require(client, DEVICE_CODE)
            return await provider.redeem_device(form.required("device_code"), client)
        case _:
            raise OAuthError("unsupported_grant_type", "see grant_types_supported in the discovery document")


def _require(client: RegisteredClient, grant_type: str) -> None:
    if grant_type not in client.grant_types:
        raise OAuthError("unauthorized_client", "this client may not use this grant type")


def _bearer(request: AnyRequest, form: Parameters | None) -> str:
    """The access token (RFC 6750 sections 2.1 and 2.2); never from the address, which logs keep."""
    presented = [value.partition(" ") for value in authorization(request)]
    tokens = [token.strip() for scheme, _, token in presented if scheme.lower() == "bearer"]
    posted = form.get("access_token") if form else None
    if posted is not None:
        tokens.append(posted)
    if len(tokens) > 1:
        raise OAuthError("invalid_request", "two access tokens")
    if not tokens:
        raise OAuthError("invalid_token", "there is no access token", 401)
    return tokens[0]


PROTOCOL = Router(
    "/",
    route_handlers=[discovery, jwks, token, userinfo, userinfo_posted, revoke, device_authorization],
    exception_handlers=oauth.ON_ERRORS,
    request_max_body_size=oauth.MAX_BODY_BYTES,
)
