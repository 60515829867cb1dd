"""What a pod's volumes wait for: claims without a volume, volumes that cannot be attached or mounted. Pure."""

import re
from collections.abc import Iterator
from typing import Final

from genet.pods.diagnosis.evidence import Claim, Evidence
from genet.pods.diagnosis.reasons import Finding, finding, quoted
from genet.pods.diagnosis.said import newest

_VOLUME: Final = re.compile(r'for volume "([^"]+)"')
_SECRET: Final = re.compile(r'secrets? "([^"]+)" not found')
_CONFIG_MAP: Final = re.compile(r'configmaps? "([^"]+)" not found')
_KEY: Final = re.compile(r"non-existent (?:secret|config) key:? ?(\S*)")
_CAUSE: Final = re.compile(r'for volume "[^"]+" ?:? ?(.*)', re.DOTALL)
_NFS_SERVER: Final = re.compile(r"-t nfs\S* (?:-o \S+ )?(\S+?):/")
_OUTPUT: Final = re.compile(r"Output: (.*)", re.DOTALL)
_KUBELETS_PATH: Final = re.compile(r"/\S*/volumes/[^\s:,]*:? ?")


def claims(evidence: Evidence) -> Iterator[Finding]:
    for item in evidence.claims or ():
        if item.why is not None:
            yield _of_claim(item)


def mounts(evidence: Evidence) -> Iterator[Finding]:
    """Of a pod whose containers wait for their volumes: the newest word on each volume."""
    seen: set[str] = set()
    for event in newest(evidence.events, "FailedAttachVolume", "FailedMount", "FailedMapVolume"):
        match = _VOLUME.search(event.message)
        if match is None or match[1] in seen:
            continue  # `Unable to attach or mount volumes` only sums up
        seen.add(match[1])
        if event.reason == "FailedAttachVolume":
            yield _attach(evidence, match[1], event.message)
        else:
            yield _mount(match[1], event.message)


def _of_claim(item: Claim) -> Finding:
    code, about = item.why or ("binding", {})
    params = {name: quoted(text) for name, text in about.items()}
    params.setdefault("claim", item.name)
    modes = item.claim.spec.access_modes if item.claim is not None else ()
    if code == "provisioning_failed" and "access mode" in about.get("message", "").lower().replace(
        "accessmode", "access mode"
    ):
        return Finding("claim_access_mode", {**params, "accessModes": list(modes)})
    return Finding(code, dict(params))


def _attach(evidence: Evidence, volume: str, message: str) -> Finding:
    if "Multi-Attach" not in message:
        return finding("attach_failed", volume=volume, message=_cause(message))
    claim = next((c for c in evidence.claims or () if c.claim is not None and c.claim.spec.volume_name == volume), None)
    users = evidence.volume_users.get(claim.name, ()) if claim is not None else ()
    return finding("multi_attach", volume=claim.name if claim is not None else volume, pods=list(users[:5]))


def _mount(volume: str, message: str) -> Finding:
    cause = _cause(message)
    if missing := _SECRET.search(message):
        return finding("secret_missing", volume=volume, secret=missing[1])
    if missing := _CONFIG_MAP.search(message):
        return finding("config_map_missing", volume=volume, configMap=missing[1])
    if missing := _KEY.search(message):
        return finding("key_missing", volume=volume, key=missing[1] or "?")
    if "hostPath type check failed" in message:
        return finding("host_path_wrong", volume=volume, message=cause)
    if server := _NFS_SERVER.search(message):
        return finding("nfs_unreachable", volume=volume, server=server[1], message=cause)
    return finding("mount_failed", volume=volume, message=cause)


def _cause(message: str) -> str:
    """Without what the kubelet says around it, and its own paths."""
    output = _OUTPUT.search(message)
    cause = output[1] if output else (match[1] if (match := _CAUSE.search(message)) else message)
    return quoted(_KUBELETS_PATH.sub("", cause.partition("dmesg(1)")[0])) or "?"
