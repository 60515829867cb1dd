"""Dynamic resource allocation: devices from ResourceSlices, holders from ResourceClaims.

Traps:
- A pool is published slice by slice, and anew for each generation: older generations do not count, and while slices of
  the newest are missing, nobody knows what else it holds.
- A card, its partitions and its passthrough twin (`vfio`) are devices side by side that compete for the same counters:
  only cards are counted. A partition is drawn once it is allocated; before, it is one of many ways to cut the card.
- MIG devices that exist have the UUID of their card and theirs; those that the driver only offers to make have no
  UUID, and a card in MIG mode need not be a device itself.
- Attribute names are the driver's own unless they have a domain: `uuid`, `gpu.nvidia.com/uuid`. The PCI address moved
  from the former kind to `resource.kubernetes.io/pciBusID`.
- A slice may hold devices of several nodes, each with its node's name (`perDeviceNodeSelection`).
- Monitors get devices with `adminAccess`: they hold nothing.
- Not every driver hands out accelerators: network cards, CPUs and NVIDIA's compute domains have slices too.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Final, NamedTuple

from genet.gpus.model import Holding, NodeFacts, Part, PodKey, Seen, dra_name, pci_name
from genet.kube import requests
from genet.kube.objects import Pod
from genet.kube.quantity import parse
from genet.kube.resource_api import AllocationResult, Attribute, Device, ResourceClaim, ResourceSlice

_ACCELERATORS: Final = re.compile(r"\b([gntx]pu|gaudi|mlu|[dgh]cu)\b")
"""Found in the names of drivers whose devices are accelerators."""
_VENDORS: Final = {
    "gpu.nvidia.com": "nvidia",
    "gpu.amd.com": "amd",
    "npu.huawei.com": "ascend",
    "gpu.intel.com": "intel",
    "gaudi.intel.com": "habana",
}
_CARDS: Final = frozenset({"gpu", "amdgpu", "vfio"})
_PARTITIONS: Final = frozenset({"mig", "amdgpu-partition"})
_PASSTHROUGH: Final = "vfio"
_NUMBERED: Final = re.compile(r"gpu-(\d{1,4})(-mig-.*)?", re.ASCII)
"""NVIDIA's device names; the number is the card's, also in a slice's name."""
_PCI: Final = ("pciBusID", "pcieBusID", "pciAddr", "parentPciAddr")
_PARENTS: Final = ("parentUUID", "parentPciAddr")
_REPELLING: Final = frozenset({"NoSchedule", "NoExecute"})
_LOST: Final = "gpu.nvidia.com/gpu-lost"
"""Taint that speaks of the whole card, whichever device of it has it."""
_MIB: Final = 2**20

_TAINTED = "the driver has tainted the device: {}"
_INCOMPLETE = "the driver has published only {} of {} slices of its pool"
_CLAIMS_UNKNOWN = "claims cannot be read, so who holds the device is not known"
_UNUSED_CLAIM = "the device is allocated to a claim that no pod uses"


class _Offer(NamedTuple):
    """One device as it is published."""

    driver: str
    pool: str
    device: Device
    doubt: str | None

    @property
    def name(self) -> str:
        return dra_name(self.driver, self.pool, self.device.name)


class _Counters(NamedTuple):
    """What the devices of one node take from counter sets, which are named by driver, pool and set."""

    most: dict[tuple[str, str], Decimal]
    """The most that one device takes, by set and counter."""
    cards: dict[str, int]
    """How many devices take that much of a set: more than one, and the set is not a card's."""


def devices(facts: NodeFacts) -> Iterable[Seen]:
    """What the offers say of cards; the many ways to cut one card that nobody holds say the same, once."""
    return dict.fromkeys(_seen(facts))


def holdings(facts: NodeFacts) -> Iterator[Holding]:
    """By claim; a pod whose extended resource is served by a claim holds its device by both."""
    present = _present(facts.pods) if facts.claims else {}
    for claim in facts.claims:
        for pod in _users(claim, present):
            asked = _extended(present[pod], claim)
            for result in _results(claim):
                yield Holding(device=_device(result), pod=pod, resource=asked.get(result.request))


