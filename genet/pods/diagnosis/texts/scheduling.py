"""Why a pod has no node yet."""

from collections.abc import Mapping
from typing import Final

from genet.pods.diagnosis.wording import Text

SCHEDULING: Final[Mapping[str, Text]] = {
    "no_node_fits": Text(
        "No node has {asked:amount} free for this pod. {node} comes nearest with {free:amount}; missing: "
        "{short:amount} ({nodes:node|nodes} looked at, {freeTotal:amount} free in all). Wait until somebody gives "
        "some back, or ask for less[[: {fits:amount} would find room there now]].",
        "没有节点能给这个 Pod 空出 {asked:amount}。最接近的是 {node}，空闲 {free:amount}，还差 {short:amount}（共查"
        "看 {nodes} 个节点，合计空闲 {freeTotal:amount}）。请等待他人释放，或减少申请量[[：若只申请 {fits:amount}，"
        "现在就能在该节点运行]]。",
    ),
    "too_large": Text(
        "No node is large enough: this pod asks for {asked:amount}, and the largest node for it, {node}, has "
        "{largest:amount} in all ({nodes:node|nodes} looked at). Waiting does not help: ask for {largest:amount} "
        "at most.",
        "没有足够大的节点：这个 Pod 申请 {asked:amount}，而可用的最大节点 {node} 总共只有 {largest:amount}（共查看 "
        "{nodes} 个节点）。等待没有用，请最多申请 {largest:amount}。",
    ),
    "no_node_has": Text(
        "This pod asks for {asked:amount}, and none of the {nodes:node|nodes} that it may use has any. Choose "
        "another GPU type or node; if there should be some, tell an administrator.",
        "这个 Pod 申请 {asked:amount}，但它可用的 {nodes} 个节点都没有这种资源。请改选其他 GPU 类型或节点；如果本应"
        "有，请联系管理员。",
    ),
    "gpus_held": Text(
        "Held there now: {held:amount}, by {holders}[[ and {others:other|others}]].[[ The first to end is "
        "{firstPod} of {firstUser} on {firstNode}, which holds {firstCount:amount}: at {endsAt:time}, unless it is "
        "extended.]]",
        "目前占用 {held:amount}，占用者：{holders}[[，另有 {others} 人]]。[[最先结束的是 {firstUser} 在 "
        "{firstNode} 上的 {firstPod}，占用 {firstCount:amount}，将于 {endsAt:time} 结束（除非被延长）。]]",
    ),
    "others_wait": Text(
        "{pods:other pod waits|other pods wait} for {asked:amount} in all[[; {earlier:has|have} waited longer than "
        "this one]]. The scheduler tries each of them again and again, and starts the first that fits: a small one may "
        "start before a large one.",
        "另有 {pods} 个 Pod 也在等待，共申请 {asked:amount}[[，其中 {earlier} 个等待得更久]]。调度器会反复尝试，谁先"
        "放得下谁先启动：申请少的可能先于申请多的启动。",
    ),
    "taints_not_tolerated": Text(
        "Taints that this pod does not tolerate keep it away from {nodes:node|nodes}: {taints}.[[ "
        "{wouldFit:of them has|of them have} room for it.]] Choose a GPU type whose nodes you may use, or ask an "
        "administrator: tolerations come from the configuration of GPU types.",
        "{nodes} 个节点带有这个 Pod 不能容忍的污点：{taints}。[[其中 {wouldFit} 个节点有足够的空间。]]请选择可以使"
        "用其节点的 GPU 类型，或联系管理员（容忍度由 GPU 类型的配置决定）。",
    ),
    "selector_matches_nothing": Text(
        "None of the {nodes:node|nodes} of the cluster is what this pod asks for: {selector}. Choose another node "
        "or GPU type; if there should be such a node, tell an administrator.",
        "集群的 {nodes} 个节点都不符合这个 Pod 的要求：{selector}。请改选其他节点或 GPU 类型；如果本应有这样的节点"
        "，请联系管理员。",
    ),
    "nodes_not_ready": Text(
        "Not ready, and so not used: {names}[[ and {others:other|others}]] ({nodes:node|nodes}[[, the first since "
        "{since:time}]]). Wait until they are back, or choose another node.",
        "以下节点未就绪，无法使用：{names}[[ 及另外 {others} 个]]（共 {nodes} 个[[，最早始于 {since:time}]]）。请等"
        "待恢复，或改选其他节点。",
    ),
    "nodes_cordoned": Text(
        "Closed for new pods by an administrator: {names}[[ and {others:other|others}]] ({nodes:node|nodes}). Wait "
        "until they are open again, or choose another node.",
        "以下节点已被管理员设为不可调度：{names}[[ 及另外 {others} 个]]（共 {nodes} 个）。请等待重新开放，或改选其"
        "他节点。",
    ),
    "should_fit_now": Text(
        "By Genet's count {node} has room for this pod now ({nodes:node|nodes} in all). The scheduler looks again "
        "by itself, mostly within a minute; if this stays so, tell an administrator.",
        "按 Genet 的统计，{node} 现在有足够的空间（共 {nodes} 个节点）。调度器会自动重试，通常在一分钟内；如果一直"
        "如此，请联系管理员。",
    ),
    "pod_affinity": Text(
        "Rules about which pods may or must share a node keep this pod from {nodes:node|nodes}. They are part of "
        "the pod; change them, or remove the pods that they speak of.",
        "Pod 之间的亲和或反亲和规则使它无法使用 {nodes} 个节点。这些规则写在 Pod 自身中，请修改规则或处理相关的 Pod。",
    ),
    "topology_spread": Text(
        "The pod's rule to spread pods evenly keeps it from {nodes:node|nodes}. Change the rule, or make room in "
        "the zones with fewer of its pods.",
        "Pod 的均匀分布规则使它无法使用 {nodes} 个节点。请修改该规则，或在同类 Pod 较少的区域腾出空间。",
    ),
    "host_port_taken": Text(
        "A port of the node that this pod wants for itself is taken on {nodes:node|nodes}. Leave `hostPort` out, "
        "or choose another port.",
        "这个 Pod 要独占的节点端口在 {nodes} 个节点上已被占用。请去掉 hostPort 或换一个端口。",
    ),
    "volume_elsewhere": Text(
        "A volume of this pod can only be used on other nodes than the {nodes:node|nodes} that would take it. "
        "Choose the node where the volume is, or use another volume.",
        "这个 Pod 的某个存储卷只能在别的节点上使用，而可以运行它的是另外 {nodes} 个节点。请选择存储卷所在的节点，或"
        "换用其他存储卷。",
    ),
    "too_many_volumes": Text(
        "On {nodes:node|nodes} as many volumes are attached as the node can have. Choose another node, or wait "
        "until pods there end.",
        "{nodes} 个节点上挂接的存储卷已达上限。请改选其他节点，或等待那里的 Pod 结束。",
    ),
    "scheduler_says": Text(
        "The scheduler finds no node: {message}.",
        "调度器找不到合适的节点：{message}。",
    ),
    "making_room": Text(
        "Room is being made on {node}: pods of lower priority are ending there. This pod starts when they are gone.",
        "{node} 上正在腾出空间：优先级较低的 Pod 正在结束，之后这个 Pod 就会启动。",
    ),
    "no_nodes": Text(
        "The cluster has no nodes at all. Tell an administrator.",
        "集群中没有任何节点。请联系管理员。",
    ),
    "waiting_for_scheduler": Text(
        "The scheduler {scheduler} has not looked at this pod yet[[ ({seconds:duration} by now)]]. That takes a "
        "moment; if it stays so, the scheduler may not be running: tell an administrator.",
        "调度器 {scheduler} 还没有处理这个 Pod[[（已等待 {seconds:duration}）]]。通常很快；如果一直如此，调度器可能"
        "没有运行，请联系管理员。",
    ),
    "gated": Text(
        "Somebody else holds this pod back before it is scheduled: {gates}. It goes on when these gates are taken "
        "away.",
        "这个 Pod 在调度前被门控（scheduling gate）拦住：{gates}。门控移除后才会继续。",
    ),
    "queued": Text(
        "This pod waits in a queue of {system}[[, {queue}]]. It goes on when its turn comes; {system} knows its place.",
        "这个 Pod 正在 {system} 的队列[[ {queue} ]]中等待。轮到它时会自动继续；排队位置请查看 {system}。",
    ),
    "quota_refused": Text(
        "The quota lets {controller} make no more pods: {used} of {limit} {resource} used, {asked} more asked. "
        "Delete what you do not need, or ask an administrator for a larger quota.",
        "配额不允许 {controller} 再创建 Pod：{resource} 已用 {used}，上限 {limit}，还要申请 {asked}。请删除不需要的"
        "资源，或请管理员提高配额。",
    ),
    "restarting": Text(
        "Genet is restarting this pod[[, for {seconds:duration} by now]]: it is deleted and made again with the "
        "same name, volumes and port.[[ What holds it up: {message}.]]",
        "Genet 正在重启这个 Pod[[（已 {seconds:duration}）]]：删除后以相同的名称、存储卷和端口重建。[[当前受阻："
        "{message}。]]",
    ),
    "resource_claim_missing": Text(
        "The device claim {claim} of this pod does not exist. Delete the pod and create it again.",
        "这个 Pod 的设备申领（ResourceClaim）{claim} 不存在。请删除 Pod 后重新创建。",
    ),
    "resource_claim_not_allocated": Text(
        "The devices that this pod claims ({claim}) have not been given to it: none that matches is free. Wait "
        "until somebody gives some back, or ask for fewer.",
        "这个 Pod 申领的设备（{claim}）尚未分配：目前没有符合条件的空闲设备。请等待他人释放，或减少申请数量。",
    ),
}
