"""The company's provider: an OpenID Provider by its discovery document, or plain OAuth 2 by three endpoints.

Traps:

- What is discovered is believed only if it calls itself exactly what the settings call it. Plain http is for a provider
  on this machine: one elsewhere that names addresses here would have Genet speak to what listens beside it.
- Providers change their keys: an unknown key id makes Genet look again, but anybody can send one, so seldom.
- Where a login's answer says from which issuer it comes (RFC 9207), a wrong one is an answer of another provider.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
import requests
from authlib.integrations.requests_client import OAuth2Session

from genet.auth.clock import Clock
from genet.auth.id_token import LEEWAY_SECONDS, BadTokenError, verified
from genet.auth.proven import Proven, proven, says_all
from genet.auth.upstream_calls import Calls, Refused, basic
from genet.errors import Forbidden, Unavailable
from genet.settings import OAuth
from genet.settings.urls import is_safe

DISCOVERED_SECONDS: Final = 3600.0
KEYS_SECONDS: Final = 3600.0
LOOK_AGAIN_SECONDS: Final = 10.0
"""Between two looks at the keys, whoever asks for what."""
_FAILED_SECONDS: Final = 5.0
"""After a failed discovery nobody waits for another one for so long."""
_OVER: Final = frozenset(
    {"invalid_grant", "access_denied", "login_required", "interaction_required", "consent_required"}
)
"""What a provider says where it does not stand up for somebody any more."""
_DISCOVERY: Final = "/.well-known/openid-configuration"
_OK: Final = 200


class Metadata(msgspec.Struct, frozen=True):
    """What of a discovery document is used (OpenID Connect Discovery 1.0, section 3)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str | None = None
    userinfo_endpoint: str | None = None
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)
    authorization_response_iss_parameter_supported: bool = False


@dataclass(frozen=True)
class Flow:
    """What one login begins with, and has to find again at its end."""

    state: str
    nonce: str
    verifier: str
    redirect_uri: str


@dataclass
class _Keys:
    keys: tuple[Mapping[str, Any], ...]
    at: float


