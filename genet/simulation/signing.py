"""Certificates: what a CertificateSigningRequest must be, and the controller that signs the approved ones.

Of the built-in signers only `kubernetes.io/kube-apiserver-client` is there. Its authority is made anew in each cluster
and nothing trusts it: the embedded API server speaks plain HTTP and knows no users, so that these certificates are good
for looking at only. That a real API server takes them is seen on a real one.

`POST /simulation/signer` says how it behaves from then on:

    honours         the expiry that was asked for (the default, as since Kubernetes 1.22)
    ignores-expiry  drops `expirationSeconds` and signs for a year, as 1.20 does
    long            keeps `expirationSeconds` and signs for a year all the same
    silent          never signs
    fails           finds fault with each request
    other-key       certifies a key of its own
    masters         adds the organization system:masters
    for-servers     for TLS servers, not for clients
"""

import base64
from collections.abc import Iterator
from datetime import timedelta
from functools import cached_property
from typing import Any, Literal

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from genet.simulation.errors import Cause
from genet.simulation.store import Object, Store, timestamp

PLURAL = "certificatesigningrequests"
CLIENT_SIGNER = "kubernetes.io/kube-apiserver-client"
MASTERS = "system:masters"
SHORTEST_SECONDS = 600
YEAR = timedelta(days=365)
BACKDATE = timedelta(minutes=5)
USAGES = frozenset({"digital signature", "key encipherment", "client auth"})


class Conduct(msgspec.Struct, forbid_unknown_fields=True):
    conduct: Literal[
        "honours", "ignores-expiry", "long", "silent", "fails", "other-key", "masters", "for-servers"
    ] = "honours"  # fmt: skip


def check(request: Object) -> Iterator[Cause]:
    spec = request.setdefault("spec", {})
    if not spec.get("signerName"):
        yield "FieldValueRequired", "spec.signerName", "Required value"
    if not spec.get("usages"):
        yield "FieldValueRequired", "spec.usages", "Required value: usages must be set to at least one value"
    if (spec.get("expirationSeconds") or SHORTEST_SECONDS) < SHORTEST_SECONDS:
        why = "may not specify a duration less than 600 seconds (10 minutes)"
        yield "FieldValueInvalid", "spec.expirationSeconds", f"Invalid value: {spec['expirationSeconds']}: {why}"
    try:
        parsed(request)
    except ValueError as error:
        yield "FieldValueInvalid", "spec.request", f"Invalid value: {error}"


def parsed(request: Object) -> x509.CertificateSigningRequest:
    """ValueError for what is no PEM of a request that is signed by its own key."""
    found = x509.load_pem_x509_csr(base64.b64decode(request["spec"].get("request", "")))
    if not found.is_signature_valid:
        raise ValueError("its signature does not match its key")
    return found


def asks_for_masters(request: Object) -> bool:
    """What the admission plugin CertificateSubjectRestriction stops, and nothing else."""
    subject = parsed(request).subject
    groups = [part.value for part in subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)]
    return request["spec"]["signerName"] == CLIENT_SIGNER and MASTERS in groups


class Signer:
    """Signs each request of the client signer as soon as it is approved."""

    def __init__(self, store: Store) -> None:
        self.behaviour = Conduct()
        self._store = store
        store.subscribe(self._changed)

    def admitted(self, request: Object) -> Object:
        """A request as the API server keeps it."""
        if self.behaviour.conduct != "ignores-expiry" or "spec" not in request:
            return request
        kept = {key: value for key, value in request["spec"].items() if key != "expirationSeconds"}
        return {**request, "spec": kept}

    def _changed(self, plural: str, kind: str, request: Object, _: Object | None) -> None:
        if plural != PLURAL or kind == "DELETED" or request["spec"]["signerName"] != CLIENT_SIGNER:
            return
        status = request.get("status", {})
        decisions = {condition["type"] for condition in status.get("conditions", ())}
        if decisions != {"Approved"} or "certificate" in status or self.behaviour.conduct == "silent":
            return
        if self.behaviour.conduct == "fails" or not _usable(request["spec"]["usages"]):
            failed = {"type": "Failed", "status": "True", "reason": "SignerValidationFailure",
                      "message": "invalid usages", "lastUpdateTime": timestamp(self._store.clock())}  # fmt: skip
            status = {**status, "conditions": [*status["conditions"], failed]}
        else:
            status = {**status, "certificate": base64.b64encode(self._sign(request)).decode()}
        self._store.update(PLURAL, {**request, "status": status}, subresource="status")

    def _sign(self, request: Object) -> bytes:
        asked, conduct = parsed(request), self.behaviour.conduct
        subject = asked.subject
        if conduct == "masters":
            subject = x509.Name([*subject, x509.NameAttribute(NameOID.ORGANIZATION_NAME, MASTERS)])
        key: Any = asked.public_key() if conduct != "other-key" else _new_key().public_key()
        use = ExtendedKeyUsageOID.SERVER_AUTH if conduct == "for-servers" else ExtendedKeyUsageOID.CLIENT_AUTH
        seconds = request["spec"].get("expirationSeconds")
        lifetime = YEAR if seconds is None or conduct == "long" else timedelta(seconds=seconds)
        now = self._store.clock()
        signed = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(_AUTHORITY)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - BACKDATE)
            .not_valid_after(now + lifetime)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([use]), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        return signed.public_bytes(serialization.Encoding.PEM)

    @cached_property
    def _key(self) -> ec.EllipticCurvePrivateKey:
        return _new_key()


def _new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


_AUTHORITY = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "kubernetes")])


def _usable(usages: list[str]) -> bool:
    return "client auth" in usages and USAGES.issuperset(usages)
