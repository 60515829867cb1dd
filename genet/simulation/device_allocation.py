"""Which devices of a node a ResourceClaim can have, as the scheduler's plugin for dynamic resources decides it. Pure.

What counts: the selectors of class and request (CEL, judged where the package `cel-python` is installed; without it no
device satisfies a selector), devices that other claims have, the counters that a card and its partitions share, and
taints. Not simulated: `firstAvailable`, `matchAttribute`, tolerations, devices that several claims share.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

import msgspec

from genet.simulation.policies import IS_SERVED
from genet.simulation.quantity import parse

Obj = dict[str, Any]

_REPELLING: Final = ("NoSchedule", "NoExecute")


class Offered(NamedTuple):
    """One device of a ResourceSlice."""

    driver: str
    pool: str
    device: Obj

    @property
    def id(self) -> tuple[str, str, str]:
        return self.driver, self.pool, self.device["name"]


def offered(slices: Iterable[Obj], node: str) -> Iterator[Offered]:
    """The devices of a node."""
    for spec in (item["spec"] for item in slices):
        if spec.get("nodeName") == node:
            for device in spec.get("devices", ()):
                yield Offered(spec["driver"], spec["pool"]["name"], device)


def taken(claims: Iterable[Obj]) -> set[tuple[str, str, str]]:
    """Devices that claims have; who only looks at one has none."""
    return {
        (result["driver"], result["pool"], result["device"])
        for claim in claims
        for result in claim.get("status", {}).get("allocation", {}).get("devices", {}).get("results", ())
        if not result.get("adminAccess")
    }


def allocate(
    claim: Obj,
    devices: Sequence[Offered],
    held: set[tuple[str, str, str]],
    most: Mapping[tuple[str, ...], float],
    classes: Mapping[str, Obj],
) -> list[Obj] | None:
    """The results of an allocation; None: the node cannot serve the claim.

    Args:
        claim: what is asked for.
        devices: all of the node.
        held: what claims have already.
        most: what the counter sets of the node have, as `counters` says.
        classes: the DeviceClasses, by name.
    """
    used = Counter[tuple[str, ...]]()
    for device in devices:
        if device.id in held:
            used.update(_consumes(device))
    results: list[Obj] = []
    gone = set(held)
    for request in claim["spec"]["devices"]["requests"]:
        wanted = request["exactly"]
        selectors = (*_selectors(classes[wanted["deviceClassName"]].get("spec", {})), *_selectors(wanted))
        found = 0
        for device in devices:
            if found == wanted.get("count", 1):
                break
            costs = _consumes(device)
            if device.id in gone or any(taint["effect"] in _REPELLING for taint in device.device.get("taints", ())):
                continue
            if any(used[key] + amount > most.get(key, 0) for key, amount in costs.items()):
                continue
            if not all(_satisfies(device, expression) for expression in selectors):
                continue
            used.update(costs)
            gone.add(device.id)
            found += 1
            driver, pool, name = device.id
            results.append({"request": request["name"], "driver": driver, "pool": pool, "device": name})
        if found < wanted.get("count", 1):
            return None
    return results


def counters(slices: Iterable[Obj], node: str) -> dict[tuple[str, ...], float]:
    """What the counter sets of a node have, by pool, set and counter."""
    return {
        (spec["pool"]["name"], found["name"], name): parse(counter["value"])
        for spec in (item["spec"] for item in slices)
        if spec.get("nodeName") == node
        for found in spec.get("sharedCounters", ())
        for name, counter in found["counters"].items()
    }


def _consumes(device: Offered) -> dict[tuple[str, ...], Any]:
    return {
        (device.pool, taken["counterSet"], name): parse(counter["value"])
        for taken in device.device.get("consumesCounters", ())
        for name, counter in taken["counters"].items()
    }


def _selectors(part: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(selector["cel"]["expression"] for selector in part.get("selectors", ()))


def _satisfies(device: Offered, expression: str) -> bool:
    if not IS_SERVED:
        return False
    domains: dict[str, Obj] = {}
    for name, attribute in device.device.get("attributes", {}).items():
        domain, _, own = name.rpartition("/")
        domains.setdefault(domain or device.driver, {})[own] = next(iter(attribute.values()))
    known = {"driver": device.driver, "attributes": domains}
    return _judged(expression, msgspec.json.encode(known, order="sorted"))


@lru_cache(maxsize=4096)
def _judged(expression: str, device: bytes) -> bool:
    """Whether an expression holds; one that fails, as by an attribute that is not there, does not."""
    import celpy  # noqa: PLC0415 # optional
    from celpy.adapter import json_to_cel  # noqa: PLC0415 # optional
    from celpy.celparser import CELParseError  # noqa: PLC0415 # optional
    from celpy.evaluation import CELEvalError  # noqa: PLC0415 # optional

    environment = celpy.Environment()
    try:
        program = environment.program(environment.compile(expression))
        return bool(program.evaluate({"device": json_to_cel(msgspec.json.decode(device))}))
    except (CELEvalError, CELParseError):
        return False
