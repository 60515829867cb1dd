"""The protocol's own way of asking and answering: forms in, JSON out, and its own words for what is wrong.

Clients know no problem+json, so every error of these endpoints is `{error, error_description}` (RFC 6749 section 5.2),
and none of the answers may be kept by a cache.
"""

import logging
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl

from litestar import Request, Response
from litestar.exceptions import HTTPException, NotFoundException
from litestar.types import ExceptionHandlersMap

from genet.errors import Forbidden, GenetError, Invalid, RateLimited
from genet.oidc.messages import ErrorResponse, OAuthError, Parameters
from genet.oidc.provider import Provider
from genet.web.guards import AnyRequest
from genet.web.problems import retry_header
from genet.web.services import Services

log = logging.getLogger(__name__)

MAX_BODY_BYTES: Final = 64 * 1024
FORM: Final = "application/x-www-form-urlencoded"
NO_STORE: Final = {"Cache-Control": "no-store", "Pragma": "no-cache"}

_MOST_PARAMETERS: Final = 64
_SERVER_ERROR: Final = 500


def provider_of(services: Services) -> Provider:
    """Raises NotFoundException where it is switched off."""
    if services.provider is None:
        raise NotFoundException("the OpenID Provider is switched off")
    return services.provider


async def form_of(request: AnyRequest) -> Parameters:
    """The body as a form, with each parameter once.

    Raises:
        OAuthError: it is none, or one is there twice.
    """
    if not has_form(request):
        raise OAuthError("invalid_request", f"expected Content-Type: {FORM}")
    parameters = parsed(await request.body())
    parameters.refuse_doubled()
    return parameters


def has_form(request: AnyRequest) -> bool:
    types = [value.partition(b";")[0].strip().lower() for value in _all(request, b"content-type")]
    return types == [FORM.encode()]


def parsed(text: bytes) -> Parameters:
    """Raises OAuthError."""
    return Parameters(pairs_of(text))


def pairs_of(text: bytes) -> list[tuple[str, str]]:
    """As they were sent, doubled ones as well. Raises OAuthError."""
    try:
        return parse_qsl(text.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_MOST_PARAMETERS)
    except ValueError as error:
        raise OAuthError("invalid_request", "the parameters cannot be read") from error


def authorization(request: AnyRequest) -> list[str]:
    """All `Authorization` headers."""
    return [value.decode("latin-1") for value in _all(request, b"authorization")]


def _all(request: AnyRequest, name: bytes) -> list[bytes]:
    return [value for key, value in request.scope["headers"] if key.lower() == name]


def _refuse(
    error: str, description: str, status: int, headers: Mapping[str, str] | None = None
) -> Response[ErrorResponse]:
    return Response(ErrorResponse(error, description), status_code=status, headers={**NO_STORE, **(headers or {})})


def _on_oauth_error(_: Request[Any, Any, Any], error: OAuthError) -> Response[ErrorResponse]:
    headers = {}
    if error.error == "invalid_client":
        headers["WWW-Authenticate"] = 'Basic realm="genet"'
    elif error.error == "invalid_token":
        headers["WWW-Authenticate"] = (
            f'Bearer realm="genet", error="invalid_token", error_description="{error.description}"'
        )
    return _refuse(error.error, error.description, error.status, headers)


def _on_genet_error(_: Request[Any, Any, Any], error: GenetError) -> Response[ErrorResponse]:
    """What cannot be answered now is never taken for an answer: a token that may live on was not revoked."""
    if isinstance(error, Forbidden):
        return _refuse("invalid_grant", "the person may not come in any more", 400)
    if isinstance(error, Invalid):
        return _refuse("invalid_request", "the request cannot be used", 400)
    if isinstance(error, RateLimited):
        return _refuse("temporarily_unavailable", "too much at once", 429, retry_header(error))
    return _refuse("temporarily_unavailable", "try again", 503, retry_header(error))


def _on_http_error(request: Request[Any, Any, Any], error: HTTPException) -> Response[ErrorResponse]:
    if error.status_code >= _SERVER_ERROR:
        return _on_bug(request, error)
    return _refuse("invalid_request", str(error.detail), error.status_code, error.headers)


def _on_bug(request: Request[Any, Any, Any], error: Exception) -> Response[ErrorResponse]:
    log.error("unhandled error", exc_info=error, extra={"method": request.method, "path": request.url.path})
    return _refuse("server_error", "something went wrong inside Genet", 500)


ON_ERRORS: Final[ExceptionHandlersMap] = {
    OAuthError: _on_oauth_error,
    GenetError: _on_genet_error,
    HTTPException: _on_http_error,
    Exception: _on_bug,
}
"""For every handler of the protocol."""
