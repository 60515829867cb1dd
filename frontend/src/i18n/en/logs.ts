/** A container's logs. */
export const logs = {
  container: "Container",
  previous: "Before the last restart",
  wrap: "Wrap lines",
  download: "Download",
  again: "Follow again",
  notStarted: "There are no logs until the container has started.",
  noPrevious: "Nothing is kept from before.",
  phases: {
    connecting: "Connecting",
    following: "Following",
    broken: "The connection broke; trying again",
  },
  ends: {
    finished: "The container has ended.",
    deleted: "The pod is gone.",
    not_started: "The container has not started for long.",
  },
  remarks: {
    restarted: (exitCode: number | null) =>
      exitCode === null ? "── started again ──" : `── ended (${exitCode}) and started again ──`,
    gap: "── lines may be missing here ──",
  },
  ended: (reason: string) => `The log has ended (${reason}).`,
};
