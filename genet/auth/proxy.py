"""Who is calling, as a trusted proxy in front says it: oauth2-proxy, as a side-car or with a secret.

Why addresses alone never suffice: people run pods in this cluster, and a pod can have any address of its network. So
the proxy is on loopback, in the same pod, or it knows a secret. `auth.trustedProxies` only narrows that.

Traps:

- What sends a header twice may mean two people: some readers join them, some take the last one.
- The peer is the other end of the socket, never what a header says it is.
- Only two headers are believed, and which ones the settings say. A proxy takes away what clients send of those it sets
  itself, and lets the others through: groups from a header that it does not set would make anybody an administrator.
  oauth2-proxy in front sets `X-Forwarded-…`; with `--set-xauthrequest` it sets `X-Auth-Request-…` in its answers alone,
  and those of a request come from the browser.
"""

import hmac
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final

from genet import naming
from genet.auth.identities import accepted
from genet.auth.proven import check_allowed
from genet.auth.user import User
from genet.errors import Forbidden
from genet.settings import Settings

SECRET: Final = b"x-genet-proxy-secret"
_LONGEST: Final = 256

Headers = Iterable[tuple[bytes, bytes]]


class Proxies:
    """Which requests come from a trusted proxy, and of whom."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._networks = [ip_network(range_) for range_ in settings.auth.trusted_proxies]
        secret = settings.auth.proxy.secret
        self._secret = secret.encode() if secret is not None else None
        self._user_header, self._email_header = names(settings)

    def user(self, peer: str | None, headers: Headers) -> User | None:
        """Who is calling; None: nobody whom a trusted proxy speaks for.

        Args:
            peer: the address of the other end of the socket.
            headers: all of the request.

        Raises:
            Forbidden: the proxy says something that cannot be used, or the person may not come in.
        """
        found = list(headers)
        if not self._is_trusted(peer, found):
            return None
        username, email = _one(found, self._user_header), _one(found, self._email_header)
        if username is None and email is None:
            return None
        if username is None or email is None:
            raise Forbidden("the proxy in front of Genet does not say both your name and your mail address")
        return self._user(username, email)

    def _user(self, username: str, email: str) -> User:
        auth = self._settings.auth
        identifier = naming.user_identifier(username, email)
        user = User(
            username=username,
            email=email,
            identifier=identifier,
            owner=f"{auth.proxy.issuer}|{username}|{email}",
            is_admin=identifier in auth.admins.users,
        )
        # the proxy lets nobody through whose address it does not believe
        check_allowed(user, auth.allow, email_verified=True)
        return accepted(user)

    def _is_trusted(self, peer: str | None, headers: Headers) -> bool:
        address = _address(peer)
        if address is None:
            return False
        if self._networks and not any(address in network for network in self._networks):
            return False
        if self._secret is None:
            return address.is_loopback
        sent = [value for name, value in headers if name.lower() == SECRET]
        return len(sent) == 1 and hmac.compare_digest(sent[0], self._secret)


def names(settings: Settings) -> tuple[bytes, bytes]:
    """The headers of user name and mail address, in lower case."""
    proxy = settings.auth.proxy
    return proxy.user_header.lower().encode(), proxy.email_header.lower().encode()


def _address(peer: str | None) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(peer or "")
    except ValueError:
        return None
    # a socket that takes both families shows the old one's addresses inside of the new one's
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


def _one(headers: Headers, wanted: bytes) -> str | None:
    """The one value of a header; None: it is not there. Raises Forbidden where it is there twice or is no text."""
    values = [value for name, value in headers if name.lower() == wanted]
    if not values:
        return None
    try:
        text = values[0].decode()
    except UnicodeDecodeError:
        text = ""
    if len(values) > 1 or not text or not text.isprintable() or len(text) > _LONGEST:
        raise Forbidden(f"the proxy in front of Genet sends a {wanted.decode()} that cannot be used")
    return text
