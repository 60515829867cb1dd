"""What holds of every node, however it hands out its GPUs and whatever the sources say."""

from collections import Counter

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from genet.accelerators import counts_devices
from genet.gpus.merge.inventory import inventory
from genet.gpus.model import PodKey
from genet.kube import requests
from genet.settings import GPUType
from tests.gpus.builders import GPU
from tests.gpus.merge.generated import node_facts

TYPES = (
    GPUType(name="slices", resource_name="nvidia.com/mig-2g.10gb"),
    GPUType(name="a100", resource_name=GPU, node_selector={"nvidia.com/gpu.product": "NVIDIA-A100-SXM4-40GB"}),
    GPUType(name="acme", resource_name="acme.com/npu"),
)
IS_DEVICE = counts_devices(kind.resource_name for kind in TYPES)
every_node = settings(max_examples=150, deadline=None)
ran: Counter[str] = Counter()


@pytest.fixture(scope="module", autouse=True)
def _tell(request):
    yield
    with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        print(f"\ngenerated nodes with devices: {ran.total()} {dict(ran.most_common())}")


def merged(facts):
    found = inventory(facts, TYPES)
    for label in {f"{slot.status}/{slot.attribution}" for slot in slots(found)}:
        event(label)
        ran[label] += 1
    return found


def slots(found):
    return [slot for devices in found.values() for slot in devices.node.slots]


def devices_of(found):
    """How many cards and parts each pod holds."""
    held: Counter[PodKey] = Counter()
    for slot in slots(found):
        in_parts = [pod for part in slot.slices for pod in part.pods]
        held.update((pod.namespace, pod.name) for pod in in_parts)
        held.update((pod.namespace, pod.name) for pod in slot.pods if pod not in in_parts)
    return held


@given(node_facts())
@every_node
def test_every_device_is_in_one_state_and_the_sums_add_up(facts):
    for devices in merged(facts).values():
        states = Counter(slot.status for slot in devices.node.slots)
        assert states.keys() <= {"free", "used", "unknown", "unhealthy", "external"}
        assert states.total() == devices.node.total_devices
        assert states["used"] == devices.node.used_devices


@given(node_facts())
@every_node
def test_every_card_is_shown_once(facts):
    found = slots(merged(facts))
    known = [slot.uuid for slot in found if slot.uuid]
    assert len(known) == len(set(known))


@given(node_facts())
@every_node
def test_no_pod_holds_a_device_twice(facts):
    for slot in slots(merged(facts)):
        for pods in (slot.pods, *(part.pods for part in slot.slices)):
            assert len(pods) == len(set(pods))


@given(node_facts())
@every_node
def test_no_pod_holds_more_than_it_asks_for(facts):
    facts = replace(facts, claims=(), claims_known=True)
    facts.node.metadata.labels.pop("genet.io/gpu-mode", None)
    asked = {
        (pod.metadata.namespace, pod.metadata.name): sum(requests.devices(pod, IS_DEVICE).values())
        for pod in facts.pods
        if not pod.spec.resource_claims and "runai-gpu-group" not in pod.metadata.labels
    }
    for key, number in devices_of(merged(facts)).items():
        assert number <= asked.get(key, number)


@given(node_facts())
@every_node
def test_who_holds_is_there_and_has_not_finished(facts):
    there = {
        (pod.metadata.namespace, pod.metadata.name) for pod in facts.pods if pod.status.phase not in requests.FINISHED
    }
    assert devices_of(merged(facts)).keys() <= there


@given(node_facts())
@every_node
def test_what_is_not_plain_has_a_reason_and_what_is_used_a_source(facts):
    for slot in slots(merged(facts)):
        assert (slot.reason is None) <= (slot.status in {"free", "used"})
        assert (slot.status == "used") <= (slot.attribution is not None)
        assert (slot.status == "free") <= (slot.attribution is None and not slot.pods and slot.reason is None)
        assert (slot.pod is not None) == (len(slot.pods) == 1)
        assert (slot.idle_since is None) or all(
            pod.started_at is not None and slot.idle_since >= pod.started_at for pod in slot.pods
        )


@given(node_facts())
@every_node
def test_free_units_are_what_the_node_would_give(facts):
    allocatable = facts.node.status.allocatable
    for kind, devices in merged(facts).items():
        can_give = devices.node.ready and devices.node.schedulable
        counted = int(allocatable.get(kind.resource_name, "0"))
        assert 0 <= devices.free <= (max(counted, devices.node.total_devices) if can_give else 0)


@given(node_facts())
@every_node
def test_what_is_asked_by_number_is_used_although_nobody_knows_which(facts):
    """The API server is the truth for how much is held: cards that pods ask for are never all shown as free."""
    found = merged(facts)
    for resource, units in facts.node.status.allocatable.items():
        wanted = any(
            requests.devices(pod, IS_DEVICE).get(resource) and pod.status.extended_resource_claim_status is None
            for pod in facts.pods
            if pod.status.phase not in requests.FINISHED
        )
        cards = [slot for kind, part in found.items() if kind.resource_name == resource for slot in part.node.slots]
        # a slice may be on a card that another resource's group shows
        is_whole = not any(slot.slices for part in found.values() for slot in part.node.slots)
        if wanted and cards and int(units) and is_whole:
            assert any(slot.status != "free" for slot in cards)


@given(node_facts(), st.randoms(use_true_random=False))
@every_node
def test_the_order_of_pods_readings_slices_and_claims_makes_no_difference(facts, random):
    def shuffled(items):
        return tuple(random.sample(items, len(items)))

    other = replace(
        facts,
        pods=shuffled(facts.pods),
        readings=shuffled(facts.readings),
        slices=shuffled(facts.slices),
        claims=shuffled(facts.claims),
    )
    assert merged(other) == merged(facts)