def _seen(facts: NodeFacts) -> Iterator[Seen]:
    offers = list(_offers(facts.slices, facts.node.metadata.name))
    counters = _counters(offers)
    held = {holding.device for holding in holdings(facts)}
    abandoned = {_device(result) for claim in facts.claims for result in _results(claim)} - held
    for offer in offers:
        doubt = offer.doubt
        if not facts.claims_known:
            doubt = _CLAIMS_UNKNOWN
        elif offer.name in abandoned:
            doubt = _UNUSED_CLAIM
        if _is_partition(offer, counters):
            yield _sliced(offer, counters, doubt, is_held=offer.name in held)
        else:
            yield _whole(offer, counters, doubt)


def _offers(slices: Iterable[ResourceSlice], node: str) -> Iterator[_Offer]:
    pools: dict[tuple[str, str], list[ResourceSlice]] = {}
    for published in slices:
        if _ACCELERATORS.search(published.spec.driver):
            pools.setdefault((published.spec.driver, published.spec.pool.name), []).append(published)
    for (driver, pool), pieces in pools.items():
        newest = max(piece.spec.pool.generation for piece in pieces)
        current = [piece.spec for piece in pieces if piece.spec.pool.generation == newest]
        expected = max(spec.pool.resource_slice_count for spec in current)
        doubt = _INCOMPLETE.format(len(current), expected) if len(current) < expected else None
        for spec in current:
            for device in spec.devices:
                if device.node_name in ("", node):
                    yield _Offer(driver, pool, device, doubt)


def _whole(offer: _Offer, counters: _Counters, doubt: str | None) -> Seen:
    is_passthrough = _text(offer, "type") == _PASSTHROUGH
    uuid = _text(offer, "uuid")
    memory = offer.device.capacity.get("memory")
    shares = offer.device.capacity.get("shares")
    return Seen(
        names=tuple(filter(None, (offer.name, uuid, *_card_names(offer, counters)))),
        vendor=_vendor(offer.driver),
        index=_index(offer),
        uuid=None if is_passthrough else uuid,  # the twin's UUID is not the one exporters know
        resource=offer.driver,
        product=_product(offer),
        memory_total=int(parse(memory.value)) // _MIB if memory else None,
        fault=_fault(offer, lambda _: True),
        doubt=doubt,
        shares=int(parse(shares.value)) if shares else None,
    )


def _sliced(offer: _Offer, counters: _Counters, doubt: str | None, *, is_held: bool) -> Seen:
    """The card of a partition, with the partition if somebody holds it."""
    names = _card_names(offer, counters)
    profile = _text(offer, "profile") or _text(offer, "partitionProfile")
    own = tuple(filter(None, (offer.name, _text(offer, "uuid"))))
    return Seen(
        names=names or (f"{offer.name}/card",),
        vendor=_vendor(offer.driver),
        index=_index(offer),
        uuid=_text(offer, "parentUUID"),
        resource=offer.driver,
        product=_product(offer),
        fault=_fault(offer, lambda key: key == _LOST),
        doubt=doubt,
        parts=(Part(names=own, id=offer.device.name, profile=profile),) if is_held else (),
    )


def _counters(offers: Iterable[_Offer]) -> _Counters:
    offers = tuple(offers)
    most: dict[tuple[str, str], Decimal] = {}
    for offer in offers:
        for counter, amount in _taken(offer):
            most[counter] = max(amount, most.get(counter, amount))
    cards: dict[str, int] = {}
    for offer in offers:
        if all(amount == most[counter] for counter, amount in _taken(offer)):
            for name in _sets(offer):
                cards[name] = cards.get(name, 0) + 1
    return _Counters(most, cards)


