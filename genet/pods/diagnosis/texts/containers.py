"""Why a container does not run, or not for long."""

from collections.abc import Mapping
from typing import Final

from genet.pods.diagnosis.wording import Text

CONTAINERS: Final[Mapping[str, Text]] = {
    "oom_killed": Text(
        "The container {container} was killed because it used more memory than its limit[[ of {limit:bytes}]][[; "
        "it was started again {restarts:time|times}]]. Ask for more memory, or let the program use less.",
        "容器 {container} 使用的内存超过上限[[ {limit:bytes} ]]而被终止[[，已重启 {restarts} 次]]。请申请更多内存，"
        "或减少程序的内存用量。",
    ),
    "command_not_found": Text(
        "The container {container} cannot find the program that it should run[[: {command}]] (exit code "
        "{exitCode})[[; it was started again {restarts:time|times}]]. Correct the command, or choose an image that "
        "has the program.",
        "容器 {container} 找不到要运行的程序[[：{command}]]（退出码 {exitCode}）[[，已重启 {restarts} 次]]。请改正"
        "命令，或选择包含该程序的镜像。",
    ),
    "command_not_executable": Text(
        "The container {container} may not run its program[[: {command}]] (exit code {exitCode})[[; it was started "
        "again {restarts:time|times}]]. Make the file executable, or run it by its interpreter.",
        "容器 {container} 无权执行其程序[[：{command}]]（退出码 {exitCode}）[[，已重启 {restarts} 次]]。请为文件加"
        "上可执行权限，或通过解释器运行。",
    ),
    "stopped_by_signal": Text(
        "The program of the container {container} was ended by the signal {name} (exit code {exitCode})[[; it was "
        "started again {restarts:time|times}]]. Its log says what it did last.",
        "容器 {container} 的程序被信号 {name} 终止（退出码 {exitCode}）[[，已重启 {restarts} 次]]。请查看日志了解它"
        "最后做了什么。",
    ),
    "exited": Text(
        "The program of the container {container} ended with exit code {exitCode}[[: {message}]][[; it was started "
        "again {restarts:time|times}]]. Its log says why.",
        "容器 {container} 的程序以退出码 {exitCode} 结束[[：{message}]][[，已重启 {restarts} 次]]。请查看日志了解原"
        "因。",
    ),
    "completed": Text(
        "The program of the container {container} came to its end without an error (exit code 0)[[; it was started "
        "again {restarts:time|times}]]. Where a pod is to stay, its command must not end, as a server or `sleep "
        "infinity`.",
        "容器 {container} 的程序正常结束（退出码 0）[[，已重启 {restarts} 次]]。如果希望 Pod 一直运行，命令就不能结"
        "束，例如服务程序或 sleep infinity。",
    ),
    "start_failed": Text(
        "The container {container} cannot be started: {message}[[; tried again {restarts:time|times}]]. Correct "
        "command, working directory or image, and create the pod again.",
        "容器 {container} 无法启动：{message}[[，已重试 {restarts} 次]]。请改正命令、工作目录或镜像后重新创建 Pod。",
    ),
    "config_error": Text(
        "The container {container} cannot be made as the pod describes it: {message}. Correct it, and create the "
        "pod again.",
        "无法按 Pod 的描述创建容器 {container}：{message}。请改正后重新创建 Pod。",
    ),
    "env_secret_missing": Text(
        "The container {container} takes a variable from the Secret {secret}, which does not exist. Create it, and "
        "the container starts by itself.",
        "容器 {container} 的环境变量引用了不存在的 Secret {secret}。创建后容器会自动启动。",
    ),
    "env_config_map_missing": Text(
        "The container {container} takes a variable from the ConfigMap {configMap}, which does not exist. Create "
        "it, and the container starts by itself.",
        "容器 {container} 的环境变量引用了不存在的 ConfigMap {configMap}。创建后容器会自动启动。",
    ),
    "env_key_missing": Text(
        "The container {container} takes a variable from the key {key} of {source}, which has no such key. Add it, "
        "and the container starts by itself.",
        "容器 {container} 的环境变量引用了 {source} 中不存在的键 {key}。补上后容器会自动启动。",
    ),
    "runs_as_root": Text(
        "The container {container} may not run as root, and its image would. Choose an image with a user of its own.",
        "容器 {container} 不允许以 root 运行，但其镜像默认使用 root。请选择带有普通用户的镜像。",
    ),
    "post_start_failed": Text(
        "What the container {container} should do right after its start failed: {message}. Correct the postStart hook.",
        "容器 {container} 的启动后动作（postStart）失败：{message}。请改正该钩子。",
    ),
    "liveness_killed": Text(
        "The container {container} was ended because it did not answer its liveness probe[[: {message}]][[; it was "
        "started again {restarts:time|times}]]. Correct the probe or the program.",
        "容器 {container} 没有通过存活探测而被终止[[：{message}]][[，已重启 {restarts} 次]]。请检查探测配置或程序。",
    ),
    "back_off": Text(
        "After each end the next start of {container} waits longer, now {waitSeconds:duration}. Delete the pod and "
        "create it again once the cause is gone.",
        "每次结束后，{container} 的下一次启动会等待更久，目前为 {waitSeconds:duration}。排除原因后请删除 Pod 并重新"
        "创建。",
    ),
    "init_not_done": Text(
        "The pod's own containers start when its init containers are through; {container} is number {position} of "
        "{total}.",
        "Pod 的主容器要等初始化容器全部完成后才启动；{container} 是第 {position} 个，共 {total} 个。",
    ),
    "init_running": Text(
        "The init container {container} is at work[[ for {seconds:duration} by now]] (number {position} of "
        "{total}); the pod's own containers start after it. Its log says what it does.",
        "初始化容器 {container} 正在运行[[（已 {seconds:duration}）]]（第 {position} 个，共 {total} 个），主容器将"
        "在其后启动。请查看它的日志。",
    ),
    "not_ready": Text(
        "The container {container} runs, but is not ready[[: {message}]]. Its log says what it waits for.",
        "容器 {container} 正在运行，但尚未就绪[[：{message}]]。请查看日志了解它在等待什么。",
    ),
    "restarts_often": Text(
        "The container {container} runs now, but was started again {restarts:time|times}, the last time "
        "[[{seconds:duration} ]]ago after exit code {exitCode}. Its previous log says why.",
        "容器 {container} 目前正在运行，但已重启 {restarts} 次，最近一次在[[ {seconds:duration}]]前，退出码 "
        "{exitCode}。请查看上一次的日志。",
    ),
    "creating": Text(
        "{node} is getting this pod ready[[, for {seconds:duration} by now]]. If it takes longer than some "
        "minutes, look at the pod's events.",
        "{node} 正在准备这个 Pod[[（已 {seconds:duration}）]]。如果超过几分钟，请查看 Pod 的事件。",
    ),
    "network_failed": Text(
        "The node cannot give this pod a network: {message}. It is tried again; if it stays so, tell an administrator.",
        "节点无法为这个 Pod 配置网络：{message}。系统会重试；如果一直失败，请联系管理员。",
    ),
    "sandbox_failed": Text(
        "The node cannot set this pod up: {message}. It is tried again; if it stays so, tell an administrator.",
        "节点无法创建这个 Pod 的运行环境：{message}。系统会重试；如果一直失败，请联系管理员。",
    ),
}
