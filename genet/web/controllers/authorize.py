"""The person's way through a login for a client: to the company's login and back, the consent page, off with a code.

Nothing is written until the person has said yes, or needs not be asked. Where a request waits for the person, it waits
sealed in their browser.
"""

from typing import Any, Final
from urllib.parse import urlencode

from litestar import Request, Response, Router, get, post

from genet.auth.dev import dev_user
from genet.auth.sealing import Unsealable
from genet.auth.user import Caller
from genet.errors import Forbidden, Invalid
from genet.oidc import authorize as rules
from genet.oidc.authorize import (
    BEGUN,
    CONSENT,
    CONSENT_LIFETIME,
    LOGIN_LIFETIME,
    Begun,
    ConsentForm,
    Step,
    TargetRefused,
)
from genet.oidc.clients import RegisteredClient
from genet.oidc.messages import AuthorizationRequest, OAuthError
from genet.oidc.provider import Provider
from genet.web import oauth
from genet.web.guards import current_caller
from genet.web.oauth import provider_of
from genet.web.pages import page
from genet.web.pages.browser import own_action, redirect, to_login
from genet.web.pages.errors import ON_ERRORS
from genet.web.pages.words import learned
from genet.web.services import Injected, Services

LONGEST_QUERY: Final = 4096
_RESUME: Final = "resume"


@get("/oidc/authorize", name="oidc:authorize", include_in_schema=False)
async def authorize(request: Request[Any, Any, Any], services: Injected) -> Response[Any]:
    provider = provider_of(services)
    query: bytes = request.scope["query_string"]
    if len(query) > LONGEST_QUERY:
        raise TargetRefused("The link is too long.")
    parameters = oauth.parsed(query)
    resume = parameters.get(_RESUME)
    if resume is not None:
        begun = _begun(provider, resume)
        return await _proceed(request, services, provider, begun.request, begun)
    client, redirect_uri = rules.target_of(parameters, provider.clients)
    try:
        asked = rules.read(parameters, client)
    except OAuthError as error:
        state = rules.state_of(parameters)
        return redirect(rules.failure(redirect_uri, error, state=state, issuer=provider.issuer))
    return await _proceed(request, services, provider, asked, None)


@post("/oidc/authorize", name="oidc:authorize-posted", status_code=303, include_in_schema=False)
async def authorize_posted(request: Request[Any, Any, Any], services: Injected) -> Response[Any]:
    """The same as GET. A browser leaves the session's cookie out of what another site posts, but not out of this."""
    provider_of(services)
    body = await request.body()
    if len(body) > LONGEST_QUERY:
        raise TargetRefused("The request is too long.")
    return redirect(f"/oidc/authorize?{urlencode(oauth.pairs_of(body))}")


@post("/oidc/consent", name="oidc:consent", status_code=303, include_in_schema=False)
async def consent(request: Request[Any, Any, Any], services: Injected) -> Response[Any]:
    provider = provider_of(services)
    form = await oauth.form_of(request)
    shown = _consent_form(provider, form.required("form"))
    caller = current_caller(request)
    if caller is None or (caller.user.identifier, caller.credential_id) != (shown.user, shown.session):
        raise Forbidden("this page was shown to somebody else, or before another login: begin again")
    _client(provider, shown.request)
    match form.required("decision"):
        case "allow":
            return await _give_code(request, provider, shown.request, caller, shown)
        case "deny":
            return _told(provider, shown.request, OAuthError("access_denied", "the person said no"))
        case _:
            raise OAuthError("invalid_request", "decision must be allow or deny")


