"""What belongs to a node, and which nodes an event is about; caches are fed by hand."""

import asyncio
from datetime import UTC, datetime

import msgspec
import pytest

from genet.errors import Forbidden, Unavailable
from genet.gpus.dynamic import DynamicResources
from genet.gpus.facts import NODE_INDEX, Facts, by_node, device_info_cache
from genet.kube.cache import Cache
from genet.kube.client import KubeClient, Listing
from genet.kube.objects import NODES, PODS, ConfigMap
from genet.kube.projection import ObjectMeta
from genet.kube.resource_api import (
    Allocation,
    AllocationResult,
    ConsumerReference,
    Device,
    DeviceAllocation,
    ResourceClaim,
    ResourceClaimStatus,
    ResourcePool,
    ResourceSlice,
    ResourceSliceSpec,
)
from genet.kube.watch import Changes, Trouble
from genet.settings import Kubernetes
from tests.gpus.builders import node, pod

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
GPU_DRIVER = "gpu.nvidia.com"


class Cluster:
    """Caches without an API server: what a watch would bring is put in by hand."""

    def __init__(self, kube):
        self.now = NOW.timestamp()
        self.nodes = Cache(kube, NODES, clock=self.monotonic)
        self.pods = Cache(kube, PODS, indexes={NODE_INDEX: by_node}, clock=self.monotonic)
        self.dynamic = DynamicResources(kube, clock=self.monotonic)
        self.dynamic.group.is_served = True
        self.infos = device_info_cache(kube)
        self.facts = Facts(self.nodes, self.pods, dynamic=self.dynamic, device_info=self.infos)
        self.version = 10
        for cache in (self.nodes, self.pods, self.dynamic.slices, self.dynamic.claims, self.infos):
            cache.apply(Listing([], "10"))
        for name in ("n1", "n2", "n3"):
            self.put(self.nodes, node(name))

    def monotonic(self):
        return self.now

    def put(self, cache, obj, kind="MODIFIED"):
        """Returns the nodes that this marks."""
        self.version += 1
        newer = msgspec.structs.replace(obj.metadata, resource_version=str(self.version))
        self.facts.marked.clear()
        cache.apply(Changes([(kind, msgspec.structs.replace(obj, metadata=newer))], str(self.version)))
        return self.facts.marked

    def delete(self, cache, obj):
        return self.put(cache, obj, "DELETED")

    def of(self, name):
        facts = self.facts.of(name, ())
        parts = {part: getattr(facts, part) for part in ("pods", "slices", "claims")}
        return {part: sorted(found.metadata.name for found in all_) for part, all_ in parts.items()}


@pytest.fixture
async def cluster():
    async with KubeClient.connect(Kubernetes()) as kube:
        yield Cluster(kube)


def meta(name, namespace=""):
    return ObjectMeta(name=name, namespace=namespace, uid=f"uid-{name}", resource_version="1")


def resource_slice(name, on, *, pool=None, devices=()):
    spec = ResourceSliceSpec(driver=GPU_DRIVER, pool=ResourcePool(name=pool or on), node_name=on, devices=devices)
    return ResourceSlice(metadata=meta(name), spec=spec)


def claim(name, *pools, pods=(), namespace="user-ann-a"):
    results = tuple(AllocationResult(request="gpu", driver=GPU_DRIVER, pool=pool, device="gpu-0") for pool in pools)
    status = ResourceClaimStatus(
        allocation=Allocation(devices=DeviceAllocation(results=results)) if pools else None,
        reserved_for=tuple(ConsumerReference(resource="pods", name=found, uid=f"uid-{found}") for found in pods),
    )
    return ResourceClaim(metadata=meta(name, namespace), status=status)


def info(on):
    return ConfigMap(metadata=meta(f"mindx-dl-deviceinfo-{on}", "kube-system"), data={"DeviceInfoCfg": "{}"})


def test_a_node_that_is_not_there_has_no_facts(cluster):
    assert cluster.facts.of("n9", ()) is None


def test_pods_mark_the_nodes_they_are_on_and_were_on(cluster):
    assert cluster.put(cluster.pods, pod("a", on="")) == set()
    assert cluster.put(cluster.pods, pod("a", on="n1")) == {"n1"}
    assert cluster.put(cluster.pods, pod("a", on="n2")) == {"n1", "n2"}
    assert cluster.of("n2")["pods"] == ["a"]
    assert cluster.delete(cluster.pods, pod("a", on="n2")) == {"n2"}
    assert cluster.of("n2")["pods"] == []


