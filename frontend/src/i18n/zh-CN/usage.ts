/** 用量 */
import type { Messages } from "../en";

export const usage: Messages["usage"] = {
  title: "用量",
  by: "按",
  keys: { user: "用户", type: "GPU 类型", namespace: "命名空间" },
  range: "时间",
  ranges: { "24h": "24 小时", "7d": "7 天", "30d": "30 天" },
  gpuHours: "GPU 小时",
  gpusNow: "当前 GPU",
  utilization: "平均利用率",
  failed: "无法显示用量",
  empty: "这段时间内没有 GPU 被占用。",
  total: (hours) => `${hours} GPU 小时`,
  gaps: (hours, count) => `这段时间中有 ${hours} 没有数据（${count} 处缺口），因此下列小时数偏少。`,
  gap: (from, to) => `${from} – ${to}`,
  nobody: "未知用户",
  showOnMap: (user) => `显示 ${user} 的 GPU`,
  barHint: "条形为占用量，其中实心部分为实际使用量。",
  idle: "已分配但空转",
  idleHint: "被 Pod 占用，但已有一段时间没有负载。",
  noneIdle: "没有空转的 GPU。",
  idleColumns: { pod: "Pod", user: "用户", devices: "GPU", since: "空转开始于" },
  logInFirst: "登录后查看用量",
};
