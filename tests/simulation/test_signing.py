import base64
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.simulation.serving import NOW, serving

REQUESTS = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
KEY = ec.generate_private_key(ec.SECP256R1())
APPROVED = {"type": "Approved", "status": "True", "reason": "r", "message": ""}


@pytest.fixture
async def kube():
    async with serving() as client:
        yield client


def request(name="r", groups=(), **spec):
    subject = [x509.NameAttribute(NameOID.COMMON_NAME, "alice")]
    subject += [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in groups]
    signed = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(subject)).sign(KEY, hashes.SHA256())
    pem = base64.b64encode(signed.public_bytes(serialization.Encoding.PEM)).decode()
    known = {"request": pem, "signerName": "kubernetes.io/kube-apiserver-client", "usages": ["client auth"]}
    return {"metadata": {"name": name}, "spec": {**known, **spec}}


async def approved(kube, **spec):
    made = await kube.ask("POST", REQUESTS, request(**spec))
    await kube.ask("PUT", f"{REQUESTS}/r/approval", {**made, "status": {"conditions": [APPROVED], "certificate": "x"}})
    return await kube.ask("GET", f"{REQUESTS}/r")


def certificate(answer):
    return x509.load_pem_x509_certificate(base64.b64decode(answer["status"]["certificate"]))


def lasts(answer):
    return certificate(answer).not_valid_after_utc - NOW


async def test_nothing_is_signed_before_it_is_approved(kube):
    made = await kube.ask("POST", REQUESTS, request())
    assert made["spec"]["username"] == "kubernetes-admin"
    assert (await kube.ask("GET", f"{REQUESTS}/r"))["status"] == {}


async def test_the_certificate_is_for_the_subject_and_the_key_of_the_request(kube):
    signed = await approved(kube)
    assert signed["status"]["conditions"] == [APPROVED]
    assert certificate(signed).subject.rfc4514_string() == "CN=alice"
    assert certificate(signed).public_key() == KEY.public_key()


async def test_the_expiry_asked_for_is_kept(kube):
    assert lasts(await approved(kube, expirationSeconds=600)) == timedelta(minutes=10)


async def test_it_drops_the_expiry_as_old_api_servers_do_when_told_to(kube):
    await kube.ask("POST", "/simulation/signer", {"conduct": "ignores-expiry"})
    signed = await approved(kube, expirationSeconds=600)
    assert "expirationSeconds" not in signed["spec"]
    assert lasts(signed) == timedelta(days=365)


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        ({"request": base64.b64encode(b"no request").decode()}, "spec.request"),
        ({"usages": []}, "spec.usages"),
        ({"signerName": ""}, "spec.signerName"),
        ({"expirationSeconds": 599}, "spec.expirationSeconds"),
    ],
)
async def test_a_request_that_cannot_be_one_is_refused(kube, spec, field):
    refused = await kube.ask("POST", REQUESTS, request(**spec))
    assert (refused["_code"], [cause["field"] for cause in refused["details"]["causes"]]) == (422, [field])


async def test_the_group_of_masters_is_refused_and_no_other_name_is(kube):
    assert (await kube.ask("POST", REQUESTS, request(groups=["system:masters"])))["_code"] == 403
    assert "_code" not in await kube.ask("POST", REQUESTS, request(groups=["system:nodes"]))


async def test_usages_that_are_not_a_clients_fail(kube):
    signed = await approved(kube, usages=["client auth", "server auth"])
    assert [condition["type"] for condition in signed["status"]["conditions"]] == ["Approved", "Failed"]
    assert "certificate" not in signed["status"]


async def test_other_signers_requests_are_left_to_them(kube):
    assert "certificate" not in (await approved(kube, signerName="example.org/other"))["status"]


async def test_what_was_asked_for_never_changes(kube):
    made = await kube.ask("POST", REQUESTS, request())
    other = {**made, "spec": {**made["spec"], "usages": ["server auth"]}}
    assert (await kube.ask("PUT", f"{REQUESTS}/r", other))["spec"] == made["spec"]
