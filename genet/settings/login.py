"""How people prove who they are: at the company's provider, or at a proxy that has asked it already."""

from typing import Annotated, Literal

import msgspec

from genet.settings.section import Secret, Section

Hours = Annotated[float, msgspec.Meta(gt=0)]
HeaderName = Annotated[str, msgspec.Meta(pattern=r"^X-(Auth-Request|Forwarded)-(User|Preferred-Username|Name|Email)$")]


class Session(Section, frozen=True):
    hours: Hours = 12.0
    """After this long people log in again, whatever they did meanwhile (hours)."""
    most_per_user: Annotated[int, msgspec.Meta(ge=1)] = 20
    """Sessions of one user; one more ends the oldest."""


class Proxy(Section, frozen=True):
    """Login by the headers of a proxy in front, such as oauth2-proxy."""

    secret: Secret | None = None
    """What the proxy must send as `X-Genet-Proxy-Secret`. null: the proxy must be a side-car on loopback."""
    issuer: str = "proxy"
    """What the identities of this proxy begin with; never change it, it names the owners of namespaces."""
    user_header: HeaderName = "X-Auth-Request-User"
    """Header with the user name. The proxy must set it in every request itself: one that it lets through from
    browsers makes anybody anybody. oauth2-proxy in front sets `X-Forwarded-Preferred-Username`."""
    email_header: HeaderName = "X-Auth-Request-Email"
    """Header with the mail address, of which the same holds. oauth2-proxy in front sets `X-Forwarded-Email`."""


class Allow(Section, frozen=True):
    """Who may log in at all; a person who matches one list gets in, and with no list everybody does."""

    email_domains: tuple[str, ...] = ()
    """Domains of e-mail addresses that the provider calls verified."""
    groups: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    """userIdentifiers; where people choose their own name or mail address at the provider, groups are safer."""


class OAuth(Section, frozen=True):
    """The company's login: an OpenID Provider, or with the three endpoints instead of it plain OAuth 2."""

    provider_url: str | None = msgspec.field(name="providerURL", default=None)
    """Issuer URL of the OpenID Provider, exactly as its discovery document and its tokens say it."""
    client_id: str = msgspec.field(name="clientID", default="")
    client_secret: Secret | None = None
    """null: Genet is a public client there."""
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    """`offline_access` too where the provider gives refresh tokens for it: then grants outlive 12 hours."""
    username_claim: str = "preferred_username"
    email_claim: str = "email"
    groups_claim: str = "groups"
    ca_file: str | None = None
    """PEM file of the authorities that the provider's certificate is checked with; null: the system's."""
    authorization_endpoint: str | None = None
    """Plain OAuth 2 only, with the two below, instead of `providerURL`; `subjectClaim` has to fit the provider then."""
    token_endpoint: str | None = None
    userinfo_endpoint: str | None = None
    subject_claim: str = "sub"
    """The claim that never changes and is never given to somebody else, such as GitHub's `id`."""


class Client(Section, frozen=True):
    """A program that may ask Genet who its user is."""

    id: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
    secret: Secret | None = None
    """null: a public client; PKCE is mandatory and people are asked for consent."""
    redirect_uris: tuple[str, ...] = msgspec.field(name="redirectURIs", default=())
    """Compared exactly; `http` only for loopback, where any port will do."""
    name: str = ""
    """What people are shown; empty: the id."""
    grant_types: tuple[Literal["authorization_code", "refresh_token", "device_code"], ...] = (
        "authorization_code",
        "refresh_token",
    )


class Lifetimes(Section, frozen=True):
    """In seconds, unless the name says otherwise."""

    code: Annotated[int, msgspec.Meta(ge=10, le=600)] = 60
    id_token: Annotated[int, msgspec.Meta(ge=10, le=600)] = 600
    access_token: Annotated[int, msgspec.Meta(ge=10, le=3600)] = 600
    refresh_idle_hours: Hours = 7 * 24.0
    """A grant that was not refreshed for so long is over."""
    refresh_hours: Hours = 30 * 24.0
    """A grant is over after so long however often it was refreshed; 12 without an upstream refresh token."""
    refresh_grace: Annotated[int, msgspec.Meta(ge=0, le=60)] = 10
    """How long the refresh token before the present one still gets the same answer: kubectl runs side by side."""
    upstream_check: Annotated[int, msgspec.Meta(ge=10)] = 600
    """How old what the company's provider said of a person may be when tokens are made from it."""


class OIDCProvider(Section, frozen=True):
    """Genet's own OpenID Provider, which the API server trusts."""

    enabled: bool | None = None
    """null: on, but off in dev mode."""
    issuer: str | None = None
    """null: `server.publicURL`. What `--oidc-issuer-url` says; https, and http only on loopback."""
    clients: tuple[Client, ...] = ()
    """Besides `kube`, which is built in: public, for loopback redirects."""
    ttl: Lifetimes = Lifetimes()
    username_prefix: str = "genet:"
    """What the API server is told to put before user names, and before groups."""
    device_flow: bool = False
    """Login by a code typed elsewhere, for machines without a browser; it can be phished, so it is off."""
    key_rotation_days: Annotated[float, msgspec.Meta(gt=0)] = 30.0
    """How often the signing key changes by itself."""
    grants_per_user: Annotated[int, msgspec.Meta(ge=1)] = 50
