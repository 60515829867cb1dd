"""Services: their shape, and the addresses and ports of the nodes that the API server gives them.

What is taken is counted from the store each time, so a deleted Service gives its port back at once. Nothing listens at
these ports: the embedded cluster has no network.
"""

import ipaddress
import random
from collections.abc import Iterator
from typing import Any, Final

from genet.simulation.errors import Cause, invalid
from genet.simulation.resources import KINDS
from genet.simulation.store import Object, Store

PLURAL: Final = "services"
TYPES: Final = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
NODE_PORTS: Final = range(30000, 32768)
ADDRESSES: Final = ipaddress.ip_network("10.96.0.0/16")
_AT_NODES: Final = ("NodePort", "LoadBalancer")


class Services:
    def __init__(self, store: Store, *, seed: int = 0) -> None:
        self._store = store
        self._random = random.Random(seed)  # noqa: S311 - ports of a simulation, no secrets

    def create(self, service: Object) -> None:
        """Fill in what was left out; ApiError 422 for what cannot be had."""
        spec = service.setdefault("spec", {})
        _default(spec)
        self._check([*_shape(spec)], service)
        self._allocate(service, None)
        service["status"] = {"loadBalancer": {}}

    def update(self, service: Object, old: Object) -> None:
        """As `create`; what was given before stays, as far as the type still has it."""
        spec, before = service["spec"], old["spec"]
        _default(spec)
        if spec["type"] != "ExternalName" and before["type"] != "ExternalName":
            spec.setdefault("clusterIP", before.get("clusterIP"))
            if spec["clusterIP"] != before.get("clusterIP"):
                value = f'[]string{{"{spec["clusterIP"]}"}}'
                why = f"Invalid value: {value}: may not change once set"
                self._check([("FieldValueInvalid", "spec.clusterIPs[0]", why)], service)
        if spec["type"] in _AT_NODES:
            given = {(port["protocol"], port["port"]): port.get("nodePort") for port in before.get("ports", ())}
            for port in spec.get("ports", ()):
                if not port.get("nodePort") and given.get((port["protocol"], port["port"])):
                    port["nodePort"] = given[port["protocol"], port["port"]]
        elif before["type"] in _AT_NODES:
            for port in spec.get("ports", ()):
                port.pop("nodePort", None)
        self._check([*_shape(spec)], service)
        self._allocate(service, old)

    def _allocate(self, service: Object, old: Object | None) -> None:
        spec = service["spec"]
        if spec["type"] == "ExternalName":
            return
        uid = old["metadata"]["uid"] if old else None
        others = [one for one in self._store.list(PLURAL) if one["metadata"]["uid"] != uid]
        self._give_address(service, {one["spec"].get("clusterIP") for one in others})
        if spec["type"] in _AT_NODES:
            taken = {port.get("nodePort") for one in others for port in one["spec"].get("ports", ())}
            for index, port in enumerate(spec["ports"]):
                self._give_port(service, index, port, taken)
                taken.add(port["nodePort"])

    def _give_address(self, service: Object, taken: set[str | None]) -> None:
        spec = service["spec"]
        asked = spec.get("clusterIP")
        if asked and asked != "None" and asked in taken:
            value = f'[]string{{"{asked}"}}'
            why = f"Invalid value: {value}: failed to allocate IP {asked}: provided IP is already allocated"
            self._check([("FieldValueInvalid", "spec.clusterIPs", why)], service)
        while not asked or (asked != "None" and asked in taken):
            asked = str(ADDRESSES[self._random.randrange(16, ADDRESSES.num_addresses - 1)])
        spec |= {"clusterIP": asked, "clusterIPs": [asked]}

    def _give_port(self, service: Object, index: int, port: dict[str, Any], taken: set[int | None]) -> None:
        asked, why = port.get("nodePort"), ""
        if asked and asked not in NODE_PORTS:
            first, last = NODE_PORTS[0], NODE_PORTS[-1]
            why = f"provided port is not in the valid range. The range of valid ports is {first}-{last}"
        elif asked and asked in taken:
            why = "provided port is already allocated"
        if why:
            field = f"spec.ports[{index}].nodePort"
            self._check([("FieldValueInvalid", field, f"Invalid value: {asked}: {why}")], service)
        if not asked:
            free = [number for number in NODE_PORTS if number not in taken]
            if not free:
                why = "failed to allocate a nodePort: range is full"
                self._check([("InternalError", f"spec.ports[{index}].nodePort", why)], service)
            port["nodePort"] = self._random.choice(free)

    def _check(self, causes: list[Cause], service: Object) -> None:
        if causes:
            raise invalid(KINDS[PLURAL], service["metadata"].get("name", ""), causes)


def _default(spec: dict[str, Any]) -> None:
    spec.setdefault("type", "ClusterIP")
    spec.setdefault("sessionAffinity", "None")
    if spec["type"] != "ExternalName":
        spec.setdefault("internalTrafficPolicy", "Cluster")
        spec.setdefault("ipFamilies", ["IPv4"])
        spec.setdefault("ipFamilyPolicy", "SingleStack")
    if spec["type"] in _AT_NODES:
        spec.setdefault("externalTrafficPolicy", "Cluster")
    for port in spec.get("ports") or ():
        port.setdefault("protocol", "TCP")
        if not port.get("targetPort"):
            port["targetPort"] = port.get("port")


def _shape(spec: dict[str, Any]) -> Iterator[Cause]:
    if spec["type"] not in TYPES:
        known = ", ".join(f'"{name}"' for name in TYPES)
        yield "FieldValueNotSupported", "spec.type", f'Unsupported value: "{spec["type"]}": supported values: {known}'
    ports = spec.get("ports") or ()
    if not ports and spec["type"] != "ExternalName" and spec.get("clusterIP") != "None":
        yield "FieldValueRequired", "spec.ports", "Required value"
    names: set[str] = set()
    for index, port in enumerate(ports):
        field = f"spec.ports[{index}]"
        name = port.get("name", "")
        if not name and len(ports) > 1:
            yield "FieldValueRequired", f"{field}.name", "Required value"
        if name and name in names:
            yield "FieldValueDuplicate", f"{field}.name", f'Duplicate value: "{name}"'
        names.add(name)
        if not 0 < port.get("port", 0) < 65536:  # noqa: PLR2004 - ports
            why = f"Invalid value: {port.get('port', 0)}: must be between 1 and 65535, inclusive"
            yield "FieldValueInvalid", f"{field}.port", why
        if port.get("nodePort") and spec["type"] not in _AT_NODES:
            why = f"Forbidden: may not be used when `type` is '{spec['type']}'"
            yield "FieldValueForbidden", f"{field}.nodePort", why


def usage(service: Object) -> dict[str, float]:
    """What it counts for in a quota, besides itself."""
    spec = service.get("spec", {})
    found: dict[str, float] = {"services.nodeports": 0, "services.loadbalancers": 0}
    if spec.get("type") in _AT_NODES:
        found["services.nodeports"] = len(spec.get("ports", ()))
    if spec.get("type") == "LoadBalancer":
        found["services.loadbalancers"] = 1
    return found
