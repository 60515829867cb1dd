/**
 * One GPU in words. The columns know its state, its percentages and its only holder at once; the rest comes with the
 * node's own call, and is undefined until then. null is what there is nothing to say about.
 */
import type { Slot, SlotPod } from "../../api/types";
import type { Messages } from "../../i18n/en";
import { memoryText, percentText, unitText } from "../../lib/readings";
import { formatMomentInTable } from "../../lib/time";
import type { Device } from "./model";

/** Who holds it; "not known" where it is held and nobody said by whom. */
export function holderText(device: Device, slot: Slot | undefined, text: Messages): string | null {
  if (slot && slot.pods.length > 0) {
    return holdersOf(slot.pods).join(", ");
  }
  if (device.user !== null) {
    return device.user;
  }
  if (device.shared) {
    return text.gpus.severalHolders;
  }
  if (device.status !== "used") {
    return null;
  }
  return slot && slot.attribution !== "count" ? text.gpus.hiddenHolder : text.gpus.unknownHolder;
}

export function holdersOf(pods: SlotPod[]): string[] {
  return [...new Set(pods.map(({ user, namespace }) => user ?? namespace))];
}

export function podsText(slot: Slot | undefined): string | null | undefined {
  return slot && (slot.pods.map(({ name }) => name).join(", ") || null);
}

/** Since when the longest holder has it. */
export function sinceText(slot: Slot | undefined, locale: string): string | null | undefined {
  const [first] = slot?.pods.flatMap(({ startedAt }) => startedAt ?? []).toSorted() ?? [];
  return slot && (first ? formatMomentInTable(first, locale) : null);
}

export function idleText(slot: Slot | undefined, locale: string): string | null | undefined {
  return slot && (slot.idleSince === null ? null : formatMomentInTable(slot.idleSince, locale));
}

export function heatText({ power, temperature }: Slot, locale: string): string | null {
  const known = [unitText(power, "W", locale), unitText(temperature, "°C", locale)].filter(
    (text) => text !== null,
  );
  return known.length > 0 ? known.join(" · ") : null;
}

export function memoryUseText(device: Device, slot: Slot | undefined, locale: string): string | null {
  return slot ? memoryText(slot.memoryUsed, slot.memoryTotal, locale) : percentText(device.memory);
}

export function titleOf(device: Device, slot: Slot | undefined, text: Messages): string {
  return `${device.node.name} · ${text.gpus.columns.gpu} ${slot?.index ?? device.place}`;
}