def _taken(offer: _Offer) -> Iterator[tuple[tuple[str, str], Decimal]]:
    for name, taken in zip(_sets(offer), offer.device.consumes_counters, strict=True):
        for counter, amount in taken.counters.items():
            yield (name, counter), parse(amount.value)


def _sets(offer: _Offer) -> tuple[str, ...]:
    taken = offer.device.consumes_counters
    return tuple(dra_name(offer.driver, offer.pool, f"{consumption.counter_set}/counters") for consumption in taken)


def _is_partition(offer: _Offer, counters: _Counters) -> bool:
    """By what the driver says; where it says nothing, what takes less of a counter than another is part of that."""
    kind = _text(offer, "type")
    if kind in _CARDS:
        return False
    if kind in _PARTITIONS or any(_text(offer, parent) for parent in _PARENTS):
        return True
    return any(amount < counters.most[counter] for counter, amount in _taken(offer))


def _card_names(offer: _Offer, counters: _Counters) -> tuple[str, ...]:
    """Names of the card itself, which its partitions and its twin have in common."""
    addresses = {pci_name(address) for name in _PCI if (address := _text(offer, name))}
    sets = [name for name in _sets(offer) if counters.cards.get(name, 0) == 1]
    return tuple(filter(None, (_text(offer, "parentUUID"), *sorted(addresses), *sets)))


def _fault(offer: _Offer, concerns: Callable[[str], bool]) -> str | None:
    taints = [taint for taint in offer.device.taints if taint.effect in _REPELLING and concerns(taint.key)]
    told = [f"{taint.key}={taint.value}" if taint.value else taint.key for taint in taints]
    return _TAINTED.format(", ".join(told)) if told else None


def _vendor(driver: str) -> str:
    return _VENDORS.get(driver, driver)


def _product(offer: _Offer) -> str | None:
    """Spelled like the vendor's node label, which cannot have spaces."""
    name = _text(offer, "productName") or _text(offer, "model")
    return name.replace(" ", "_" if _vendor(offer.driver) == "amd" else "-") if name else None


def _index(offer: _Offer) -> int | None:
    """The driver's own number; exporters may count otherwise."""
    attribute = _attribute(offer, "index")
    if attribute is not None and attribute.int_ is not None:
        return attribute.int_
    numbered = _NUMBERED.fullmatch(offer.device.name)
    return int(numbered[1]) if numbered else None


def _text(offer: _Offer, name: str) -> str | None:
    attribute = _attribute(offer, name)
    return (attribute.string or None) if attribute else None


def _attribute(offer: _Offer, name: str) -> Attribute | None:
    attributes = offer.device.attributes
    qualified = (name, f"{offer.driver}/{name}", f"resource.kubernetes.io/{name}")
    return next((attributes[key] for key in qualified if key in attributes), None)


def _present(pods: Iterable[Pod]) -> dict[PodKey, Pod]:
    return {(pod.metadata.namespace, pod.metadata.name): pod for pod in pods if not requests.is_finished(pod)}


def _users(claim: ResourceClaim, present: Mapping[PodKey, Pod]) -> Iterator[PodKey]:
    """The pods for which the claim is reserved and which are there; one of the same name may be another pod."""
    for consumer in claim.status.reserved_for:
        key = (claim.metadata.namespace, consumer.name)
        if consumer.resource == "pods" and key in present and present[key].metadata.uid == consumer.uid:
            yield key


def _results(claim: ResourceClaim) -> Iterator[AllocationResult]:
    """One for each device; those of several shares of one device are of the same pods."""
    if claim.status.allocation:
        yield from (result for result in claim.status.allocation.devices.results if not result.admin_access)


def _device(result: AllocationResult) -> str:
    return dra_name(result.driver, result.pool, result.device)


def _extended(pod: Pod, claim: ResourceClaim) -> dict[str, str]:
    """Extended resources by the claim's requests that serve them."""
    served = pod.status.extended_resource_claim_status
    if served is None or served.resource_claim_name != claim.metadata.name:
        return {}
    return {mapping.request_name: mapping.resource_name for mapping in served.request_mappings}
