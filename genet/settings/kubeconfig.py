"""What the kubeconfigs that people download say, and by which means they prove who they are."""

from typing import Annotated, Literal

import msgspec

from genet.settings.section import Section


class Cluster(Section, frozen=True):
    """The API server as people reach it from their own machines."""

    name: str = "genet"
    server: str | None = None
    """URL of the API server; null: no kubeconfigs."""
    ca_data: str | None = None
    """Base64 of the PEM bundle that its certificate is checked with; null: the system's authorities."""


class Certificates(Section, frozen=True):
    max_hours: Annotated[float, msgspec.Meta(ge=0.25, le=24 * 365)] = 24.0
    """How long a certificate counts (hours). One that turns out longer is discarded: it cannot be revoked."""
    per_user_and_hour: Annotated[int, msgspec.Meta(ge=1)] = 5


class Kubeconfig(Section, frozen=True):
    mode: Literal["oidc", "cert", "off"] = "oidc"
    """`cert` needs the right to approve for the API server's client signer, which equals cluster-admin."""
    auth_provider: bool = False
    """Offer the form whose file holds a refresh token, for programs that cannot run a plugin."""
    plugin: Literal["kubelogin", "genet"] = "kubelogin"
    """Which exec plugin a kubeconfig names unless the request says otherwise."""
    issuer_ca_data: str | None = msgspec.field(name="issuerCAData", default=None)
    """Base64 of the PEM bundle that people's programs check Genet's own certificate with; null: the system's
    authorities."""
    cert: Certificates = Certificates()
    allow_create: bool = False
    """Let people create pods, jobs, claims and services with kubectl, which an admission policy watches over; needs
    Kubernetes 1.30."""
