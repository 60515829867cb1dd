/** One GPU's readings in words; null where there is nothing to say. */
import type { Messages } from "../../i18n/en";
import { formatMoment } from "../../lib/time";
import type { Device } from "./model";

/** Who holds it; "not known" where it is held and nobody said by whom. */
export function holderText(device: Device, text: Messages): string | null {
  if (device.pods.length > 0) {
    return [...new Set(device.pods.map(({ user, namespace }) => user ?? namespace))].join(", ");
  }
  if (device.status !== "used") {
    return null;
  }
  return device.attribution === "count" ? text.gpus.unknownHolder : text.gpus.hiddenHolder;
}

export function podsText({ pods }: Device): string | null {
  return pods.length === 0 ? null : pods.map(({ name }) => name).join(", ");
}

/** Since when the longest holder has it. */
export function sinceText({ pods }: Device, locale: string): string | null {
  const [first] = pods.flatMap(({ startedAt }) => startedAt ?? []).toSorted();
  return first ? formatMoment(first, locale) : null;
}

export function percentText(percent: number | null): string | null {
  return percent === null ? null : `${Math.round(percent)} %`;
}

/** MiB as GiB: "12.4 of 80 GiB". */
export function memoryText({ memoryUsed, memoryTotal }: Device, locale: string): string | null {
  const gibibytes = (mebibytes: number) =>
    new Intl.NumberFormat(locale, { maximumFractionDigits: 1 }).format(mebibytes / 1024);
  if (memoryUsed !== null && memoryTotal !== null) {
    return `${gibibytes(memoryUsed)} / ${gibibytes(memoryTotal)} GiB`;
  }
  return memoryTotal === null ? null : `${gibibytes(memoryTotal)} GiB`;
}

export function unitText(value: number | null, unit: string, locale: string): string | null {
  return value === null
    ? null
    : `${new Intl.NumberFormat(locale, { maximumFractionDigits: 0 }).format(value)} ${unit}`;
}
