/** One's own pods, and what of them stays. */
import type { TimeLeft } from "../../lib/time";
import { plural } from "./plural";

export const pods = {
  title: "My pods",
  create: "Create a pod",
  quotaPods: "Pods",
  quotaGpus: "GPUs",
  quotaValue: (used: number, limit: number) => `${used} of ${limit}`,
  columns: { pod: "Pod", status: "Status", gpus: "GPUs", node: "Node", left: "Time left" },
  noGpu: "No GPU",
  gpuCount: (count: number, type: string) => `${count} × ${type}`,
  noNode: "not placed yet",
  left: ({ total, days, hours, minutes }: TimeLeft) => {
    if (total === 0) {
      return "due now";
    }
    if (days > 0) {
      return `${days} d ${hours} h`;
    }
    if (hours > 0) {
      return `${hours} h ${minutes} min`;
    }
    return minutes > 0 ? `${minutes} min` : "under a minute";
  },
  deletedAt: (moment: string) => `Clean-up deletes it on ${moment}`,
  neverDeleted: "no end",
  neverDeletedHint: "No clean-up is planned for this pod.",
  extendAtOnce: (time: string) => `Extend ${time}`,
  extendNamed: (name: string) => `How long to extend ${name}`,
  extendLead: "Keep it for at least, from now",
  extendBy: (hours: number) =>
    hours % 24 === 0 ? plural(hours / 24, "day", "days") : plural(hours, "hour", "hours"),
  extended: (name: string, moment: string) => `${name} is kept; clean-up deletes it on ${moment}.`,
  extendedForGood: (name: string) => `${name} is kept.`,
  extendFailed: (name: string) => `${name} was not extended`,
  inspect: "Status, terminal, logs",
  inspectNamed: (name: string) => `Status, terminal and logs of ${name}`,
  openTerminal: (name: string) => `Terminal of ${name}`,
  restart: "Restart",
  restartNamed: (name: string) => `Restart ${name}`,
  restartTitle: (name: string) => `Restart ${name}?`,
  restartFailed: "The pod was not restarted",
  restarting: (name: string) => `${name} is being restarted.`,
  consequencesFailed: "What this means for the pod cannot be said right now",
  avoidNode: (node: string) => `On another node than ${node}`,
  nothing: "Nothing.",
  more: (name: string) => `More to do with ${name}`,
  delete: "Delete",
  deleteNamed: (name: string) => `Delete ${name}`,
  deleteTitle: (name: string) => `Delete ${name}?`,
  deleteLost: "Lost for good",
  deleteKept: "Kept",
  deleteFailed: "The pod was not deleted",
  deleted: (name: string) => `${name} is being deleted.`,
  unmanaged: "made with kubectl",
  restarts: (count: number) => plural(count, "restart", "restarts"),
  empty: "You have no pods",
  emptyHint: "Create one, or click a free GPU in the overview.",
  failed: "Your pods cannot be shown",
  gone: (id: string) => `There is no pod ${id} among yours. It may have been deleted.`,
  logInFirst: "Log in to see your pods",
  copy: "Copy",
  copied: "Copied",
};

export const volumes = {
  title: "Volumes",
  hint: "What is in them stays when a pod is deleted or restarted.",
  failed: "Your volumes cannot be shown",
  usedBy: (pods: string) => `used by ${pods}`,
  unused: "not in use",
  goes: "deleted with the last pod that uses it",
  readOnly: "read-only",
  states: {
    Bound: "Ready",
    Pending: "Waiting",
    Lost: "Lost",
    Terminating: "Being deleted",
    NotMade: "Made with the first pod",
    PerPod: "New with each pod",
  },
  growing: (size: string) => `growing to ${size}`,
  grow: "Grow",
  growNamed: (name: string) => `Grow ${name}`,
  growTitle: (name: string) => `Grow ${name}`,
  growHint: "A volume can grow, and never shrink again.",
  growFailed: "The volume was not grown",
  size: "New size",
};

export const history = {
  title: "Deleted in the last 7 days",
};
