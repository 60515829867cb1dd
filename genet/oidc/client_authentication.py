"""Which client is asking: HTTP Basic, a secret in the form, or none where it cannot keep one. Pure.

It is judged before anything else of a request: kubectl and its plugins try Basic first, with an empty password and
without `client_id` in the form, and again with `client_id` in the form if that is refused. Whoever took the code before
knowing the client would see the second try as a theft.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote_plus

from genet.oidc.clients import Clients, RegisteredClient
from genet.oidc.messages import OAuthError, Parameters

METHODS: Final = ("none", "client_secret_basic", "client_secret_post")
_LONGEST_HEADER: Final = 2048


@dataclass(frozen=True)
class _Presented:
    client_id: str
    secret: str

    def __repr__(self) -> str:
        return "_Presented()"


def authenticate(clients: Clients, authorization: Sequence[str], form: Parameters) -> RegisteredClient:
    """The client of a request to the token endpoint and its like.

    Args:
        clients: all there are.
        authorization: values of the `Authorization` header, as many as there were.
        form: the body.

    Raises:
        OAuthError: `invalid_client` (401), or `invalid_request` where it says two things at once.
    """
    presented = _presented(authorization, form)
    client = clients.get(presented.client_id)
    # an unknown client costs the time of a known one
    expected = "" if client is None else client.secret or ""
    is_equal = hmac.compare_digest(_digest(expected), _digest(presented.secret))
    if client is None or not is_equal:
        raise _refused("unknown client, or not its secret")
    return client


def _presented(authorization: Sequence[str], form: Parameters) -> _Presented:
    in_form, secret = form.get("client_id"), form.get("client_secret")
    if not authorization:
        if in_form is None:
            raise _refused("the client does not say who it is")
        return _Presented(in_form, secret or "")
    if len(authorization) > 1:
        raise OAuthError("invalid_request", "two Authorization headers")
    if secret is not None:
        raise OAuthError("invalid_request", "the client authenticates in two ways at once")
    basic = _basic(authorization[0])
    if in_form not in {None, basic.client_id}:
        raise OAuthError("invalid_request", "the client names itself in two ways")
    return basic


def _basic(header: str) -> _Presented:
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic" or len(header) > _LONGEST_HEADER:
        raise _refused("expected HTTP Basic")
    try:
        text = base64.b64decode(encoded.strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        raise _refused("the Authorization header cannot be read") from None
    client_id, colon, secret = text.partition(":")
    if not colon:
        raise _refused("the Authorization header cannot be read")
    # RFC 6749 section 2.3.1: both are form-encoded before they are joined
    return _Presented(unquote_plus(client_id), unquote_plus(secret))


def _digest(secret: str) -> bytes:
    """Of one length, whatever is compared."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def _refused(description: str) -> OAuthError:
    return OAuthError("invalid_client", description, 401)
