"""What clients and the provider say to each other: one Struct per message of the specifications, and the one error.

Pure: messages are read from the parameters of a request, given as pairs as they were sent, and judged by themselves;
whether a client may send them is `authorize`'s and `grants`' business.

Traps:
- A parameter sent twice is refused: two parsers that pick different ones of the two are how checks are walked around
  (CVE-2026-9689). A parameter without a value counts as left out (RFC 6749 section 3.1).
- What is not understood is passed over, never an error (RFC 6749 section 3.1, OpenID Connect Core section 3.1.2.1),
  but the parameters that would change the meaning of the rest are refused by name.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

AUTHORIZATION_CODE: Final = "authorization_code"
REFRESH_TOKEN: Final = "refresh_token"  # noqa: S105 # a name
DEVICE_CODE: Final = "urn:ietf:params:oauth:grant-type:device_code"

OPENID: Final = "openid"
OFFLINE_ACCESS: Final = "offline_access"
SCOPES: Final = (OPENID, "profile", "email", "groups", OFFLINE_ACCESS)
"""What may be asked for; the rest is passed over."""

LONGEST_STATE: Final = 1024
LONGEST_NONCE: Final = 256
LONGEST_HINT: Final = 256

_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")
_PRINTABLE = re.compile(r"[\x20-\x7e]*")
_PROMPTS: Final = frozenset({"none", "login", "consent", "select_account"})
_MAX_AGE_DIGITS = 9


class OAuthError(Exception):
    """A refusal in the protocol's own words (RFC 6749 sections 4.1.2.1 and 5.2).

    Args:
        error: the code, such as `invalid_grant`.
        description: for the developer of the client; ASCII without quotes and backslashes, and nothing secret.
        status: of an answer that is no redirect.
    """

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(f"{error}: {description}")
        self.error = error
        self.description = description
        self.status = status


class ErrorResponse(msgspec.Struct, frozen=True):
    """RFC 6749 section 5.2."""

    error: str
    error_description: str


class AuthorizationRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """RFC 6749 section 4.1.1, RFC 7636 section 4.3, OpenID Connect Core section 3.1.2.1."""

    client_id: str
    redirect_uri: str
    scope: tuple[str, ...]
    """Known ones, in the order of `SCOPES`, `openid` among them."""
    state: str | None = None
    nonce: str | None = None
    code_challenge: str | None = None
    """S256, the one method there is."""
    prompt: frozenset[str] = frozenset()
    max_age: int | None = None
    """How long ago the person may have proved who they are (seconds)."""
    login_hint: str | None = None


class TokenResponse(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """RFC 6749 section 5.1, OpenID Connect Core section 3.1.3.3."""

    access_token: str
    id_token: str
    expires_in: int
    """Seconds."""
    scope: str
    token_type: str = msgspec.field(default_factory=lambda: "Bearer")
    refresh_token: str | None = None


class DeviceAuthorizationResponse(msgspec.Struct, frozen=True, kw_only=True):
    """RFC 8628 section 3.2."""

    device_code: str
    user_code: str
    verification_uri: str
    verification_uri_complete: str
    expires_in: int
    """Seconds."""
    interval: int
    """Seconds between two questions of the device."""


class Parameters:
    """The parameters of one request. One that is there twice cannot be read, and then the request cannot be either."""

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self._values: dict[str, str] = {}
        self._doubled: set[str] = set()
        for name, value in pairs:
            if name in self._values:
                self._doubled.add(name)
            self._values[name] = value

    def get(self, name: str) -> str | None:
        """Raises OAuthError where it is there twice."""
        if name in self._doubled:
            raise OAuthError("invalid_request", "a parameter is there twice")
        return self._values.get(name) or None

    def required(self, name: str) -> str:
        """`name` is one of ours, never the caller's: it is quoted in the refusal."""
        value = self.get(name)
        if value is None:
            raise OAuthError("invalid_request", f"{name} is missing")
        return value

    def refuse_doubled(self) -> None:
        """Raises OAuthError where any parameter is there twice, known or not."""
        if self._doubled:
            raise OAuthError("invalid_request", "a parameter is there twice")


