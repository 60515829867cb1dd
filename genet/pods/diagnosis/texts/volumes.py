"""Why a pod waits for its volumes."""

from collections.abc import Mapping
from typing import Final

from genet.pods.diagnosis.wording import Text

VOLUMES: Final[Mapping[str, Text]] = {
    "claim_missing": Text(
        "The volume claim {claim} that this pod mounts does not exist. Create the claim, or delete the pod and "
        "create it again.",
        "这个 Pod 要挂载的存储声明（PVC）{claim} 不存在。请创建它，或删除 Pod 后重新创建。",
    ),
    "claim_terminating": Text(
        "The volume claim {claim} is being deleted; a new pod cannot use it any more. Wait until it is gone, and "
        "create the pod again.",
        "存储声明（PVC）{claim} 正在被删除，新的 Pod 不能再使用它。请等它删除完后重新创建 Pod。",
    ),
    "claim_lost": Text(
        "The volume {volume} of the claim {claim} is gone. What was on it can only come from a backup: tell an "
        "administrator.",
        "存储声明（PVC）{claim} 对应的存储卷 {volume} 已丢失，其中的数据只能从备份恢复。请联系管理员。",
    ),
    "volume_missing": Text(
        "The claim {claim} wants the volume {volume}, which does not exist. Tell an administrator.",
        "存储声明（PVC）{claim} 指定的存储卷 {volume} 不存在。请联系管理员。",
    ),
    "volume_taken": Text(
        "The claim {claim} wants the volume {volume}, which belongs to another claim. Tell an administrator.",
        "存储声明（PVC）{claim} 指定的存储卷 {volume} 已属于另一个声明。请联系管理员。",
    ),
    "volume_released": Text(
        "The volume {volume} belonged to an earlier claim named {claim} and still has its data. An administrator "
        "has to release it before it can be used again.",
        "存储卷 {volume} 属于以前同名的存储声明（PVC）{claim}，数据仍在。需要管理员释放后才能再次使用。",
    ),
    "volume_failed": Text(
        "The volume {volume} of the claim {claim} has failed[[: {message}]]. Tell an administrator.",
        "存储声明（PVC）{claim} 的存储卷 {volume} 出现故障[[：{message}]]。请联系管理员。",
    ),
    "volume_mismatch": Text(
        "The claim {claim} and the volume made for it do not match: {message}. Tell an administrator.",
        "存储声明（PVC）{claim} 与为它准备的存储卷不匹配：{message}。请联系管理员。",
    ),
    "storage_class_missing": Text(
        "The volume claim {claim} asks for the storage class {storageClass}, which the cluster does not have. An "
        "administrator has to create the class or correct the configuration.",
        "存储声明（PVC）{claim} 指定的存储类 {storageClass} 在集群中不存在。需要管理员创建该存储类或修正配置。",
    ),
    "no_storage_class": Text(
        "The volume claim {claim} names no storage class, the cluster has no default one, and no volume is there "
        "for it. An administrator has to set a default class or name one in the configuration.",
        "存储声明（PVC）{claim} 没有指定存储类，集群没有默认存储类，也没有可用的存储卷。需要管理员设置默认存储类或"
        "在配置中指定。",
    ),
    "waiting_for_first_consumer": Text(
        "The volume for the claim {claim} (class {storageClass}) is made once this pod has a node: that is how the "
        "class works, and nothing is wrong with it.",
        "存储声明（PVC）{claim}（存储类 {storageClass}）的存储卷会在 Pod 分配到节点后创建：这是该存储类的工作方式，"
        "并非故障。",
    ),
    "waiting_for_provisioner": Text(
        "The volume for the claim {claim} (class {storageClass}) is being made[[ by {provisioner}]]. If this takes "
        "longer than some minutes, the provisioner may not be running: tell an administrator.",
        "正在[[由 {provisioner} ]]为存储声明（PVC）{claim}（存储类 {storageClass}）创建存储卷。如果超过几分钟，供应"
        "程序可能没有运行，请联系管理员。",
    ),
    "provisioning_failed": Text(
        "The volume for the claim {claim} (class {storageClass}) could not be made: {message}. It is tried again; "
        "if it stays so, tell an administrator.",
        "无法为存储声明（PVC）{claim}（存储类 {storageClass}）创建存储卷：{message}。系统会重试；如果一直失败，请联"
        "系管理员。",
    ),
    "claim_access_mode": Text(
        "The class {storageClass} cannot make a volume with the access mode {accessModes} that the claim {claim} "
        "asks for. An administrator has to change the volume's access mode or class in the configuration.",
        "存储类 {storageClass} 不支持存储声明（PVC）{claim} 要求的访问模式 {accessModes}。需要管理员在配置中修改访"
        "问模式或存储类。",
    ),
    "binding": Text(
        "The volume claim {claim} has no volume yet. That takes a moment; if it stays so, tell an administrator.",
        "存储声明（PVC）{claim} 还没有绑定存储卷。通常很快；如果一直如此，请联系管理员。",
    ),
    "multi_attach": Text(
        "The volume {volume} can be used on one node at a time, and is still in use on another[[ by {pods}]]. "
        "Delete the pod there, or choose its node for this one too.",
        "存储卷 {volume} 一次只能在一个节点上使用，目前仍在另一个节点上被占用[[（{pods}）]]。请删除那里的 Pod，或让"
        "这个 Pod 也使用那个节点。",
    ),
    "attach_failed": Text(
        "The volume {volume} cannot be attached to the node: {message}. It is tried again; if it stays so, tell an "
        "administrator.",
        "存储卷 {volume} 无法挂接到节点：{message}。系统会重试；如果一直失败，请联系管理员。",
    ),
    "secret_missing": Text(
        "The Secret {secret}, which the volume {volume} is made of, does not exist. Create it, or delete the pod "
        "and create it again.",
        "卷 {volume} 所需的 Secret {secret} 不存在。请创建它，或删除 Pod 后重新创建。",
    ),
    "config_map_missing": Text(
        "The ConfigMap {configMap}, which the volume {volume} is made of, does not exist. Create it, or delete the "
        "pod and create it again.",
        "卷 {volume} 所需的 ConfigMap {configMap} 不存在。请创建它，或删除 Pod 后重新创建。",
    ),
    "key_missing": Text(
        "The volume {volume} wants the key {key}, which its Secret or ConfigMap does not have. Add the key.",
        "卷 {volume} 需要键 {key}，但对应的 Secret 或 ConfigMap 中没有。请补上这个键。",
    ),
    "host_path_wrong": Text(
        "The path of the volume {volume} is not there on the node, or is of another kind: {message}. Tell an "
        "administrator.",
        "卷 {volume} 的路径在节点上不存在或类型不符：{message}。请联系管理员。",
    ),
    "nfs_unreachable": Text(
        "The file server {server} of the volume {volume} cannot be used from the node: {message}. Tell an "
        "administrator.",
        "节点无法使用卷 {volume} 的文件服务器 {server}：{message}。请联系管理员。",
    ),
    "mount_failed": Text(
        "The volume {volume} cannot be mounted: {message}. It is tried again; if it stays so, tell an administrator.",
        "卷 {volume} 无法挂载：{message}。系统会重试；如果一直失败，请联系管理员。",
    ),
}
