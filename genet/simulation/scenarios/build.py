"""The pieces that scenarios are made of: nodes with their cards and GFD labels, people's namespaces, running pods.

Everything has an age, so that lists look lived in. Equal parts of manifests are one dict shared by all objects (the
store never changes what it holds): `large` starts fast because of it. What a node gives is counted here by hand, as a
device plugin would advertise it; which pod gets which card is decided when the kubelet takes the pods over.
"""

import random
import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from genet.simulation.devices import Gpu, Partition
from genet.simulation.exporters.dcgm import Generation
from genet.simulation.pod_status import condition, pod_status, running
from genet.simulation.scenarios.parts import NODE_INFO, TRAINING, Model, spec_of
from genet.simulation.store import timestamp

Obj = dict[str, Any]

_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class Placed(NamedTuple):
    plural: str
    object: Obj
    created: datetime


class Past(NamedTuple):
    """A pod that held a card once and is gone."""

    node: str
    card: int
    namespace: str
    pod: str
    since: datetime
    until: datetime


@dataclass(slots=True)
class Scenario:
    now: datetime
    seed: int
    objects: list[Placed] = field(default_factory=list)
    gpus: list[Gpu] = field(default_factory=list)
    evicted: list[tuple[str, str, datetime]] = field(default_factory=list)
    """Pods (namespace, name) that were told to go from a node that does not hear it, and when."""
    generation: Generation = field(default_factory=Generation)
    """Of DCGM's exporters."""
    generations: dict[str, Generation] = field(default_factory=dict)
    """Those of nodes where it is another one."""
    reporting: set[str] = field(default_factory=set)
    """Nodes whose kubelet says in a pod's status which devices it has."""
    past: list[Past] = field(default_factory=list)
    _addresses: int = 0

    def __post_init__(self) -> None:
        for name in ("default", "kube-node-lease", "kube-public", "kube-system"):
            self.namespace(name, "90d")
        labels = {"pod-security.kubernetes.io/enforce": "privileged"}
        self.namespace("genet-demo-jobs", "90d", labels=labels)
        metadata = {"name": "standard", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}}
        rules = {"reclaimPolicy": "Delete", "volumeBindingMode": "Immediate", "allowVolumeExpansion": True}
        self.add("storageclasses", {"metadata": metadata, "provisioner": "genet.io/simulation", **rules}, "90d")

    def add(self, plural: str, obj: Obj, age: str) -> Obj:
        self.objects.append(Placed(plural, obj, self.ago(age)))
        return obj

    def ago(self, age: str) -> datetime:
        """`3d`, `5h`, `20m` or `8s` before now."""
        return self.now - timedelta(seconds=int(age[:-1]) * _SECONDS[age[-1]])

    def namespace(self, name: str, age: str, **metadata: Obj) -> None:
        labels = {"kubernetes.io/metadata.name": name, **metadata.pop("labels", {})}
        obj = {"metadata": {"name": name, "labels": labels, **metadata}, "spec": {"finalizers": ["kubernetes"]}}
        self.add("namespaces", {**obj, "status": {"phase": "Active"}}, age)

    def user(self, name: str, age: str = "60d") -> str:
        """The namespace of somebody who logs in as `name` in dev mode; its userIdentifier."""
        identifier = f"{name}-{name}"
        labels = {"genet.io/managed": "true", "genet.io/user": identifier}
        labels["pod-security.kubernetes.io/enforce"] = "baseline"
        annotations = {"genet.io/owner": f"dev|{name}", "genet.io/email": f"{name}@dev.invalid"}
        self.namespace(f"user-{identifier}", age, labels=labels, annotations=annotations)
        return identifier

    def node(
        self,
        name: str,
        *,
        cpu: int,
        memory: str,
        age: str,
        labels: Mapping[str, str] | None = None,
        annotations: Mapping[str, str] | None = None,
        devices: Mapping[str, int] | None = None,
        unhealthy: Mapping[str, int] | None = None,
        taints: Sequence[Obj] = (),
        cordoned: bool = False,
        not_ready_for: str | None = None,
    ) -> None:
        """A node; `devices` is its capacity by resource, of which `unhealthy` are not allocatable."""
        self._addresses += 1
        address = f"10.0.{self._addresses // 250}.{self._addresses % 250 + 1}"
        capacity = {"cpu": str(cpu), "memory": memory, "ephemeral-storage": "1Ti", "pods": "110"}
        capacity |= {resource: str(count) for resource, count in (devices or {}).items()}
        allocatable = capacity | {name: str(int(capacity[name]) - bad) for name, bad in (unhealthy or {}).items()}
        taints = list(taints)
        if cordoned:
            taints.append({"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"})
        if not_ready_for:
            taints += [
                {"key": "node.kubernetes.io/unreachable", "effect": what} for what in ("NoSchedule", "NoExecute")
            ]
        spec: Obj = {"podCIDR": f"10.244.{self._addresses % 250}.0/24", "taints": taints}
        if cordoned:
            spec["unschedulable"] = True
        own = {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64"}
        metadata: Obj = {"name": name, "labels": {**own, **(labels or {})}}
        if annotations:
            metadata["annotations"] = dict(annotations)
        status = {
            "capacity": capacity,
            "allocatable": allocatable,
            "conditions": self._node_conditions(age, not_ready_for),
            "addresses": [{"type": "InternalIP", "address": address}, {"type": "Hostname", "address": name}],
            "nodeInfo": NODE_INFO,
        }
        self.add("nodes", {"metadata": metadata, "spec": spec, "status": status}, age)

    def cards(
        self,
        node: str,
        model: Model,
        count: int,
        *,
        first: int = 0,
        profiles: Sequence[str] = (),
        slice_resource: str | None = None,
        xid: Mapping[int, int] | None = None,
        foreign: Collection[int] = (),
        **fields: Any,
    ) -> list[Gpu]:
        """Puts cards into a node, from index `first`; `xid` and `foreign` (used from outside) are by index.

        Each is cut into `profiles`, which are resources of their own unless `slice_resource` names one for all.
        """
        cards = [
            Gpu(
                node,
                index,
                self.uuid("GPU", node, index),
                model.name,
                model.memory,
                partitions=self._partitions(node, index, profiles, slice_resource),
                xid=(xid or {}).get(index, 0),
                foreign=index in foreign,
                **fields,
            )
            for index in range(first, first + count)
        ]
        self.gpus += cards
        return cards

    def uuid(self, prefix: str, *what: object) -> str:
        dice = random.Random("/".join(map(str, (self.seed, prefix, *what))))  # noqa: S311 - repeatable identities
        return f"{prefix}-{uuid.UUID(int=dice.getrandbits(128), version=4)}"

    def _partitions(
        self, node: str, index: int, profiles: Sequence[str], resource: str | None
    ) -> tuple[Partition, ...]:
        return tuple(
            Partition(
                instance=number + 1,
                profile=profile,
                uuid=self.uuid("MIG", node, index, number),
                memory=int(profile.partition(".")[2].removesuffix("gb")) * 1000,
                resource=resource or f"nvidia.com/mig-{profile}",
            )
            for number, profile in enumerate(profiles)
        )

    def pod(
        self,
        namespace: str,
        name: str,
        node: str | None,
        age: str,
        *,
        image: str = "pytorch:2.9-cuda12.8",
        command: Sequence[str] = TRAINING,
        limits: Mapping[str, str | int] | None = None,
        env: Sequence[Obj] = (),
        selector: Mapping[str, str] | None = None,
        claims: Sequence[str] = (),
        state: Obj | None = None,
        **metadata: Obj,
    ) -> Obj:
        """A pod that runs on `node`, or waits without one. `state` replaces the container's running status."""
        spec = spec_of(image, command, {"cpu": "4", "memory": "16Gi", **(limits or {})}, env, selector)
        if claims:
            spec["resourceClaims"] = [{"name": claim, "resourceClaimName": claim} for claim in claims]
        return self.bare_pod(namespace, name, node, age, spec, state, **metadata)

    def bare_pod(  # noqa: PLR0917 - as above
        self,
        namespace: str,
        name: str,
        node: str | None,
        age: str,
        spec: Obj,
        state: Obj | None = None,
        **metadata: Obj,
    ) -> Obj:
        started = self.ago(age)
        pod: Obj = {"metadata": {"namespace": namespace, "name": name, **metadata}, "spec": spec}
        if node is None:
            return self.add("pods", {**pod, "status": {"phase": "Pending", "qosClass": "Guaranteed"}}, age)
        pod["spec"] = {**spec, "nodeName": node}
        self._addresses += 1
        ip = f"10.245.{self._addresses // 250 % 250}.{self._addresses % 250 + 2}"
        container = spec["containers"][0]
        container_id = f"containerd://{random.Random(f'{namespace}/{name}').getrandbits(256):064x}"  # noqa: S311 - no secret
        status = state or running(container, started + timedelta(seconds=8), container_id)
        known = {"podIP": ip, "podIPs": [{"ip": ip}], "startTime": timestamp(started)}
        pod["status"] = {"qosClass": "Guaranteed", "conditions": [condition("PodScheduled", "True", started)]}
        pod["status"] = pod_status(pod, started, [status], **known)
        return self.add("pods", pod, age)

    def user_pod(self, user: str, name: str, node: str | None, age: str, gpu_type: str = "", **fields: Any) -> Obj:
        """A pod as Genet would have made it for `user` (a userIdentifier)."""
        labels = {"genet.io/user": user, "genet.io/managed": "true", "genet.io/created-by": "genet"}
        if gpu_type:
            labels["genet.io/gpu-type"] = gpu_type
        return self.pod(f"user-{user}", f"pod-{user}-{name}", node, age, labels=labels, **fields)

    def held(self, user: str, name: str, node: str, cards: Iterable[int], *, since: str, until: str) -> None:
        """Cards that a pod of `user` held until some time ago."""
        span = self.ago(since), self.ago(until)
        self.past += [Past(node, card, f"user-{user}", f"pod-{user}-{name}", *span) for card in cards]

    def _node_conditions(self, age: str, not_ready_for: str | None) -> list[Obj]:
        def entry(kind: str, status: str, reason: str, message: str, since: str) -> Obj:
            new = condition(kind, status, self.ago(since), reason=reason, message=message)
            return {**new, "lastHeartbeatTime": timestamp(self.ago(not_ready_for or "1m"))}

        calm = [
            entry("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory", age),
            entry("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure", age),
            entry("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available", age),
        ]
        if not not_ready_for:
            return [*calm, entry("Ready", "True", "KubeletReady", "kubelet is posting ready status", age)]
        unknown = {
            "status": "Unknown",
            "reason": "NodeStatusUnknown",
            "message": "Kubelet stopped posting node status.",
        }
        ready = entry("Ready", "Unknown", unknown["reason"], unknown["message"], not_ready_for)
        return [*({**item, **unknown} for item in calm), ready]
