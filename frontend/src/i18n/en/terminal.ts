/** A shell in a pod. */
export const terminal = {
  label: "Terminal",
  wait: "There is a terminal once the pod runs.",
  ownPage: "In a tab of its own",
  again: "Open a new shell",
  screenReader: "For screen readers",
  newShell: "The connection broke: this is a new shell",
  notHere: "There is no such pod.",
  phases: {
    connecting: "Connecting",
    open: "Connected",
    reconnecting: "The connection broke; trying again",
  },
  exited: (code: number | null) =>
    code === null ? "The shell has ended." : `The shell has ended (${code}).`,
  endings: {
    unauthenticated: "Your session has ended. Log in again.",
    gone: "The pod is gone.",
    idle: "Closed, as nothing happened in it for long.",
    lost: "There is no connection.",
  },
  errors: {
    not_running: "The pod does not run.",
    rate_limited: "Too many of your terminals are open.",
    unavailable: "The cluster does not answer right now.",
    exec_failed: "No shell could be started in this container.",
  },
  failed: (code: string) => `The terminal failed (${code}).`,
};
