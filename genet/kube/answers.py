"""What the API server means when it says no: its Status objects as Genet's errors.

Traps: a ResourceQuota's refusal is a 403 like any missing right and differs by its text alone; 401 is no verdict on the
user (Genet's own credentials expired), so it counts as unavailable.
"""

from http import HTTPStatus

import msgspec

from genet.errors import (
    AlreadyExists,
    Conflict,
    FieldError,
    Forbidden,
    GenetError,
    Gone,
    Invalid,
    NotFound,
    QuotaRefused,
    Unavailable,
)


class StatusCause(msgspec.Struct):
    field: str = ""
    message: str = ""


class StatusDetails(msgspec.Struct, rename="camel"):
    causes: tuple[StatusCause, ...] = ()
    retry_after_seconds: float = 0


class Status(msgspec.Struct):
    """meta/v1 Status: the body of an error answer, and the object of a watch's ERROR event."""

    message: str = ""
    reason: str = ""
    code: int = 0
    details: StatusDetails | None = None


_STATUS = msgspec.json.Decoder(Status)

_KINDS: dict[int, type[GenetError]] = {
    HTTPStatus.UNAUTHORIZED: Unavailable,
    HTTPStatus.FORBIDDEN: Forbidden,
    HTTPStatus.NOT_FOUND: NotFound,
    HTTPStatus.CONFLICT: Conflict,
    HTTPStatus.GONE: Gone,
    HTTPStatus.TOO_MANY_REQUESTS: Unavailable,
}


def read_status(body: bytes, code: int = 0) -> Status:
    """The Status in `body`; a proxy's page or plain text becomes a Status of its own."""
    try:
        status = _STATUS.decode(body)
    except msgspec.DecodeError:
        status = Status(message=body[:200].decode(errors="replace").strip())
    status.code = code or status.code
    return status


def error_of(status: Status, retry_after: str | None = None) -> GenetError:
    """The error to raise for `status`; `retry_after` is the header of that name."""
    detail = status.message or f"the Kubernetes API answered {status.code}"
    kind = _kind(status)
    if kind is Invalid:
        causes = status.details.causes if status.details else ()
        return Invalid(detail, errors=[FieldError(cause.field, cause.message) for cause in causes])
    if kind is Unavailable:
        return Unavailable(detail, retry_after=_seconds(status, retry_after))
    return kind(detail)


def _kind(status: Status) -> type[GenetError]:
    code = status.code
    if code == HTTPStatus.CONFLICT and status.reason == "AlreadyExists":
        return AlreadyExists
    if code == HTTPStatus.FORBIDDEN and "exceeded quota" in status.message:
        return QuotaRefused
    if code in _KINDS:
        return _KINDS[code]
    return Invalid if code in range(400, 500) else Unavailable


def _seconds(status: Status, header: str | None) -> float | None:
    """The header may also be an HTTP date, which the API server never sends: ignored."""
    if header is not None and header.isdecimal():
        return float(header)
    return (status.details and status.details.retry_after_seconds) or None