def read_authorization_request(parameters: Parameters) -> AuthorizationRequest:
    """Everything about the request that holds for any client.

    Raises:
        OAuthError: to be told to the client by a redirect; the client and where to were judged before.
    """
    parameters.refuse_doubled()
    _refuse_what_changes_the_meaning(parameters)
    return AuthorizationRequest(
        client_id=parameters.required("client_id"),
        redirect_uri=parameters.required("redirect_uri"),
        scope=_openid(read_scope(parameters.get("scope"))),
        state=read_state(parameters),
        nonce=_nonce(parameters.get("nonce")),
        code_challenge=_challenge(parameters),
        prompt=_prompt(parameters.get("prompt")),
        max_age=_max_age(parameters.get("max_age")),
        login_hint=_short(parameters.get("login_hint")),
    )


def read_state(parameters: Parameters) -> str | None:
    """The client's `state`, to be handed back as it came; in errors too, so it is read by itself.

    Raises:
        OAuthError: it cannot be handed back.
    """
    state = parameters.get("state")
    if state is not None and (len(state) > LONGEST_STATE or not _PRINTABLE.fullmatch(state)):
        raise OAuthError("invalid_request", f"state must be printable ASCII of at most {LONGEST_STATE} characters")
    return state


def read_scope(text: str | None) -> tuple[str, ...]:
    """Those that are known.

    Raises:
        OAuthError: `invalid_scope` where it is not written as RFC 6749 section 3.3 has it.
    """
    asked = (text or "").split(" ")
    if text and not all(_SCOPE.fullmatch(one) for one in asked):
        raise OAuthError("invalid_scope", "scope must be words with one space between them")
    return tuple(one for one in SCOPES if one in asked)


def _refuse_what_changes_the_meaning(parameters: Parameters) -> None:
    if parameters.get("request") is not None:
        raise OAuthError("request_not_supported", "request objects are not supported")
    if parameters.get("request_uri") is not None:
        raise OAuthError("request_uri_not_supported", "request objects are not supported")
    if parameters.get("registration") is not None:
        raise OAuthError("registration_not_supported", "clients are registered by the operator")
    if parameters.required("response_type") != "code":
        raise OAuthError("unsupported_response_type", "response_type must be code")
    if parameters.get("response_mode") not in {None, "query"}:
        raise OAuthError("invalid_request", "response_mode must be query")


def _openid(scope: tuple[str, ...]) -> tuple[str, ...]:
    if OPENID not in scope:
        raise OAuthError("invalid_scope", "scope must hold openid")
    return scope


def _nonce(nonce: str | None) -> str | None:
    if nonce is not None and (len(nonce) > LONGEST_NONCE or not _PRINTABLE.fullmatch(nonce)):
        raise OAuthError("invalid_request", f"nonce must be printable ASCII of at most {LONGEST_NONCE} characters")
    return nonce


def _short(hint: str | None) -> str | None:
    """It is no more than a hint: one that nobody can mean is passed over."""
    return hint if hint is not None and len(hint) <= LONGEST_HINT else None


def _challenge(parameters: Parameters) -> str | None:
    challenge, method = parameters.get("code_challenge"), parameters.get("code_challenge_method")
    if challenge is None:
        if method is not None:
            raise OAuthError("invalid_request", "code_challenge_method without code_challenge")
        return None
    if method != "S256":  # left out it would mean plain
        raise OAuthError("invalid_request", "code_challenge_method must be S256")
    if not _CHALLENGE.fullmatch(challenge):
        raise OAuthError("invalid_request", "code_challenge must be the base64url of a SHA-256")
    return challenge


def _prompt(text: str | None) -> frozenset[str]:
    prompts = frozenset((text or "").split())
    if not prompts <= _PROMPTS:
        raise OAuthError("invalid_request", "prompt must be of none, login, consent and select_account")
    if "none" in prompts and len(prompts) > 1:
        raise OAuthError("invalid_request", "prompt=none stands alone")
    return prompts


def _max_age(text: str | None) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= _MAX_AGE_DIGITS):
        raise OAuthError("invalid_request", "max_age must be a number of seconds")
    return int(text)


def form_of(error: OAuthError) -> Mapping[str, str]:
    """An error as parameters of a redirect or fields of a JSON answer."""
    return {"error": error.error, "error_description": error.description}
