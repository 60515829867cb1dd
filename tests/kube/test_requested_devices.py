"""How many devices a pod asks for, where its containers' resources do not say it."""

import pytest

from genet.accelerators import counts_devices
from genet.kube.requests import CLAIMED, SHARED, devices, extended
from tests.pods.builders import pod

IS_DEVICE = counts_devices([])
GENETS = {"genet.io/created-by": "genet"}
CLAIM = [{"name": "gpu", "resourceClaimTemplateName": "t"}]


def asked(labels=GENETS, claims=(), **annotations):
    notes = {f"genet.io/{key.replace('_', '-')}": value for key, value in annotations.items()}
    return devices(pod(metadata={"labels": labels, "annotations": notes}, spec={"resourceClaims": claims}), IS_DEVICE)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0,2", {SHARED: 2}),
        ("3", {SHARED: 1}),
        ("0,0,0", {SHARED: 1}),
        ("", {}),
        ("x,-1,1e3", {}),
        ("1, 2", {SHARED: 1}),
    ],
)
def test_shared_cards_count_one_each(text, expected):
    assert asked(gpu_devices=text) == expected


@pytest.mark.parametrize(
    ("claims", "count", "expected"),
    [
        (CLAIM, "3", {CLAIMED: 3}),
        (CLAIM, "", {CLAIMED: 1}),
        (CLAIM, "0", {CLAIMED: 1}),
        (CLAIM, "many", {CLAIMED: 1}),
        (CLAIM * 2, "1", {CLAIMED: 2}),
        ([], "3", {}),
    ],
)
def test_claimed_devices_count_one_each_and_a_claim_counts_at_least_one(claims, count, expected):
    assert asked(claims=claims, gpu_count=count) == expected


def test_annotations_of_pods_that_others_made_are_not_believed():
    assert asked({}, gpu_devices="0,1") == {}
    assert asked({}, claims=CLAIM, gpu_count="0") == {CLAIMED: 1}
    assert asked({}, claims=CLAIM, gpu_count="9") == {CLAIMED: 1}


def test_what_a_device_plugin_has_to_give_is_told_apart():
    resources = {"limits": {"nvidia.com/gpu": "2"}}
    made = pod(
        metadata={"labels": GENETS, "annotations": {"genet.io/gpu-devices": "0"}},
        spec={"containers": [{"name": "c", "resources": resources}], "resourceClaims": CLAIM},
    )
    assert extended(made, IS_DEVICE) == {"nvidia.com/gpu": 2}
    assert devices(made, IS_DEVICE) == {"nvidia.com/gpu": 2, SHARED: 1, CLAIMED: 1}