async def _proceed(
    request: Request[Any, Any, Any],
    services: Services,
    provider: Provider,
    asked: AuthorizationRequest,
    begun: Begun | None,
) -> Response[Any]:
    client, now = _client(provider, asked), services.clock()
    try:
        caller = _caller(request, services, asked)
        authenticated_at = caller.authenticated_at if caller else None
        login_begun_at = begun.at if begun else None
        if caller is not None and caller.by == "dev":
            authenticated_at = login_begun_at = now  # each request is a login
        step = rules.next_step(
            asked,
            client,
            is_known=caller is not None,
            authenticated_at=authenticated_at,
            now=now,
            login_begun_at=login_begun_at,
        )
    except OAuthError as error:
        return _told(provider, asked, error)
    if caller is None or step in {Step.LOG_IN, Step.LOG_IN_AGAIN}:
        back = f"/oidc/authorize?{_RESUME}={provider.sealer.seal(BEGUN, Begun(asked, now), LOGIN_LIFETIME)}"
        if len(back) > LONGEST_QUERY:
            raise TargetRefused("The link is too long.")
        return to_login(services, back, again=step is Step.LOG_IN_AGAIN)
    shown = ConsentForm(asked, caller.user.identifier, caller.credential_id, authenticated_at)
    if step is Step.PROCEED:
        return await _give_code(request, provider, asked, caller, shown)
    return _consent_page(services, provider, client, caller, shown)


def _caller(request: Request[Any, Any, Any], services: Services, asked: AuthorizationRequest) -> Caller | None:
    """Who is at the browser. Raises OAuthError where the dev mode is told a name that nobody can have."""
    caller = current_caller(request)
    if caller is None or caller.by != "dev" or asked.login_hint is None:
        return caller
    try:
        return Caller(dev_user(asked.login_hint, services.settings), by="dev")
    except Invalid as error:
        raise OAuthError("invalid_request", "nobody can be called as login_hint says") from error


def _begun(provider: Provider, sealed: str) -> Begun:
    try:
        return provider.sealer.open(BEGUN, sealed)
    except Unsealable as error:
        raise TargetRefused("The login has taken too long. Begin again where you came from.") from error


def _consent_form(provider: Provider, sealed: str) -> ConsentForm:
    try:
        return provider.sealer.open(CONSENT, sealed)
    except Unsealable as error:
        raise TargetRefused("The page was open for too long. Begin again where you came from.") from error


def _client(provider: Provider, asked: AuthorizationRequest) -> RegisteredClient:
    """The client of a request that was judged before: what is configured may have changed since."""
    client = provider.clients.get(asked.client_id)
    if client is None or not client.may_redirect_to(asked.redirect_uri):
        raise TargetRefused("This program is not registered here any more.")
    return client


def _consent_page(
    services: Services, provider: Provider, client: RegisteredClient, caller: Caller, shown: ConsentForm
) -> Response[str]:
    target = shown.request.redirect_uri.partition("?")[0]
    return page(
        "consent.html",
        product=services.settings.ui.title,
        leads_to=shown.request.redirect_uri,
        user=caller.user,
        client=client.name,
        client_id=client.id,
        learns=learned(shown.request.scope),
        target=target,
        is_local=target.startswith("http://"),
        action=own_action("/oidc/consent", caller),
        form=provider.sealer.seal(CONSENT, shown, CONSENT_LIFETIME),
    )


async def _give_code(
    request: Request[Any, Any, Any], provider: Provider, asked: AuthorizationRequest, caller: Caller, shown: ConsentForm
) -> Response[Any]:
    try:
        code = await provider.grants.begin(
            caller.user,
            asked,
            auth_time=shown.authenticated_at,
            user_agent=request.headers.get("user-agent"),
            session_id=caller.credential_id,
        )
    except Forbidden:
        return _told(provider, asked, OAuthError("access_denied", "this person may not come in"))
    except OAuthError as error:
        return _told(provider, asked, error)
    return redirect(rules.success(asked.redirect_uri, code=code, state=asked.state, issuer=provider.issuer))


def _told(provider: Provider, asked: AuthorizationRequest, error: OAuthError) -> Response[Any]:
    return redirect(rules.failure(asked.redirect_uri, error, state=asked.state, issuer=provider.issuer))


AUTHORIZATION = Router(
    "/",
    route_handlers=[authorize, authorize_posted, consent],
    exception_handlers=ON_ERRORS,
    request_max_body_size=oauth.MAX_BODY_BYTES,
)
