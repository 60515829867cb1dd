"""Situations that a real 1.20 cluster does not bring about, or words in a newer way: name, evidence."""

# ruff: noqa: E501 # words of Kubernetes as they are

from datetime import UTC, datetime
from typing import Any

from genet.pods.diagnosis.evidence import Claim, DeviceClaim, Evidence, Refusal, Restarting, Waiting
from tests.pods.diagnosis.builders import (
    GPU,
    NOW,
    asking,
    claim,
    event,
    holder,
    node,
    on_node,
    pod,
    room,
    with_state,
)

BEFORE = datetime(2020, 1, 1, tzinfo=UTC)
WAITING = [
    Waiting(GPU, 8, BEFORE),
    Waiting("nvidia.com/mig-1g.10gb", 1, BEFORE),
    Waiting(GPU, 1, None),
    Waiting(GPU, 2, datetime(2030, 1, 1, tzinfo=UTC)),
]
NIGHT = datetime(2026, 11, 22, 23, 0, tzinfo=UTC)
SHORT = f"0/2 nodes are available: 2 Insufficient {GPU}. preemption: 0/2 nodes are available: 2 No preemption victims found for incoming pod."
AFFINITY = "0/2 nodes are available: 2 node(s) didn't match pod anti-affinity rules. preemption: 0/2 nodes are available: 2 No preemption victims found for incoming pod."
TAINT = [{"key": "dedicated", "value": "team-b", "effect": "NoSchedule"}]
TWO = [room("gpu-1", {GPU: "6"}), room("gpu-2", {GPU: "7"})]
BUSY = [holder("bob-b", 4), holder("carol-c", 2, ends_at=NIGHT), holder("dave-d", 7, "gpu-2", NIGHT.replace(day=23))]
UNBOUND = "0/2 nodes are available: pod has unbound immediate PersistentVolumeClaims. not found"
ON: dict[str, Any] = {"node": node("gpu-1"), "node_known": True}
LOW = "The node was low on resource: "


def _claim(code: str, **about: str) -> Evidence:
    why = (code, {"claim": "a-a-workspace", **about})
    return Evidence(
        asking({"cpu": "1"}, UNBOUND), NOW, nodes=TWO, claims=[Claim("a-a-workspace", claim("a-a-workspace"), why)]
    )


def _failed(reason: str, message: str = "") -> Evidence:
    return Evidence(on_node({"phase": "Failed", "reason": reason, "message": message}), NOW, **ON)


def _waits(reason: str, message: str, **more) -> Evidence:
    return Evidence(with_state({"waiting": {"reason": reason, "message": message}}, **more), NOW, **ON)


def _prepared(*events) -> Evidence:
    return Evidence(with_state({"waiting": {"reason": "ContainerCreating"}}), NOW, events=events, **ON)


def _pulls(cause: str, image: str = "registry.example/team/tool:1") -> Evidence:
    message = f'Back-off pulling image "{image}": ErrImagePull: failed to pull and unpack image "{image}": {cause}'
    return _waits("ImagePullBackOff", message, container={"image": image})


