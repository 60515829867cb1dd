"""The issuer as this client needs it: discovery, tokens for a code or for a refresh token, revocation, device codes."""

from collections.abc import Sequence
from typing import Final, Literal

import msgspec

from genet.client.addresses import safe_url
from genet.client.calls import Calls
from genet.client.errors import ClientError, Unreachable, printable

WANTED: Final = ("openid", "offline_access", "email", "groups")


class Metadata(msgspec.Struct, frozen=True):
    """What is used of OpenID Connect Discovery 1.0, section 3, and RFC 8414."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    revocation_endpoint: str | None = None
    device_authorization_endpoint: str | None = None
    scopes_supported: tuple[str, ...] | None = None
    code_challenge_methods_supported: tuple[str, ...] | None = None
    authorization_response_iss_parameter_supported: bool = False

    @property
    def scope(self) -> str:
        """All that is wanted of what there is."""
        offered: Sequence[str] = WANTED if self.scopes_supported is None else self.scopes_supported
        return " ".join(name for name in WANTED if name in offered or name == "openid")


class Tokens(msgspec.Struct, frozen=True):
    """The answer of RFC 6749, section 5.1."""

    access_token: str
    token_type: str
    expires_in: float = 0.0
    id_token: str | None = None
    refresh_token: str | None = None


class DeviceCode(msgspec.Struct, frozen=True):
    """The answer of RFC 8628, section 3.2; times in seconds."""

    device_code: str
    user_code: str
    verification_uri: str
    expires_in: float
    verification_uri_complete: str | None = None
    interval: float = 5.0


class Provider:
    """An issuer that has been discovered; see `discover`."""

    def __init__(self, metadata: Metadata, calls: Calls, client_id: str) -> None:
        self.metadata = metadata
        self._calls = calls
        self._client_id = client_id

    def redeem(self, code: str, verifier: str, redirect_uri: str) -> Tokens:
        form = {"code": code, "code_verifier": verifier, "redirect_uri": redirect_uri}
        return self._tokens("authorization_code", form)

    def refresh(self, refresh_token: str) -> Tokens:
        return self._tokens("refresh_token", {"refresh_token": refresh_token})

    def device_code(self) -> DeviceCode:
        endpoint = self.metadata.device_authorization_endpoint
        if endpoint is None:
            raise ClientError(
                f"{self.metadata.issuer} offers no login by device code", hint="Use --no-browser instead of --device."
            )
        return self._calls.post(endpoint, {"client_id": self._client_id, "scope": self.metadata.scope}, DeviceCode)

    def redeem_device(self, device_code: str) -> Tokens:
        return self._tokens("urn:ietf:params:oauth:grant-type:device_code", {"device_code": device_code})

    def revoke(self, token: str, kind: Literal["refresh_token", "access_token"]) -> bool:
        """False: the issuer offers no revocation."""
        endpoint = self.metadata.revocation_endpoint
        if endpoint is None:
            return False
        form = {"token": token, "token_type_hint": kind, "client_id": self._client_id}
        self._calls.post(endpoint, form, type(None))
        return True

    def _tokens(self, grant_type: str, form: dict[str, str]) -> Tokens:
        form = {"grant_type": grant_type, "client_id": self._client_id, **form}
        tokens = self._calls.post(self.metadata.token_endpoint, form, Tokens)
        if tokens.token_type.lower() != "bearer":
            raise Unreachable(f"the server gives tokens of an unknown kind ({printable(tokens.token_type)})")
        return tokens


def discover(issuer: str, calls: Calls, client_id: str, *, as_typed: bool = False) -> Provider:
    """Asks an issuer for its endpoints; raises ClientError unless it is that issuer and tokens are safe with it.

    Args:
        issuer: its URL.
        calls: what to ask with.
        client_id: as whom this client will speak.
        as_typed: a person typed the URL, who cannot know whether the issuer's has a slash at its end.
    """
    issuer = safe_url(issuer, "the issuer")
    bare = issuer.rstrip("/")
    metadata = calls.get(f"{bare}/.well-known/openid-configuration", Metadata)
    if metadata.issuer not in ((bare, f"{bare}/") if as_typed else (issuer,)):
        said = printable(metadata.issuer)
        raise ClientError(f"{issuer} says its issuer is {said}", hint=f"If you trust that one: genet login {said}")
    for name in ("authorization", "token", "revocation", "device_authorization"):
        if endpoint := getattr(metadata, f"{name}_endpoint"):
            safe_url(endpoint, f"the issuer's {name} endpoint")
    if "S256" not in (metadata.code_challenge_methods_supported or ("S256",)):
        raise ClientError(f"{issuer} does not support PKCE with S256, so codes could be stolen on the way")
    return Provider(metadata, calls, client_id)
