"""What a person is told while a pod is saved, and when that went wrong: what to do stands with it. Pure."""

from collections.abc import Mapping
from typing import Final, Literal

Language = Literal["en", "zh"]

_PAUSED: Final = (
    ". If the pod's processes were left stopped, Genet lets them go on in a moment. Should it not answer after that, "
    "have an administrator run nerdctl unpause on the node; a restart helps as well, and loses what is outside of the "
    "volumes",
    "。如果其中的进程仍处于暂停状态，Genet 会随即恢复它们。若之后容器组仍不响应，请管理员在节点上执行 nerdctl unpause；"
    "重启也可以恢复，但会丢失卷以外的内容",
)
CODES: Final[Mapping[str, tuple[str, str]]] = {
    "waiting": ("it waits for its turn on the pod's node", "正在等待容器组所在节点"),
    "unschedulable": (
        "the pod's node does not take the job: {detail}",
        "容器组所在节点暂时无法接收保存任务：{detail}",
    ),
    "unpullable": (
        "the job's own image cannot be pulled, which is the administrators' to mend: {detail}",
        "无法拉取保存任务自身的镜像，请联系管理员：{detail}",
    ),
    "unstartable": (
        "the job cannot be started, which is the administrators' to mend: {detail}",
        "无法启动保存任务，请联系管理员：{detail}",
    ),
    "unprepared": (
        "the node still prepares the job: it pulls the job's image, or does not find containerd's socket or the "
        "credentials for the registry; administrators see in the events of its pod which",
        "节点仍在准备保存任务：正在拉取任务镜像，或缺少 containerd 套接字、镜像仓库凭据；"
        "管理员可在其事件中查看是哪一种",
    ),
    "reading": (
        "it reads what the container has changed[[; its processes stand still for so long]]",
        "正在读取容器中的改动[[，期间其中的进程会暂停]]",
    ),
    "pushing": ("it pushes {image}", "正在推送 {image}"),
    "ending": ("it is being ended", "正在结束"),
    "deadline": (
        "it took longer than {minutes} minutes and was ended. Remove what is large from outside of the volumes, or "
        "have an administrator raise commit.timeoutMinutes",
        "用时超过 {minutes} 分钟，已被终止。请清理卷以外的大文件，或请管理员调大 commit.timeoutMinutes",
    ),
    "vanished": (
        "the job's pod is gone: somebody deleted it, or its node was lost; save the pod again",
        "保存任务的容器组已消失：被人删除或节点丢失；请重新保存",
    ),
    "evicted": (
        "the node ended the job, as it had no room or was shut down; save the pod again later",
        "节点资源不足或正在关机，终止了保存任务；请稍后重新保存",
    ),
    "killed": (
        "somebody or something ended the job before it was done; save the pod again",
        "保存任务在完成之前被强行终止；请重新保存",
    ),
    "memory": (
        "the job needed more memory than it may have; have an administrator raise commit.memory",
        "保存任务的内存超出限制；请管理员调大 commit.memory",
    ),
    "space": (
        "there is no room on the disk. Remove what is large from outside of the volumes (caches of pip, conda and apt) "
        "and save again; if the container is small, the administrators have to make room on its node or the registry",
        "磁盘空间不足。请清理卷以外的大文件（如 pip、conda、apt 的缓存）后重新保存；如果容器本身不大，"
        "需要管理员清理节点或镜像仓库的空间",
    ),
    "gone": (
        "the container was not there any more: the pod was ended, or its container restarted meanwhile, and what it "
        "had changed is lost",
        "容器已不存在：容器组已结束，或其中的容器在此期间重启，其改动已丢失",
    ),
    "baseless": (
        "the node does not have all layers of the image that the pod runs from, and the job could not fetch them; "
        "administrators find what to do in docs/save-image.md",
        "节点上缺少该容器组所用镜像的部分层，且保存任务无法获取；处理方法请管理员参阅 docs/save-image.md",
    ),
    "layers": (
        "the image would have too many layers: it was saved on top of a saved one again and again. Build it anew from "
        "its base, with a Dockerfile for instance",
        "镜像层数过多：已在保存的镜像上反复保存。请从基础镜像重新构建，例如使用 Dockerfile",
    ),
    "socket": (
        "the job could not talk to containerd on the node, which is the administrators' to mend (commit.socket)",
        "保存任务无法连接节点上的 containerd，请联系管理员（commit.socket）",
    ),
    "plain": (
        "the registry's certificate cannot be checked, which is the administrators' to mend (its CA in the job's "
        "image, or commit.insecureRegistry)",
        "无法校验镜像仓库的证书，请联系管理员（在任务镜像中加入 CA，或设置 commit.insecureRegistry）",
    ),
    "denied": (
        "the registry did not take the image: its credentials are missing or may not push there, or a quota is used "
        "up; that is the administrators' to mend (commit.pushSecret)",
        "镜像仓库拒绝接收：缺少凭据、没有推送权限或配额已用完；请联系管理员（commit.pushSecret）",
    ),
    "busy": ("the registry is asked too much at present; save the pod again later", "镜像仓库请求过多；请稍后重新保存"),
    "unreachable": (
        "the registry does not answer; save the pod again later, or tell the administrators",
        "镜像仓库没有响应；请稍后重新保存，或联系管理员",
    ),
    "failed": ("it failed; its last lines say why", "保存失败；原因见日志末尾"),
}


def message(code: str, params: Mapping[str, str], language: Language, *, pauses: bool, is_maybe_paused: bool) -> str:
    """The sentence; `pauses` says whether the container's processes stand still while it is read."""
    of_language = 1 if language == "zh" else 0
    text = CODES[code][of_language]
    head, opening, rest = text.partition("[[")
    if opening:
        clause, _, tail = rest.partition("]]")
        text = head + (clause if pauses else "") + tail
    for name, value in params.items():
        text = text.replace(f"{{{name}}}", value)
    return text + (_PAUSED[of_language] if pauses and is_maybe_paused else "")
