"""Nodes as hypothesis makes them up: every way to hand GPUs out, also several at once, and sources that err or lie.

Names come from small sets, so that sources often speak of the same cards and pods. `node_facts` makes whole nodes.
"""

import json
from datetime import timedelta

from hypothesis import event
from hypothesis import strategies as st
from msgspec.structs import replace

from genet.gpus.model import NodeFacts, Reading, dra_name, pci_name
from genet.kube import objects, projection, resource_api
from tests.gpus.builders import GPU, STARTED, node, pod

DRIVER = "gpu.nvidia.com"
MODES = {
    "exclusive": (GPU,),
    "time-slicing": (GPU, "nvidia.com/gpu.shared"),
    "mig": (GPU, "nvidia.com/mig-1g.5gb", "nvidia.com/mig-2g.10gb"),
    "hami": (GPU,),
    "dra": (GPU,),
    "kai": (GPU,),
    "shared": (GPU,),
    "amd": ("amd.com/gpu", "amd.com/cpx_nps4"),
    "ascend": ("huawei.com/Ascend910", "huawei.com/Ascend910-2c"),
    "two vendors": (GPU, "amd.com/gpu", "acme.com/npu"),
}
"""Resources by how the node hands out its GPUs."""
PRODUCTS = ("NVIDIA-A100-SXM4-40GB", "NVIDIA-L40S")
PROFILES = ("1g.5gb", "2g.10gb", "3g.20gb")
POD_NAMES = ("a", "b", "c", "d")
NAMESPACES = ("user-ann-a", "kai-resource-reservation")
INDEXES = st.integers(0, 4)

uuids = st.builds("GPU-{}".format, INDEXES)
keys = st.tuples(st.sampled_from(NAMESPACES), st.sampled_from((*POD_NAMES, "gone")))
texts = st.one_of(st.text(max_size=20), st.sampled_from(("[{", ":::", ";;", "GPU-0,10,1,1,t,0,true:", "-1", "9" * 40)))
"""What nobody can read."""
device_ids = st.one_of(
    uuids,
    st.builds("{}::{}".format, uuids, INDEXES),
    st.builds("MIG-{}".format, INDEXES),
    st.builds("nvidia{}".format, INDEXES),
    st.builds("nvidia{}/gi{}/vgpu0".format, INDEXES, INDEXES),
    st.builds("0000:{:02x}:00.0".format, INDEXES),
    st.builds("Ascend910-{}".format, INDEXES),
    texts,
)


def seldom(value):
    return st.sampled_from((None,) * 7 + (value,))


@st.composite
def readings(draw, mode):
    vendor, index = mode if mode in {"amd", "ascend"} else "nvidia", draw(INDEXES)
    has_parts = mode in {"mig", "amd", "dra"}
    instance = draw(st.sampled_from((None, "1", "2", "7", "10"))) if has_parts else None
    uuid = draw(st.just(f"GPU-{index}") | uuids) if vendor == "nvidia" else draw(st.just("") | st.just(f"S{index}"))
    profile = draw(st.sampled_from(PROFILES if vendor == "nvidia" else ("cpx_nps4",))) if instance else None
    product = PRODUCTS[index % 2] if mode == "two vendors" else None
    return Reading(
        vendor=vendor,
        uuid=uuid,
        index=index,
        instance=instance,
        profile=profile,
        product=product,
        pods=tuple(draw(st.lists(keys, max_size=3, unique=True))),
        utilization=draw(st.none() | st.integers(0, 100)),
        memory_used=draw(st.none() | st.sampled_from((0, 99, 100, 9000))),
        names=draw(st.just(()) | st.just((pci_name(f"0000:{index:02x}:00.0"),))),
        fault=draw(seldom("it has fallen off the bus (Xid 79)")),
        idle_since=draw(st.none() | st.just(STARTED + timedelta(hours=1)) | st.just(STARTED - timedelta(hours=1))),
    )


