/** A pod from near: how it is, and the ways in. */
export const drawer = {
  status: "Status",
  connect: "Connect",
  terminal: "Terminal",
  events: "Events",
  gpus: "GPUs",
  logs: "Logs",
  details: "Details",
  gpusFailed: "The GPUs cannot be shown",
  gpusNotNamed: "Which cards of the node this pod holds is not known.",
  gpusWait: "It holds GPUs once it has been placed on a node.",
  showNode: (name: string) => `Show node ${name}`,
  noEvents: "No events yet.",
  noLogs: "Nothing logged yet.",
  logsWait: "There are no logs until the container has started.",
  times: (count: number) => `${count} times`,
  truncated: "Only the last lines are shown.",
  eventsFailed: "The events cannot be shown",
  logsFailed: "The logs cannot be shown",
  fields: {
    image: "Image",
    cpu: "CPU",
    memory: "Memory",
    node: "Node",
    nodeIP: "Node address",
    created: "Created",
    started: "Started",
    protectedUntil: "Protected until",
    restarts: "Restarts",
    namespace: "Namespace",
    kubernetesName: "Kubernetes name",
  },
};

export const connect = {
  wait: "There is a way in once the pod runs.",
  ssh: "SSH",
  sshHint: "With the keys of your account, which reach the pod within a minute.",
  keys: "Your SSH keys",
  sshConfig: "Entry for ~/.ssh/config",
  vscode: "VS Code Remote",
  openVscode: "Open in VS Code",
  jetbrains: "JetBrains Gateway",
  openJetbrains: "Open in Gateway",
  kubectlExec: "A shell with kubectl",
  portForward: "A port of the pod on this machine",
  fingerprints: "Fingerprints of its host keys",
  noSsh: "This pod has no SSH port.",
};

export const use = {
  title: "Used now",
  cpu: "CPU",
  memory: "Memory",
  cores: (used: string, limit: string) => `${used} of ${limit} cores`,
  unknown: "Not measured",
};

export const status = {
  well: "It runs, and nothing is wrong.",
  reasons: "Why, and what to do",
  conditions: "Conditions",
  containers: "Containers",
  volumes: "Volumes",
  failed: "The state of this pod cannot be shown",
  copy: "Copy for a ticket",
  since: (moment: string) => `since ${moment}`,
  states: { waiting: "waiting", running: "running", terminated: "ended" } as Record<string, string>,
  container: (state: string, restarts: number) =>
    restarts > 0 ? `${state}, started again ${restarts === 1 ? "once" : `${restarts} times`}` : state,
};
