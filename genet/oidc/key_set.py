"""The three signing keys and the rules by which they take each other's place. Pure: the time is passed in.

An API server keeps what it fetched of `/oidc/jwks` for `MAX_AGE` and does not look again before, not even for a key it
has never heard of. So a key is published long before it signs, and stays published until the last token that it signed
is over:

    next      published, signs nothing yet; current at the earliest `PUBLISHED_BEFORE` after its publication
    current   signs
    previous  signs nothing any more, and its private half is gone; published for `PUBLISHED_AFTER` from then on

Taking a key out of the document is no revocation: who has fetched it goes on believing it, some API servers until a
token with a key they do not know makes them fetch again. What ends tokens is their short life.
"""

import base64
import hashlib
from datetime import datetime, timedelta
from typing import Final

import msgspec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from genet.errors import Conflict

MAX_AGE: Final = timedelta(seconds=60)
"""For how long the document of keys may be kept by who fetches it: `Cache-Control: max-age`."""
LONGEST_TOKEN: Final = timedelta(seconds=600)
"""No ID token lives longer, whatever the settings say or said when it was made."""
PUBLISHED_BEFORE: Final = MAX_AGE + timedelta(seconds=60)
"""The second part is for replicas that hear of a new key late, and for clocks that differ."""
PUBLISHED_AFTER: Final = LONGEST_TOKEN + MAX_AGE

BITS: Final = 2048
ALGORITHM: Final = "RS256"


class PublicKey(msgspec.Struct, frozen=True):
    """One entry of the document, RFC 7517: exactly these members, so that no private one can come along."""

    kid: str
    n: str
    e: str
    kty: str = "RSA"
    use: str = "sig"
    alg: str = ALGORITHM


class Key(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    public: PublicKey
    private: str | None
    """PEM, PKCS #8; None once it has signed its last token."""
    created_at: datetime
    published_at: datetime
    activated_at: datetime | None = None
    retired_at: datetime | None = None

    @property
    def kid(self) -> str:
        return self.public.kid

    def __repr__(self) -> str:
        return f"Key({self.kid!r})"  # never the private half


class KeySet(msgspec.Struct, frozen=True, kw_only=True):
    previous: Key | None
    current: Key
    next: Key

    def published(self, now: datetime) -> tuple[PublicKey, ...]:
        """What the document holds, the present one first."""
        keys = (self.current, self.next, *((self.previous,) if self.previous else ()))
        return tuple(key.public for key in keys if key is not self.previous or not self.is_previous_over(now))

    def is_previous_over(self, now: datetime) -> bool:
        """Whether the last token of the previous key is over, as far as anybody may know."""
        return self.previous is None or now >= _since(self.previous.retired_at, self.previous) + PUBLISHED_AFTER

    def may_rotate_at(self) -> datetime:
        """From when on a rotation breaks nothing."""
        ready = self.next.published_at + PUBLISHED_BEFORE
        if self.previous is None:
            return ready
        return max(ready, _since(self.previous.retired_at, self.previous) + PUBLISHED_AFTER)

    def is_due(self, now: datetime, period: timedelta) -> bool:
        return now >= max(_since(self.current.activated_at, self.current) + period, self.may_rotate_at())

    def rotated(self, spare: Key, now: datetime) -> "KeySet":
        """`next` signs from now on, and `spare` is the new next.

        Raises:
            Conflict: it is too early: tokens would be refused.
        """
        ready = self.may_rotate_at()
        if now < ready:
            raise Conflict(
                f"the next key can sign from {ready:%Y-%m-%dT%H:%M:%SZ} on: before, API servers may not know it"
            )
        return KeySet(
            previous=msgspec.structs.replace(self.current, private=None, retired_at=now),
            current=msgspec.structs.replace(self.next, activated_at=now),
            next=spare,
        )

    def tidied(self, now: datetime) -> "KeySet":
        """Without a previous key whose time is over."""
        return msgspec.structs.replace(self, previous=None) if self.is_previous_over(now) else self


def first_set(current: Key, spare: Key) -> KeySet:
    """Nothing that was published before counts any more, if there was anything."""
    activated = msgspec.structs.replace(current, activated_at=current.published_at)
    return KeySet(previous=None, current=activated, next=spare)


def make_key(now: datetime) -> Key:
    """Takes a tenth of a second of one core: call it in a thread."""
    private = rsa.generate_private_key(public_exponent=65537, key_size=BITS)
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    numbers = private.public_key().public_numbers()
    n, e = _base64url_uint(numbers.n), _base64url_uint(numbers.e)
    public = PublicKey(kid=thumbprint(n, e), n=n, e=e)
    return Key(public=public, private=pem.decode(), created_at=now, published_at=now)


def thumbprint(n: str, e: str) -> str:
    """RFC 7638."""
    members = f'{{"e":"{e}","kty":"RSA","n":"{n}"}}'
    return base64.urlsafe_b64encode(hashlib.sha256(members.encode()).digest()).rstrip(b"=").decode()


def _base64url_uint(number: int) -> str:
    octets = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def _since(time: datetime | None, key: Key) -> datetime:
    """Times that are always there when they are asked for; a record that somebody edited may lack them."""
    return time or key.published_at