@st.composite
def hami_registers(draw):
    cards = draw(st.lists(st.tuples(INDEXES, st.integers(0, 10), st.booleans()), max_size=4, unique_by=lambda c: c[0]))
    if draw(st.booleans()):
        return json.dumps([{"id": f"GPU-{i}", "index": i, "count": n, "health": ok} for i, n, ok in cards])
    return "".join(f"GPU-{i},{n},46068,100,NVIDIA-L40S,0,{str(ok).lower()}:" for i, n, ok in cards)


@st.composite
def nodes(draw, mode):
    counts = st.just(0) if mode == "shared" else st.integers(0, 12)
    capacity = {name: draw(counts) for name in MODES[mode]}
    allocatable = {name: max(0, units - draw(st.sampled_from((0, 0, 0, 0, 1, 4)))) for name, units in capacity.items()}
    labels = {
        "nvidia.com/gpu.product": draw(st.sampled_from((*PRODUCTS, f"{PRODUCTS[0]}-MIG-1g.5gb", "Tesla-T4-SHARED"))),
        "nvidia.com/gpu.count": draw(st.sampled_from(("", "1", "2", "4", "0", "x"))),
        "nvidia.com/gpu.replicas": draw(st.sampled_from(("", "0", "1", "2", "4"))),
        "nvidia.com/mig.strategy": draw(st.sampled_from(("none", "single", "mixed"))),
        "genet.io/gpu-mode": "shared" if mode == "shared" else "exclusive",
    }
    annotations = {}
    if mode == "hami":
        annotations["hami.io/node-nvidia-register"] = draw(hami_registers() | texts)
        annotations["hami.io/node-handshake"] = draw(st.just("Requesting_2026.06.01 11:00:00") | texts)
    made = node(
        capacity={name: str(units) for name, units in capacity.items()},
        allocatable={name: str(units) for name, units in allocatable.items()},
        labels=labels,
        annotations=annotations,
        ready=draw(st.sampled_from(("True", "True", "True", "True", "False", "Unknown"))),
        unschedulable=draw(st.sampled_from((False, False, False, True))),
    )
    taints = (objects.Taint(key="amd-gpu-unhealthy", effect="NoSchedule"),) if draw(seldom(value=True)) else ()
    return replace(made, spec=replace(made.spec, taints=taints))


@st.composite
def pods(draw, mode):
    """At most one of each name."""
    found = []
    for namespace, name in draw(st.lists(keys.filter(lambda key: key[1] != "gone"), max_size=6, unique=True)):
        resource = draw(st.sampled_from(MODES[mode]))
        phase = draw(st.sampled_from(("Running", "Running", "Running", "Running", "Pending", "Succeeded")))
        made = pod(name, draw(st.sampled_from((0, 1, 1, 2, 4))), namespace=namespace, resource=resource, phase=phase)
        said = WORDS.get(mode)
        if said:
            key, words = said
            made.metadata.annotations[key] = draw(words)
        if mode == "shared":
            made.metadata.labels["genet.io/gpu-type"] = "t"
        if mode == "kai" and draw(st.booleans()):
            made.metadata.labels["runai-gpu-group"] = "g"
        containers = (
            objects.ContainerStatus(name="main", allocated_resources_status=draw(_allocated(resource, mode))),
        )
        made = replace(made, status=replace(made.status, container_statuses=containers))
        found.append(_claiming(made, draw) if mode == "dra" else made)
    return tuple(found)


WORDS = {
    "hami": (
        "hami.io/vgpu-devices-allocated",
        st.builds("{},NVIDIA,1,1:;{},NVIDIA,1,1:".format, uuids, uuids) | texts,
    ),
    "ascend": ("huawei.com/AscendReal", st.builds("Ascend910-{},Ascend910-{}".format, INDEXES, INDEXES) | texts),
    "kai": ("run.ai/reserve_for_gpu_index", uuids | INDEXES.map(str) | texts),
    "shared": ("genet.io/gpu-devices", st.builds("{},{}".format, INDEXES, INDEXES) | texts),
}
"""Annotations of pods, by mode."""


