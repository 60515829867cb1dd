"""What an ID token says, and whether it may be believed.

Its signature is not checked: it came straight from the token endpoint over TLS, which proves the issuer as well (OpenID
Connect Core 1.0, 3.1.3.7, item 6). So nothing here may be given a token that came any other way.
"""

import base64
import hmac
import json
from typing import Any

from genet.client.errors import ClientError

Claims = dict[str, Any]
_CLOCK = "Is the clock of this machine right?"


def claims_of(token: str) -> Claims:
    """The claims, unchecked; raises ClientError for what is no JWT."""
    parts = token.split(".")
    try:
        _, payload, _ = parts
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except ValueError:
        raise ClientError("the server's ID token cannot be read") from None
    if not isinstance(claims, dict):
        raise ClientError("the server's ID token cannot be read")
    return claims


def checked(
    token: str, *, issuer: str, client_id: str, now: float, nonce: str | None = None, subject: str | None = None
) -> Claims:
    """The claims of a token that is for this client; raises ClientError.

    Args:
        token: from the token endpoint, over TLS.
        issuer: whom it must come from.
        client_id: whom it must be for.
        now: seconds since 1970.
        nonce: that of the request; None: it answers no request of a browser (refresh, device).
        subject: whom it must be about (OpenID Connect Core 1.0, 12.2); None: that is not known yet.
    """
    claims = claims_of(token)
    audience = claims.get("aud")
    audiences = [audience] if isinstance(audience, str) else audience
    if claims.get("iss") != issuer:
        raise ClientError("the ID token comes from another issuer; nothing of it was used")
    if not isinstance(audiences, list) or client_id not in audiences or claims.get("azp", client_id) != client_id:
        raise ClientError("the ID token is for another program; nothing of it was used")
    if len(audiences) > 1 and "azp" not in claims:
        raise ClientError("the ID token is for several programs; nothing of it was used")
    if nonce is not None and not hmac.compare_digest(str(claims.get("nonce")).encode(), nonce.encode()):
        raise ClientError("the ID token answers another login than this one; nothing of it was used")
    if not isinstance(claims.get("sub"), str) or not claims["sub"] or claims["sub"] != (subject or claims["sub"]):
        raise ClientError("the ID token is about somebody else; nothing of it was used")
    if not isinstance(claims.get("exp"), int | float) or isinstance(claims["exp"], bool):
        raise ClientError("the ID token does not say when it ends; nothing of it was used")
    if claims["exp"] <= now:
        raise ClientError("the ID token ended before it came", hint=_CLOCK)
    return claims
