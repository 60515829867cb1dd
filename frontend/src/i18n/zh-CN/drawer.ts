/** Pod 详情与连接方式 */
import type { Messages } from "../en";

export const drawer: Messages["drawer"] = {
  status: "状态",
  connect: "连接",
  terminal: "终端",
  events: "事件",
  gpus: "GPU",
  logs: "日志",
  details: "详情",
  gpusFailed: "无法显示 GPU",
  gpusNotNamed: "不清楚这个 Pod 占用节点上的哪些卡。",
  gpusWait: "调度到节点后才会占用 GPU。",
  showNode: (name) => `查看节点 ${name}`,
  noEvents: "还没有事件。",
  noLogs: "还没有日志。",
  logsWait: "容器启动后才有日志。",
  times: (count) => `${count} 次`,
  truncated: "只显示最后若干行。",
  eventsFailed: "无法显示事件",
  logsFailed: "无法显示日志",
  fields: {
    image: "镜像",
    cpu: "CPU",
    memory: "内存",
    node: "节点",
    nodeIP: "节点地址",
    created: "创建时间",
    started: "启动时间",
    protectedUntil: "保留至",
    restarts: "重启次数",
    namespace: "命名空间",
    kubernetesName: "Kubernetes 名称",
  },
};

export const connect: Messages["connect"] = {
  wait: "Pod 运行后即可连接。",
  ssh: "SSH",
  sshHint: "使用您账户中的密钥，密钥会在一分钟内到达 Pod。",
  keys: "您的 SSH 密钥",
  sshConfig: "~/.ssh/config 条目",
  vscode: "VS Code Remote",
  openVscode: "在 VS Code 中打开",
  jetbrains: "JetBrains Gateway",
  openJetbrains: "在 Gateway 中打开",
  kubectlExec: "用 kubectl 打开 shell",
  portForward: "把 Pod 的端口转发到本机",
  fingerprints: "主机密钥指纹",
  noSsh: "这个 Pod 没有 SSH 端口。",
};

export const use: Messages["use"] = {
  title: "当前用量",
  cpu: "CPU",
  memory: "内存",
  cores: (used, limit) => `${used} / ${limit} 核`,
  unknown: "未测量",
};

export const status: Messages["status"] = {
  well: "正在运行，一切正常。",
  reasons: "原因和对策",
  conditions: "状况",
  containers: "容器",
  volumes: "存储卷",
  failed: "无法显示这个 Pod 的状态",
  copy: "复制以便提交工单",
  since: (moment) => `自 ${moment}`,
  states: { waiting: "等待中", running: "运行中", terminated: "已结束" },
  container: (state, restarts) => (restarts > 0 ? `${state}，已重新启动 ${restarts} 次` : state),
};
