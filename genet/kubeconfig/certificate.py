"""Client certificates: the request, what is compared before it is approved, and what before it is handed out. Pure.

A certificate cannot be revoked, and the API server believes whatever subject it bears. So the subject is built here
from the userIdentifier alone and looked at again in what was signed: one common name, no organization (its values
would be groups), nothing more. The API server's admission stops the group `system:masters` only; user names and other
groups of its own it takes from anybody whose request is approved.

Trap: signers before Kubernetes 1.22 drop `expirationSeconds` without a word, and their certificates last for whatever
the cluster was set up with, often a year.
"""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from genet import naming
from genet.errors import Forbidden, Unavailable
from genet.kube.objects import CertificateSigningRequest

SIGNER: Final = "kubernetes.io/kube-apiserver-client"
USAGES: Final = ("digital signature", "client auth")
SHORTEST_SECONDS: Final = 600
"""Less is refused by the API server."""
SKEW: Final = timedelta(minutes=5)
"""How far the signer's clock may be off."""

_RESERVED: Final = "system:"
_LONGEST_NAME: Final = 64
"""Characters of a common name (RFC 5280, ub-common-name)."""


class SignerIgnoresExpiry(Unavailable):
    """The certificate would have outlived `kubeconfig.cert.maxHours`."""

    code = "signer_ignores_expiry"


@dataclass(frozen=True)
class Certificate:
    """One that may be handed out."""

    pem: bytes
    """With the chain, as the signer sent it."""
    serial: int
    not_after: datetime


def new_key() -> ec.EllipticCurvePrivateKey:
    """For one download: it is in that answer and nowhere else."""
    return ec.generate_private_key(ec.SECP256R1())


def common_name(prefix: str, identifier: str) -> str:
    """What the API server will call the user.

    Raises:
        Forbidden: a name that is Kubernetes' own, or that no certificate can bear.
    """
    name = f"{prefix}{identifier}"
    if not identifier or name.startswith(_RESERVED) or len(name) > _LONGEST_NAME or not name.isprintable():
        raise Forbidden("no certificate can be made for this user name; see oidcProvider.usernamePrefix")
    return name


def request(key: ec.EllipticCurvePrivateKey, name: str) -> bytes:
    """PEM of a request for the subject `CN=name` and nothing else."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    signed = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    return signed.public_bytes(serialization.Encoding.PEM)


def manifest(object_name: str, identifier: str, pem: bytes, lifetime: timedelta) -> dict[str, Any]:
    return {
        "apiVersion": "certificates.k8s.io/v1",
        "kind": "CertificateSigningRequest",
        "metadata": {"name": object_name, "labels": {naming.MANAGED: "true", naming.USER: identifier}},
        "spec": {
            "request": _base64(pem),
            "signerName": SIGNER,
            "usages": list(USAGES),
            "expirationSeconds": max(SHORTEST_SECONDS, int(lifetime.total_seconds())),
        },
    }


def differences(sent: Mapping[str, Any], uid: str, seen: CertificateSigningRequest) -> Sequence[str]:
    """In what the object that is there now is not the one that was sent; approved is only what has none.

    An expiry that is missing is no difference: old API servers drop it, and what they sign is looked at afterwards.
    """
    spec, asked = seen.spec, sent["spec"]
    compared = {
        "uid": (seen.metadata.uid, uid),
        "request": (_base64(spec.request), asked["request"]),
        "signerName": (spec.signer_name, asked["signerName"]),
        "usages": (sorted(spec.usages), sorted(asked["usages"])),
        "expirationSeconds": (spec.expiration_seconds or asked["expirationSeconds"], asked["expirationSeconds"]),
    }
    return [field for field, (found, expected) in compared.items() if found != expected]


def approval(sent: Mapping[str, Any], seen: CertificateSigningRequest) -> dict[str, Any]:
    """What to put at the subresource `approval`: of this very version of this very object, or not at all."""
    meta = seen.metadata
    condition = {
        "type": "Approved",
        "status": "True",
        "reason": "GenetKubeconfig",
        "message": "asked for by a logged-in user of Genet for their own kubeconfig",
    }
    return {
        **sent,
        "metadata": {**sent["metadata"], "uid": meta.uid, "resourceVersion": meta.resource_version},
        "status": {"conditions": [condition]},
    }


def checked(pem: bytes, key: ec.EllipticCurvePrivateKey, name: str, latest: datetime) -> Certificate:
    """What the signer sent, if it is what was asked for.

    Args:
        pem: the certificate, then its chain.
        key: the one the request was signed with.
        name: the common name that was asked for.
        latest: when it must have ended.

    Raises:
        SignerIgnoresExpiry: it would count for longer.
        Unavailable: it is about somebody else, for another key, or for another use.
    """
    try:
        leaf = x509.load_pem_x509_certificates(pem)[0]
        is_right = _subject(leaf) == [(NameOID.COMMON_NAME, name)] and _is_for_clients(leaf) and _is_of(leaf, key)
    except (ValueError, x509.ExtensionNotFound, x509.DuplicateExtension) as error:
        raise Unavailable("the cluster's signer sent what is no client certificate") from error
    if not is_right:
        raise Unavailable("the cluster's signer sent another certificate than was asked for; it was discarded")
    if leaf.not_valid_after_utc > latest + SKEW:
        raise SignerIgnoresExpiry(
            "the cluster's signer makes certificates that count for longer than kubeconfig.cert.maxHours, and none of "
            "them could be revoked; it was discarded. The administrator can set the controller manager's "
            "--cluster-signing-duration"
        )
    return Certificate(pem, leaf.serial_number, leaf.not_valid_after_utc)


def user(certificate: Certificate, key: ec.EllipticCurvePrivateKey) -> dict[str, Any]:
    """The user's entry of the file."""
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return {"client-certificate-data": _base64(certificate.pem), "client-key-data": _base64(private)}


def _subject(certificate: x509.Certificate) -> list[tuple[x509.ObjectIdentifier, str | bytes]]:
    return [(part.oid, part.value) for part in certificate.subject]


def _is_for_clients(certificate: x509.Certificate) -> bool:
    usages = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    constraints = [found.value for found in certificate.extensions if isinstance(found.value, x509.BasicConstraints)]
    return list(usages) == [ExtendedKeyUsageOID.CLIENT_AUTH] and not any(found.ca for found in constraints)


def _is_of(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> bool:
    return certificate.public_key() == key.public_key()


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
