"""From a grant and a person to the tokens of one answer. Nothing here is kept, and nothing here can fail any more."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from genet.auth.keyring import Keyring
from genet.auth.people import Person
from genet.auth.sealing import Sealer
from genet.auth.user import User
from genet.oidc import access_tokens, codes, refresh_tokens
from genet.oidc.access_tokens import AccessToken
from genet.oidc.grant import Grant
from genet.oidc.id_tokens import claims_of, id_token_claims
from genet.oidc.keys import Signer
from genet.settings import Lifetimes


@dataclass(frozen=True)
class Issued:
    access_token: str
    id_token: str
    refresh_token: str | None
    expires_in: int
    """Of the access token, in seconds."""
    scope: tuple[str, ...]
    grant_id: str

    def __repr__(self) -> str:
        return f"Issued({self.grant_id!r})"  # never the tokens


class Issuing:
    """Makes tokens, as the settings want them."""

    def __init__(
        self, issuer: str, ttl: Lifetimes, *, sealer: Sealer, keyring: Keyring, clock: Callable[[], datetime]
    ) -> None:
        self._issuer = issuer
        self._ttl = ttl
        self._sealer = sealer
        self._keyring = keyring
        self._clock = clock

    def tokens(
        self,
        grant_id: str,
        grant: Grant,
        *,
        user: User,
        person: Person,
        signer: Signer,
        scope: tuple[str, ...] | None = None,
        nonce: str | None = None,
    ) -> Issued:
        """All of one answer; `scope` narrows that of the grant for it.

        Raises:
            Forbidden: the person is called like a part of the cluster.
        """
        scope = grant.scope if scope is None else scope
        claims = claims_of(user, email_verified=person.email_verified, scope=scope)
        lifetime = timedelta(seconds=self._ttl.access_token)
        access_token = access_tokens.write(
            self._sealer, AccessToken(grant=grant_id, client=grant.client, scope=scope), lifetime
        )
        id_token = signer.sign(
            id_token_claims(
                claims,
                issuer=self._issuer,
                client=grant.client,
                now=self._clock(),
                lifetime=timedelta(seconds=self._ttl.id_token),
                access_token=access_token,
                auth_time=grant.auth_time,
                nonce=nonce,
            )
        )
        return Issued(
            access_token=access_token,
            id_token=id_token,
            refresh_token=self._refresh_token(grant_id, grant),
            expires_in=self._ttl.access_token,
            scope=scope,
            grant_id=grant_id,
        )

    def new_id(self) -> str:
        """Of a grant."""
        return codes.new_id(self._keyring.derived(codes.ID_PURPOSE))

    def is_own_id(self, id_: str) -> bool:
        """Whether an id that anybody may have sent can be one of a grant."""
        return codes.is_own_id(id_, self._keyring.derived(codes.ID_PURPOSE))

    def presented(self, text: str) -> refresh_tokens.Presented | None:
        return refresh_tokens.read(text)

    def is_genuine(self, presented: refresh_tokens.Presented, grant: Grant) -> bool:
        return refresh_tokens.is_genuine(presented, grant.salt, self._keyring.derived(refresh_tokens.PURPOSE))

    def access_token(self, text: str) -> AccessToken | None:
        return access_tokens.read(self._sealer, text)

    def _refresh_token(self, grant_id: str, grant: Grant) -> str | None:
        if not grant.can_refresh:
            return None
        keys = self._keyring.derived(refresh_tokens.PURPOSE)
        return refresh_tokens.write(grant_id, grant.generation, grant.salt, keys)
