"""What a node did to a pod, pods that do not go away, and what could not be read."""

from collections.abc import Mapping
from typing import Final

from genet.pods.diagnosis.wording import Text

NODES: Final[Mapping[str, Text]] = {
    "node_gone": Text(
        "The node {node} of this pod is not part of the cluster any more. What the pod wrote outside its volumes "
        "is lost; its volumes stay. Delete the pod and create it again elsewhere.",
        "这个 Pod 所在的节点 {node} 已不在集群中。存储卷之外的数据已丢失，存储卷保留。请删除 Pod 并在其他节点重新创"
        "建。",
    ),
    "node_not_ready": Text(
        "The node {node} of this pod is not ready[[ since {since:time}]][[: {message}]]. The volumes of the pod "
        "stay; what it wrote elsewhere is kept on the node. Wait until it is back, or create the same pod on "
        "another node.",
        "这个 Pod 所在的节点 {node} [[自 {since:time} 起]]未就绪[[：{message}]]。存储卷保留，其他数据仍在该节点上。"
        "请等待恢复，或在其他节点上创建同样的 Pod。",
    ),
    "node_unreachable": Text(
        "The node {node} of this pod has not been heard of[[ since {since:time}]]. The pod may still run there, "
        "but nobody can reach it. Its volumes stay; what it wrote elsewhere is on the node. Wait until it is back, "
        "or create the same pod on another node.",
        "[[自 {since:time} 起]]失去与这个 Pod 所在节点 {node} 的联系。Pod 可能仍在运行，但无法访问。存储卷保留，其"
        "他数据在该节点上。请等待恢复，或在其他节点上创建同样的 Pod。",
    ),
    "evicted_memory": Text(
        "The node {node} was short of memory[[ ({available:bytes} left, {threshold:bytes} is the least)]] and "
        "ended this pod[[: {container} used {used:bytes}, having asked for {requested:bytes}]]. Create it again "
        "and ask for as much memory as it needs.",
        "节点 {node} 内存不足[[（剩余 {available:bytes}，下限 {threshold:bytes}）]]，因此终止了这个 Pod[[："
        "{container} 使用了 {used:bytes}，而只申请了 {requested:bytes}]]。请重新创建，并按实际需要申请内存。",
    ),
    "evicted_disk": Text(
        "The node {node} was short of disk[[ ({available:bytes} left, {threshold:bytes} is the least)]] and ended "
        "this pod[[: {container} used {used:bytes}]]. Create it again, and write large files into volumes.",
        "节点 {node} 磁盘空间不足[[（剩余 {available:bytes}，下限 {threshold:bytes}）]]，因此终止了这个 Pod[[："
        "{container} 使用了 {used:bytes}]]。请重新创建，并把大文件写入存储卷。",
    ),
    "evicted_limit": Text(
        "This pod was ended because its files ({subject}) grew beyond the limit of {limit}. Create it again, and write "
        "large files into a volume that has room for them.",
        "这个 Pod 被终止，因为其文件（{subject}）超过了上限 {limit}。请重新创建，并把大文件写入有足够空间的存储卷。",
    ),
    "evicted": Text(
        "The node {node} ended this pod[[: {message}]]. Create it again; it may find another node.",
        "节点 {node} 终止了这个 Pod[[：{message}]]。请重新创建，它可能会分配到其他节点。",
    ),
    "preempted": Text(
        "This pod had to make room on {node} for one of higher priority[[: {message}]]. Create it again; it waits "
        "until there is room.",
        "这个 Pod 在 {node} 上为更高优先级的 Pod 让出了位置[[：{message}]]。请重新创建，它会等到有空间为止。",
    ),
    "gpu_refused": Text(
        "The node {node} unexpectedly refused this pod its devices: {requested:amount} asked, {available:amount} "
        "there. Delete the pod and create it again; if it happens twice, tell an administrator, a GPU may have "
        "failed.",
        "节点 {node} 意外拒绝为这个 Pod 分配设备：申请 {requested:amount}，可用 {available:amount}。请删除后重新创"
        "建；如果再次发生，可能有 GPU 故障，请联系管理员。",
    ),
    "admission_failed": Text(
        "The node {node} unexpectedly refused this pod: {message}. Delete the pod and create it again; if it "
        "happens twice, tell an administrator.",
        "节点 {node} 意外拒绝了这个 Pod：{message}。请删除后重新创建；如果再次发生，请联系管理员。",
    ),
    "node_too_full": Text(
        "The node {node} had no room left when this pod came: {requested:amount} asked, {used:amount} of "
        "{capacity:amount} in use. Delete the pod and create it again.",
        "这个 Pod 到达时节点 {node} 已没有空间：申请 {requested:amount}，已用 {used:amount}，总量 "
        "{capacity:amount}。请删除后重新创建。",
    ),
    "node_shutdown": Text(
        "The node {node} was shut down, and this pod with it. Its volumes stay. Create it again.",
        "节点 {node} 已关机，这个 Pod 随之终止。存储卷保留。请重新创建。",
    ),
    "deadline_exceeded": Text(
        "This pod was ended because it may run for no longer than {seconds:duration} (activeDeadlineSeconds).",
        "这个 Pod 被终止，因为它最多只能运行 {seconds:duration}（activeDeadlineSeconds）。",
    ),
    "pod_failed": Text(
        "This pod has failed[[: {message}]]. It does not start again by itself: delete it and create it again.",
        "这个 Pod 已失败[[：{message}]]。它不会自动重启，请删除后重新创建。",
    ),
    "terminating": Text(
        "This pod is ending; its programs have {seconds:duration} left to stop.",
        "这个 Pod 正在终止，其中的程序还有 {seconds:duration}时间退出。",
    ),
    "terminating_stuck": Text(
        "This pod should have been gone for {seconds:duration}. Look at its events; an administrator can delete it "
        "by force.",
        "这个 Pod 早在 {seconds:duration}前就应结束。请查看它的事件；管理员可以强制删除。",
    ),
    "terminating_node_lost": Text(
        "This pod cannot end, because its node {node} does not answer[[ since {since:time}]]. It goes when the "
        "node is back or removed; an administrator can delete it by force. Its GPUs stay taken until then.",
        "这个 Pod 无法结束，因为节点 {node} [[自 {since:time} 起]]没有响应。节点恢复或移除后它才会消失；管理员可以"
        "强制删除。在此之前它的 GPU 仍被占用。",
    ),
    "terminating_finalizers": Text(
        "This pod has ended, but is kept by {finalizers} (finalizers). Whoever put them there has to let go of it: "
        "tell an administrator.",
        "这个 Pod 已结束，但被终结器（finalizer）保留：{finalizers}。需要由设置者释放，请联系管理员。",
    ),
    "unread": Text(
        "Could not be read just now: {sources}. Something may be missing here; ask again in a moment.",
        "暂时无法读取：{sources}。这里的信息可能不完整，请稍后再试。",
    ),
}
