import base64
from datetime import UTC, datetime, timedelta

import pytest

from genet.errors import Unavailable
from genet.kube.client import KubeClient
from genet.kubeconfig import certificate
from genet.kubeconfig.certificate import SignerIgnoresExpiry
from genet.kubeconfig.signing import Signing
from genet.settings import Kubernetes
from tests.replicas import switch

PLURAL = "certificatesigningrequests"
NAME = "genet:zhangsan-zs"
LIFETIME = timedelta(hours=2)
KEY = certificate.new_key()


def utc_now():
    return datetime.now(UTC)


async def sign(kube, **changes):
    signing = Signing(kube, utc_now, **changes)
    return await signing.sign(KEY, NAME, LIFETIME, identifier="zhangsan-zs")


def on_create(cluster, change):
    """Somebody with more rights than they should have meddles with each request of Genet's before it is read again."""

    def created(plural, kind, new, _):
        if (plural, kind) == (PLURAL, "ADDED") and not new["metadata"].get("annotations"):
            change(new)

    cluster.store.subscribe(created)


def replaced(cluster, request, /, **spec):
    """Another object of that name; its annotation keeps it from being replaced once more."""
    cluster.store.delete(PLURAL, "", request["metadata"]["name"])
    metadata = {"name": request["metadata"]["name"], "annotations": {"by": "mallory"}}
    cluster.store.create(PLURAL, {**request, "metadata": metadata, "spec": {**request["spec"], **spec}})


def left(cluster):
    return cluster.store.list(PLURAL)


def base64_of(pem):
    return base64.b64encode(pem).decode()


async def test_the_cluster_signs_what_was_asked_for_and_nothing_is_left(cluster, kube):
    seen = []
    cluster.store.subscribe(lambda plural, kind, new, _: seen.append(new) if plural == PLURAL else None)
    issued = await sign(kube)
    assert utc_now() < issued.not_after <= utc_now() + LIFETIME
    assert left(cluster) == []
    names = {request["metadata"]["name"] for request in seen}
    assert len(names) == 1
    assert "zhangsan" not in names.pop()
    conditions = [item["type"] for item in seen[-1]["status"]["conditions"]]
    assert conditions == ["Approved"]


async def test_no_two_requests_have_the_same_name(cluster, kube):
    seen = set()
    cluster.store.subscribe(lambda plural, _, new, __: seen.add(new["metadata"]["name"]) if plural == PLURAL else None)
    await sign(kube)
    await sign(kube)
    assert len(seen) == 2


@pytest.mark.parametrize("conduct", ["ignores-expiry", "long"])
async def test_a_signer_that_ignores_the_expiry_is_found_out(cluster, kube, conduct):
    await switch(cluster, "signer", conduct=conduct)
    with pytest.raises(SignerIgnoresExpiry):
        await sign(kube)
    assert left(cluster) == []


@pytest.mark.parametrize("conduct", ["masters", "other-key", "for-servers"])
async def test_what_was_not_asked_for_is_discarded(cluster, kube, conduct):
    await switch(cluster, "signer", conduct=conduct)
    with pytest.raises(Unavailable, match="discarded"):
        await sign(kube)
    assert left(cluster) == []


async def test_a_signer_that_finds_fault_is_quoted(cluster, kube):
    await switch(cluster, "signer", conduct="fails")
    with pytest.raises(Unavailable, match="SignerValidationFailure"):
        await sign(kube)
    assert left(cluster) == []


async def test_a_signer_that_says_nothing_is_not_waited_for_for_ever(cluster, kube):
    await switch(cluster, "signer", conduct="silent")
    with pytest.raises(Unavailable, match=r"0\.2 s"):
        await sign(kube, patience_seconds=0.2)
    assert left(cluster) == []


async def test_a_request_that_was_turned_down_is_not_approved_after_all(cluster, kube):
    denied = {"conditions": [{"type": "Denied", "status": "True", "reason": "NoThanks"}]}
    on_create(
        cluster, lambda made: cluster.store.update(PLURAL, {**made, "status": denied}, subresource="status")
    )  # fmt: skip
    with pytest.raises(Unavailable, match="NoThanks"):
        await sign(kube)
    assert left(cluster) == []


async def test_a_request_somebody_else_approved_is_as_good(cluster, kube):
    approved = {"conditions": [{"type": "Approved", "status": "True", "reason": "ByHand"}]}
    on_create(
        cluster, lambda made: cluster.store.update(PLURAL, {**made, "status": approved}, subresource="status")
    )  # fmt: skip
    assert (await sign(kube)).not_after <= utc_now() + LIFETIME


async def test_another_object_in_its_place_is_not_approved(cluster, kube):
    on_create(cluster, lambda made: replaced(cluster, made))
    with pytest.raises(Unavailable, match="changed by somebody else"):
        await sign(kube)
    [foreign] = left(cluster)
    assert foreign["status"] == {}, "it is neither approved nor deleted"


@pytest.mark.parametrize(
    "spec",
    [
        {"request": base64_of(certificate.request(KEY, "system:admin"))},
        {"request": base64_of(certificate.request(certificate.new_key(), NAME))},
        {"usages": ["digital signature", "key encipherment", "client auth"]},
        {"expirationSeconds": 365 * 86400},
        {"signerName": "example.org/another"},
    ],
    ids=["subject", "key", "usages", "expiry", "signer"],
)
async def test_a_request_whose_content_changed_is_not_approved(cluster, kube, spec):
    approvals = []

    def changed(plural, _, new, __):
        if plural == PLURAL and new.get("status"):
            approvals.append(new)

    cluster.store.subscribe(changed)
    on_create(cluster, lambda made: cluster.store.update(PLURAL, {**made, "spec": {**made["spec"], **spec}}))
    with pytest.raises(Unavailable, match="changed by somebody else"):
        await sign(kube)
    assert approvals == []
    assert left(cluster) == []


@pytest.mark.parametrize("verb", ["", "/"])
async def test_without_the_right_it_says_so_and_not_that_the_person_may_not(cluster, kube, verb):
    path = f"/apis/certificates.k8s.io/v1/{PLURAL}{verb}"
    await switch(cluster, "fail", status=403, path=path, times=1)
    with pytest.raises(Unavailable, match="no right"):
        await sign(kube)
    assert left(cluster) == []


async def test_an_api_server_that_is_away_leaves_nothing_undone_that_can_be_done(cluster, kube):
    await switch(cluster, "fail", status=500, path=f"/apis/certificates.k8s.io/v1/{PLURAL}/", times=1)
    with pytest.raises(Unavailable):
        await sign(kube)
    assert left(cluster) == []


async def test_what_was_exchanged_after_the_look_is_not_approved(cluster, kubeconfig):
    looks: list[object] = []

    class Slow(KubeClient):
        """Time passes between its answer to the first look and what is done then."""

        async def get(self, resource, name, namespace=None):
            seen = await super().get(resource, name, namespace)
            if not looks:
                pem = base64_of(certificate.request(KEY, "system:admin"))
                replaced(cluster, cluster.store.get(PLURAL, "", name), request=pem)
            looks.append(seen)
            return seen

    async with Slow.connect(Kubernetes(kubeconfig=str(kubeconfig)), {}) as kube:
        with pytest.raises(Unavailable, match="changed by somebody else"):
            await sign(kube)
    [foreign] = left(cluster)
    assert foreign["status"] == {}, "it is neither approved nor deleted"
