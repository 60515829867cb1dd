/** From what was typed to a PodRequest; the server judges it, only what cannot be sent at all is refused here. */
import type { Availability, Config, GpuType, PodRequest, Quota } from "../../api/types";

export interface FormValues {
  /** "" is no GPU. */
  gpuType: string;
  gpuCount: number;
  gpuDevices: number[];
  /** Index of a preset, or null for another image. */
  preset: number | null;
  image: string;
  name: string;
  cpu: string;
  memory: string;
  nodeName: string | null;
  command: string;
  env: string;
  workingDir: string;
  shmSize: string;
}

export interface Prefill {
  gpuType: string | null;
  nodeName: string | null;
  /** The card that was clicked; of use where cards are shared. */
  card: number | null;
  /** A preset's or any other. */
  image: string | null;
}

/** Request fields that have a place in the form; messages about others stand above it. */
export const FIELDS = [
  "gpuType",
  "gpuCount",
  "gpuDevices",
  "image",
  "name",
  "cpu",
  "memory",
  "nodeName",
  "command",
  "env",
  "workingDir",
  "shmSize",
] as const;

export function initialValues({ gpuTypes, limits, presetImages }: Config, prefill: Prefill): FormValues {
  const type = gpuTypes.find(({ name }) => name === prefill.gpuType);
  const preset = presetImages.findIndex(({ image }) => prefill.image === null || image === prefill.image);
  return {
    gpuType: type?.name ?? "",
    gpuCount: type ? 1 : 0,
    gpuDevices: type?.mode === "shared" && prefill.card !== null ? [prefill.card] : [],
    preset: preset === -1 ? null : preset,
    image: (preset === -1 && prefill.image) || "",
    name: "",
    cpu: limits.cpu.default,
    memory: limits.memory.default,
    nodeName: type ? prefill.nodeName : null,
    command: "",
    env: "",
    workingDir: "",
    shmSize: "",
  };
}

/** The most GPUs that may be asked for now: the type's bound and what the quota leaves. */
export function mostGpus(type: GpuType, quota: Quota | undefined): number {
  const left = quota ? quota.gpuLimit - quota.gpuUsed : type.maxPerPod;
  return Math.max(0, Math.min(type.maxPerPod, left));
}

/** What stands in the way of getting so many at once: too few are free over "all" nodes, or on each "node". */
export function shortage(
  count: number,
  { free, largest }: Pick<Availability, "free" | "largest">,
): "all" | "node" | null {
  if (count > free) {
    return "all";
  }
  return count > largest ? "node" : null;
}

export function toRequest(values: FormValues, { gpuTypes, presetImages }: Config): PodRequest {
  const type = gpuTypes.find(({ name }) => name === values.gpuType);
  const command = lines(values.command);
  const image = values.preset === null ? values.image.trim() : presetImages[values.preset]?.image;
  return {
    image: image ?? "",
    gpuCount: type ? values.gpuCount : 0,
    cpu: values.cpu.trim(),
    memory: values.memory.trim(),
    env: lines(values.env).map((line) => {
      const split = line.indexOf("=");
      return { name: line.slice(0, split).trim(), value: line.slice(split + 1) };
    }),
    ...(type && { gpuType: type.name }),
    ...(type?.mode === "shared" && { gpuDevices: values.gpuDevices }),
    ...(values.name.trim() && { name: values.name.trim() }),
    ...(values.nodeName !== null && { nodeName: values.nodeName }),
    ...(command.length > 0 && { command }),
    ...(values.workingDir.trim() && { workingDir: values.workingDir.trim() }),
    ...(values.shmSize.trim() && { shmSize: values.shmSize.trim() }),
  };
}

/** The number of the first line that is not NAME=value; null when all are. */
export function badEnvLine(env: string): number | null {
  const all = env.split("\n");
  const bad = all.findIndex((line) => line.trim() !== "" && line.indexOf("=") < 1);
  return bad === -1 ? null : bad + 1;
}

function lines(text: string): string[] {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
}
