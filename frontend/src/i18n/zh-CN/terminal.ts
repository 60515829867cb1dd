/** 终端 */
import type { Messages } from "../en";

export const terminal: Messages["terminal"] = {
  label: "终端",
  wait: "Pod 运行后才有终端。",
  ownPage: "在单独的标签页中打开",
  again: "打开新的 shell",
  screenReader: "适配屏幕阅读器",
  newShell: "连接曾中断：这是一个新的 shell",
  notHere: "没有这个 Pod。",
  phases: {
    connecting: "正在连接",
    open: "已连接",
    reconnecting: "连接中断，正在重试",
  },
  exited: (code) => (code === null ? "shell 已结束。" : `shell 已结束（${code}）。`),
  endings: {
    unauthenticated: "会话已结束，请重新登录。",
    gone: "Pod 已不存在。",
    idle: "长时间没有动静，已关闭。",
    lost: "没有连接。",
  },
  errors: {
    not_running: "Pod 没有在运行。",
    rate_limited: "您打开的终端太多了。",
    unavailable: "集群暂时没有响应。",
    exec_failed: "无法在这个容器里启动 shell。",
  },
  failed: (code) => `终端出错（${code}）。`,
};
