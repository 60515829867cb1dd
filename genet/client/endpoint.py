"""Which server the commands about pods ask, and with which API token.

A token belongs to one server. So one from the environment goes to the server that the environment names, one that is
kept goes to the server it was kept for, and what was named for another server is not used at all.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

from genet.client.addresses import is_loopback, server_url
from genet.client.errors import ClientError, LoginNeeded
from genet.client.store import Store

SERVER_VARIABLE: Final = "GENET_URL"
TOKEN_VARIABLE: Final = "GENET_TOKEN"  # noqa: S105 # its name
_TOKEN: Final = re.compile(r"genet-sk-[A-Za-z0-9_.-]{16,200}")
_LONGEST: Final = 4096


class Endpoint(NamedTuple):
    server: str
    """Its URL without a slash at the end."""
    token: str | None
    """None: none is needed, as for a server in dev mode on this machine."""
    ca_data: str | None


def endpoint(
    environ: Mapping[str, str], store: Store, *, server: str | None, token_file: Path | None, ca_data: str | None
) -> Endpoint:
    """Where to ask.

    Args:
        environ: of the process.
        store: where tokens are kept.
        server: as somebody typed it; None: as the environment says, else that of the token kept last.
        token_file: a file with a token; None: as the environment says, else what is kept for the server.
        ca_data: authorities as somebody named them.

    Raises:
        LoginNeeded: no token is known for that server, and it is not on this machine.
        ClientError: what is given cannot be used, or not for this server.
    """
    named = environ.get(SERVER_VARIABLE) or None
    typed = server or named
    kept = store.latest_token() if typed is None else store.read_token(server_url(typed))
    if typed is None and kept is None and (login := store.latest()) is not None:
        typed = login.issuer  # where to make a token, at least: a login opens nothing of the API
    if typed is None and kept is None:
        raise LoginNeeded(
            "which server is meant is not known",
            hint=f"Name it with --server or {SERVER_VARIABLE}, or keep a token: genet login --with-token SERVER",
        )
    url = server_url(typed) if typed is not None else kept.server if kept is not None else ""
    found = _given(environ, url, named, token_file)
    if found is None and kept is not None:
        found = kept.token
    if found is None and not is_loopback(url):
        raise LoginNeeded(
            f"there is no API token for {url}",
            hint=f"Make one on your account page there, then: genet login --with-token {url}",
        )
    return Endpoint(url, found, ca_data if ca_data is not None else kept.ca_data if kept is not None else None)


def checked_token(text: str, source: str) -> str:
    """An API token as it should be; what is none is never sent anywhere, and never shown."""
    token = text.strip()
    if not _TOKEN.fullmatch(token):
        raise ClientError(f"{source} holds no API token of Genet (they begin with genet-sk-)")
    return token


def _given(environ: Mapping[str, str], url: str, named: str | None, token_file: Path | None) -> str | None:
    if token_file is not None:
        with token_file.open("rb") as file:
            return checked_token(file.read(_LONGEST).decode("ascii", errors="replace"), str(token_file))
    text = environ.get(TOKEN_VARIABLE)
    if not text:
        return None
    if named is None:
        raise ClientError(
            f"{TOKEN_VARIABLE} is set, but not for which server", hint=f"Name the server in {SERVER_VARIABLE}."
        )
    return checked_token(text, TOKEN_VARIABLE) if server_url(named) == url else None
