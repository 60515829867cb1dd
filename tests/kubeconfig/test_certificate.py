import base64
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from hypothesis import given
from hypothesis import strategies as st

from genet import naming
from genet.errors import Forbidden, Unavailable
from genet.kube.objects import SIGNING_REQUESTS
from genet.kubeconfig import certificate
from genet.kubeconfig.certificate import SignerIgnoresExpiry

KEY = certificate.new_key()
OTHER_KEY = certificate.new_key()
NAME = "genet:zhangsan-zs"
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
LIFETIME = timedelta(hours=24)
LATEST = NOW + LIFETIME
SENT = certificate.manifest("genet-1", "zhangsan-zs", certificate.request(KEY, NAME), LIFETIME)


def signed(name=NAME, *, key=KEY, until=LATEST, more=(), use=ExtendedKeyUsageOID.CLIENT_AUTH, ca=False):
    parts = [(NameOID.COMMON_NAME, name), *more]
    subject = x509.Name([x509.NameAttribute(oid, value) for oid, value in parts])
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "kubernetes")]))
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(NOW - timedelta(minutes=5))
        .not_valid_after(until)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    )
    if use is not None:
        built = built.add_extension(x509.ExtendedKeyUsage([use]), critical=False)
    return built.sign(OTHER_KEY, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def seen(uid="u", status=None, **spec):
    """The object as the API server tells it."""
    document = {**SENT, "metadata": {**SENT["metadata"], "uid": uid, "resourceVersion": "5"}, "status": status or {}}
    return SIGNING_REQUESTS.one.decode(msgspec.json.encode({**document, "spec": {**SENT["spec"], **spec}}))


def test_the_request_is_for_the_name_alone_signed_by_a_key_of_its_own():
    request = x509.load_pem_x509_csr(certificate.request(KEY, NAME))
    assert [(part.oid, part.value) for part in request.subject] == [(NameOID.COMMON_NAME, NAME)]
    assert request.is_signature_valid
    assert request.public_key() == KEY.public_key()
    assert list(request.extensions) == []


def test_what_is_asked_for_is_a_clients_certificate_for_so_long():
    assert {key: value for key, value in SENT["spec"].items() if key != "request"} == {
        "signerName": "kubernetes.io/kube-apiserver-client",
        "usages": ["digital signature", "client auth"],
        "expirationSeconds": 86400,
    }
    assert base64.b64decode(SENT["spec"]["request"]).startswith(b"-----BEGIN CERTIFICATE REQUEST-----")


def test_less_than_the_api_server_takes_is_not_asked_for():
    short = certificate.manifest("genet-1", "a-a", b"", timedelta(seconds=60))
    assert short["spec"]["expirationSeconds"] == 600


@given(st.text(max_size=40), st.emails() | st.text(max_size=20))
def test_no_user_name_reaches_the_subject_but_as_an_identifier(username, email):
    username = username.replace("\0", "")
    name = certificate.common_name("genet:", naming.user_identifier(username, email))
    assert name.removeprefix("genet:").replace("-", "").isalnum()
    assert name.isascii()


@pytest.mark.parametrize(
    ("prefix", "identifier"),
    [
        ("system:", "admin"),
        ("system:serviceaccount:", "x-x"),
        ("", "system:admin"),
        ("genet:", ""),
        ("p" * 60, "a-aaaa"),
        ("genet:\n", "a-a"),
    ],
)
def test_names_of_kubernetes_own_and_names_that_fit_nowhere_are_refused(prefix, identifier):
    with pytest.raises(Forbidden):
        certificate.common_name(prefix, identifier)


def test_what_was_sent_differs_in_nothing():
    assert certificate.differences(SENT, "u", seen()) == []


def test_an_old_api_server_that_drops_the_expiry_is_no_difference():
    assert certificate.differences(SENT, "u", seen(expirationSeconds=None)) == []


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"uid": "other"}, "uid"),
        ({"request": base64.b64encode(certificate.request(KEY, "system:admin")).decode()}, "request"),
        ({"request": base64.b64encode(certificate.request(OTHER_KEY, NAME)).decode()}, "request"),
        ({"usages": ["client auth"]}, "usages"),
        ({"usages": ["digital signature", "client auth", "server auth"]}, "usages"),
        ({"signerName": "kubernetes.io/kubelet-serving"}, "signerName"),
        ({"expirationSeconds": 31536000}, "expirationSeconds"),
    ],
)
def test_every_change_of_what_was_sent_is_found(changed, field):
    assert certificate.differences(SENT, "u", seen(**changed)) == [field]


def test_the_approval_is_of_this_version_of_this_object():
    approval = certificate.approval(SENT, seen())
    assert {**approval["metadata"], "labels": {}} == {
        "name": "genet-1", "labels": {}, "uid": "u", "resourceVersion": "5"
    }  # fmt: skip
    assert approval["spec"] == SENT["spec"]
    assert [(item["type"], item["status"]) for item in approval["status"]["conditions"]] == [("Approved", "True")]


def test_what_was_asked_for_may_be_handed_out():
    pem = signed()
    issued = certificate.checked(pem, KEY, NAME, LATEST)
    assert (issued.serial, issued.not_after, issued.pem) == (7, LATEST, pem)


def test_a_clock_that_is_a_little_off_is_no_reason_to_discard_it():
    until = LATEST + timedelta(minutes=5)
    assert certificate.checked(signed(until=until), KEY, NAME, LATEST).not_after == until


@pytest.mark.parametrize("more", [timedelta(minutes=5, seconds=1), timedelta(days=365)])
def test_what_counts_for_longer_is_discarded(more):
    with pytest.raises(SignerIgnoresExpiry, match="cluster-signing-duration"):
        certificate.checked(signed(until=LATEST + more), KEY, NAME, LATEST)


@pytest.mark.parametrize(
    "pem",
    [
        signed("genet:lisi-ls"),
        signed("system:admin"),
        signed(more=[(NameOID.ORGANIZATION_NAME, "system:masters")]),
        signed(more=[(NameOID.ORGANIZATION_NAME, "lab")]),
        signed(more=[(NameOID.COMMON_NAME, "genet:lisi-ls")]),
        signed(key=OTHER_KEY),
        signed(use=ExtendedKeyUsageOID.SERVER_AUTH),
        signed(use=ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE),
        signed(use=None),
        signed(ca=True),
        b"",
        b"no certificate",
    ],
    ids=["another user", "system user", "masters", "group", "two names", "another key", "for servers", "for anything",
         "for nothing", "authority", "nothing", "no certificate"],
)  # fmt: skip
def test_what_was_not_asked_for_is_never_handed_out(pem):
    with pytest.raises(Unavailable) as error:
        certificate.checked(pem, KEY, NAME, LATEST)
    assert error.value.code == "unavailable"


def test_the_chain_comes_along():
    chain = signed() + signed("the authority", ca=True)
    assert certificate.checked(chain, KEY, NAME, LATEST).pem == chain


def test_the_file_holds_the_certificate_and_the_key_that_fits():
    pem = signed()
    entry = certificate.user(certificate.checked(pem, KEY, NAME, LATEST), KEY)
    assert base64.b64decode(entry["client-certificate-data"]) == pem
    key = serialization.load_pem_private_key(base64.b64decode(entry["client-key-data"]), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    assert key.public_key() == KEY.public_key()
    assert key.curve.name == "secp256r1"


def test_each_download_has_a_key_of_its_own():
    assert certificate.new_key().public_key() != certificate.new_key().public_key()
