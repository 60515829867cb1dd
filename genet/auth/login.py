r"""A login at the company's provider, from the first redirect to who came back. Nothing is stored meanwhile.

What the end has to know of the beginning travels with the browser, sealed, as OAuth's `state`; and the same browser
has to bring the cookie that was set with it. So nobody can finish a login that another browser began (CSRF of the
login, CVE-2025-68158), and who only reads a state can do nothing with it (CVE-2022-39222).

Trap: `next` is where the browser goes afterwards. Readers of addresses disagree about `//`, `/\`, tabs and what is
percent-encoded, and every one of them made somebody's login send people elsewhere; see `local_path`.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import parse_qsl, unquote

import msgspec

from genet.auth.clock import Clock
from genet.auth.proven import Proven, check_allowed, user_of
from genet.auth.sealing import Purpose, Sealer, Unsealable
from genet.auth.upstream import Flow, Upstream
from genet.auth.user import User
from genet.errors import Forbidden, Invalid
from genet.settings import Settings

LIFETIME: Final = timedelta(minutes=15)
"""How long somebody may take to log in."""
COOKIE_PREFIX: Final = "__Host-genet-login-"
HOME: Final = "/"
_LONGEST_NEXT: Final = 4096
_ID_BYTES: Final = 5
_ROUNDS: Final = 5
_SLACK: Final = timedelta(seconds=60)
_WHITE_OR_CONTROL: Final = re.compile(r"[\x00-\x20\x7f-\x9f\s]")
_DOT_SEGMENT: Final = re.compile(r"/\.{1,2}(?=/|;|$)")


class LoginState(msgspec.Struct, frozen=True):
    id: str
    """Names the cookie: several logins may be under way in one browser."""
    cookie_hash: bytes
    next: str
    nonce: str
    verifier: str
    began_at: datetime
    reauthenticate: bool


LOGIN_STATE: Final = Purpose("login state", LoginState)

Cookies = Callable[[str], str | None]
"""The value of the cookie of a name."""


@dataclass(frozen=True)
class Begun:
    """Send the browser to `url`, with this cookie."""

    url: str
    cookie_name: str
    cookie_value: str


@dataclass(frozen=True)
class Arrived:
    """Somebody has proven who they are, and is among those who may."""

    user: User
    proven: Proven
    authenticated_at: datetime
    next: str


class LoginFailed(Forbidden):
    """It came to nothing, and the person can try again; `next` is where they were going."""

    def __init__(self, detail: str, next_: str) -> None:
        super().__init__(detail)
        self.next = next_


class Login:
    """Logins of one installation; `server.publicURL` is part of the one address that the provider sends people to."""

    def __init__(self, upstream: Upstream, sealer: Sealer, settings: Settings, clock: Clock) -> None:
        self._upstream = upstream
        self._sealer = sealer
        self._auth = settings.auth
        self._redirect_uri = f"{settings.server.public_url}/api/auth/callback"
        self._clock = clock

    async def begin(self, next_: str | None, *, reauthenticate: bool = False) -> Begun:
        """A new login.

        Args:
            next_: where the person wants to go; what is no local path is as good as none.
            reauthenticate: have them prove again who they are, even where the provider remembers them.

        Raises:
            Unavailable: the provider cannot be discovered, or there are no keys yet.
        """
        cookie = secrets.token_urlsafe(32)
        state = LoginState(
            id=secrets.token_hex(_ID_BYTES),
            cookie_hash=_hash(cookie),
            next=local_path(next_) or HOME,
            nonce=secrets.token_urlsafe(32),
            verifier=secrets.token_urlsafe(48),
            began_at=self._clock(),
            reauthenticate=reauthenticate,
        )
        flow = self._flow(state, self._sealer.seal(LOGIN_STATE, state, LIFETIME))
        url = await self._upstream.authorization_url(flow, reauthenticate=reauthenticate)
        return Begun(url, COOKIE_PREFIX + state.id, cookie)

    async def complete(self, query: str, cookies: Cookies) -> Arrived:
        """Who came back.

        Args:
            query: of the address that the provider sent the browser to, as it came.
            cookies: of the browser.

        Raises:
            Invalid: no login of this browser ends like this.
            Forbidden: the provider said no, what it says cannot be believed or used, or the person may not come in.
            Unavailable: the provider does not answer.
        """
        answer = _parameters(query)
        state = self._state(answer.get("state", ""), cookies)
        flow = self._flow(state, answer["state"])
        if "error" in answer:
            raise LoginFailed(_explained(answer["error"]), state.next)
        if not answer.get("code"):
            raise Invalid("the login's answer brings no code; log in again")
        who = await self._upstream.exchange(answer["code"], flow, said_issuer=answer.get("iss"))
        if state.reauthenticate and who.auth_time is not None and who.auth_time < state.began_at - _SLACK:
            raise LoginFailed("the login provider did not ask you again who you are; log out there first", state.next)
        user = user_of(who, self._auth)
        check_allowed(user, self._auth.allow, email_verified=who.email_verified)
        return Arrived(user, who, who.auth_time or self._clock(), state.next)

    def cookie_of(self, query: str) -> str | None:
        """The name of the cookie that the login of this answer had, so that it can be taken away."""
        try:
            return COOKIE_PREFIX + self._sealer.open(LOGIN_STATE, _parameters(query).get("state", "")).id
        except (Invalid, Unsealable):
            return None

    def _state(self, text: str, cookies: Cookies) -> LoginState:
        try:
            state = self._sealer.open(LOGIN_STATE, text)
        except Unsealable:
            raise Invalid("this login took too long, or did not begin here; log in again") from None
        cookie = cookies(COOKIE_PREFIX + state.id)
        if cookie is None or not hmac.compare_digest(_hash(cookie), state.cookie_hash):
            raise Invalid("this login did not begin in this browser, or its cookies were not kept; log in again")
        return state

    def _flow(self, state: LoginState, text: str) -> Flow:
        return Flow(state=text, nonce=state.nonce, verifier=state.verifier, redirect_uri=self._redirect_uri)


def local_path(text: str | None) -> str | None:
    """The text, if every reader of addresses takes it for a path of this server; else None.

    It begins with one slash and holds nothing that somebody could take for another host: no second slash beside the
    first or any other in the path, no backslash, blank or control character, neither plain nor percent-encoded however
    often, and no dot segments, after whose removal two slashes may meet.
    """
    if text is None or not text.startswith("/") or len(text) > _LONGEST_NEXT or not text.isascii():
        return None
    if "\\" in text or _WHITE_OR_CONTROL.search(text):
        return None
    path = re.split(r"[?#]", text, maxsplit=1)[0]
    for _ in range(_ROUNDS):
        if "//" in path or "\\" in path or _WHITE_OR_CONTROL.search(path) or _DOT_SEGMENT.search(path):
            return None
        try:
            decoded = unquote(path, errors="strict") if "%" in path else path
        except UnicodeDecodeError:
            return None  # such as an overlong slash, which some readers take for one
        if decoded == path:
            return text
        path = decoded
    return None


def _parameters(query: str) -> Mapping[str, str]:
    """Raises Invalid where one comes twice: two readers could take two different ones (RFC 6749, section 3.1)."""
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=32)
    except ValueError:
        raise Invalid("the login's answer says too much; log in again") from None
    if len({name for name, _ in pairs}) != len(pairs):
        raise Invalid("the login's answer says something twice; log in again")
    return dict(pairs)


def _explained(error: str) -> str:
    if error == "access_denied":
        return "the login provider did not let you in, or you changed your mind"
    word = error if re.fullmatch(r"[a-z_]{1,64}", error) else "unknown"
    return f"the login provider answered with the error {word}"


def _hash(cookie: str) -> bytes:
    return hashlib.sha256(cookie.encode()).digest()
