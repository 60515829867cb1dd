/** 把 Pod 的容器保存为镜像 */
import type { Messages } from "../en";

export const saving: Messages["saving"] = {
  tab: "保存",
  save: "保存为镜像",
  hint: "保留您安装的内容：Pod 的容器会成为一个镜像，新的 Pod 可以从它开始。",
  notRunning: "Pod 运行时才能保存。",
  failed: "无法显示保存的进展",
  title: (name) => `将 ${name} 保存为镜像`,
  name: "镜像名称",
  nameHint: "小写字母、数字和连字符；用 / 分目录。镜像会存到镜像仓库中您自己的位置。",
  tag: "标签",
  tagHint: "最好每次用新标签；标签相同会替换旧镜像。",
  saved: "镜像中包含",
  savedItems: [
    "容器中安装或改动过的所有内容，包括主目录。",
    "文件中的密钥、密码和历史记录也在其中：能读取镜像仓库的人都能看到。",
  ],
  notSaved: "镜像中不包含",
  volumes: (paths) => `卷中的内容：${paths}。`,
  anyVolumes: "卷中的内容。",
  notSavedItems: ["正在运行的程序，以及只在内存中的内容。", "Pod 自身的设置：命令、环境变量、GPU。"],
  pauses:
    "读取文件期间容器通常会暂停：其中运行的程序（包括 SSH 和终端）会停顿几秒到几分钟，然后继续。保存期间不能重启 Pod。",
  startFailed: "未能开始保存",
  last: "最近一次保存",
  states: {
    none: "尚未保存过，或近期没有保存。",
    pending: "等待开始",
    running: "正在保存",
    succeeded: "已保存",
    failed: "未能保存",
  },
  image: "镜像",
  started: "开始",
  ended: "结束",
  lines: "任务输出",
  newPod: "用它新建 Pod",
};
