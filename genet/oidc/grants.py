"""Leave that people give to clients: begun with a code, refreshed with tokens, ended by anybody who holds one twice.

One Secret per grant, read from the API server each time and changed by compare-and-set, so it holds across replicas:

- A code is presented once. Of any number of presentations at most one is answered with tokens. A presentation that
  does not fit (another client, another redirect URI, the wrong verifier, too late) ends the grant as well: nobody but a
  thief has a reason for a second try. Only where nothing was wrong with it and Genet could not finish (the company's
  provider or the API server away) may the same client come again. A presentation after the one that was answered ends
  the grant, and with it the refresh and access tokens that were given for it.
- Of two presentations at the same instant one is answered, and the other finds the code used: its tokens are dead
  before they arrive. A duplicate cannot be told from a replay.
- A refresh token of a public client is good until its successor exists, and `refreshGrace` longer (`grant.standing`);
  an older one ends the grant. One whose HMAC is wrong ends nothing: anybody can write such a token.
- Everything that can fail comes before the write that uses a code or a token up; after it tokens are only computed.
- A write whose answer was lost is looked up: by its random mark a request knows its own work (`written_by`).

Which replica may die when, and what is left then, is in `docs/decisions/20261122-grants.md`.
"""

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final, NoReturn

from msgspec.structs import replace

from genet.auth.keyring import Keyring
from genet.auth.people import People, Person
from genet.auth.sealing import Sealer
from genet.auth.sessions import is_still_there
from genet.auth.user import User
from genet.errors import NotFound, Unavailable
from genet.kube.records import Record, Records
from genet.oidc import codes
from genet.oidc.clients import RegisteredClient
from genet.oidc.discovery import issuer_of
from genet.oidc.grant import Grant, Standing, ends_at, is_live, may_last, new_mark, shown_user_agent, standing
from genet.oidc.grant_store import GrantStore
from genet.oidc.holders import Holders, Recheck, counts
from genet.oidc.id_tokens import claims_of
from genet.oidc.issuing import Issued, Issuing
from genet.oidc.keys import SigningKeys
from genet.oidc.messages import OFFLINE_ACCESS, REFRESH_TOKEN, AuthorizationRequest, OAuthError
from genet.oidc.refresh_tokens import Presented
from genet.settings import Settings

_ATTEMPTS: Final = 5
"""Looks at one grant within one request; each but the first means that somebody else was faster, or an answer lost."""
_SAME_USE: Final = timedelta(minutes=1)
"""Of a refresh token that does not rotate: uses closer together are written down once."""


