"""Sealed text: what goes through a browser or a client and comes back, unread and unchanged.

AES-256-GCM under a key that all replicas share; the purpose is authenticated with it, so that what was sealed for one
use is worth nothing for another (CVE-2025-12421 is that mistake), and so is the time at which it ends to count.
"""

import base64
import binascii
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE_BYTES = 12
_TAG_BYTES = 16
LONGEST = 16 * 1024

Payload = TypeVar("Payload", bound=msgspec.Struct)


class Unsealable(Exception):
    """It was not sealed here for this purpose, or its time is over. Says no more, on purpose."""


@dataclass(frozen=True)
class Purpose(Generic[Payload]):
    """What sealed text is for; `name` never changes its meaning."""

    name: str
    payload: type[Payload]


class _Envelope(msgspec.Struct, array_like=True):
    until: int
    payload: msgspec.Raw


_ENVELOPE = msgspec.json.Decoder(_Envelope)


class Sealer:
    """Seals with the first of its keys and opens with any.

    Args:
        keys: 32 bytes each, the present one first, as they are at the moment of use.
        clock: the time.
    """

    def __init__(self, keys: Callable[[], Sequence[bytes]], clock: Callable[[], datetime]) -> None:
        self._keys = keys
        self._clock = clock

    def seal(self, purpose: Purpose[Payload], payload: Payload, lifetime: timedelta) -> str:
        """URL-safe text that `open` turns back into the payload for so long."""
        until = int((self._clock() + lifetime).timestamp())
        plain = msgspec.json.encode(_Envelope(until, msgspec.Raw(msgspec.json.encode(payload))))
        nonce = os.urandom(_NONCE_BYTES)
        sealed = nonce + AESGCM(self._keys()[0]).encrypt(nonce, plain, purpose.name.encode())
        return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()

    def open(self, purpose: Purpose[Payload], text: str) -> Payload:
        """Raises Unsealable."""
        envelope = _ENVELOPE.decode(self._decrypt(purpose.name, text))
        if envelope.until <= self._clock().timestamp():
            raise Unsealable
        try:
            return msgspec.json.decode(envelope.payload, type=purpose.payload)
        except msgspec.DecodeError:
            raise Unsealable from None  # another version of Genet sealed it

    def _decrypt(self, purpose: str, text: str) -> bytes:
        if len(text) > LONGEST:
            raise Unsealable
        try:
            sealed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raise Unsealable from None
        if len(sealed) < _NONCE_BYTES + _TAG_BYTES:
            raise Unsealable
        for key in self._keys():
            try:
                return AESGCM(key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], purpose.encode())
            except InvalidTag:
                continue
        raise Unsealable
