"""Has the cluster sign a client certificate: CertificateSigningRequest, approval, certificate; then the object goes.

Nobody but Genet asks here and nobody else approves, so what is approved has to be what Genet made: the object is read
again and compared, and the approval is of that very version. A request of the same name that somebody put in its place
has another uid.
"""

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec

from genet.errors import Conflict, Forbidden, GenetError, NotFound, Unavailable
from genet.kube.client import KubeClient
from genet.kube.objects import SIGNING_REQUESTS, CertificateSigningRequest
from genet.kubeconfig import certificate
from genet.kubeconfig.certificate import Certificate

log = logging.getLogger(__name__)

_PATIENCE_SECONDS: Final = 15.0
_FIRST_PAUSE: Final = 0.05
_LONGEST_PAUSE: Final = 1.0


class Signing:
    """The signer of the API server's clients.

    Args:
        kube: the cluster.
        clock: the time.
        patience_seconds: how long to wait for the signer.
    """

    def __init__(
        self,
        kube: KubeClient,
        clock: Callable[[], datetime],
        *,
        patience_seconds: float = _PATIENCE_SECONDS,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._kube = kube
        self._clock = clock
        self._patience_seconds = patience_seconds
        self._sleep = sleep

    async def sign(
        self, key: ec.EllipticCurvePrivateKey, name: str, lifetime: timedelta, *, identifier: str
    ) -> Certificate:
        """A certificate for the common name `name` that ends within `lifetime`.

        Raises:
            SignerIgnoresExpiry: there was one, but it would have counted for longer.
            Unavailable: there was none, or not what was asked for.
        """
        latest = self._clock() + lifetime
        # of no user's text, and never used before: an answer that is lost can be cleaned up after all
        sent = certificate.manifest(
            f"genet-{secrets.token_hex(16)}", identifier, certificate.request(key, name), lifetime
        )
        uid: str | None = None
        try:
            uid = (await self._kube.create(SIGNING_REQUESTS, sent)).metadata.uid
            await self._approve(sent, uid)
            return certificate.checked(await self._certificate(sent, uid), key, name, latest)
        except Forbidden as error:
            log.error("no right to have certificates signed", extra={"detail": error.detail})  # noqa: TRY400 # said
            raise Unavailable("this installation has no right to have certificates signed") from error
        except (Conflict, NotFound) as error:
            raise Unavailable("the signing request was changed by somebody else; try again") from error
        finally:
            await self._remove(sent["metadata"]["name"], uid)

    async def _approve(self, sent: Mapping[str, Any], uid: str) -> None:
        seen = await self._kube.get(SIGNING_REQUESTS, sent["metadata"]["name"])
        if found := certificate.differences(sent, uid, seen):
            log.warning("a signing request is not what was sent: not approved", extra={"differences": found})
            raise Unavailable("the signing request was changed by somebody else; it was not approved")
        _check_decision(seen)
        if not seen.status.conditions:
            await self._kube.replace(SIGNING_REQUESTS, certificate.approval(sent, seen), subresource="approval")

    async def _certificate(self, sent: Mapping[str, Any], uid: str) -> bytes:
        pause = _FIRST_PAUSE
        try:
            async with asyncio.timeout(self._patience_seconds):
                while True:
                    seen = await self._kube.get(SIGNING_REQUESTS, sent["metadata"]["name"])
                    if seen.metadata.uid != uid:
                        raise Conflict("another signing request of that name")
                    if seen.status.certificate:
                        return seen.status.certificate
                    _check_decision(seen)
                    await self._sleep(pause)
                    pause = min(2 * pause, _LONGEST_PAUSE)
        except TimeoutError as error:
            raise Unavailable(
                f"the cluster's signer has not answered within {self._patience_seconds:g} s; the controller manager "
                "signs only where it has the key of the cluster's authority"
            ) from error

    async def _remove(self, name: str, uid: str | None) -> None:
        """What cannot be removed now, the cluster removes an hour later."""
        with suppress(GenetError):
            await self._kube.delete(SIGNING_REQUESTS, name, uid=uid)


def _check_decision(seen: CertificateSigningRequest) -> None:
    """Raises Unavailable where the request has been turned down."""
    for condition in seen.status.conditions:
        if condition.type in ("Denied", "Failed"):
            raise Unavailable(f"the cluster did not sign the certificate: {condition.reason or condition.type}")
