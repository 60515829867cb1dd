/** Who used how much. */
import { plural } from "./plural";

export const usage = {
  title: "Usage",
  by: "By",
  keys: { user: "User", type: "GPU type", namespace: "Namespace" },
  range: "Time",
  ranges: { "24h": "24 h", "7d": "7 d", "30d": "30 d" },
  gpuHours: "GPU-hours",
  gpusNow: "GPUs now",
  utilization: "Mean utilization",
  failed: "The usage cannot be shown",
  empty: "No GPU was held in this time.",
  total: (hours: string) => `${hours} GPU-hours`,
  gaps: (hours: string, count: number) =>
    `Nothing is known of ${hours} of this time (${plural(count, "gap", "gaps")}): the hours below are too few.`,
  gap: (from: string, to: string) => `${from} – ${to}`,
  nobody: "nobody known",
  showOnMap: (user: string) => `Show the GPUs of ${user}`,
  barHint: "A bar is what was held; its filled part is what was worked with.",
  idle: "Allocated but idle",
  idleHint: "Held by a pod, and without work for a while.",
  noneIdle: "No GPU is held without being used.",
  idleColumns: { pod: "Pod", user: "User", devices: "GPUs", since: "Idle since" },
  logInFirst: "Log in to see the usage",
};
