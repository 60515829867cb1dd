"""The OpenID Provider of one replica, put together."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from genet.auth.identity import Identity
from genet.auth.people import People
from genet.auth.sealing import Sealer
from genet.errors import Forbidden
from genet.oidc.clients import Clients, RegisteredClient
from genet.oidc.device import Devices
from genet.oidc.discovery import endpoint, issuer_of
from genet.oidc.grants import Grants
from genet.oidc.holders import Recheck
from genet.oidc.issuing import Issued
from genet.oidc.keys import SigningKeys
from genet.oidc.messages import OFFLINE_ACCESS, REFRESH_TOKEN, OAuthError
from genet.settings import Settings

_DEVICE_CODES = "device user codes"


@dataclass(frozen=True)
class Provider:
    issuer: str
    has_device_flow: bool
    clients: Clients
    keys: SigningKeys
    grants: Grants
    devices: Devices
    people: People
    recheck: Recheck
    sealer: Sealer

    @classmethod
    def over(
        cls, settings: Settings, identity: Identity, recheck: Recheck, clock: Callable[[], datetime]
    ) -> Self | None:
        """None where it is switched off.

        Raises:
            ConfigurationError: it is on and cannot be.
        """
        issuer = issuer_of(settings)
        if issuer is None:
            return None
        provider = settings.oidc_provider
        period = timedelta(days=provider.key_rotation_days)
        keys = SigningKeys(identity.records, identity.cache, period=period, clock=clock)
        grants = Grants(
            identity.records,
            people=identity.people,
            recheck=recheck,
            keyring=identity.keyring,
            sealer=identity.sealer,
            keys=keys,
            settings=settings,
            clock=clock,
        )
        devices = Devices(identity.records, identity.sealer, lambda: identity.keyring.derived(_DEVICE_CODES), clock)
        return cls(
            issuer,
            provider.device_flow,
            Clients(provider),
            keys,
            grants,
            devices,
            identity.people,
            recheck,
            identity.sealer,
        )

    def endpoint(self, path: str) -> str:
        return endpoint(self.issuer, path)

    async def redeem_device(self, device_code: str, client: RegisteredClient) -> Issued:
        """Tokens for a device whose person has said yes. All that can be refused is refused before the code is used up.

        Raises:
            OAuthError: as `Devices.poll`; or the person is disabled or has ended everything since.
            Unavailable: nothing is known against it; the device may ask again.
        """
        record = await self.devices.poll(device_code, client.id)
        decided = record.value
        try:
            user = await self.recheck.current(decided.user)
        except Forbidden as error:
            raise OAuthError("access_denied", "the person may not come in any more") from error
        person = await self.people.live(decided.user)
        if person is None or person.value.epoch != decided.epoch:
            raise OAuthError("access_denied", "everything of this person has been ended since")
        await self.devices.redeem(record)
        question = decided.question
        scope = question.scope if question else ()
        if REFRESH_TOKEN not in client.grant_types:
            scope = tuple(word for word in scope if word != OFFLINE_ACCESS)
        return await self.grants.issue(
            user,
            client.id,
            scope,
            name=question.user_agent if question else "",
            auth_time=decided.authenticated_at,
            epoch=decided.epoch,
        )
