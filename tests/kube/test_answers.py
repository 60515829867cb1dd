import json

import pytest

from genet.errors import (
    AlreadyExists,
    Conflict,
    FieldError,
    Forbidden,
    Gone,
    Invalid,
    NotFound,
    QuotaRefused,
    Unavailable,
)
from genet.kube.answers import error_of, read_status


def refusal(code: int, message: str = "no", reason: str = "", **details):
    body = {"kind": "Status", "message": message, "reason": reason, "code": code, "details": details}
    return error_of(read_status(json.dumps(body).encode(), code))


@pytest.mark.parametrize(
    ("code", "reason", "message", "kind"),
    [
        (400, "BadRequest", "no", Invalid),
        (401, "Unauthorized", "no", Unavailable),
        (403, "Forbidden", "pods is forbidden", Forbidden),
        (403, "Forbidden", 'pods "a" is forbidden: exceeded quota: q, requested: pods=1', QuotaRefused),
        (404, "NotFound", "no", NotFound),
        (405, "MethodNotAllowed", "no", Invalid),
        (409, "Conflict", "no", Conflict),
        (409, "AlreadyExists", "no", AlreadyExists),
        (410, "Expired", "no", Gone),
        (413, "RequestEntityTooLarge", "no", Invalid),
        (422, "Invalid", "no", Invalid),
        (429, "TooManyRequests", "no", Unavailable),
        (500, "InternalError", "no", Unavailable),
        (504, "Timeout", "no", Unavailable),
    ],
)
def test_each_refusal_has_its_error(code, reason, message, kind):
    error = refusal(code, message, reason)
    assert type(error) is kind
    assert error.detail == message


def test_invalid_names_the_fields():
    error = refusal(422, causes=[{"reason": "FieldValueInvalid", "message": "bad", "field": "spec.x"}])
    assert error.errors == (FieldError("spec.x", "bad"),)


def test_the_time_to_wait_comes_from_the_header_else_from_the_body():
    status = read_status(json.dumps({"message": "busy", "details": {"retryAfterSeconds": 3}}).encode(), 429)
    waits = [error_of(status, header) for header in ("7", "0", None, "Fri, 31 Dec 1999 23:59:59 GMT")]
    assert [error.retry_after for error in waits if isinstance(error, Unavailable)] == [7, 0, 3, 3]


@pytest.mark.parametrize("body", [b"<html>Bad Gateway</html>", b"", b"\xff\xfe", b"[]", b"5"])
def test_a_proxys_page_is_an_answer_too(body):
    error = error_of(read_status(body, 502))
    assert isinstance(error, Unavailable)
    assert error.detail
