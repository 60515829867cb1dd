"""What a pod needs so that its owner gets in by SSH: objects beside it and parts of its manifest. Pure.

Traps:
- A Service finds pods by labels. The label `genet.io/pod` holds the pod's own name, and nobody but Genet writes labels
  under `genet.io/` in a managed namespace.
- Files of a Secret are links in a directory that everybody may write to by its mode (1777), though nobody can: sshd's
  StrictModes refuses them all, so it is off, and sshd is told to look nowhere else for keys.
- What the container writes may be saved as an image: what sshd runs with is written to memory (`genet.pods.sshd`).
- sshd runs as root but reads the keys as who logs in: they are readable by all. The host key is for root alone.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from genet import naming
from genet.kube.objects import Pod
from genet.kube.projection import KubeObject
from genet.parts import Parts
from genet.pods.sshd import CONFIGURATION, DIRECTORY, RUN, START, HostKey
from genet.settings import Settings

PORT: Final = 22
KEYS_SECRET: Final = "genet-ssh-keys"  # noqa: S105 # a name
"""One per person's namespace: whose public keys open the pods."""
KEYS_FILE: Final = "authorized_keys"
HOST_KEY_FILE: Final = "ssh_host_ed25519_key"
_VOLUME: Final = "genet-ssh"
_RUN_VOLUME: Final = "genet-ssh-run"
_RUN_SIZE: Final = "4Mi"
"""More than the environment of any process."""


def host_secret(pod_name: str) -> str:
    return f"{pod_name}-ssh"


def parts(settings: Settings, pod_name: str) -> Parts:
    """Keys, host key and configuration as files of the pod; nothing where SSH is off."""
    if not settings.ssh.enabled:
        return Parts()
    own = [
        {"key": HOST_KEY_FILE, "path": HOST_KEY_FILE, "mode": 0o400},
        {"key": "sshd_config", "path": "sshd_config", "mode": 0o444},
        {"key": "start", "path": "start", "mode": 0o444},
    ]
    sources = [
        {"secret": {"name": host_secret(pod_name), "items": own}},
        # optional: who has no key yet may have a pod all the same, and a key added later gets there
        {
            "secret": {
                "name": KEYS_SECRET,
                "items": [{"key": KEYS_FILE, "path": KEYS_FILE, "mode": 0o444}],
                "optional": True,
            }
        },
    ]
    return Parts(
        volumes=[
            {"name": _VOLUME, "projected": {"sources": sources}},
            {"name": _RUN_VOLUME, "emptyDir": {"medium": "Memory", "sizeLimit": _RUN_SIZE}},
        ],
        mounts=[
            {"name": _VOLUME, "mountPath": DIRECTORY, "readOnly": True},
            {"name": _RUN_VOLUME, "mountPath": RUN},
        ],
    )


def keeps_secrets_in_its_files(whole: Mapping[str, Any]) -> bool:
    """Whether a whole pod's main container has what sshd runs with among its own files, and not in memory.

    So it is with pods of a Genet before this one. A restart makes them again with the volumes that they have.
    """
    mounts = {mount["mountPath"].rstrip("/") for mount in whole["spec"]["containers"][0].get("volumeMounts", ())}
    return DIRECTORY in mounts and RUN not in mounts


def owner(pod: Pod) -> dict[str, Any]:
    """Kubernetes deletes what belongs to a pod when that very pod is gone."""
    meta = pod.metadata
    return {"apiVersion": "v1", "kind": "Pod", "name": meta.name, "uid": meta.uid, "blockOwnerDeletion": False}


def service(pod: Pod) -> dict[str, Any]:
    """Reachable at every node's address, whichever node the pod runs on, also when it is made again elsewhere."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": _metadata(pod, pod.metadata.name),
        "spec": {
            "type": "NodePort",
            "externalTrafficPolicy": "Cluster",
            "selector": selector(pod.metadata.name),
            "ports": [{"name": "ssh", "port": PORT, "targetPort": PORT, "protocol": "TCP"}],
        },
    }


def selector(pod_name: str) -> dict[str, str]:
    return {naming.MANAGED: "true", naming.CREATED_BY: "genet", naming.POD: pod_name}


def secret(pod: Pod, key: HostKey) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": _metadata(pod, host_secret(pod.metadata.name)),
        "type": "Opaque",
        "stringData": {HOST_KEY_FILE: key.private, **files()},
    }


def files() -> dict[str, str]:
    """What stands beside the host key: the same for every pod."""
    return {"sshd_config": CONFIGURATION, "start": START}


def is_owned_by(companion: KubeObject, pod: Pod) -> bool:
    return any(reference.uid == pod.metadata.uid for reference in companion.metadata.owner_references)


def port_of(annotations: Mapping[str, str]) -> int | None:
    """The NodePort that Genet noted; None: not yet, or unreadable."""
    text = annotations.get(naming.SSH_PORT, "")
    return int(text) if re.fullmatch(r"[1-9][0-9]{0,4}", text) else None


def _metadata(pod: Pod, name: str) -> dict[str, Any]:
    user = pod.metadata.labels.get(naming.USER, "")
    return {
        "name": name,
        "labels": {naming.MANAGED: "true", naming.USER: user, naming.POD: pod.metadata.name},
        "ownerReferences": [owner(pod)],
    }
