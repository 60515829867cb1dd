"""Reads a golden case and draws its heatmap as text: see golden/README.md."""

import shlex
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import yaml
from prometheus_client.parser import text_string_to_metric_families

from genet.gpus.merge.inventory import inventory
from genet.gpus.model import NodeFacts
from genet.gpus.overview import Node, PodRef, Slot
from genet.kube import objects, resource_api
from genet.prometheus import Sample
from tests.gpus.telemetry.given import by_node

KINDS = {
    "Node": objects.Node,
    "Pod": objects.Pod,
    "ConfigMap": objects.ConfigMap,
    "ResourceSlice": resource_api.ResourceSlice,
    "ResourceClaim": resource_api.ResourceClaim,
}
READY = {"type": "Ready", "status": "True"}


def draw(case: Path) -> str:
    content = yaml.safe_load(case.read_text())
    found: dict[str, list[Any]] = {kind: [] for kind in KINDS}
    for document in content["cluster"]:
        if document["kind"] == "Node":
            document["status"].setdefault("conditions", [READY])
        found[document["kind"]].append(_object(document))
    samples = list(scraped(content["metrics"]))
    readings = by_node(samples, found["Node"], found["Pod"])
    lines: list[str] = []
    for node in found["Node"]:
        name = node.metadata.name
        slices = tuple(part for part in found["ResourceSlice"] if part.spec.node_name == name)
        facts = NodeFacts(
            node=node,
            pods=tuple(pod for pod in found["Pod"] if pod.spec.node_name == name),
            readings=readings.get(name, ()),
            slices=slices,
            claims=tuple(found["ResourceClaim"]) if slices else (),
            device_info=next((info for info in found["ConfigMap"] if info.metadata.name.endswith(f"-{name}")), None),
        )
        for kind, devices in sorted(inventory(facts, ()).items()):
            lines += _node(kind.type, devices.node, devices.free)
    return "".join(f"{line}\n" for line in lines)


def rewritten(case: Path, heatmap: str) -> str:
    """The case's text with another heatmap; everything else as a person wrote it."""
    before = case.read_text().partition("heatmap: |\n")[0]
    return before + "heatmap: |\n" + "".join(f"  {line}\n" for line in heatmap.splitlines())


def scraped(exposition: str) -> Iterator[Sample[dict[str, str]]]:
    """The exporters' text as Prometheus stores it."""
    for target in exposition.split("# scrape ")[1:]:
        head, _, text = target.partition("\n")
        labels = dict(pair.split("=", 1) for pair in shlex.split(head))
        honor = labels.pop("honorLabels") == "true"
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                own = {key: value for key, value in sample.labels.items() if value}
                if honor:
                    merged = labels | own
                else:
                    merged = {(f"exported_{key}" if key in labels else key): value for key, value in own.items()}
                    merged |= labels
                yield Sample(labels={"__name__": sample.name, **merged}, value=sample.value, timestamp=0.0)


def _object(document: dict[str, Any]) -> Any:
    document["metadata"].setdefault("uid", f"uid-{document['metadata']['name']}")
    return msgspec.json.decode(msgspec.json.encode(document), type=KINDS[document["kind"]])


def _node(kind: str, node: Node, free: int) -> Iterator[str]:
    remarks = [
        f"{node.total_devices} device{'' if node.total_devices == 1 else 's'}",
        f"{node.used_devices} used",
        f"{free} free",
        *(["shared"] if node.time_sharing_enabled else []),
        *([] if node.ready else ["not ready"]),
        *([] if node.schedulable else ["cordoned"]),
    ]
    yield f"{kind} on {node.node_name}: {', '.join(remarks)}"
    for slot in node.slots:
        yield _slot(slot)
        for part in slot.slices:
            yield f"    slice {part.id} {part.profile or '-'} {part.status}{_holders(part.pods)}"


def _slot(slot: Slot) -> str:
    words: list[str | None] = [slot.status, slot.attribution]
    if slot.utilization is not None:
        words.append(f"{slot.utilization}%")
    if slot.memory_used is not None or slot.memory_total is not None:
        used, total = ("-" if value is None else value for value in (slot.memory_used, slot.memory_total))
        words.append(f"{used}/{total}")
    if slot.power is not None:
        words.append(f"{slot.power:g}W")
    text = f"  {slot.index} {slot.uuid or '-'}  {' '.join(filter(None, words))}{_holders(slot.pods)}"
    if (slot.replicas or 1) > 1:
        text += f"  x{slot.replicas}"
    return text + (f"  ({slot.reason})" if slot.reason else "")


def _holders(pods: Iterable[PodRef]) -> str:
    return "  " + ", ".join(f"{pod.namespace}/{pod.name}" for pod in pods) if pods else ""
