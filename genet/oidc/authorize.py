"""What becomes of a request to the authorization endpoint. Pure; nothing is stored before a person has said yes.

What has to survive a login or a consent page travels through the browser, sealed: the request itself and when it began.
It is no proof of who opened it: the login's own cookie binds the login to its browser, and the consent form is bound to
the person and the session it was shown to.

Order of judgement (RFC 6749 section 4.1.2.1): the client, then where to; what is wrong with those is shown on a page
and goes nowhere. Everything after is told to the client by a redirect, with `iss` (RFC 9207).
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import Enum
from typing import Final
from urllib.parse import urlencode

import msgspec

from genet.auth.sealing import Purpose
from genet.oidc.clients import Clients, RegisteredClient
from genet.oidc.messages import (
    AUTHORIZATION_CODE,
    OFFLINE_ACCESS,
    REFRESH_TOKEN,
    AuthorizationRequest,
    OAuthError,
    Parameters,
    form_of,
    read_authorization_request,
    read_state,
)

LOGIN_LIFETIME: Final = timedelta(minutes=15)
CONSENT_LIFETIME: Final = timedelta(minutes=10)

_CLOCKS_DIFFER: Final = timedelta(seconds=60)
_FRESH_LOGIN: Final = frozenset({"login", "select_account"})


class TargetRefused(Exception):
    """Nobody can be told but the person at the browser. The text is for that person."""


class Begun(msgspec.Struct, frozen=True):
    """A request on its way through a login."""

    request: AuthorizationRequest
    at: datetime
    """When it first came."""


class ConsentForm(msgspec.Struct, frozen=True):
    """What the consent page was shown about, and to whom."""

    request: AuthorizationRequest
    user: str
    """userIdentifier."""
    session: str | None
    """Id of the session; None where a proxy or the dev mode says who it is, request by request."""
    authenticated_at: datetime | None
    """None: a proxy says who it is, and not since when."""


BEGUN: Final = Purpose("authorization request during a login", Begun)
CONSENT: Final = Purpose("consent form", ConsentForm)


class Step(Enum):
    LOG_IN = "log in"
    LOG_IN_AGAIN = "log in again"
    """Although there is a session."""
    CONSENT = "consent"
    PROCEED = "proceed"


def target_of(parameters: Parameters, clients: Clients) -> tuple[RegisteredClient, str]:
    """The client, and the redirect URI that it may use.

    Raises:
        TargetRefused: there is no answer that could go anywhere.
    """
    try:
        client_id, redirect_uri = parameters.required("client_id"), parameters.required("redirect_uri")
    except OAuthError as error:
        raise TargetRefused(f"{error.description[0].upper()}{error.description[1:]}.") from error
    client = clients.get(client_id)
    if client is None:
        raise TargetRefused("This program is not registered here.")
    if not client.may_redirect_to(redirect_uri):
        raise TargetRefused("The answer would go to an address that is not registered for this program.")
    return client, redirect_uri


def read(parameters: Parameters, client: RegisteredClient) -> AuthorizationRequest:
    """The request, as far as this client may make it. Raises OAuthError, to be told to the client."""
    request = read_authorization_request(parameters)
    if AUTHORIZATION_CODE not in client.grant_types:
        raise OAuthError("unauthorized_client", "this client may not use the authorization code grant")
    if client.is_public and request.code_challenge is None:
        raise OAuthError("invalid_request", "code_challenge is missing: public clients need PKCE with S256")
    if REFRESH_TOKEN not in client.grant_types:
        scope = tuple(one for one in request.scope if one != OFFLINE_ACCESS)
        request = msgspec.structs.replace(request, scope=scope)
    return request


def state_of(parameters: Parameters) -> str | None:
    """The state to tell an error with; None where it cannot be handed back."""
    try:
        return read_state(parameters)
    except OAuthError:
        return None


def next_step(
    request: AuthorizationRequest,
    client: RegisteredClient,
    *,
    is_known: bool,
    authenticated_at: datetime | None,
    now: datetime,
    login_begun_at: datetime | None,
) -> Step:
    """What has to happen now.

    Args:
        request: what is asked.
        client: by whom.
        is_known: whether somebody is logged in.
        authenticated_at: when that person proved who they are; None: nobody can say.
        now: the time.
        login_begun_at: when the request first came, if it comes back from a login; None: it comes from the client.

    Raises:
        OAuthError: to be told to the client. After a login that has not helped there is never a second one: a
            browser without cookies would go round for ever.
    """
    is_silent = "none" in request.prompt
    if not is_known:
        if is_silent or login_begun_at is not None:
            raise _login_required("nobody is logged in")
        return Step.LOG_IN
    if not _is_fresh(request, authenticated_at, now, login_begun_at):
        if is_silent or login_begun_at is not None or authenticated_at is None:
            raise _login_required("the login is too old")
        return Step.LOG_IN_AGAIN
    if client.is_public or "consent" in request.prompt:
        # any site can send a browser here, and on a shared machine any of its users can listen on loopback
        if is_silent:
            raise OAuthError("consent_required", "the person has to be asked")
        return Step.CONSENT
    return Step.PROCEED


def success(redirect_uri: str, *, code: str, state: str | None, issuer: str) -> str:
    """Where the browser goes with the code."""
    return _with_query(redirect_uri, {"code": code, **_state(state), "iss": issuer})


def failure(redirect_uri: str, error: OAuthError, *, state: str | None, issuer: str) -> str:
    """Where the browser goes with an error."""
    return _with_query(redirect_uri, {**form_of(error), **_state(state), "iss": issuer})


def _is_fresh(
    request: AuthorizationRequest, authenticated_at: datetime | None, now: datetime, login_begun_at: datetime | None
) -> bool:
    is_demanded = bool(request.prompt & _FRESH_LOGIN) or request.max_age == 0
    if not is_demanded and request.max_age is None:
        return True
    if authenticated_at is None:
        return False
    if login_begun_at is not None and authenticated_at >= login_begun_at - _CLOCKS_DIFFER:
        return True
    # of a login and a request in the same second either could have come first: what is demanded is done
    return not is_demanded and now - authenticated_at <= timedelta(seconds=request.max_age or 0)


def _login_required(description: str) -> OAuthError:
    return OAuthError("login_required", description)


def _state(state: str | None) -> Mapping[str, str]:
    return {} if state is None else {"state": state}


def _with_query(uri: str, more: Mapping[str, str]) -> str:
    return f"{uri}{'&' if '?' in uri else '?'}{urlencode(more)}"
