/**
 * The colours of the map. Green and red are what the product promises for free and used, so lightness and a mark of its
 * own per state (draw.ts) carry the difference for those who do not see it in the hue.
 */
import type { SlotStatus } from "../../../api/types";

export interface StatePaint {
  fill: string;
  mark: string;
}

export interface Palette {
  surface: string;
  text: string;
  muted: string;
  warning: string;
  /** The frame around the viewer's own GPUs. */
  mine: string;
  states: Record<SlotStatus, StatePaint>;
  /** The empty part of a square that fills up, and from little to much what it fills with. */
  track: string;
  ramp: readonly string[];
  /** A square nobody holds, where the colour says who does. */
  nobody: StatePaint;
  /** OKLCH lightness and chroma of people's colours. */
  people: readonly { lightness: number; chroma: number }[];
}

export const LIGHT: Palette = {
  surface: "#ffffff",
  text: "#1c2733",
  muted: "#5b6875",
  warning: "#b3470c",
  mine: "#1455c0",
  states: {
    free: { fill: "#3fae72", mark: "#d9f3e4" },
    used: { fill: "#e98d82", mark: "#cc3a2e" },
    unknown: { fill: "#959fa9", mark: "#5d6770" },
    unhealthy: { fill: "#f2b632", mark: "#3b2a00" },
    external: { fill: "#8a78d8", mark: "#ddd6f8" },
  },
  track: "#e3eaed",
  ramp: ["#a9d4d1", "#75bab8", "#459d9e", "#1f7c83", "#075662"],
  nobody: { fill: "#dde3e9", mark: "#ffffff" },
  people: [
    { lightness: 0.5, chroma: 0.12 },
    { lightness: 0.63, chroma: 0.13 },
    { lightness: 0.76, chroma: 0.11 },
  ],
};

export const DARK: Palette = {
  surface: "#171b21",
  text: "#e4e9ee",
  muted: "#94a0ac",
  warning: "#f0a35e",
  mine: "#7cb4ff",
  states: {
    free: { fill: "#3aa86b", mark: "#143524" },
    used: { fill: "#8f4038", mark: "#f0604f" },
    unknown: { fill: "#6c7782", mark: "#aeb8c2" },
    unhealthy: { fill: "#e0a526", mark: "#2a1e00" },
    external: { fill: "#8878dc", mark: "#37305c" },
  },
  track: "#262e36",
  ramp: ["#2b5257", "#33747a", "#3f999d", "#5cc0c0", "#a2ece4"],
  nobody: { fill: "#353e48", mark: "#171b21" },
  people: [
    { lightness: 0.8, chroma: 0.1 },
    { lightness: 0.67, chroma: 0.12 },
    { lightness: 0.54, chroma: 0.12 },
  ],
};

const FULL_CIRCLE = 360;

/** Somebody's colour: the same on every machine and every day, whoever else is there. */
export function colourOfUser(user: string, { people }: Palette): string {
  const hash = fnv1a(user);
  const { lightness = 0.6, chroma = 0.12 } = people[(hash >>> 16) % people.length] ?? {};
  return `oklch(${lightness} ${chroma} ${hash % FULL_CIRCLE})`;
}

function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) {
    hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  }
  return hash;
}
