"""How volumes are bound, refused, released and let go, as both clusters have it: what Genet's storage stands on."""

import pytest

from genet.errors import Forbidden, Invalid, NotFound
from genet.kube.objects import EVENTS, NAMESPACES, PERSISTENT_VOLUMES, PVCS
from tests.contract.conftest import until

SPEC = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}}
NO_CLASS = {**SPEC, "storageClassName": ""}
LARGER = {"spec": {"resources": {"requests": {"storage": "2Mi"}}}}


@pytest.fixture
async def namespace(kube, person):
    await kube.create(NAMESPACES, {"metadata": {"name": person.namespace}})
    return person.namespace


@pytest.fixture
async def volume(kube, namespace):
    """Makes a volume for a claim of the namespace, or of another."""
    made = []

    async def make(name, claim, of=namespace):
        name = f"genet-test.{namespace}.{name}"
        spec = {
            "capacity": {"storage": "1Gi"},
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": "",
            "persistentVolumeReclaimPolicy": "Retain",
            "hostPath": {"path": f"/tmp/{name}"},  # noqa: S108 # nothing mounts it
            "claimRef": {"kind": "PersistentVolumeClaim", "namespace": of, "name": claim},
        }
        await kube.create(PERSISTENT_VOLUMES, {"metadata": {"name": name}, "spec": spec})
        made.append(name)
        await until(lambda: kube.get(PERSISTENT_VOLUMES, name), lambda found: found.status.phase == "Available")
        return name

    yield make
    for name in made:
        await kube.delete(PERSISTENT_VOLUMES, name)


async def claimed(kube, namespace, name, spec):
    return await kube.create(PVCS, {"metadata": {"name": name}, "spec": spec}, namespace)


async def bound(kube, namespace, name):
    return await until(lambda: kube.get(PVCS, name, namespace), lambda claim: claim.status.phase == "Bound")


async def said(kube, namespace, claim):
    """What is said of it at last."""
    selector = f"involvedObject.name={claim}"
    listing = await until(lambda: kube.list(EVENTS, namespace, field_selector=selector), lambda found: found.items)
    return {(event.type, event.reason, event.message) for event in listing.items}


async def test_what_cannot_be_bound_is_said_in_these_words(kube, namespace, volume):
    taken = await volume("taken", "other")
    await claimed(kube, namespace, "missing", {**SPEC, "storageClassName": "genet-test-missing"})
    await claimed(kube, namespace, "classless", NO_CLASS)
    await claimed(kube, namespace, "late", {**NO_CLASS, "volumeName": taken})
    assert await said(kube, namespace, "missing") == {
        ("Warning", "ProvisioningFailed", 'storageclass.storage.k8s.io "genet-test-missing" not found')
    }
    assert await said(kube, namespace, "classless") == {
        ("Normal", "FailedBinding", "no persistent volumes available for this claim and no storage class is set")
    }
    assert await said(kube, namespace, "late") == {
        ("Warning", "FailedBinding", f'volume "{taken}" already bound to a different claim.')
    }


async def test_a_released_volume_is_bound_again_once_its_uid_is_taken_off(kube, namespace, volume):
    name = await volume("mine", "mine")
    first = await claimed(kube, namespace, "mine", {**NO_CLASS, "volumeName": name})
    await bound(kube, namespace, "mine")
    read = await kube.patch(PERSISTENT_VOLUMES, name, {})  # an empty patch reads
    assert read.spec.claim_ref is not None
    assert read.spec.claim_ref.uid == first.metadata.uid
    await kube.delete(PVCS, "mine", namespace)
    await until(lambda: kube.get(PERSISTENT_VOLUMES, name), lambda found: found.status.phase == "Released")
    await claimed(kube, namespace, "mine", {**NO_CLASS, "volumeName": name})
    await kube.patch(PERSISTENT_VOLUMES, name, {"spec": {"claimRef": {"uid": None, "resourceVersion": None}}})
    await bound(kube, namespace, "mine")


async def test_where_a_volume_is_stays_as_it_was_made(kube, volume):
    name = await volume("fixed", "fixed")
    with pytest.raises(Invalid, match="persistentvolumesource is immutable after creation"):
        await kube.patch(PERSISTENT_VOLUMES, name, {"spec": {"hostPath": {"path": "/etc"}}})


async def test_a_claim_grows_only_bound_and_of_a_class_that_lets_it(kube, namespace, volume):
    await claimed(kube, namespace, "waiting", {**SPEC, "storageClassName": "genet-test-missing"})
    with pytest.raises(Invalid, match="spec is immutable after creation except"):
        await kube.patch(PVCS, "waiting", LARGER, namespace)
    name = await volume("fixed", "fixed")
    await claimed(kube, namespace, "fixed", {**NO_CLASS, "volumeName": name})
    await bound(kube, namespace, "fixed")
    for dry_run in (True, False):
        with pytest.raises(Forbidden, match="the storageclass that provisions the pvc must support resize"):
            await kube.patch(PVCS, "fixed", LARGER, namespace, dry_run=dry_run)


async def test_a_claim_that_a_pod_uses_goes_when_the_pod_is_gone(kube, person):
    pod = (await person.made("one"))["id"]
    await person.sees("one", "Running")
    claim = f"{person.identifier}-workspace"
    left = await kube.delete(PVCS, claim, person.namespace)
    assert left is not None
    await person.http.delete(f"/api/pods/{pod}")

    async def is_gone():
        try:
            await kube.get(PVCS, claim, person.namespace)
        except NotFound:
            return True
        return False

    await until(is_gone, bool, seconds=90)
