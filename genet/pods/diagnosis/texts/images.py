"""Why an image is not on the node."""

from collections.abc import Mapping
from typing import Final

from genet.pods.diagnosis.wording import Text

IMAGES: Final[Mapping[str, Text]] = {
    "image_invalid": Text(
        "{image} is no valid image name[[: {message}]]. Correct the name (lower case, `registry/path:tag`) and "
        "create the pod again.",
        "{image} 不是有效的镜像名[[：{message}]]。请改正名称（小写，格式为 registry/path:tag）后重新创建 Pod。",
    ),
    "image_not_found": Text(
        "The image {image} does not exist in {registry}. Check its name and tag, and create the pod again.",
        "镜像 {image} 在 {registry} 中不存在。请检查名称和标签后重新创建 Pod。",
    ),
    "image_forbidden": Text(
        "{registry} does not let the cluster pull {image}: the image is private or does not exist. Check the name, "
        "or ask an administrator to configure a pull secret for this registry.",
        "{registry} 不允许集群拉取 {image}：镜像是私有的，或者不存在。请检查名称，或请管理员为该仓库配置拉取凭据。",
    ),
    "registry_unreachable": Text(
        "The node cannot reach {registry} to pull {image}: {message}. Check the registry's name; if it is right, "
        "tell an administrator.",
        "节点无法连接 {registry} 拉取 {image}：{message}。请检查仓库地址；如果无误，请联系管理员。",
    ),
    "registry_rate_limit": Text(
        "{registry} refuses to hand out {image} for now, because too much was pulled (rate limit). It is tried "
        "again by itself; an administrator can configure a pull secret or a mirror.",
        "{registry} 暂时拒绝提供 {image}：拉取次数超过限制。系统会自动重试；管理员可以配置拉取凭据或镜像加速。",
    ),
    "registry_error": Text(
        "{registry} answered with an error ({status}) when {image} was pulled. It is tried again by itself; if it "
        "stays so, tell whoever runs the registry.",
        "拉取 {image} 时 {registry} 返回错误（{status}）。系统会自动重试；如果一直失败，请联系该仓库的管理员。",
    ),
    "registry_certificate": Text(
        "The node does not trust {registry}, where {image} is: {message}. An administrator has to give the nodes "
        "the registry's certificate.",
        "节点不信任 {image} 所在的 {registry}：{message}。需要管理员在节点上安装该仓库的证书。",
    ),
    "image_never_pulled": Text(
        "The image {image} is not on the node, and the pod says never to pull it. Create the pod again without "
        "that policy, or choose another image.",
        "镜像 {image} 不在节点上，而 Pod 规定从不拉取。请去掉该策略后重新创建，或换用其他镜像。",
    ),
    "image_platform": Text(
        "The image {image} is not made for the processors of this node. Choose an image for the node's platform, "
        "or another node.",
        "镜像 {image} 不支持该节点的处理器架构。请选择适合该架构的镜像，或改选其他节点。",
    ),
    "node_disk_full": Text(
        "The node has no room left on its disk for the image {image}. Choose another node, and tell an administrator.",
        "节点磁盘空间不足，放不下镜像 {image}。请改选其他节点，并告知管理员。",
    ),
    "image_pulling": Text(
        "The image {image} is being pulled[[, for {seconds:duration} by now]]. Large images take some minutes the "
        "first time on a node.",
        "正在拉取镜像 {image}[[（已 {seconds:duration}）]]。大镜像在节点上首次拉取需要几分钟。",
    ),
    "image_pull_failed": Text(
        "The image {image} cannot be pulled[[: {message}]]. It is tried again by itself; check the image's name.",
        "无法拉取镜像 {image}[[：{message}]]。系统会自动重试；请检查镜像名称。",
    ),
}
