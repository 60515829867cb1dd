"""The manifest by which a pod is made again: the live object without what the cluster added to it. Pure.

It is made from the whole object, never from a projection, and keeps every field it does not know: what an admission
webhook once set is part of the pod.

Traps:
- Admission refuses a pod that brings along what only admission may set (`priority` without its class), and adds a
  second token volume beside the one of the old pod.
- Annotations of others tell of the old pod's place (which cards a scheduler chose, which address a network gave): on
  the new one they would lie. Genet's own stay.
"""

from collections.abc import Mapping
from typing import Any, Final

from genet import naming

Manifest = dict[str, Any]

_TOKEN_PATH: Final = "/var/run/secrets/kubernetes.io/serviceaccount"  # noqa: S105 # a path
_OF_THE_SERVER: Final = frozenset(
    {"nodeName", "serviceAccount", "priority", "preemptionPolicy", "ephemeralContainers", "overhead"}
)
_ADDED_TOLERATIONS: Final = frozenset({"node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"})
_NAME_FIELD: Final = "metadata.name"


def again(whole: Mapping[str, Any]) -> Manifest:
    """What to create so that the pod is as it was first; the same for a pod that was made of this."""
    meta, spec = whole["metadata"], whole["spec"]
    ours = {key: text for key, text in meta.get("annotations", {}).items() if key.startswith("genet.io/")}
    ours.pop(naming.RESTART, None)
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": meta["name"],
            "namespace": meta["namespace"],
            "labels": dict(meta.get("labels", {})),
            "annotations": ours,
        },
        "spec": _without_tokens({key: value for key, value in spec.items() if key not in _OF_THE_SERVER})
        | _tolerations(spec),
    }


def marked(manifest: Manifest, mark: str) -> Manifest:
    """The manifest of a pod that says which restart makes it."""
    meta = manifest["metadata"]
    return {**manifest, "metadata": {**meta, "annotations": {**meta["annotations"], naming.RESTART: mark}}}


def elsewhere(manifest: Manifest, node: str) -> Manifest:
    """The manifest without the wish for a certain node, and with the wish for any but this one."""
    affinity = manifest["spec"].get("affinity") or {}
    of_nodes = affinity.get("nodeAffinity") or {}
    required = of_nodes.get("requiredDuringSchedulingIgnoredDuringExecution") or {}
    terms = [_elsewhere(term, node) for term in required.get("nodeSelectorTerms") or [{}]]
    of_nodes = {**of_nodes, "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}
    spec = {**manifest["spec"], "affinity": {**affinity, "nodeAffinity": of_nodes}}
    return {**manifest, "spec": spec}


def _elsewhere(term: Mapping[str, Any], node: str) -> dict[str, Any]:
    fields = [field for field in term.get("matchFields") or () if field["key"] != _NAME_FIELD]
    # one name a field: that is all Kubernetes takes here
    return {**term, "matchFields": [*fields, {"key": _NAME_FIELD, "operator": "NotIn", "values": [node]}]}


def _without_tokens(spec: Manifest) -> Manifest:
    containers: dict[str, list[Manifest]] = {
        kind: spec[kind] for kind in ("containers", "initContainers") if kind in spec
    }
    tokens = {
        mount["name"]
        for several in containers.values()
        for container in several
        for mount in container.get("volumeMounts", ())
        if mount["mountPath"] == _TOKEN_PATH
    }
    if not tokens:
        return spec
    left: Manifest = {
        kind: [_unmounted(container, tokens) for container in several] for kind, several in containers.items()
    }
    volumes = [volume for volume in spec.get("volumes", ()) if volume["name"] not in tokens]
    return {**spec, **left, "volumes": volumes}


def _unmounted(container: Manifest, volumes: set[str]) -> Manifest:
    mounts = [mount for mount in container.get("volumeMounts", ()) if mount["name"] not in volumes]
    return {**container, "volumeMounts": mounts}


def _tolerations(spec: Mapping[str, Any]) -> Manifest:
    """Those that nobody asked for are given again; Genet's own never end by themselves."""
    kept = [
        toleration
        for toleration in spec.get("tolerations", ())
        if toleration.get("key") not in _ADDED_TOLERATIONS or "tolerationSeconds" not in toleration
    ]
    return {"tolerations": kept} if "tolerations" in spec else {}
