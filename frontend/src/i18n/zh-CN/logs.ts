/** 容器日志 */
import type { Messages } from "../en";

export const logs: Messages["logs"] = {
  container: "容器",
  previous: "上次重启之前",
  wrap: "自动换行",
  download: "下载",
  again: "重新跟踪",
  notStarted: "容器启动后才有日志。",
  noPrevious: "没有保留之前的日志。",
  phases: {
    connecting: "正在连接",
    following: "正在跟踪",
    broken: "连接中断，正在重试",
  },
  ends: {
    finished: "容器已结束。",
    deleted: "Pod 已不存在。",
    not_started: "容器很久没有启动。",
  },
  remarks: {
    restarted: (exitCode) =>
      exitCode === null ? "── 已重新启动 ──" : `── 已结束（${exitCode}）并重新启动 ──`,
    gap: "── 此处可能缺少若干行 ──",
  },
  ended: (reason) => `日志已结束（${reason}）。`,
};