def _allocated(resource, mode):
    if mode == "dra":
        ids, name = INDEXES.map(lambda index: dra_name(DRIVER, "n1", f"gpu-{index}")), "claim:c0/r"
    else:
        ids, name = device_ids, resource
    healths = st.builds(
        objects.ResourceHealth, resource_id=ids, health=st.sampled_from(("Healthy",) * 5 + ("Unhealthy",))
    )
    return st.lists(healths, max_size=2).map(lambda told: (objects.ResourceStatus(name=name, resources=tuple(told)),))


def _claiming(made, draw):
    extended = objects.ExtendedResourceClaimStatus(
        resource_claim_name="c0",
        request_mappings=(objects.ExtendedResourceRequest(resource_name=GPU, request_name="r"),),
    )
    return replace(
        made,
        spec=replace(made.spec, resource_claims=draw(st.sampled_from(((), (objects.PodResourceClaim(name="c"),))))),
        status=replace(made.status, extended_resource_claim_status=draw(st.sampled_from((None, extended)))),
    )


@st.composite
def slices(draw):
    """One pool, in one or more pieces."""
    indexes = draw(st.lists(INDEXES, min_size=2, max_size=4, unique=True))
    devices = [_device(draw, index) for index in indexes]
    cut = draw(st.integers(0, len(devices)))
    pool = resource_api.ResourcePool(name="n1", generation=1, resource_slice_count=draw(st.integers(1, 2)))
    return tuple(
        resource_api.ResourceSlice(
            metadata=projection.ObjectMeta(name=f"s{number}"),
            spec=resource_api.ResourceSliceSpec(driver=DRIVER, pool=pool, node_name="n1", devices=tuple(piece)),
        )
        for number, piece in enumerate((devices[:cut], devices[cut:]))
        if piece
    )


def _device(draw, index):
    text = {"type": "gpu", "uuid": f"GPU-{index}", "productName": draw(st.sampled_from(PRODUCTS))}
    name = f"gpu-{index}"
    if draw(st.integers(0, 3)) == 0:
        text |= {"type": "mig", "uuid": f"MIG-{index}", "parentUUID": f"GPU-{draw(INDEXES)}", "profile": "1g.5gb"}
        name = f"gpu-{index}-mig-1g.5gb-0"
    taints = (resource_api.DeviceTaint(key="bad", effect="NoSchedule"),) if draw(seldom(value=True)) else ()
    attributes = {key: resource_api.Attribute(string=value) for key, value in text.items()}
    return resource_api.Device(name=name, attributes=attributes, taints=taints)


@st.composite
def claims(draw):
    found = []
    for number in range(draw(st.integers(1, 3))):
        results = tuple(
            resource_api.AllocationResult(
                request="r",
                driver=DRIVER,
                pool="n1",
                device=draw(st.sampled_from((f"gpu-{index}", f"gpu-{index}", f"gpu-{index}-mig-1g.5gb-0"))),
                admin_access=draw(st.sampled_from((None, None, True))),
            )
            for index in draw(st.lists(INDEXES, min_size=1, max_size=2, unique=True))
        )
        users = draw(st.lists(st.sampled_from(POD_NAMES), min_size=1, max_size=3, unique=True))
        status = resource_api.ResourceClaimStatus(
            allocation=resource_api.Allocation(devices=resource_api.DeviceAllocation(results=results)),
            reserved_for=tuple(
                resource_api.ConsumerReference(resource="pods", name=name, uid=f"uid-{name}") for name in users
            ),
        )
        metadata = projection.ObjectMeta(name=f"c{number}", namespace=NAMESPACES[0])
        found.append(resource_api.ResourceClaim(metadata=metadata, status=status))
    return tuple(found)


def _identity(reading):
    return reading.vendor, reading.uuid or reading.index, reading.instance


@st.composite
def node_facts(draw):
    mode = draw(st.sampled_from(sorted(MODES)))
    event(mode)
    return NodeFacts(
        node=draw(nodes(mode)),
        pods=draw(pods(mode)),
        readings=tuple(draw(st.lists(readings(mode), max_size=6, unique_by=_identity))),
        slices=draw(slices()) if mode == "dra" else (),
        claims=draw(claims()) if mode == "dra" else (),
        claims_known=not draw(seldom(value=True)),
    )