def test_a_pod_that_is_finished_marks_its_node(cluster):
    cluster.put(cluster.pods, pod("a", on="n1"))
    assert cluster.put(cluster.pods, pod("a", on="n1", phase="Succeeded")) == {"n1"}


def test_slices_mark_the_nodes_they_are_of_and_were_of(cluster):
    slices = cluster.dynamic.slices
    assert cluster.put(slices, resource_slice("s", on="n1")) == {"n1"}
    assert cluster.of("n1")["slices"] == ["s"]
    assert cluster.put(slices, resource_slice("s", on="n2")) == {"n1", "n2"}
    assert cluster.of("n1")["slices"] == []
    assert cluster.delete(slices, resource_slice("s", on="n2")) == {"n2"}


def test_a_slice_may_name_a_node_for_each_device(cluster):
    devices = (Device(name="d0", node_name="n1"), Device(name="d1", node_name="n3"))
    assert cluster.put(cluster.dynamic.slices, resource_slice("s", on="", pool="p", devices=devices)) == {"n1", "n3"}
    assert cluster.of("n3")["slices"] == ["s"]
    assert cluster.put(cluster.dynamic.claims, claim("c", "p")) == {"n1", "n3"}


def test_a_claim_marks_the_nodes_whose_devices_it_holds_and_held(cluster):
    for name in ("n1", "n2"):
        cluster.put(cluster.dynamic.slices, resource_slice(f"s-{name}", on=name))
    claims = cluster.dynamic.claims
    assert cluster.put(claims, claim("c")) == set()
    assert cluster.put(claims, claim("c", "n1")) == {"n1"}
    assert cluster.of("n1")["claims"] == ["c"]
    assert cluster.put(claims, claim("c", "n2")) == {"n1", "n2"}
    assert cluster.of("n1")["claims"] == []
    assert cluster.delete(claims, claim("c", "n2")) == {"n2"}
    assert cluster.of("n2")["claims"] == []


def test_a_claim_marks_the_nodes_of_the_pods_it_is_reserved_for(cluster):
    cluster.put(cluster.pods, pod("a", on="n1"))
    cluster.put(cluster.pods, pod("b", on="n3"))
    claims = cluster.dynamic.claims
    assert cluster.put(claims, claim("c", "network", pods=["a", "b", "not-there"])) == {"n1", "n3"}
    assert cluster.of("n1")["claims"] == cluster.of("n3")["claims"] == ["c"]
    assert cluster.put(claims, claim("c", "network", pods=["b"])) == {"n1", "n3"}
    assert cluster.of("n1")["claims"] == []


def test_pods_of_that_name_elsewhere_have_no_part_in_a_claim(cluster):
    cluster.put(cluster.pods, pod("a", on="n1", namespace="user-bob-b"))
    assert cluster.put(cluster.dynamic.claims, claim("c", pods=["a"], namespace="user-ann-a")) == set()
    assert cluster.of("n1")["claims"] == []


def test_claims_and_slices_may_come_in_any_order(cluster):
    assert cluster.put(cluster.dynamic.claims, claim("c", "n1", pods=["a"])) == set()
    assert cluster.put(cluster.dynamic.slices, resource_slice("s", on="n1")) == {"n1"}
    assert cluster.put(cluster.pods, pod("a", on="n2")) == {"n2"}
    assert cluster.of("n1")["claims"] == cluster.of("n2")["claims"] == ["c"]


def test_what_ascend_says_is_of_the_node_in_its_name(cluster):
    assert cluster.put(cluster.infos, info("n2")) == {"n2"}
    assert cluster.facts.of("n2", ()).device_info.data == {"DeviceInfoCfg": "{}"}
    assert cluster.facts.of("n1", ()).device_info is None
    assert cluster.delete(cluster.infos, info("n2")) == {"n2"}
    assert cluster.facts.of("n2", ()).device_info is None


