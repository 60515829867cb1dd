"""What kubectl runs to learn who is calling: an exec credential plugin (client.authentication.k8s.io/v1).

kubectl waits for it at each command, so a token that is still good is answered with the standard library alone; all
else is imported when it is needed.
"""

import json
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, NamedTuple

from genet.client.errors import ClientError, LoginNeeded, Unreachable
from genet.client.store import Login, Store

if TYPE_CHECKING:
    from genet.client.login import Way

API_VERSION: Final = "client.authentication.k8s.io/v1"


class Renewal(NamedTuple):
    """How a login is kept alive.

    `way` says how somebody logs in when it cannot be renewed, asked only then; None: nobody is there to do it.
    """

    store: Store
    ca_data: str | None = None
    way: Callable[[], "Way"] | None = None
    clock: Callable[[], float] = time.time


def interactive(exec_info: str | None) -> bool:
    """Whether somebody sits there, by KUBERNETES_EXEC_INFO; without it, whether stdin is a terminal.

    Raises ClientError where the caller speaks another version than this.
    """
    if not exec_info:
        return sys.stdin.isatty()
    try:
        asked = json.loads(exec_info)
        version, spec = asked.get("apiVersion"), asked.get("spec") or {}
        is_there = spec.get("interactive", False)
    except (ValueError, AttributeError):
        raise ClientError("KUBERNETES_EXEC_INFO cannot be read: this is for kubectl to call") from None
    if version != API_VERSION or asked.get("kind") != "ExecCredential":
        raise ClientError(
            f"the kubeconfig asks for another version of credentials than {API_VERSION}",
            hint="Fetch it anew: genet kubeconfig",
        )
    return is_there is True


def document(login: Login) -> str:
    """The ExecCredential, which is all that may ever be printed of a token."""
    ends = datetime.fromtimestamp(login.id_token_ends, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    status = {"token": login.id_token, "expirationTimestamp": ends}
    return json.dumps({"apiVersion": API_VERSION, "kind": "ExecCredential", "status": status})


def current(issuer: str, client_id: str, renewal: Renewal, *, for_server: bool = False) -> Login:
    """A login whose tokens are good for a while, renewed where they are not.

    Of several callers at once one renews, and the others take what it got. When the server cannot be reached, a token
    that has not ended yet is better than none.

    Args:
        issuer: who gave the tokens.
        client_id: to whom.
        renewal: see there.
        for_server: the access token is needed, not only the ID token.

    Raises:
        LoginNeeded: it is over, and nobody is there to log in.
        ClientError: anything else that is in the way.
    """
    login = renewal.store.read(issuer, client_id)
    if login is not None and _is_good(login, renewal.clock(), for_server=for_server):
        return login
    with renewal.store.locked(issuer, client_id):
        login = renewal.store.read(issuer, client_id)
        if login is not None and _is_good(login, renewal.clock(), for_server=for_server):
            return login
        try:
            renewed = _renewed(issuer, client_id, login, renewal)
        except Unreachable:
            if login is None or for_server or login.id_token_ends <= renewal.clock():
                raise
            return login
        renewal.store.keep(renewed)
        return renewed


def _is_good(login: Login, now: float, *, for_server: bool) -> bool:
    good_until = login.id_token_good_until
    return now < (min(good_until, login.access_token_good_until) if for_server else good_until)


def _renewed(issuer: str, client_id: str, login: Login | None, renewal: Renewal) -> Login:
    if renewal.way is None and (login is None or login.refresh_token is None):
        raise _needed(issuer, "you are not logged in" if login is None else "the login is over")

    from genet.client.calls import Calls  # noqa: PLC0415 # httpx costs a tenth of a second
    from genet.client.login import log_in, renew  # noqa: PLC0415
    from genet.client.provider import discover  # noqa: PLC0415

    ca_data = renewal.ca_data or (login.ca_data if login else None)
    with Calls(ca_data) as calls:
        provider = discover(issuer, calls, client_id)
        if login is not None and login.refresh_token is not None:
            try:
                return renew(provider, login, clock=renewal.clock)
            except LoginNeeded as over:
                renewal.store.forget(issuer, client_id)
                if renewal.way is None:
                    raise _needed(issuer, str(over)) from None
        if renewal.way is None:
            raise _needed(issuer, "the login is over")
        return log_in(provider, client_id, ca_data, renewal.way(), clock=renewal.clock)


def _needed(issuer: str, why: str) -> LoginNeeded:
    return LoginNeeded(why, hint=f"Log in: genet login {issuer}")
