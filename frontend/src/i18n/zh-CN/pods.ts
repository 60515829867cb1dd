/** 我的 Pod，以及保留下来的内容 */
import type { TimeLeft } from "../../lib/time";
import type { Messages } from "../en";

export const pods: Messages["pods"] = {
  title: "我的 Pod",
  create: "创建 Pod",
  quotaPods: "Pod",
  quotaGpus: "GPU",
  quotaValue: (used, limit) => `${used} / ${limit}`,
  columns: { pod: "Pod", status: "状态", gpus: "GPU", node: "节点", left: "剩余时间" },
  noGpu: "无 GPU",
  gpuCount: (count, type) => `${count} × ${type}`,
  noNode: "尚未调度",
  left: ({ total, days, hours, minutes }: TimeLeft) => {
    if (total === 0) {
      return "已到期";
    }
    if (days > 0) {
      return `${days} 天 ${hours} 小时`;
    }
    if (hours > 0) {
      return `${hours} 小时 ${minutes} 分钟`;
    }
    return minutes > 0 ? `${minutes} 分钟` : "不到一分钟";
  },
  deletedAt: (moment) => `将于 ${moment} 被清理`,
  neverDeleted: "不限",
  neverDeletedHint: "没有针对这个 Pod 的清理计划。",
  extendAtOnce: (time) => `延长 ${time}`,
  extendNamed: (name) => `选择 ${name} 的延长时间`,
  extendLead: "从现在起至少保留",
  extendBy: (hours) => (hours % 24 === 0 ? `${hours / 24} 天` : `${hours} 小时`),
  extended: (name, moment) => `${name} 已延长，将于 ${moment} 被清理。`,
  extendedForGood: (name) => `${name} 已保留。`,
  extendFailed: (name) => `${name} 未能延长`,
  inspect: "状态、终端、日志",
  inspectNamed: (name) => `${name} 的状态、终端和日志`,
  openTerminal: (name) => `${name} 的终端`,
  restart: "重启",
  restartNamed: (name) => `重启 ${name}`,
  restartTitle: (name) => `重启 ${name}？`,
  restartFailed: "Pod 未能重启",
  restarting: (name) => `正在重启 ${name}。`,
  consequencesFailed: "暂时无法说明这对 Pod 意味着什么",
  avoidNode: (node) => `换到 ${node} 以外的节点`,
  nothing: "无。",
  more: (name) => `对 ${name} 的更多操作`,
  delete: "删除",
  deleteNamed: (name) => `删除 ${name}`,
  deleteTitle: (name) => `删除 ${name}？`,
  deleteLost: "将永久失去",
  deleteKept: "将保留",
  deleteFailed: "Pod 未能删除",
  deleted: (name) => `正在删除 ${name}。`,
  unmanaged: "由 kubectl 创建",
  restarts: (count) => `重启 ${count} 次`,
  empty: "您还没有 Pod",
  emptyHint: "创建一个，或在总览中点击空闲的 GPU。",
  failed: "无法显示您的 Pod",
  gone: (id) => `您没有名为 ${id} 的 Pod，它可能已被删除。`,
  logInFirst: "登录后查看您的 Pod",
  copy: "复制",
  copied: "已复制",
};

export const volumes: Messages["volumes"] = {
  title: "存储卷",
  hint: "删除或重启 Pod 后，其中的内容会保留。",
  failed: "无法显示您的存储卷",
  usedBy: (pods) => `${pods} 正在使用`,
  unused: "未使用",
  goes: "随最后一个使用它的 Pod 一起删除",
  readOnly: "只读",
  states: {
    Bound: "就绪",
    Pending: "等待中",
    Lost: "已丢失",
    Terminating: "正在删除",
    NotMade: "随第一个 Pod 创建",
    PerPod: "每个 Pod 各自新建",
  },
  growing: (size) => `正在扩容到 ${size}`,
  grow: "扩容",
  growNamed: (name) => `扩容 ${name}`,
  growTitle: (name) => `扩容 ${name}`,
  growHint: "存储卷只能扩大，不能缩小。",
  growFailed: "存储卷未能扩容",
  size: "新的大小",
};

export const history: Messages["history"] = {
  title: "最近 7 天内删除的",
};
