/** A pod's facts as the page words them. */
import type { Pod } from "../../api/types";

export type Tone = "good" | "moving" | "bad" | "ended";

const HOUR = 3_600_000;

const MOVING = new Set(["Pending", "ContainerCreating", "PodInitializing", "Restarting", "Scheduling"]);
const ENDED = new Set(["Terminating", "Succeeded", "Completed"]);

const STORAGE = new Set(["pvc", "emptyDir", "nfs", "hostPath"]);
/** Volumes of Genet's own, for the SSH server that it starts. */
const OWN = new Set(["genet-ssh", "genet-ssh-run"]);

/** How a kubectl STATUS is to be felt; what is not known to be fine is shown as trouble. */
export function statusTone(status: string): Tone {
  if (status === "Running") {
    return "good";
  }
  if (MOVING.has(status) || /^Init:\d/.test(status)) {
    return "moving";
  }
  return ENDED.has(status) ? "ended" : "bad";
}

/** Steps for extending, in hours, up to what the installation allows, whose limit is always the last. */
export function extendSteps(maxProtectHours: number): number[] {
  return [...[4, 12, 24, 72, 168].filter((hours) => hours < maxProtectHours), maxProtectHours];
}

/** What one click extends by: the first step of at least a day by which the pod gains at least an hour. */
export function nextStep(steps: readonly number[], protectedUntil: string | null, now: number): number {
  const kept = protectedUntil === null ? 0 : (Date.parse(protectedUntil) - now) / HOUR;
  return steps.find((hours) => hours >= 24 && hours - kept >= 1) ?? (steps.at(-1) as number);
}

/** "ImagePullBackOff" where it may be broken: "Image", "Pull", "Back", "Off". */
export function statusParts(status: string): string[] {
  return status.split(/(?<=[a-z:])(?=[A-Z])/);
}

/** "registry.example/team/pytorch:2.4" is "pytorch:2.4" where room is short. */
export function shortImage(image: string): string {
  const name = image.slice(image.lastIndexOf("/") + 1);
  return name.replace(/@sha256:([0-9a-f]{8})[0-9a-f]*$/, "@$1");
}

/** Whether people keep files in a volume; the others bring keys and settings. */
export function holdsFiles({ name, kind }: { name: string; kind: string }): boolean {
  return STORAGE.has(kind) && !OWN.has(name);
}

/** Stable order: oldest first, as kubectl's list by age. */
export function byAge(pods: readonly Pod[]): Pod[] {
  return pods.toSorted((a, b) => a.createdAt.localeCompare(b.createdAt) || a.id.localeCompare(b.id));
}
