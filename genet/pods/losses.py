"""Said before it hurts: what is lost when a pod is deleted or restarted, and what stays. Pure.

Codes with their params are the contract; the sentences are made from them.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Final

import msgspec

from genet import lifecycle, naming
from genet.kube.objects import Pod
from genet.kube.requests import devices, is_finished
from genet.pods.diagnosis.reasons import Finding, Reason, finding
from genet.pods.diagnosis.wording import Language, Text, worded
from genet.settings import Settings
from genet.settings import Volume as Configured

TEXTS: Final[Mapping[str, Text]] = {
    "filesystem": Text(
        en="Every file outside the volumes, also what was installed since the pod started.",
        zh="卷之外的所有文件，包括 Pod 启动后安装的软件。",
    ),
    "processes": Text(
        en="Everything that runs in it, and what it has in memory.", zh="其中运行的所有进程，以及它们在内存中的内容。"
    ),
    "sessions": Text(en="Open SSH sessions and terminals end.", zh="已打开的 SSH 会话和终端会断开。"),
    "scratch": Text(
        en="The volume {volume}[[ at {path}]]: it goes with the pod.",
        zh="卷 {volume}[[（{path}）]]：它随 Pod 一起消失。",
    ),
    "gpus_released": Text(en="Its GPUs ({count}) are free for others.", zh="它的 GPU（{count} 个）将释放给其他人。"),
    "gpus_may_go": Text(
        en="Its GPUs ({count}) are free for a moment: somebody else may take them, and then it waits.",
        zh="它的 GPU（{count} 个）会短暂释放：可能被他人占用，届时需要等待。",
    ),
    "volume_deleted": Text(
        en="The volume {volume}[[ at {path}]] with all that is in it: this is the last pod that uses it.",
        zh="卷 {volume}[[（{path}）]]及其全部内容：这是最后一个使用它的 Pod。",
    ),
    "volume": Text(en="The volume {volume}[[ at {path}]].", zh="卷 {volume}[[（{path}）]]。"),
    "definition": Text(
        en="Its name, image, command, variables and resources.", zh="它的名称、镜像、命令、环境变量和资源配置。"
    ),
    "protection": Text(en="Its protection until {until:time}.", zh="它的保护，至 {until:time}。"),
    "ssh": Text(en="Its SSH port {port} and its host key.", zh="它的 SSH 端口 {port} 和主机密钥。"),
}


class Consequence(msgspec.Struct, frozen=True):
    lost: tuple[Reason, ...]
    kept: tuple[Reason, ...]


class Consequences(msgspec.Struct, frozen=True):
    """Of deleting a pod, and of restarting it."""

    delete: Consequence
    restart: Consequence


def consequences(
    pod: Pod,
    others: Iterable[Pod],
    settings: Settings,
    *,
    is_device: Callable[[str], bool],
    now: datetime,
    language: Language,
) -> Consequences:
    """`others` are the other pods of its namespace."""
    used = {name for other in others if not is_finished(other) for name in _claims(other)}
    count = sum(devices(pod, is_device).values())
    always = [*_scratch(pod, settings), finding("processes"), finding("filesystem"), finding("sessions")]
    going, staying = _volumes(pod, settings, used)
    ssh = [finding("ssh", port=port)] if (port := _port(pod)) is not None else []
    protection = lifecycle.protection(
        pod.metadata.annotations, pod.metadata.creation_timestamp or now, settings.lifecycle
    )
    until = [finding("protection", until=lifecycle.write_time(protection.until))] if protection.until else []

    def said(found: Iterable[Finding]) -> tuple[Reason, ...]:
        return tuple(_reason(one, language) for one in found)

    released = [finding("gpus_released", count=count)] if count else []
    may_go = [finding("gpus_may_go", count=count)] if count else []
    return Consequences(
        delete=Consequence(lost=said([*going, *always, *released, *ssh]), kept=said(staying)),
        restart=Consequence(
            lost=said([*always, *may_go]),
            kept=said(
                [*(finding("volume", **one.params) for one in going), *staying, finding("definition"), *until, *ssh]
            ),
        ),
    )


def _reason(found: Finding, language: Language) -> Reason:
    text = TEXTS[found.code]
    template = text.zh if language == "zh" else text.en
    params = {name: found.params.get(name) for name in sorted(text.params)}
    return Reason(found.code, params, worded(template, params, language))


def _volumes(pod: Pod, settings: Settings, used: Collection[str]) -> tuple[list[Finding], list[Finding]]:
    """Those that go with the pod, because it is the last to use them, and those that stay."""
    configured = {volume.name: volume for volume in settings.storage.volumes}
    going: list[Finding] = []
    staying: list[Finding] = []
    for volume in pod.spec.volumes:
        if volume.persistent_volume_claim is None:
            continue
        known = configured.get(volume.name)
        is_last = known is not None and known.goes_with_pods and volume.persistent_volume_claim.claim_name not in used
        found = finding("volume_deleted" if is_last else "volume", volume=volume.name, path=_path(known))
        (going if is_last else staying).append(found)
    return going, staying


def _scratch(pod: Pod, settings: Settings) -> Iterator[Finding]:
    configured = {volume.name: volume for volume in settings.storage.volumes if volume.type == "emptyDir"}
    for volume in pod.spec.volumes:
        if volume.name in configured:
            yield finding("scratch", volume=volume.name, path=_path(configured[volume.name]))


def _claims(pod: Pod) -> Iterator[str]:
    sources = (volume.persistent_volume_claim for volume in pod.spec.volumes)
    return (source.claim_name for source in sources if source is not None)


def _path(volume: Configured | None) -> str | None:
    return volume.mount_path if volume is not None else None


def _port(pod: Pod) -> int | None:
    text = pod.metadata.annotations.get(naming.SSH_PORT, "")
    return int(text) if text.isdecimal() else None