CASES: dict[str, Evidence] = {
    "gpus-short": Evidence(asking({GPU: "4", "cpu": "4"}, SHORT), NOW, nodes=TWO, holders=BUSY),
    "gpus-short-by-one": Evidence(asking({GPU: "3"}, SHORT), NOW, nodes=TWO, labels={GPU: "NVIDIA H100"}),
    "others-wait": Evidence(asking({GPU: "4"}, SHORT), NOW, nodes=TWO, holders=BUSY, waiting=WAITING),
    "another-waits": Evidence(asking({GPU: "3"}, SHORT), NOW, nodes=TWO, waiting=WAITING[-1:]),
    "gpus-and-memory-short": Evidence(asking({GPU: "4", "memory": "255Gi"}, SHORT), NOW,
                                      nodes=[room("gpu-1", {GPU: "6", "memory": str(64 * 2**30)})]),
    "none-free": Evidence(asking({GPU: "1"}, SHORT), NOW, nodes=[room("gpu-1", {GPU: "8"})], holders=[holder("bob-b", 8)]),
    "more-promised-than-there-is": Evidence(asking({GPU: "1"}, SHORT), NOW, nodes=[room("gpu-1", {GPU: "9"})]),
    "pods-short": Evidence(asking({"cpu": "1"}, SHORT), NOW, nodes=[room("gpu-1", {"pods": "110"})]),
    "too-large": Evidence(asking({GPU: "16"}, SHORT), NOW, nodes=TWO),
    "no-such-device": Evidence(asking({"amd.com/gpu": "1"}, SHORT), NOW, nodes=TWO),
    "fits-now": Evidence(asking({GPU: "2"}, SHORT), NOW, nodes=TWO),
    "tainted": Evidence(asking({GPU: "1"}, SHORT), NOW, nodes=[room("gpu-1", taints=TAINT)]),
    "room-behind-a-taint": Evidence(asking({GPU: "4"}, SHORT), NOW, nodes=[*TWO, room("gpu-3", taints=TAINT)]),
    "tolerated": Evidence(asking({GPU: "4"}, SHORT, tolerations=[{"key": "dedicated", "operator": "Exists"}]), NOW,
                          nodes=[*TWO, room("gpu-3", taints=TAINT)]),
    "not-ready": Evidence(asking({GPU: "1"}, SHORT), NOW, nodes=[room("gpu-1", ready="Unknown")]),
    "cordoned": Evidence(asking({GPU: "1"}, SHORT), NOW, nodes=[room("gpu-1", unschedulable=True)]),
    "affinity-between-pods": Evidence(asking({GPU: "1"}, AFFINITY), NOW, nodes=TWO),
    "a-volume-elsewhere": Evidence(asking({"cpu": "1"}, "0/2 nodes are available: 2 node(s) had volume node affinity conflict."), NOW, nodes=TWO),
    "spread": Evidence(asking({"cpu": "1"}, "0/2 nodes are available: 2 node(s) didn't match pod topology spread constraints."), NOW, nodes=TWO),
    "volumes-full": Evidence(asking({"cpu": "1"}, "0/2 nodes are available: 2 node(s) exceed max volume count."), NOW, nodes=TWO),
    "scheduler-alone-knows": Evidence(asking({GPU: "1"}, "0/2 nodes are available: 2 node(s) had the flu."), NOW, nodes=TWO),
    "nothing-known-of-nodes": Evidence(asking({GPU: "4"}, SHORT), NOW),
    "no-nodes": Evidence(asking({GPU: "4"}, "no nodes available to schedule pods"), NOW, nodes=[]),
    "not-looked-at": Evidence(asking({"cpu": "1"}), NOW, nodes=TWO),
    "kueue": Evidence(pod({"schedulingGates": [{"name": "kueue.x-k8s.io/admission"}]},
                          labels={"kueue.x-k8s.io/queue-name": "team-a"}), NOW, nodes=TWO),
    "gated": Evidence(pod({"schedulingGates": [{"name": "example.com/wait"}]}), NOW, nodes=TWO),
    "volcano": Evidence(pod({"schedulerName": "volcano"}, annotations={"scheduling.k8s.io/group-name": "g1"}), NOW, nodes=TWO),
    "making-room": Evidence(pod({}, {"nominatedNodeName": "gpu-1"}), NOW, nodes=TWO),
    "quota": Evidence(asking({GPU: "2"}, SHORT), NOW, nodes=TWO, refusals=[Refusal("ReplicaSet web", "pods", "5", "1", "5")]),
    "restarting": Evidence(pod(), NOW, restarting=Restarting(NOW.replace(minute=31), "it waits for room")),
    "devices-claimed": Evidence(asking({"cpu": "1"}, "0/2 nodes are available: 2 cannot allocate all claims. still not schedulable"),
                                NOW, nodes=TWO, device_claims=[DeviceClaim("claim-1", exists=True, allocated=False)]),
    "device-claim-missing": Evidence(asking({"cpu": "1"}, '0/2 nodes are available: 2 resourceclaim "c" not found.'),
                                     NOW, nodes=TWO, device_claims=[DeviceClaim("c", exists=False, allocated=False)]),
    "claim-missing": _claim("claim_missing"),
    "claim-terminating": _claim("claim_terminating"),
    "claim-lost": _claim("claim_lost", volume="pv-1"),
    "volume-missing": _claim("volume_missing", volume="pv-1"),
    "volume-taken": _claim("volume_taken", volume="pv-1"),
    "volume-released": _claim("volume_released", volume="pv-1"),
    "volume-failed": _claim("volume_failed", volume="pv-1", message="disk gone"),
    "volume-mismatch": _claim("volume_mismatch", message="requested size is larger"),
    "class-missing": _claim("storage_class_missing", storageClass="fast"),
    "no-class": _claim("no_storage_class"),
    "provisioner": _claim("waiting_for_provisioner", storageClass="fast", provisioner="csi.example.com"),
    "provisioning": _claim("provisioning_failed", storageClass="fast", message="rpc error: no space in pool"),
    "access-mode": _claim("provisioning_failed", storageClass="fast", message="Only support ReadWriteOnce access mode"),
    "binding": _claim("binding"),
    "first-consumer": Evidence(asking({GPU: "4"}, SHORT), NOW, nodes=TWO,
                               claims=[Claim("ws", claim("ws"), ("waiting_for_first_consumer", {"claim": "ws", "storageClass": "local"}))]),
    "multi-attach": Evidence(
        with_state({"waiting": {"reason": "ContainerCreating"}}), NOW,
        events=[event("FailedAttachVolume", 'Multi-Attach error for volume "pvc-1" Volume is already used by pod(s) other')],
        claims=[Claim("a-a-workspace", claim("a-a-workspace", "Bound", volumeName="pvc-1"), None)],
        volume_users={"a-a-workspace": ["pod-a-a-other on gpu-2"]}, **ON),
    "attach": _prepared(event("FailedAttachVolume", 'AttachVolume.Attach failed for volume "pvc-1" : rpc error: code = Internal')),
    "nfs": _prepared(event("FailedMount", 'MountVolume.SetUp failed for volume "data" : mount failed: exit status 32\nMounting command: mount\n'
                           "Mounting arguments: -t nfs -o vers=4 nfs.example:/export /var/lib/kubelet/pods/u/volumes/kubernetes.io~nfs/data\n"
                           "Output: mount.nfs: Connection timed out\n")),
    "mount": _prepared(event("FailedMount", 'MountVolume.MountDevice failed for volume "pvc-1" : rpc error: code = DeadlineExceeded desc = context deadline exceeded')),
    "mounts-summed-up": _prepared(event("FailedMount", "Unable to attach or mount volumes: unmounted volumes=[data], unattached volumes=[data]: timed out")),
    "pulling": _prepared(event("Pulling", 'Pulling image "debian:13"', container="main", at="2026-11-22T12:30:30Z")),
    "network": _prepared(event("FailedCreatePodSandBox", 'Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox: plugin type="calico" failed (add): no IPs available')),
    "sandbox": _prepared(event("FailedCreatePodSandBox", 'Failed to create pod sandbox: rpc error: code = Unknown desc = runtime handler "kata" is not configured')),
    "denied": _pulls('failed to resolve reference "registry.example/team/tool:1": pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed'),
    "certificate": _pulls('failed to do request: Head "https://registry.example/v2/team/tool/manifests/1": tls: failed to verify certificate: x509: certificate signed by unknown authority'),
    "platform": _pulls("no match for platform in manifest: not found"),
    "disk-full": _pulls("failed to extract layer sha256:abc: write /var/lib/containerd/tmp: no space left on device"),
    "timeout": _pulls('failed to do request: Head "https://user:secret@registry.example/v2/": dial tcp 10.0.0.9:443: i/o timeout'),
    "an-image-called-404": _pulls("unknown words", "registry.example/denied/404:unauthorized"),
    "pull-of-nobody-knows-why": _waits("ImagePullBackOff", 'Back-off pulling image "debian:13"'),
    "signal": _waits("CrashLoopBackOff", "back-off 5m0s restarting failed container=main", restarts=7,
                     lastState={"terminated": {"exitCode": 139, "reason": "Error"}}),
    "exit-of-an-app": Evidence(with_state({"terminated": {"exitCode": 255, "reason": "Error", "message": "no config\nat /etc"}}), NOW, **ON),
    "no-limit": Evidence(with_state({"terminated": {"exitCode": 137, "reason": "OOMKilled"}}), NOW, **ON),
    "create-error": _waits("CreateContainerError", "failed to reserve container name"),
    "run-error": _waits("RunContainerError", 'failed to create containerd task: exec: "nosuch": executable file not found in $PATH: unknown'),
    "config-error": _waits("CreateContainerConfigError", "invalid subpath"),
    "post-start": _waits("PostStartHookError", "command 'x' exited with 1"),
    "unknown-wait": _waits("SomethingNew", "never heard of"),
    "oom-again-and-again": Evidence(with_state({"running": {"startedAt": "2026-11-22T12:30:00Z"}}, ready=True, restarts=4,
        container={"resources": {"limits": {"memory": "32Mi"}}},
        lastState={"terminated": {"exitCode": 137, "reason": "OOMKilled", "finishedAt": "2026-11-22T12:29:00Z"}}), NOW, **ON),
    "restarts-often": Evidence(with_state({"running": {"startedAt": "2026-11-22T12:30:00Z"}}, ready=True, restarts=3,
        lastState={"terminated": {"exitCode": 2, "reason": "Error", "finishedAt": "2026-11-22T12:29:00Z"}}), NOW, **ON),
    "node-gone": Evidence(with_state({"running": {}}, ready=True), NOW, node=None, node_known=True),
    "node-unreachable": Evidence(with_state({"running": {}}, ready=True), NOW, node=node("gpu-1", ready="Unknown"), node_known=True),
    "node-not-ready": Evidence(with_state({"running": {}}, ready=True), NOW, node=node("gpu-1", ready="False"), node_known=True),
    "evicted-for-memory": _failed("Evicted", f"{LOW}memory. Threshold quantity: 100Mi, available: 52840Ki. Container main was using 5242880Ki, request is 1Gi, has larger consumption of memory. "),
    "evicted-for-memory-1.20": _failed("Evicted", f"{LOW}memory. Container main was using 1316Ki, which exceeds its request of 0. "),
    "evicted-for-disk": _failed("Evicted", f"{LOW}ephemeral-storage. Threshold quantity: 10Gi, available: 9Gi. Container main was using 40Gi, request is 0, has larger consumption of ephemeral-storage. "),
    "evicted-for-its-disk-limit": _failed("Evicted", 'Container main exceeded its local ephemeral storage limit "1Gi". '),
    "evicted-for-the-disk-limit-of-all": _failed("Evicted", "Pod ephemeral local storage usage exceeds the total limit of containers 2Mi. "),
    "evicted-by-api": _failed("Evicted", "somebody said so"),
    "preempted": _failed("Preempting", "Preempted in order to admit critical pod"),
    "gpu-refused": _failed("UnexpectedAdmissionError", f"Pod was rejected: Allocate failed due to requested number of devices unavailable for {GPU}. Requested: 2, Available: 1, which is unexpected"),
    "unexpectedly-refused": _failed("UnexpectedAdmissionError", "Pod was rejected: Allocate failed due to rpc error: device plugin says no, which is unexpected"),
    "shut-down": _failed("NodeShutdown", "Node is shutting, evicting pods"),
    "failed-for-no-known-reason": _failed("NewReason", "and new words"),
    "terminating": Evidence(on_node({"phase": "Running"}, deletionTimestamp="2026-11-22T12:34:00Z"), NOW, **ON),
    "stuck": Evidence(on_node({"phase": "Running"}, deletionTimestamp="2026-11-22T12:00:00Z"), NOW, **ON),
    "stuck-on-a-lost-node": Evidence(on_node({"phase": "Running"}, deletionTimestamp="2026-11-22T12:00:00Z"), NOW, node=node("gpu-1", ready="Unknown"), node_known=True),
    "kept-by-a-finalizer": Evidence(on_node({"phase": "Running"}, deletionTimestamp="2026-11-22T12:00:00Z", finalizers=["example.com/x"]), NOW, **ON),
}  # fmt: skip
"""By name; each is told in `golden.json`."""