class Grants:
    """Of one replica.

    Args:
        records: where they are kept.
        people: whose they are.
        recheck: what the company's provider says of them now.
        keyring: for refresh tokens.
        sealer: for access tokens.
        keys: for ID tokens.
        settings: lifetimes, the issuer, and how many grants a person may have.
        clock: the time.
    """

    def __init__(
        self,
        records: Records,
        *,
        people: People,
        recheck: Recheck,
        keyring: Keyring,
        sealer: Sealer,
        keys: SigningKeys,
        settings: Settings,
        clock: Callable[[], datetime],
    ) -> None:
        provider = settings.oidc_provider
        issuer = issuer_of(settings) or ""
        self._records = records
        self._store = GrantStore(records, most_per_user=provider.grants_per_user)
        self._holders = Holders(people, recheck)
        self._issuing = Issuing(issuer, provider.ttl, sealer=sealer, keyring=keyring, clock=clock)
        self._keys = keys
        self._ttl = provider.ttl
        self._clock = clock

    # --- from login to tokens

    async def begin(
        self,
        user: User,
        request: AuthorizationRequest,
        *,
        auth_time: datetime | None,
        user_agent: str | None,
        session_id: str | None = None,
    ) -> str:
        """The code of a new grant. The client and where it is redirected to were judged before, and so was the person.

        Raises:
            Forbidden: the person is disabled, or the name belongs to somebody else.
            OAuthError: `access_denied`, the session in which this began has ended meanwhile.
        """
        person = await self._holders.person(user)
        await self._require_session(session_id, person)
        id_ = self._issuing.new_id()
        code = codes.new_code(id_)
        grant = replace(
            self._new(person, request.client_id, request.scope, auth_time=auth_time, user_agent=user_agent),
            session=session_id,
            redirect_uri=request.redirect_uri,
            code_hash=codes.hash_of(code),
            code_challenge=request.code_challenge,
            code_expires_at=self._clock() + timedelta(seconds=self._ttl.code),
            nonce=request.nonce,
        )
        await self._store.create(id_, grant)
        return code

    async def redeem(
        self, code: str, client: RegisteredClient, redirect_uri: str | None, verifier: str | None
    ) -> Issued:
        """Tokens for a code; the client has proved who it is.

        Raises:
            OAuthError: `invalid_grant`.
            Unavailable: nothing is known against it; the same client may try the same code again.
        """
        id_, mark = codes.grant_of(code), new_mark()
        if id_ is None:
            _refuse()
        for _ in range(_ATTEMPTS):
            record = await self._find(id_)
            grant = record.value
            if grant.status == "ended" or not codes.is_same(code, grant.code_hash):
                _refuse()
            if grant.status == "active" and grant.written_by != mark:
                await self._end(record, "its code was presented twice")
            if grant.status == "code" and not code_fits(grant, client, redirect_uri, verifier, self._clock()):
                await self._end(record, "its code was presented by or for another, too late, or without proof")
            entitled = await self._holders.rechecked(grant)
            if entitled is None:
                await self._end(record, "its person may not log in")
            person, user = entitled
            signer = await self._keys.signer()
            if grant.status == "code":
                active = await self._store.try_replace(record, self._activated(grant, person, client, mark))
                if active is None:
                    continue
                grant = active.value
            return self._issuing.tokens(id_, grant, user=user, person=person, signer=signer, nonce=grant.nonce)
        raise Unavailable("the grant changes too often", retry_after=1)

    async def issue(
        self,
        user: User,
        client_id: str,
        scope: tuple[str, ...],
        *,
        name: str,
        auth_time: datetime | None,
        epoch: int | None = None,
        session_id: str | None = None,
    ) -> Issued:
        """Tokens of a new grant at once, without a code: for a kubeconfig to download, and for a device.

        Args:
            user: whose.
            client_id: the client that will refresh them.
            scope: what they open.
            name: what the person is shown in their list of grants.
            auth_time: when the person last proved who they are.
            epoch: the person's when they agreed, where that was not just now.
            session_id: in which session they asked, where that is how.

        Raises:
            Forbidden: the person is disabled, or the name belongs to somebody else.
            OAuthError: `access_denied`, the session has ended meanwhile; `invalid_grant`, everything of the person's
                has been ended since they agreed.
        """
        person = await self._holders.person(user)
        if epoch is not None and epoch != person.epoch:
            _refuse()
        await self._require_session(session_id, person)
        user = await self._holders.current(person)
        signer = await self._keys.signer()
        grant = replace(
            self._new(person, client_id, scope, auth_time=auth_time, user_agent=name),
            status="active",
            session=session_id,
            can_refresh=OFFLINE_ACCESS in scope,
        )
        if not grant.can_refresh:
            grant = replace(grant, expires_at=self._unrefreshed_end())
        record = await self._store.create(self._issuing.new_id(), grant)
        return self._issuing.tokens(record.id, grant, user=user, person=person, signer=signer)

    # --- from token to token

    async def refresh(self, token: str, client: RegisteredClient, scope: tuple[str, ...] | None = None) -> Issued:
        """New tokens for a refresh token; the client has proved who it is. Always with an ID token.

        Args:
            token: as the client sent it.
            client: who sent it.
            scope: less than was granted, for this answer alone; None or empty: all of it.

        Raises:
            OAuthError: `invalid_grant`, or `invalid_scope`: more than was granted.
            Unavailable: nothing is known against it; the same token may be tried again.
        """
        presented, mark = self._issuing.presented(token), new_mark()
        if presented is None:
            _refuse()
        was_current = False
        for _ in range(_ATTEMPTS):
            record = await self._find(presented.grant)
            grant = record.value
            worth = self._worth(grant, presented, client, mark, was_current=was_current)
            if worth == "past":
                await self._end(record, "a refresh token came again after its time")
            asked = _narrowed(grant, scope)
            was_current = worth == "current"
            entitled = await (self._holders.rechecked(grant) if was_current else self._holders.of(grant))
            if entitled is None:
                _refuse("the person may not log in any more")
            person, user = entitled
            if self._clock() >= self._limit(grant, person):
                _refuse()
            signer = await self._keys.signer()
            if was_current:
                used = await self._store.try_replace(record, self._used(grant, person, client, mark))
                if used is None:
                    continue
                grant = used.value
            return self._issuing.tokens(record.id, grant, user=user, person=person, signer=signer, scope=asked)
        raise Unavailable("the grant changes too often", retry_after=1)

    # --- what tokens open

    async def of_access_token(self, token: str) -> tuple[Grant, User]:
        """The grant, with the scope of this token, and the person as they are known now.

        Raises:
            OAuthError: `invalid_token`, 401.
        """
        grant, _, user = await self._opened(token)
        return grant, user

    async def userinfo(self, token: str) -> dict[str, Any]:
        """OpenID Connect Core section 5.3.2.

        Raises:
            OAuthError: `invalid_token`, 401.
        """
        grant, person, user = await self._opened(token)
        return claims_of(user, email_verified=person.email_verified, scope=grant.scope)

    # --- the end

    async def revoke(self, token: str, client: RegisteredClient) -> None:
        """End the grant behind a token of this client, whichever; anything else is passed over (RFC 7009 section 2.2).

        Raises:
            Unavailable: it may not have been ended.
        """
        presented, opened = self._issuing.presented(token), self._issuing.access_token(token)
        id_ = presented.grant if presented else opened.grant if opened else ""
        record = await self._store.find(id_) if self._issuing.is_own_id(id_) else None
        if record is None or record.value.client != client.id:
            return
        if presented is None or self._issuing.is_genuine(presented, record.value):
            await self._store.delete(record)

    async def of(self, user: User) -> list[Record[Grant]]:
        """The person's, newest first."""
        person, now = await self._holders.live(user), self._clock()
        found = [
            record
            for record in await self._store.of(user.identifier)
            if person is not None and counts(record.value, person) and is_live(record.value, now, self._ttl)
        ]
        return sorted(found, key=lambda record: (record.value.created_at, record.id), reverse=True)

    def ends_at(self, grant: Grant) -> datetime:
        """When it ends if nobody uses it."""
        return ends_at(grant, self._ttl)

    async def end(self, user: User, id_: str) -> None:
        """End one of the person's own.

        Raises:
            NotFound: it is not there, or not theirs.
        """
        record = await self._store.find(id_)
        if record is None or record.value.user != user.identifier:
            raise NotFound("you have no such grant")
        await self._store.delete(record)

    # --- what they are made of

    def _new(
        self,
        person: Person,
        client_id: str,
        scope: tuple[str, ...],
        *,
        auth_time: datetime | None,
        user_agent: str | None,
    ) -> Grant:
        now = self._clock()
        return Grant(
            user=person.identifier,
            epoch=person.epoch,
            client=client_id,
            scope=scope,
            status="code",
            created_at=now,
            last_used_at=now,
            expires_at=may_last(now, self._ttl, asks_upstream=self._holders.asks_upstream(person)),
            auth_time=auth_time,
            user_agent=shown_user_agent(user_agent),
            salt=secrets.token_hex(16),
        )

    def _activated(self, grant: Grant, person: Person, client: RegisteredClient, mark: str) -> Grant:
        can_refresh = OFFLINE_ACCESS in grant.scope and REFRESH_TOKEN in client.grant_types
        return replace(
            grant,
            status="active",
            last_used_at=self._clock(),
            expires_at=self._limit(grant, person) if can_refresh else self._unrefreshed_end(),
            scope=tuple(word for word in grant.scope if can_refresh or word != OFFLINE_ACCESS),
            can_refresh=can_refresh,
            written_by=mark,
        )

    def _used(self, grant: Grant, person: Person, client: RegisteredClient, mark: str) -> Grant:
        """The grant after a refresh; itself where there is nothing worth a write."""
        now = self._clock()
        if not client.is_public and now < grant.last_used_at + _SAME_USE:
            return grant
        used = replace(grant, last_used_at=now, expires_at=self._limit(grant, person), written_by=mark)
        return replace(used, generation=grant.generation + 1, rotated_at=now) if client.is_public else used

    def _limit(self, grant: Grant, person: Person) -> datetime:
        """Never later than it was: an upstream token that comes afterwards prolongs nothing."""
        may = may_last(grant.created_at, self._ttl, asks_upstream=self._holders.asks_upstream(person))
        return min(grant.expires_at, may)

    def _unrefreshed_end(self) -> datetime:
        return self._clock() + timedelta(seconds=max(self._ttl.access_token, self._ttl.id_token))

    def _worth(
        self, grant: Grant, presented: Presented, client: RegisteredClient, mark: str, *, was_current: bool
    ) -> Standing:
        """Of a refresh token; one that was good when its request came stays so, others or a lost answer were faster."""
        if grant.client != client.id or not self._issuing.is_genuine(presented, grant):
            _refuse()
        if not grant.can_refresh or not is_live(grant, self._clock(), self._ttl):
            _refuse()
        worth = standing(grant, presented.generation, self._clock(), self._ttl)
        if worth == "unknown":
            _refuse()
        is_own = grant.written_by == mark or (was_current and self._ttl.refresh_grace > 0)
        return "previous" if worth == "past" and is_own else worth

    # --- what is found

    async def _find(self, id_: str) -> Record[Grant]:
        record = await self._store.find(id_) if self._issuing.is_own_id(id_) else None
        if record is None:
            _refuse()
        return record

    async def _end(self, record: Record[Grant], why: str) -> NoReturn:
        await self._store.end(record, why)
        _refuse()

    async def _require_session(self, session_id: str | None, person: Person) -> None:
        if not await is_still_there(self._records, session_id, person):
            raise OAuthError("access_denied", "the session has ended")

    async def _opened(self, token: str) -> tuple[Grant, Person, User]:
        opened = self._issuing.access_token(token)
        record = await self._store.find(opened.grant) if opened else None
        if opened is None or record is None or not is_live(record.value, self._clock(), self._ttl):
            raise _invalid_token()
        found = await self._holders.of(record.value)
        if found is None or record.value.client != opened.client:
            raise _invalid_token()
        return replace(record.value, scope=opened.scope), *found


def code_fits(
    grant: Grant, client: RegisteredClient, redirect_uri: str | None, verifier: str | None, now: datetime
) -> bool:
    """Whether a code is presented by whom, for where and with what it was made (RFC 6749 section 4.1.3, RFC 7636)."""
    return (
        grant.client == client.id
        and grant.redirect_uri == redirect_uri
        and grant.code_expires_at is not None
        and now < grant.code_expires_at
        and codes.proves(verifier, grant.code_challenge)
    )


def _narrowed(grant: Grant, scope: tuple[str, ...] | None) -> tuple[str, ...]:
    """Raises OAuthError where it is more than was granted."""
    if not scope:
        return grant.scope
    if not set(scope) <= set(grant.scope):
        raise OAuthError("invalid_scope", "more than was granted")
    return scope


def _refuse(description: str = "the grant is not there, is over, or was not made for this") -> NoReturn:
    raise OAuthError("invalid_grant", description)


def _invalid_token() -> OAuthError:
    return OAuthError("invalid_token", "the access token is not valid, or not any more", status=401)