class Upstream:
    """One provider, and what is known of it.

    Args:
        settings: of the provider.
        clock: the time.
        seconds: a clock that only ever grows.
    """

    def __init__(
        self,
        settings: OAuth,
        clock: Clock,
        *,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._calls = Calls(settings)
        self._seconds = seconds
        self._metadata: tuple[Metadata, float] | None = None
        self._failed_until = -1.0
        self._keys: _Keys | None = None
        self._discovering = asyncio.Lock()
        self._looking = asyncio.Lock()

    @property
    def is_openid(self) -> bool:
        return self._settings.provider_url is not None

    async def authorization_url(self, flow: Flow, *, reauthenticate: bool) -> str:
        """Where to send a browser.

        Args:
            flow: of this login.
            reauthenticate: have the person prove again who they are, even if the provider knows.

        Raises:
            Unavailable: the provider cannot be discovered.
        """
        metadata = await self._discovered()
        more = {"prompt": "login", "max_age": "0"} if reauthenticate and self.is_openid else {}
        if self.is_openid:
            more["nonce"] = flow.nonce
        own = self._settings
        session = OAuth2Session(
            own.client_id, redirect_uri=flow.redirect_uri, scope=" ".join(own.scopes), code_challenge_method="S256"
        )
        with session:
            url, _ = session.create_authorization_url(
                metadata.authorization_endpoint, state=flow.state, code_verifier=flow.verifier, **more
            )
        return str(url)

    async def exchange(self, code: str, flow: Flow, *, said_issuer: str | None) -> Proven:
        """Who logged in.

        Args:
            code: as the browser brought it.
            flow: of this login.
            said_issuer: the answer's own `iss`, if it has one.

        Raises:
            Forbidden: the provider refused the code, or what it says cannot be believed or used.
            Unavailable: it does not answer.
        """
        metadata = await self._discovered()
        is_due = self.is_openid and metadata.authorization_response_iss_parameter_supported
        if (is_due or said_issuer is not None) and said_issuer != metadata.issuer:
            raise Forbidden("the login's answer comes from another provider")
        tokens = await self._tokens(
            metadata, grant_type="authorization_code", code=code, redirect_uri=flow.redirect_uri,
            code_verifier=flow.verifier,
        )  # fmt: skip
        return await self._proven(metadata, tokens, nonce=flow.nonce)

    async def refresh(self, token: str) -> Proven:
        """Who they are now. The token may be worth nothing after this, whatever comes of it.

        Raises:
            Refused: the provider does not stand up for them any more.
            Forbidden: what it says cannot be believed or used.
            Unavailable: it does not answer.
        """
        metadata = await self._discovered()
        call = self._token_call(metadata, grant_type="refresh_token", refresh_token=token)
        try:
            tokens = await self._calls.make(call)
        except Refused as error:
            if error.error in _OVER:
                raise
            # a client secret that was changed, too many questions: that says nothing of the person
            raise Unavailable(f"the login provider takes no questions ({_word(error.error)})") from None
        return await self._proven(metadata, tokens, nonce=None)

    def close(self) -> None:
        self._calls.close()

    async def _tokens(self, metadata: Metadata, **form: str) -> Mapping[str, Any]:
        try:
            return await self._calls.make(self._token_call(metadata, **form))
        except Refused as error:
            raise Forbidden(f"the login provider refused to say who you are ({_word(error.error)})") from None

    def _token_call(self, metadata: Metadata, **form: str) -> Callable[[OAuth2Session], Mapping[str, Any]]:
        own = self._settings
        is_basic = "client_secret_basic" in metadata.token_endpoint_auth_methods_supported

        def call(session: OAuth2Session) -> Mapping[str, Any]:
            auth: Any = session.client_auth("none" if own.client_secret is None else "client_secret_post")
            if own.client_secret is not None and is_basic:
                auth = basic(own.client_id, own.client_secret)
            tokens = dict(session.fetch_token(metadata.token_endpoint, auth=auth, **form))
            if not tokens.keys() & {"access_token", "id_token"}:
                raise Unavailable("the login provider answered without tokens")
            return tokens

        return call

    async def _proven(self, metadata: Metadata, tokens: Mapping[str, Any], *, nonce: str | None) -> Proven:
        claims: dict[str, Any] | None = None
        if self.is_openid and (nonce is not None or tokens.get("id_token") is not None):
            claims = await self._claims(metadata, tokens.get("id_token"), nonce)
        told: dict[str, Any] | None = None
        if metadata.userinfo_endpoint is not None and (claims is None or not says_all(claims, self._settings)):
            told = await self._userinfo(metadata.userinfo_endpoint, tokens.get("access_token"))
            if claims is not None and told.get("sub") != claims["sub"]:
                raise Forbidden("the login provider speaks of two people at once (sub)")
        sources = tuple(source for source in (claims, told) if source is not None)
        if not sources:
            raise Unavailable("the login provider does not say who that is")
        who = proven(metadata.issuer, sources, self._settings)
        token = tokens.get("refresh_token")
        return replace(
            who,
            auth_time=_auth_time(claims or {}, self._clock()),
            refresh_token=token if isinstance(token, str) and token else None,
        )

    async def _claims(self, metadata: Metadata, token: Any, nonce: str | None) -> dict[str, Any]:
        async def keys(kid: str | None) -> Sequence[Mapping[str, Any]]:
            return await self._published(metadata, kid)

        try:
            return await verified(
                token,
                issuer=metadata.issuer,
                client_id=self._settings.client_id,
                nonce=nonce,
                keys=keys,
                now=self._clock(),
            )
        except BadTokenError as error:
            raise Forbidden(f"the login provider's ID token is not to be believed: {error}") from None

    async def _userinfo(self, endpoint: str, access_token: Any) -> dict[str, Any]:
        if not isinstance(access_token, str) or not access_token.isascii() or not access_token.isprintable():
            raise Unavailable("the login provider gave no access token")
        headers = {"Authorization": f"Bearer {access_token}", "Accept": "application/json"}
        return await self._calls.make(lambda session: _json(session, endpoint, headers))

    async def _discovered(self) -> Metadata:
        known = self._metadata
        if known is not None and self._seconds() < known[1] + DISCOVERED_SECONDS:
            return known[0]
        async with self._discovering:
            if self._metadata is not known and self._metadata is not None:
                return self._metadata[0]
            if self._seconds() < self._failed_until:
                return _stale(known)
            try:
                metadata = await self._discover()
            except Unavailable:
                self._failed_until = self._seconds() + _FAILED_SECONDS
                if known is None:
                    raise
                return known[0]
            self._metadata = metadata, self._seconds()
            return metadata

    async def _discover(self) -> Metadata:
        own = self._settings
        if own.provider_url is None:
            return plain(own)
        issuer = own.provider_url
        document = await self._calls.make(lambda session: _json(session, issuer.rstrip("/") + _DISCOVERY))
        try:
            metadata = msgspec.convert(document, Metadata)
        except msgspec.ValidationError:
            raise Unavailable("the login provider's discovery document cannot be used") from None
        if metadata.issuer != issuer:
            raise Unavailable("the login provider calls itself by another issuer than oauth.providerURL")
        if metadata.jwks_uri is None or not names_safe_addresses(metadata):
            raise Unavailable("the login provider's discovery document names no keys, or addresses that are not https")
        return metadata

    async def _published(self, metadata: Metadata, kid: str | None) -> Sequence[Mapping[str, Any]]:
        known = self._keys
        if known is not None and not self._must_look(known, kid):
            return known.keys
        async with self._looking:
            if self._keys is not known and self._keys is not None and not self._must_look(self._keys, kid):
                return self._keys.keys
            document = await self._calls.make(lambda session: _json(session, metadata.jwks_uri or ""))
            keys = document.get("keys")
            if not isinstance(keys, list):
                raise Unavailable("the login provider's keys cannot be read")
            self._keys = _Keys(tuple(key for key in keys if isinstance(key, Mapping)), self._seconds())
            return self._keys.keys

    def _must_look(self, known: _Keys, kid: str | None) -> bool:
        age = self._seconds() - known.at
        is_known = kid is None or any(key.get("kid") == kid for key in known.keys)
        return age > KEYS_SECONDS or (not is_known and age > LOOK_AGAIN_SECONDS)


def plain(settings: OAuth) -> Metadata:
    """Three endpoints as if they had been discovered; the issuer is the origin that people log in at."""
    authorization, token = settings.authorization_endpoint or "", settings.token_endpoint or ""
    parts = urlsplit(authorization)
    return Metadata(
        issuer=f"{parts.scheme}://{parts.netloc}",
        authorization_endpoint=authorization,
        token_endpoint=token,
        userinfo_endpoint=settings.userinfo_endpoint,
    )


def names_safe_addresses(metadata: Metadata) -> bool:
    """Whether secrets may be sent to all its endpoints: https, and http on loopback where the issuer is there too."""
    urls = (metadata.authorization_endpoint, metadata.token_endpoint, metadata.jwks_uri, metadata.userinfo_endpoint)
    schemes = ("https",) if metadata.issuer.startswith("https:") else ("https", "http")
    return all(is_safe(url) and urlsplit(url).scheme in schemes for url in urls if url is not None)


def _stale(known: tuple[Metadata, float] | None) -> Metadata:
    if known is None:
        raise Unavailable("the login provider could not be reached a moment ago", retry_after=_FAILED_SECONDS)
    return known[0]


def _json(session: OAuth2Session, url: str, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
    response: requests.Response = session.request("GET", url, withhold_token=True, headers=dict(headers or {}))
    try:
        document = msgspec.json.decode(response.content) if response.status_code == _OK else None
    except msgspec.DecodeError:
        document = None
    if not isinstance(document, dict):
        raise Unavailable(f"the login provider answered with HTTP status {response.status_code} and nothing to use")
    return document


def _auth_time(claims: Mapping[str, Any], now: datetime) -> datetime | None:
    said = claims.get("auth_time")
    if isinstance(said, bool) or not isinstance(said, int | float) or not 0 < said <= now.timestamp() + LEEWAY_SECONDS:
        return None
    return min(datetime.fromtimestamp(said, UTC), now)


def _word(error: str) -> str:
    """The protocol's word for an error, if it is one: nothing that somebody could have written there."""
    return error if error.replace("_", "").isalnum() and error.isascii() and len(error) <= 64 else "unknown"  # noqa: PLR2004 # longer than any