def test_an_event_looks_at_its_own_node_alone(cluster):
    for index in range(50):
        cluster.put(cluster.dynamic.slices, resource_slice(f"s{index}", on=f"m{index}"))
    asked = []
    by = cluster.dynamic.slices.by

    def counted(*key):
        asked.append(key)
        return by(*key)

    cluster.dynamic.slices.by = counted
    assert cluster.put(cluster.dynamic.claims, claim("c", "m7")) == {"m7"}
    assert len(asked) == 1


async def test_what_was_listed_before_is_marked():
    async with KubeClient.connect(Kubernetes()) as kube:
        nodes, pods = Cache(kube, NODES), Cache(kube, PODS, indexes={NODE_INDEX: by_node})
        nodes.apply(Listing([node("n1")], "10"))
        pods.apply(Listing([pod("a", on="n2")], "10"))
        assert Facts(nodes, pods).marked == {"n1", "n2"}


# --- the source of DRA


def dra(cluster):
    return cluster.facts.dra(datetime.fromtimestamp(cluster.now, UTC))


def forbid(cache):
    cache.apply(Trouble(Forbidden('resourceclaims is forbidden: User "system:serviceaccount:a:b" cannot list')))


def test_a_cluster_without_dra_says_so(cluster):
    cluster.dynamic.group.is_served = False
    assert (dra(cluster).state, dra(cluster).message, dra(cluster).checked_at) == ("off", None, None)
    assert Facts(cluster.nodes, cluster.pods).dra(NOW).state == "off"


def test_before_the_api_server_has_answered_nothing_is_known_of_dra(cluster):
    cluster.dynamic.group.is_served = None
    assert dra(cluster).state == "unavailable"


def test_dra_that_is_followed_is_ok(cluster):
    assert (dra(cluster).state, dra(cluster).message, dra(cluster).checked_at) == ("ok", None, NOW)


def test_an_outage_leaves_what_was_said_last(cluster):
    cluster.put(cluster.dynamic.slices, resource_slice("s", on="n1"))
    cluster.put(cluster.dynamic.claims, claim("c", "n1"))
    cluster.dynamic.claims.apply(Trouble(Unavailable("dial tcp 10.0.0.7: connection refused")))
    cluster.now += 20
    source = dra(cluster)
    assert (source.state, source.checked_at) == ("stale", NOW)
    assert source.message == "the Kubernetes API does not answer about resourceclaims; what it said last is shown"
    assert cluster.of("n1")["claims"] == ["c"]
    assert cluster.facts.of("n1", ()).claims_known


@pytest.fixture
async def unlisted():
    """DRA is served and neither slices nor claims have been listed."""
    async with KubeClient.connect(Kubernetes()) as kube:
        found = Cluster(kube)
        found.dynamic = DynamicResources(kube)
        found.dynamic.group.is_served = True
        found.facts = Facts(found.nodes, found.pods, dynamic=found.dynamic)
        yield found


def test_a_missing_right_is_named_without_names(unlisted):
    assert dra(unlisted).message == "resourceslices have not been listed yet"
    unlisted.dynamic.slices.apply(Listing([], "10"))
    forbid(unlisted.dynamic.claims)
    source = dra(unlisted)
    assert source.state == "unavailable"
    assert source.message == "Genet has no permission to list and watch resourceclaims"


async def test_without_claims_nobody_calls_a_device_free_until_they_are_read(unlisted):
    unlisted.dynamic.group.run = asyncio.Event().wait
    running = asyncio.create_task(unlisted.facts.run())
    unlisted.dynamic.slices.apply(Listing([resource_slice("s", on="n1")], "10"))
    forbid(unlisted.dynamic.claims)
    assert not unlisted.facts.of("n1", ()).claims_known
    unlisted.facts.marked.clear()
    unlisted.dynamic.claims.apply(Listing([], "10"))
    async with asyncio.timeout(5):
        while unlisted.facts.marked != {"n1"}:  # noqa: ASYNC110 # seen from outside
            await asyncio.sleep(0)
    assert unlisted.facts.of("n1", ()).claims_known
    running.cancel()
    await asyncio.wait([running])


def test_a_missing_right_to_ascends_word_is_remarked_on(cluster):
    assert cluster.facts.remark is None
    forbid(cluster.infos)
    assert cluster.facts.remark == (
        "Genet has no permission to list and watch configmaps in kube-system: the health of Ascend devices is not known"
    )
