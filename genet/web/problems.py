"""Errors as `application/problem+json` (RFC 9457): the one place where Genet's errors meet HTTP.

What is not a GenetError is a bug: it is logged with its traceback, and the client learns nothing but that it happened.
"""

import logging
import math
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Literal

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import QueryParameter

from genet.errors import Conflict, FieldError, Forbidden, GenetError, Invalid, NotFound, RateLimited, Unavailable

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
INTERNAL = "internal"
"""The code of what is a bug."""

_STATUS: Mapping[type[GenetError], HTTPStatus] = {
    NotFound: HTTPStatus.NOT_FOUND,
    Conflict: HTTPStatus.CONFLICT,
    Forbidden: HTTPStatus.FORBIDDEN,
    Invalid: HTTPStatus.UNPROCESSABLE_ENTITY,
    RateLimited: HTTPStatus.TOO_MANY_REQUESTS,
    Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
}
_BODY = "data"
"""Litestar's name for the body; decoding says itself what is wrong with one, so here it can only be missing."""
_CODES: Mapping[int, str] = {
    400: "malformed_json",
    401: "unauthenticated",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    413: "body_too_large",
    415: "unsupported_media_type",
}


class Quota(msgspec.Struct, frozen=True):
    resource: Literal["pods", "gpus"]
    used: int
    asked: int
    limit: int


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """Every error answer; `quota` is there with the code `quota_exceeded` alone."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    errors: tuple[FieldError, ...]
    quota: Quota | msgspec.UnsetType | None = msgspec.UNSET


def refusals(*statuses: int) -> dict[int, ResponseSpec]:
    """What a handler's OpenAPI entry says of its error answers; parameters of the wrong type are among all of them."""
    return {
        status: ResponseSpec(
            Problem, description=HTTPStatus(status).phrase, media_type=MEDIA_TYPE, generate_examples=False
        )
        for status in (400, 422, 500, *statuses)
    }


def problem(
    status: int,
    code: str,
    detail: str,
    *,
    errors: Sequence[FieldError] = (),
    extra: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    return {
        "type": f"urn:genet:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
        "errors": msgspec.to_builtins(list(errors)),
        **(extra or {}),
    }


def on_genet_error(_: Request[Any, Any, Any], error: GenetError) -> Response[dict[str, Any]]:
    body = problem(status_of(error), error.code, error.detail, errors=error.errors, extra=error.extra)
    return _response(body, retry_header(error))


def status_of(error: GenetError) -> int:
    return next((_STATUS[kind] for kind in type(error).__mro__ if kind in _STATUS), HTTPStatus.SERVICE_UNAVAILABLE)


def retry_header(error: GenetError) -> dict[str, str]:
    """When it may go better, where that is known."""
    if isinstance(error, Unavailable | RateLimited) and error.retry_after is not None:
        return {"Retry-After": str(math.ceil(error.retry_after))}
    return {}


def on_http_error(request: Request[Any, Any, Any], error: HTTPException) -> Response[dict[str, Any]]:
    """What Litestar itself refuses: unknown routes and methods, parameters of the wrong type, bodies too large."""
    if isinstance(error, ValidationException):
        items = _items(error.extra)
        if any(item.get("key") == _BODY for item in items):
            return _response(problem(400, _CODES[400], "the body is empty"))
        found = [FieldError(_as_sent(request, item.get("key", "")), item["message"]) for item in items]
        return _response(problem(422, Invalid.code, "the request has parameters that cannot be used", errors=found))
    status = error.status_code
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return on_bug(request, error)  # Litestar's own words for it quote the exception
    return _response(problem(status, code_of(status), str(error.detail)), _methods_alone(error.headers or {}))


def _methods_alone(headers: Mapping[str, str]) -> dict[str, str]:
    """The framework names `websocket` among the methods that an address allows, and that is none."""
    return {
        name: ", ".join(one for one in text.split(", ") if one.isupper()) if name.lower() == "allow" else text
        for name, text in headers.items()
    }


def code_of(status: int) -> str:
    """Of a refusal that Litestar made."""
    return _CODES.get(status, "error")


def on_bug(request: Request[Any, Any, Any], error: Exception) -> Response[dict[str, Any]]:
    log.error("unhandled error", exc_info=error, extra={"method": request.method, "path": request.url.path})
    return _response(problem(500, INTERNAL, "something went wrong inside Genet; its log says what"))


def _as_sent(request: Request[Any, Any, Any], argument: str) -> str:
    """The query parameter behind a handler's argument."""
    parameter = request.route_handler.parsed_fn_signature.parameters.get(argument)
    definition = parameter.kwarg_definition if parameter else None
    return (isinstance(definition, QueryParameter) and definition.name) or argument


def _items(extra: Any) -> list[dict[str, Any]]:
    return [item for item in extra if isinstance(item, dict) and "message" in item] if isinstance(extra, list) else []


def _response(body: dict[str, Any], headers: Mapping[str, str] | None = None) -> Response[dict[str, Any]]:
    return Response(body, status_code=body["status"], media_type=MEDIA_TYPE, headers=dict(headers or {}))
