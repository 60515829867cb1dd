"""Where requests may come from and what their bodies are, path by path, where that is not the usual. Pure.

The usual is the strictest: from the own pages, in JSON. So a path that is spelled in another way can only lose.
"""

from dataclasses import dataclass
from typing import Final

JSON: Final = b"application/json"
FORM: Final = b"application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Way:
    media_type: bytes = JSON
    crosses_sites: bool = False
    """Whether unsafe requests may come from anywhere: they prove who sends them by themselves, and no cookie counts."""
    for_every_site: bool = False
    """Whether pages of every site may read the answer (CORS, without credentials)."""
    refuses_as_oauth: bool = False
    """Whether refusals are in the words of RFC 6749 section 5.2: its clients know no others."""


_USUAL: Final = Way()
_PAGES: Final = Way(FORM)
"""Consent and device: forms that the own pages send."""
_BY_PROTOCOL: Final = Way(FORM, crosses_sites=True, for_every_site=True, refuses_as_oauth=True)
_WAYS: Final = {
    "/.well-known/openid-configuration": Way(for_every_site=True),
    "/oidc/jwks": Way(for_every_site=True),
    "/oidc/token": _BY_PROTOCOL,
    "/oidc/userinfo": _BY_PROTOCOL,
    "/oidc/revoke": _BY_PROTOCOL,
    # no page has a use for these from afar: one is for devices, the other for the address bar alone
    "/oidc/device_authorization": Way(FORM, crosses_sites=True, refuses_as_oauth=True),
    "/oidc/authorize": Way(FORM, crosses_sites=True),
}


def of(path: str) -> Way:
    return _WAYS.get(path) or (_PAGES if path.startswith("/oidc/") else _USUAL)
