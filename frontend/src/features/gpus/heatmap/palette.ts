/**
 * The colours of the states. Green and red are what the product promises, so lightness and a mark of its own per state
 * (draw.ts) carry the difference for those who do not see it in the hue.
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
};
