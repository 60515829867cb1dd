"""Logging in: by a browser here, by a browser elsewhere whose last address is pasted, or by a device code."""

import os
import sys
import threading
import time
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, NamedTuple

from genet.client import attempt, identity
from genet.client.errors import LONGEST_ADDRESS, ClientError, LoginNeeded, OAuthRefused, Unreachable, printable
from genet.client.loopback import listening
from genet.client.provider import Provider, Tokens
from genet.client.store import Login
from genet.client.terminal import tell

LIMIT_SECONDS: Final = 300.0
_MARGIN_SECONDS: Final = 60.0
"""Tokens are replaced so long before they end, or at half their life where that is short."""
_SLOWER_SECONDS: Final = 5.0


def open_browser(url: str) -> None:
    """Starts the person's browser; not on Linux without a display, where Python would start one in the terminal."""
    named = ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY")
    if sys.platform != "linux" or any(os.environ.get(name) for name in named):
        webbrowser.open(url)


def no_browser(_: str) -> None:
    """Whoever logs in opens the address where they like."""


class Way(NamedTuple):
    """How somebody logs in; `terminal` is the file descriptor of one where an address can be pasted."""

    open_url: Callable[[str], object] = open_browser
    by_device: bool = False
    limit_seconds: float = LIMIT_SECONDS
    terminal: int | None = None
    sleep: Callable[[float], None] = time.sleep


def log_in(provider: Provider, client_id: str, ca_data: str | None, way: Way, *, clock: Callable[[], float]) -> Login:
    """A new login; what people are to do goes to stderr."""
    nonce = None
    if way.by_device:
        tokens = _by_device(provider, way)
    else:
        tokens, nonce = _by_browser(provider, client_id, way)
    return _login(provider, client_id, ca_data, tokens, nonce=nonce, before=None, now=clock())


def renew(provider: Provider, before: Login, *, clock: Callable[[], float]) -> Login:
    """The same login with new tokens.

    Raises:
        LoginNeeded: the server has ended it, or it never could be renewed.
    """
    if before.refresh_token is None:
        raise LoginNeeded("the login is over")
    try:
        tokens = provider.refresh(before.refresh_token)
    except OAuthRefused as refusal:
        if refusal.code == "invalid_grant":
            raise LoginNeeded("the server has ended the login") from None
        raise
    return _login(provider, before.client_id, before.ca_data, tokens, nonce=None, before=before, now=clock())


def _login(
    provider: Provider,
    client_id: str,
    ca_data: str | None,
    tokens: Tokens,
    *,
    nonce: str | None,
    before: Login | None,
    now: float,
) -> Login:
    issuer = provider.metadata.issuer
    if tokens.id_token is None:
        raise Unreachable(f"{issuer} gave no ID token")
    subject = before.subject if before else None
    claims = identity.checked(
        tokens.id_token, issuer=issuer, client_id=client_id, now=now, nonce=nonce, subject=subject
    )
    return Login(
        issuer=issuer,
        client_id=client_id,
        subject=claims["sub"],
        id_token=tokens.id_token,
        id_token_ends=int(claims["exp"]),
        id_token_good_until=_good_until(now, claims["exp"] - now),
        access_token=tokens.access_token,
        access_token_good_until=_good_until(now, tokens.expires_in),
        refresh_token=tokens.refresh_token or (before.refresh_token if before else None),
        ca_data=ca_data,
        logged_in_at=before.logged_in_at if before else int(now),
    )


def _good_until(now: float, lifetime: float) -> int:
    return int(now + lifetime - min(_MARGIN_SECONDS, lifetime / 2))


def _by_browser(provider: Provider, client_id: str, way: Way) -> tuple[Tokens, str]:
    with listening() as listener:
        asked = attempt.begin(provider.metadata, client_id, listener.redirect_uri)
        tell("Log in with your browser at", f"  {asked.url}")
        if way.terminal is not None:
            tell(
                "If your browser is on another machine, its last page will not load: copy its address,",
                f"which begins with {listener.redirect_uri}, and paste it here.",
            )
        listener.expect(asked)
        with _quiet_stdout():
            # some browsers come back only when they are closed
            threading.Thread(target=way.open_url, args=(asked.url,), daemon=True).start()
            code = listener.wait(asked, seconds=way.limit_seconds, pasted=way.terminal)
    return provider.redeem(code, asked.verifier, asked.redirect_uri), asked.nonce


@contextmanager
def _quiet_stdout() -> Iterator[None]:
    """What a browser prints goes to stderr: kubectl reads our stdout."""
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)


def _by_device(provider: Provider, way: Way) -> Tokens:
    """RFC 8628."""
    code = provider.device_code()
    where = printable(code.verification_uri)
    tell(f"On any device, go to {where} and enter this code:", f"  {printable(code.user_code)}")
    if code.verification_uri_complete:
        tell(f"or open {printable(code.verification_uri_complete, LONGEST_ADDRESS)}")
    tell("Never enter a code that somebody sent you.")
    interval, left = max(code.interval, 1.0), min(code.expires_in, way.limit_seconds)
    while left > 0:
        way.sleep(interval)
        left -= interval
        try:
            return provider.redeem_device(code.device_code)
        except OAuthRefused as refusal:
            if refusal.code == "slow_down":
                interval += _SLOWER_SECONDS
            elif refusal.code != "authorization_pending":
                raise
    raise ClientError("nobody entered the code in time", hint="Start again when you are ready.")
