"""What an ID token must be before it is believed (OpenID Connect Core 1.0, section 3.1.3.7). Pure but for the keys.

Traps, each a hole in somebody's product once:

- The algorithm is the caller's to choose, never the token's: `none`, and HS256 with the public key as its secret
  (CVE-2022-29217).
- A header may bring a key of its own (`jwk`, `jku`, `x5u`), or demand what a reader does not know (`crit`).
- Issuers are compared whole: a part of one is another one (CVE-2024-53861).
- A token for another client is genuine too; only `aud`, and `azp` where there are several, say for whom it is.
- Checking one signature is quick unless the key was made to be slow (RSA with a huge exponent), and a megabyte of such
  keys holds the whole server up for a quarter of a minute.
- PyJWT looks at the clock itself; here times are compared with the time that is passed in.
"""

import hmac
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

ALGORITHMS: Final = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), "RSA"),
    **dict.fromkeys(("ES256", "ES384", "ES512"), "EC"),
    "EdDSA": "OKP",
}
"""Signatures that are taken, and the type of key of each. Only those with a public key can be here."""
LEEWAY_SECONDS: Final = 60.0
"""How much the clocks of two machines may differ."""
_LONGEST: Final = 64 * 1024
_RSA_BITS: Final = range(2048, 8192 + 1)
_LONGEST_EXPONENT: Final = 2**64
_MOST_KEYS: Final = 32
"""That are tried on one token."""
_NEVER_IN_HEADERS: Final = ("jwk", "jku", "x5u", "crit")
_UNCHECKED: Final = {
    **dict.fromkeys(("verify_exp", "verify_nbf", "verify_iat", "verify_aud", "verify_iss", "verify_sub"), False),
    "verify_jti": False,
}

Keys = Callable[[str | None], Awaitable[Sequence[Mapping[str, Any]]]]
"""The provider's published keys, among them that of the key id if there is one."""


class BadTokenError(Exception):
    """Not to be believed; the text says why and quotes nothing of it."""


async def verified(
    token: Any, *, issuer: str, client_id: str, nonce: str | None, keys: Keys, now: datetime
) -> dict[str, Any]:
    """The claims of a genuine token for this client.

    Args:
        token: as it came.
        issuer: whose it has to be, exactly.
        client_id: for whom it has to be.
        nonce: what the login began with; None: it comes of a refresh, where none is sent.
        keys: those of the issuer.
        now: the time.

    Raises:
        BadTokenError: it is not to be believed.
    """
    header = _header(token)
    claims = _signed_claims(token, header, await keys(header.get("kid")))
    _check_parties(claims, issuer, client_id)
    _check_times(claims, now.timestamp())
    if nonce is not None and not _same(claims.get("nonce"), nonce):
        raise BadTokenError("it was not made for this login (nonce)")
    return claims


def _header(token: Any) -> dict[str, Any]:
    if not isinstance(token, str) or len(token) > _LONGEST:
        raise BadTokenError("it is missing or too long")
    try:
        header: dict[str, Any] = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError, RecursionError):
        raise BadTokenError("it is no signed token") from None
    if header.get("alg") not in ALGORITHMS:
        raise BadTokenError("its algorithm is not one of those that can be trusted")
    if any(name in header for name in _NEVER_IN_HEADERS):
        raise BadTokenError("its header brings a key of its own, or asks for what Genet does not know")
    if not isinstance(header.get("kid"), str | None):
        raise BadTokenError("its key id is no text")
    return header


def _signed_claims(token: str, header: Mapping[str, Any], keys: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    algorithm, kid = header["alg"], header.get("kid")
    fitting = [key for key in keys if _fits(key, algorithm, kid)]
    for key in fitting[:_MOST_KEYS]:
        try:
            public = jwt.PyJWK(dict(key), algorithm=algorithm).key
            if isinstance(public, RSAPublicKey) and not _is_usual(public):
                continue
            claims = jwt.decode(token, public, algorithms=[algorithm], options=_UNCHECKED)  # type: ignore[arg-type] # its options are a TypedDict
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
            continue
        return dict(claims)
    if not fitting:
        raise BadTokenError("it is signed with a key that the login provider does not publish")
    raise BadTokenError("its signature is wrong")


def _is_usual(key: RSAPublicKey) -> bool:
    return key.key_size in _RSA_BITS and key.public_numbers().e < _LONGEST_EXPONENT


def _fits(key: Mapping[str, Any], algorithm: str, kid: str | None) -> bool:
    return (
        key.get("kty") == ALGORITHMS[algorithm]
        and key.get("use", "sig") == "sig"
        and key.get("alg", algorithm) == algorithm
        and (kid is None or key.get("kid") == kid)
    )


def _check_parties(claims: Mapping[str, Any], issuer: str, client_id: str) -> None:
    if claims.get("iss") != issuer:
        raise BadTokenError("it comes from another issuer (iss)")
    audience = claims.get("aud")
    audiences = [audience] if isinstance(audience, str) else audience
    if not isinstance(audiences, list) or client_id not in audiences:
        raise BadTokenError("it is for another program (aud)")
    if (len(audiences) > 1 or "azp" in claims) and claims.get("azp") != client_id:
        raise BadTokenError("it was given to another program (azp)")
    if not isinstance(claims.get("sub"), str) or not claims["sub"]:
        raise BadTokenError("it does not say who it is about (sub)")


def _check_times(claims: Mapping[str, Any], now: float) -> None:
    expires, issued = _time(claims, "exp"), _time(claims, "iat")
    if expires is None or expires <= now - LEEWAY_SECONDS:
        raise BadTokenError("its time is over (exp)")
    if issued is None or issued > now + LEEWAY_SECONDS:
        raise BadTokenError("it comes from the future, or does not say when it was made (iat)")
    not_before = _time(claims, "nbf")
    if not_before is not None and not_before > now + LEEWAY_SECONDS:
        raise BadTokenError("its time has not come (nbf)")


def _time(claims: Mapping[str, Any], name: str) -> float | None:
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 2**53:
        raise BadTokenError(f"it has a time that is none ({name})")
    return float(value)


def _same(one: Any, other: str) -> bool:
    return isinstance(one, str) and hmac.compare_digest(one.encode(), other.encode())
