"""Why a claim has no volume: one code for each cause, from what the real controller says and writes."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from genet.kube.objects import Event, PersistentVolume, PersistentVolumeClaim
from genet.storage.binding import why_unbound

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
CLAIM = "alice-alice-work"


def claim(phase="Pending", *, ends=False, **spec):
    metadata = {"name": CLAIM, "namespace": "user-alice-alice", "uid": "u1"}
    if ends:
        metadata["deletionTimestamp"] = NOW.isoformat()
    return msgspec.convert({"metadata": metadata, "spec": spec, "status": {"phase": phase}}, PersistentVolumeClaim)


def volume(phase="Available", *, namespace="user-alice-alice", name=CLAIM, uid="", message=""):
    reference = {"namespace": namespace, "name": name, "uid": uid}
    document = {
        "metadata": {"name": "pv"},
        "spec": {"claimRef": reference},
        "status": {"phase": phase, "message": message},
    }
    return msgspec.convert(document, PersistentVolume)


def event(reason, message="", *, minutes_ago=0):
    at = NOW - timedelta(minutes=minutes_ago)
    document = {"metadata": {"name": "e"}, "reason": reason, "message": message, "lastTimestamp": at.isoformat()}
    return msgspec.convert(document, Event)


MISSING = event("ProvisioningFailed", 'storageclass.storage.k8s.io "fast" not found')
EXTERNAL = event(
    "ExternalProvisioning",
    'waiting for a volume to be created, either by external provisioner "nfs.csi.k8s.io" or manually created by '
    "system administrator",
)


def test_a_bound_claim_needs_no_reason():
    assert why_unbound(claim("Bound", volumeName="pv"), volume("Bound", uid="u1"), True, []) is None


def test_no_claim_is_a_reason():
    assert why_unbound(None, None, None, []) == ("claim_missing", {})


@pytest.mark.parametrize(
    ("given", "code", "params"),
    [
        ((claim("Bound", ends=True), None, None, []), "claim_terminating", {}),
        ((claim("Lost", volumeName="pv"), None, None, []), "claim_lost", {"volume": "pv"}),
        ((claim(volumeName="pv"), None, None, []), "volume_missing", {"volume": "pv"}),
        ((claim(), volume(namespace="user-bob-bob"), None, []), "volume_taken", {"volume": "pv"}),
        ((claim(), volume(name="alice-alice-other"), None, []), "volume_taken", {"volume": "pv"}),
        ((claim(), volume("Released", uid="u0"), None, []), "volume_released", {"volume": "pv"}),
        ((claim(), volume("Failed", message="no"), None, []), "volume_failed", {"volume": "pv", "message": "no"}),
        ((claim(storageClassName="fast"), None, False, []), "storage_class_missing", {"storageClass": "fast"}),
        ((claim(storageClassName="fast"), None, None, [MISSING]), "storage_class_missing", {"storageClass": "fast"}),
        ((claim(), None, None, []), "no_storage_class", {}),
        ((claim(storageClassName="fast"), None, True, []), "binding", {}),
        ((claim(storageClassName="", volumeName="pv"), volume(), None, []), "binding", {}),
    ],
)
def test_each_cause_has_its_code(given, code, params):
    assert why_unbound(*given) == (code, {"claim": CLAIM, **params})


@pytest.mark.parametrize(
    ("said", "code", "params"),
    [
        (
            event("FailedBinding", "no persistent volumes available for this claim and no storage class is set"),
            "no_storage_class",
            {},
        ),
        (event("WaitForFirstConsumer", "waiting …"), "waiting_for_first_consumer", {"storageClass": "slow"}),
        (EXTERNAL, "waiting_for_provisioner", {"storageClass": "slow", "provisioner": "nfs.csi.k8s.io"}),
        (
            event("ProvisioningFailed", "the disk is full"),
            "provisioning_failed",
            {"storageClass": "slow", "message": "the disk is full"},
        ),
        (
            event("VolumeMismatch", 'Cannot bind to requested volume "pv": requested PV is too small'),
            "volume_mismatch",
            {"message": 'Cannot bind to requested volume "pv": requested PV is too small'},
        ),
    ],
)
def test_what_the_controller_said_is_understood(said, code, params):
    assert why_unbound(claim(storageClassName="slow"), None, None, [said]) == (code, {"claim": CLAIM, **params})


def test_the_newest_of_what_was_said_counts_and_the_unknown_is_passed_over():
    said = [
        event("ProvisioningFailed", "the disk is full", minutes_ago=9),
        event("ExternalProvisioning", EXTERNAL.message, minutes_ago=1),
        event("SomethingElse", "hello"),
    ]
    found = why_unbound(claim(storageClassName="slow"), None, None, said)
    assert found is not None
    assert found[0] == "waiting_for_provisioner"
