"""Pods as the API server sends them."""

from typing import Any

import msgspec

from genet.kube.objects import PODS, Pod


def pod(*, metadata: dict[str, Any] | None = None, spec: dict[str, Any] | None = None, **status: Any) -> Pod:
    meta = {"name": "pod-alice-alice-a", "namespace": "user-alice-alice", "uid": "u", "resourceVersion": "1"}
    document = {
        "metadata": {**meta, "creationTimestamp": "2026-03-01T12:00:00Z", **(metadata or {})},
        "spec": {"containers": [{"name": "main", "image": "debian:13"}], **(spec or {})},
        "status": {"phase": "Running", **status},
    }
    return PODS.one.decode(msgspec.json.encode(document))


def container(name: str = "main", *, ready: bool = False, **state: Any) -> dict[str, Any]:
    """A container status; `state` has one of waiting, running, terminated."""
    return {"name": name, "ready": ready, "restartCount": state.pop("restarts", 0), "state": state}
