import msgspec
import pytest

from genet.gpus.model import Holding, NodeFacts, dra_name, pci_name
from genet.gpus.sources import dra
from genet.kube.resource_api import ResourceClaim, ResourceSlice
from tests.gpus.builders import node, pod

NVIDIA = "gpu.nvidia.com"
AMD = "gpu.amd.com"


def device(name, *, taints=(), counters=None, memory=None, shares=None, **attributes):
    return {
        "name": name,
        "attributes": {
            key.replace("__", "/").replace("_", "."): {"int" if isinstance(value, int) else "string": value}
            for key, value in attributes.items()
        },
        "capacity": {key: {"value": value} for key, value in (("memory", memory), ("shares", shares)) if value},
        "taints": list(taints),
        "consumesCounters": [
            {"counterSet": name, "counters": {"slices": {"value": str(amount)}}}
            for name, amount in (counters or {}).items()
        ],
    }


def gpu(number, **more):
    return device(f"gpu-{number}", type="gpu", uuid=f"GPU-{number}", productName="NVIDIA H100 80GB HBM3", **more)


def mig(card, place=0, **more):
    name = f"gpu-{card}-mig-1g10gb-19-{place}"
    return device(name, type="mig", parentUUID=f"GPU-{card}", profile="1g.10gb", **more)


def published(*devices, driver=NVIDIA, generation=1, count=1, name="s1"):
    pool = {"name": "n1", "generation": generation, "resourceSliceCount": count}
    spec = {"driver": driver, "nodeName": "n1", "pool": pool, "devices": list(devices)}
    return msgspec.convert({"metadata": {"name": name}, "spec": spec}, ResourceSlice)


def result(name, *, driver=NVIDIA, request="gpu", **more):
    return {"request": request, "driver": driver, "pool": "n1", "device": name, **more}


def claim(*results, pods=("a",), name="c", uids=None):
    reserved = [{"resource": "pods", "name": pod, "uid": (uids or {}).get(pod, f"uid-{pod}")} for pod in pods]
    status = {"allocation": {"devices": {"results": list(results)}}, "reservedFor": reserved}
    return msgspec.convert({"metadata": {"namespace": "user-ann-a", "name": name}, "status": status}, ResourceClaim)


def facts(*slices, claims=(), pods=("a", "b"), known=True):
    return NodeFacts(
        node=node(capacity={}),
        pods=tuple(pod(each, 0) if isinstance(each, str) else each for each in pods),
        slices=slices,
        claims=tuple(claims),
        claims_known=known,
    )


def held(**kwargs):
    return [(holding.device, holding.pod[1]) for holding in dra.holdings(facts(**kwargs))]


def test_a_card_has_the_names_by_which_others_know_it():
    (seen,) = dra.devices(facts(published(gpu(1, memory="81559Mi", pcieBusID="0000:18:00.0"))))
    assert seen.names == (f"{NVIDIA}/n1/gpu-1", "GPU-1", pci_name("00000000:18:00.0"))
    assert (seen.vendor, seen.resource, seen.uuid, seen.index) == ("nvidia", NVIDIA, "GPU-1", 1)
    assert (seen.product, seen.memory_total) == ("NVIDIA-H100-80GB-HBM3", 81559)
    assert (seen.fault, seen.doubt, seen.parts, seen.shares) == (None, None, (), None)


def test_a_slice_of_several_nodes_gives_each_its_own_devices():
    entries = [gpu(0) | {"nodeName": "n1"}, gpu(1) | {"nodeName": "n2"}, gpu(2)]
    found = published(*entries)
    assert [seen.uuid for seen in dra.devices(facts(found))] == ["GPU-0", "GPU-2"]


@pytest.mark.parametrize("key", ["pcieBusID", "resource.kubernetes.io/pciBusID", "gpu.nvidia.com/pcieBusID"])
def test_attribute_names_may_have_a_domain(key):
    entry = gpu(0)
    entry["attributes"] = {
        "gpu.nvidia.com/type": {"string": "gpu"},
        "gpu.nvidia.com/uuid": {"string": "GPU-0"},
        key: {"string": "0000:18:00.0"},
    }
    (seen,) = dra.devices(facts(published(entry)))
    assert seen.names == (f"{NVIDIA}/n1/gpu-0", "GPU-0", pci_name("18:00.0"))


def test_attributes_of_v1beta1_are_nested():
    entry = gpu(0)
    nested = {"name": entry.pop("name"), "basic": entry}
    (seen,) = dra.devices(facts(published(nested)))
    assert seen.uuid == "GPU-0"


def test_an_index_that_the_driver_states_is_better_than_the_one_in_the_name():
    (seen,) = dra.devices(facts(published(gpu(7, index=0))))
    assert seen.index == 0


