"""LimitRange admission: defaults for what containers leave out, then bounds, with the texts of the real server.

Ranges of type Container and PersistentVolumeClaim are held; others bind nothing.
"""

import functools
import operator
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from genet.simulation.errors import forbidden
from genet.simulation.pod_status import all_containers
from genet.simulation.quantity import parse
from genet.simulation.resources import Kind
from genet.simulation.store import Object, Store

ANNOTATION = "kubernetes.io/limit-ranger"
Amounts = Mapping[str, Any]


class LimitRanges:
    def __init__(self, store: Store) -> None:
        self._store = store

    def admit(self, kind: Kind, obj: Object) -> None:
        """Fills defaults into the object; ApiError 403 when it is out of bounds."""
        if kind.plural not in ("pods", "persistentvolumeclaims"):
            return
        ranges = self._store.list("limitranges", obj["metadata"]["namespace"])
        items = [item for found in ranges for item in found["spec"].get("limits", ())]
        if kind.plural == "pods":
            _fill(obj, items)
        refusals = [text for item in items for text in _refusals(kind, obj, item)]
        if refusals:
            text = refusals[0] if len(refusals) == 1 else f"[{', '.join(refusals)}]"
            raise forbidden(kind, obj["metadata"].get("name", ""), text)


def _fill(pod: Object, items: list[Object]) -> None:
    done: list[str] = []
    for container in all_containers(pod["spec"]):
        for part, source in (("requests", "defaultRequest"), ("limits", "default")):
            given = container["resources"].get(part, {})
            wanted = {
                name: amount for item in items if item["type"] == "Container"
                for name, amount in item.get(source, {}).items() if name not in given
            }  # fmt: skip
            if wanted:
                container["resources"][part] = {**given, **wanted}
                done.append(f"{', '.join(sorted(wanted))} {part[:-1]} for container {container['name']}")
    if done:
        annotations = pod["metadata"].setdefault("annotations", {})
        annotations[ANNOTATION] = "LimitRanger plugin set: " + "; ".join(done)


def _refusals(kind: Kind, obj: Object, item: Object) -> Iterator[str]:
    if kind.plural == "persistentvolumeclaims" and item["type"] == kind.kind:
        yield from _bounds(obj["spec"].get("resources", {}).get("requests", {}), {}, item)
    elif kind.plural == "pods" and item["type"] == "Container":
        for container in all_containers(obj["spec"]):
            resources = container["resources"]
            yield from _bounds(resources.get("requests", {}), resources.get("limits", {}), item)


def _bounds(requests: Amounts, limits: Amounts, item: Object) -> Iterator[str]:
    """A minimum binds requests first, a maximum limits first; claims have no limits."""
    scope = item["type"]
    both = [("request", requests), ("limit", limits)]
    for name, bound in sorted(item.get("min", {}).items()):
        if why := _why(both, name, functools.partial(operator.gt, parse(bound))):
            yield f"minimum {name} usage per {scope} is {bound}, but {why}"
    for name, bound in sorted(item.get("max", {}).items()):
        parts = both[:1] if scope == "PersistentVolumeClaim" else both[::-1]
        if why := _why(parts, name, functools.partial(operator.lt, parse(bound))):
            yield f"maximum {name} usage per {scope} is {bound}, but {why}"


def _why(parts: list[tuple[str, Amounts]], name: str, is_outside: Callable[[float], bool]) -> str | None:
    if name not in parts[0][1]:
        return f"no {parts[0][0]} is specified"
    for noun, amounts in parts:
        if name in amounts and is_outside(parse(amounts[name])):
            return f"{noun} is {amounts[name]}"
    return None
