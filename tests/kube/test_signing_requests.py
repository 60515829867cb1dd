"""Certificates: what the gateway reads and approves, and what an API server keeps to, on both kinds of cluster."""

import asyncio
import base64
import secrets
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from genet.errors import Conflict, Forbidden, Invalid
from genet.kube.client import KubeClient
from genet.kube.objects import SIGNING_REQUESTS

APPROVED = {"type": "Approved", "status": "True", "reason": "Test", "message": "by a test"}


def manifest(*groups: str, **spec: Any) -> dict[str, Any]:
    subject = [x509.NameAttribute(NameOID.COMMON_NAME, "genet:nobody")]
    subject += [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in groups]
    key = ec.generate_private_key(ec.SECP256R1())
    signed = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(subject)).sign(key, hashes.SHA256())
    pem = signed.public_bytes(serialization.Encoding.PEM)
    usual = {
        "request": base64.b64encode(pem).decode(),
        "signerName": "kubernetes.io/kube-apiserver-client",
        "usages": ["digital signature", "client auth"],
    }
    name = f"genet-test-{secrets.token_hex(8)}"
    return {"metadata": {"name": name}, "spec": usual | spec}


def approval(sent: dict[str, Any], **metadata: str) -> dict[str, Any]:
    return {**sent, "metadata": {**sent["metadata"], **metadata}, "status": {"conditions": [APPROVED]}}


async def test_it_is_read_as_it_was_sent_and_signed_once_it_is_approved(kube: KubeClient) -> None:
    sent = manifest()
    made = await kube.create(SIGNING_REQUESTS, sent)
    try:
        assert base64.b64encode(made.spec.request).decode() == sent["spec"]["request"]
        assert (made.spec.signer_name, list(made.spec.usages)) == (sent["spec"]["signerName"], sent["spec"]["usages"])
        assert (made.status.conditions, made.status.certificate) == ((), b"")
        version = {"uid": made.metadata.uid, "resourceVersion": made.metadata.resource_version}
        await kube.replace(SIGNING_REQUESTS, approval(sent, **version), subresource="approval")
        async with asyncio.timeout(15):
            while not (seen := await kube.get(SIGNING_REQUESTS, made.metadata.name)).status.certificate:  # noqa: ASYNC110 # the gateway's own way
                await asyncio.sleep(0.05)
        assert x509.load_pem_x509_certificates(seen.status.certificate)[0].subject.rfc4514_string() == "CN=genet:nobody"
    finally:
        await kube.delete(SIGNING_REQUESTS, made.metadata.name)


@pytest.mark.parametrize("stale", [{"uid": "4e0c2b0e-0000-0000-0000-000000000000"}, {"resourceVersion": "1"}])
async def test_an_approval_of_another_object_or_version_is_refused(kube: KubeClient, stale: dict[str, str]) -> None:
    sent = manifest()
    made = await kube.create(SIGNING_REQUESTS, sent)
    try:
        current = {"uid": made.metadata.uid, "resourceVersion": made.metadata.resource_version}
        with pytest.raises(Conflict):
            await kube.replace(SIGNING_REQUESTS, approval(sent, **current | stale), subresource="approval")
        assert (await kube.get(SIGNING_REQUESTS, made.metadata.name)).status.conditions == ()
    finally:
        await kube.delete(SIGNING_REQUESTS, made.metadata.name)


async def test_an_approval_never_changes_what_was_asked_for(kube: KubeClient) -> None:
    sent = manifest()
    made = await kube.create(SIGNING_REQUESTS, sent)
    try:
        version = {"uid": made.metadata.uid, "resourceVersion": made.metadata.resource_version}
        other = {**approval(sent, **version), "spec": manifest()["spec"]}
        approved = await kube.replace(SIGNING_REQUESTS, other, subresource="approval")
        assert approved.spec == made.spec
        assert [condition.type for condition in approved.status.conditions] == ["Approved"]
    finally:
        await kube.delete(SIGNING_REQUESTS, made.metadata.name)


async def test_of_all_names_of_kubernetes_own_only_one_group_is_stopped(kube: KubeClient) -> None:
    with pytest.raises(Forbidden, match="system:masters"):
        await kube.create(SIGNING_REQUESTS, manifest("system:masters"))
    made = await kube.create(SIGNING_REQUESTS, manifest("system:nodes"))
    await kube.delete(SIGNING_REQUESTS, made.metadata.name)


@pytest.mark.parametrize("spec", [{"usages": []}, {"signerName": ""}, {"request": base64.b64encode(b"x").decode()}])
async def test_what_cannot_be_a_request_is_refused(kube: KubeClient, spec: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        await kube.create(SIGNING_REQUESTS, manifest(**spec))