def test_a_partition_is_its_card_until_somebody_holds_it():
    slices = published(
        gpu(0, counters={"gpu-0": 8}), mig(0, 0, counters={"gpu-0": 1}), mig(0, 1, counters={"gpu-0": 1})
    )
    whole, first, second = dra.devices(facts(slices, claims=[claim(result("gpu-0-mig-1g10gb-19-1"))]))
    assert "GPU-0" in whole.names
    assert "GPU-0" in first.names
    assert "GPU-0" in second.names
    assert first.parts == ()
    (part,) = second.parts
    assert part.names == (dra_name(NVIDIA, "n1", "gpu-0-mig-1g10gb-19-1"),)
    assert (part.id, part.profile, part.resource) == ("gpu-0-mig-1g10gb-19-1", "1g.10gb", None)
    assert dra_name(NVIDIA, "n1", "gpu-0-mig-1g10gb-19-1") not in second.names


def test_the_many_ways_to_cut_a_card_that_nobody_holds_are_said_once():
    offered = [mig(0, place, counters={"c": 1}) for place in range(7)]
    assert len(list(dra.devices(facts(published(gpu(0, counters={"c": 8}), *offered))))) == 2


def test_a_slice_that_exists_has_a_uuid_and_its_card_need_not_be_a_device():
    slices = published(mig(3, 0, uuid="MIG-a"))
    (seen,) = dra.devices(facts(slices, claims=[claim(result("gpu-3-mig-1g10gb-19-0"))]))
    assert (seen.uuid, seen.index, seen.memory_total) == ("GPU-3", 3, None)
    assert "MIG-a" in seen.parts[0].names


def test_where_the_driver_says_nothing_counters_tell_cards_from_their_partitions():
    slices = published(
        device("whole-0", counters={"card-0": 4}),
        device("half-0", counters={"card-0": 2}),
        device("whole-1", counters={"card-1": 4}),
        driver="gpu.example.com",
    )
    first, half, second = dra.devices(facts(slices, claims=[claim(result("half-0", driver="gpu.example.com"))]))
    assert set(first.names) & set(half.names)
    assert not set(first.names) & set(second.names)
    assert [part.id for part in half.parts] == ["half-0"]


def test_counters_that_all_cards_draw_from_do_not_make_them_one():
    slices = published(gpu(0, counters={"power": 1}), gpu(1, counters={"power": 1}))
    first, second = dra.devices(facts(slices))
    assert not set(first.names) & set(second.names)


def test_the_twin_for_passthrough_is_the_same_card():
    slices = published(
        gpu(0, pcieBusID="0000:18:00.0"),
        device("gpu-vfio-0", type="vfio", uuid="other", resource_kubernetes_io__pciBusID="0000:18:00.0"),
    )
    whole, twin = dra.devices(facts(slices))
    assert set(whole.names) & set(twin.names)
    assert (twin.uuid, twin.index) == (None, None)


def test_amd_s_partitions_are_brought_to_their_card_by_its_address():
    slices = published(
        device("gpu-1-129", type="amdgpu-partition", parentPciAddr="0000:19:00.0", partitionProfile="cpx_nps4"),
        device("gpu-2-130", type="amdgpu-partition", resource_kubernetes_io__pciBusID="0000:19:00.0"),
        device("gpu-9-137", type="amdgpu", pciAddr="0000:1a:00.0", productName="AMD Instinct MI300X"),
        driver=AMD,
    )
    first, second, other = dra.devices(facts(slices, claims=[claim(result("gpu-1-129", driver=AMD))]))
    assert first.names == second.names == (pci_name("0000:19:00.0"),)
    assert first.parts[0].profile == "cpx_nps4"
    assert (other.vendor, other.product) == ("amd", "AMD_Instinct_MI300X")
    assert other.index is None


@pytest.mark.parametrize("driver", ["compute-domain.nvidia.com", "dra.cpu", "sriovnetwork.k8snetworkplumbingwg.io"])
def test_drivers_of_other_things_are_left_out(driver):
    assert list(dra.devices(facts(published(device("daemon-0", type="daemon"), driver=driver)))) == []


@pytest.mark.parametrize("driver", ["gpu.example.com", "hami-core-gpu.project-hami.io", "tpu.google.com"])
def test_an_accelerator_of_an_unknown_driver_is_a_card(driver):
    (seen,) = dra.devices(facts(published(device("x"), driver=driver)))
    assert (seen.vendor, seen.resource) == (driver, driver)


def test_only_the_newest_generation_of_a_pool_counts():
    old = published(gpu(0), gpu(1), name="old")
    new = published(gpu(0), generation=2, name="new")
    assert [seen.uuid for seen in dra.devices(facts(old, new))] == ["GPU-0"]


def test_a_pool_of_which_slices_are_missing_is_doubted():
    (seen,) = dra.devices(facts(published(gpu(0), generation=3, count=2), published(gpu(1), generation=2, count=2)))
    assert seen.doubt == "the driver has published only 1 of 2 slices of its pool"


def test_a_pool_of_several_slices_is_complete_with_the_last():
    seen = list(dra.devices(facts(published(gpu(0), count=2), published(gpu(1), count=2))))
    assert [each.doubt for each in seen] == [None, None]


