"""Who gets in, and by which names the server may be called."""

from typing import Literal

import msgspec

from genet.settings.login import Allow, Proxy, Session
from genet.settings.section import Section


class Dev(Section, frozen=True):
    allow_remote: bool = False
    """Serve dev mode on other addresses than loopback. Anybody who reaches the port is anybody they like to be."""


class Admins(Section, frozen=True):
    users: tuple[str, ...] = ()
    """userIdentifiers that may list and act for everybody. Where people choose their own name or mail address at the
    provider they choose their userIdentifier: name groups then."""
    groups: tuple[str, ...] = ()
    """Groups, as the provider calls them, whose members may."""


class Auth(Section, frozen=True):
    mode: Literal["oauth", "proxy", "dev"]
    """How people log in: at the company's provider (`oauth`), by the headers of a proxy that asked it (`proxy`), or
    not at all (`dev` believes `?user=`). It has no default outside `genet demo`."""
    dev: Dev = Dev()
    proxy: Proxy = Proxy()
    trusted_proxies: tuple[str, ...] = ()
    """Addresses or networks (CIDR) that the headers of `proxy` may come from; narrows, and never suffices alone."""
    session: Session = Session()
    allow: Allow = Allow()
    admins: Admins = Admins()
    anonymous_overview: Literal["full-shape", "summary", "off"] = "full-shape"
    """What the GPU overview shows without login: every card without names, the sums alone, or nothing."""


class TLS(Section, frozen=True):
    cert_file: str
    """PEM file: the certificate, then what it was signed by."""
    key_file: str


class Server(Section, frozen=True):
    public_url: str | None = msgspec.field(name="publicURL", default=None)
    """Where people reach Genet, such as `https://genet.example.org`, without a path. Its name is an allowed host, and
    unsafe requests must come from it. Required for `auth.mode: oauth` and for the OpenID Provider."""
    tls: TLS | None = None
    """Serve HTTPS itself; null: HTTP, behind something that ends TLS."""
    allowed_hosts: tuple[str, ...] = ()
    """Host names (without port) the server answers to, besides localhost, 127.0.0.1 and [::1] in dev mode."""
    metrics_port: int | None = 9090
    """Port of the Prometheus exposition `/metrics`; null switches it off."""
    drain_seconds: float = 5.0
    """How long /readyz answers 503 after SIGTERM before the sockets close: load balancers look away (seconds)."""


class Kubernetes(Section, frozen=True):
    kubeconfig: str | None = None
    """Path of a kubeconfig; null: the pod's service account, else KUBECONFIG, else ~/.kube/config."""
    context: str | None = None
    """Context of that kubeconfig; null: its current one."""
    request_timeout_seconds: float = 30.0
    """Upper bound of every single call to the API server (seconds)."""
    service_account: str | None = None
    """`namespace/name` of Genet's own ServiceAccount: it is bound to `genet-tenant` in every managed namespace.
    null where Genet runs with a kubeconfig that may do everything anyway."""
    grants_namespace: str = "genet-grants"
    """Where sessions, grants, tokens and keys are kept, as Secrets that nobody else has a right to read."""