@pytest.mark.parametrize(
    ("taint", "fault"),
    [
        ({"key": "gpu.nvidia.com/xid", "value": "79", "effect": "NoSchedule"}, "gpu.nvidia.com/xid=79"),
        ({"key": "gpu.nvidia.com/gpu-lost", "effect": "NoExecute"}, "gpu.nvidia.com/gpu-lost"),
        ({"key": "gpu.nvidia.com/xid", "value": "43", "effect": "None"}, None),
        ({"key": "gpu.nvidia.com/unmonitored", "effect": "None"}, None),
    ],
)
def test_a_taint_that_keeps_pods_away_is_a_fault(taint, fault):
    (seen,) = dra.devices(facts(published(gpu(0, taints=[taint]))))
    assert seen.fault == (fault and f"the driver has tainted the device: {fault}")


def test_a_partition_s_trouble_is_its_card_s_only_where_the_card_is_lost():
    ill = mig(0, taints=[{"key": "gpu.nvidia.com/xid", "value": "63", "effect": "NoSchedule"}])
    lost = mig(1, taints=[{"key": "gpu.nvidia.com/gpu-lost", "effect": "NoSchedule"}])
    assert [bool(seen.fault) for seen in dra.devices(facts(published(ill, lost)))] == [False, True]


def test_how_many_may_share_a_card_is_said_by_the_driver():
    (seen,) = dra.devices(facts(published(gpu(0, shares="4"))))
    assert seen.shares == 4


def test_a_claim_s_pod_holds_its_devices():
    own = claim(result("gpu-0"), result("gpu-1"))
    assert list(dra.holdings(facts(claims=[own]))) == [
        Holding(device=f"{NVIDIA}/n1/gpu-0", pod=("user-ann-a", "a")),
        Holding(device=f"{NVIDIA}/n1/gpu-1", pod=("user-ann-a", "a")),
    ]


def test_several_pods_of_a_claim_share_its_device():
    assert held(claims=[claim(result("gpu-0"), pods=("a", "b"))]) == [
        (f"{NVIDIA}/n1/gpu-0", "a"),
        (f"{NVIDIA}/n1/gpu-0", "b"),
    ]


def test_shares_of_one_device_go_to_several_claims():
    one = claim(result("gpu-0", shareID="1"), pods=("a",), name="one")
    two = claim(result("gpu-0", shareID="2"), pods=("b",), name="two")
    assert [pod for _, pod in held(claims=[one, two])] == ["a", "b"]


def test_a_monitor_s_admin_access_holds_nothing():
    assert held(claims=[claim(result("gpu-0", adminAccess=True))]) == []


@pytest.mark.parametrize(
    ("claims", "pods"),
    [
        ([claim(result("gpu-0"), pods=("gone",))], ("a",)),
        ([claim(result("gpu-0"), uids={"a": "of-another-pod-of-that-name"})], ("a",)),
        ([claim(result("gpu-0"))], (pod("a", 0, phase="Succeeded"),)),
        ([claim(result("gpu-0"))], (pod("a", 0, namespace="user-bob-b"),)),
        ([claim(result("gpu-0"), pods=())], ("a",)),
    ],
    ids=["gone", "another uid", "finished", "another namespace", "reserved for nobody"],
)
def test_a_claim_that_no_pod_uses_has_no_holder_and_still_keeps_its_device_from_being_free(claims, pods):
    assert held(claims=claims, pods=pods) == []
    first, second = dra.devices(facts(published(gpu(0), gpu(1)), claims=claims, pods=pods))
    assert first.doubt == "the device is allocated to a claim that no pod uses"
    assert second.doubt is None


def test_a_claim_without_devices_says_nothing():
    empty = msgspec.convert({"metadata": {"name": "c"}, "status": {"reservedFor": []}}, ResourceClaim)
    assert held(claims=[empty]) == []


def test_where_claims_are_not_known_no_device_is_free():
    (seen,) = dra.devices(facts(published(gpu(0)), known=False))
    assert seen.doubt == "claims cannot be read, so who holds the device is not known"


def test_an_extended_resource_served_by_a_claim_is_counted_by_both():
    served = msgspec.json.decode(
        b"""{"metadata": {"namespace": "user-ann-a", "name": "a", "uid": "uid-a"},
        "status": {"extendedResourceClaimStatus": {"resourceClaimName": "c", "requestMappings": [
        {"containerName": "main", "resourceName": "nvidia.com/gpu", "requestName": "container-0-request-0"}]}}}""",
        type=type(pod("a")),
    )
    own = claim(result("gpu-0", request="container-0-request-0"))
    other = claim(result("gpu-1", request="container-0-request-0"), name="other")
    holdings = list(dra.holdings(facts(claims=[own, other], pods=[served])))
    assert [holding.resource for holding in holdings] == ["nvidia.com/gpu", None]
