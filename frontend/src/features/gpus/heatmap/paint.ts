/** What a GPU's square looks like, by what the colour is to say. The shape says it too. */
import type { SlotStatus } from "../../../api/types";
import { type Fleet, NOBODY, NOT_MEASURED, SEVERAL, STATES } from "../model";
import { colourOfUser, type Palette, type StatePaint } from "./palette";

export const COLOURINGS = ["state", "utilization", "memory", "owner"] as const;
export type Colouring = (typeof COLOURINGS)[number];

/** hollow: a small square inside; level: fills up; dash, cross, stripes: drawn on it; solid: nothing. */
export type Shape = "hollow" | "level" | "dash" | "cross" | "stripes" | "solid";

export interface Paint extends StatePaint {
  shape: Shape;
}

/** Few paints, and for each device which; squares of one paint are drawn together. */
export interface Painter {
  paintOf: (device: number) => Paint;
  /** Percent up to which the square is full; NOT_MEASURED: wholly. */
  levelOf: (device: number) => number;
  /** The colour around the viewer's own GPUs. */
  frame: string;
}

export const SHAPE_OF: Record<SlotStatus, Shape> = {
  free: "hollow",
  used: "level",
  unknown: "dash",
  unhealthy: "cross",
  external: "stripes",
};

export function statePaint(state: SlotStatus, palette: Palette): Paint {
  return { ...palette.states[state], shape: SHAPE_OF[state] };
}

export function levelPaint(step: number, { ramp, track }: Palette): Paint {
  return { fill: track, mark: ramp[step] ?? track, shape: "level" };
}

export function userPaint(user: string, viewer: string | null, palette: Palette): Paint {
  const colour = user === viewer ? palette.mine : colourOfUser(user, palette);
  return { fill: colour, mark: colour, shape: "solid" };
}

export function severalPaint({ muted, nobody }: Palette): Paint {
  return { fill: nobody.fill, mark: muted, shape: "stripes" };
}

export function nobodyPaint({ nobody }: Palette): Paint {
  return { ...nobody, shape: "hollow" };
}

export function painterOf(fleet: Fleet, colouring: Colouring, palette: Palette): Painter {
  const states = STATES.map((state) => statePaint(state, palette));
  const byState = (device: number) => states[fleet.state[device] as number] as Paint;
  switch (colouring) {
    case "state":
      return {
        paintOf: byState,
        levelOf: (device) => fleet.utilization[device] as number,
        frame: palette.mine,
      };
    case "utilization":
      return byLevel(fleet, fleet.utilization, palette, byState);
    case "memory":
      return byLevel(fleet, fleet.memory, palette, byState);
    case "owner":
      return byOwner(fleet, palette, byState);
  }
}

type PaintOf = Painter["paintOf"];

function byLevel(fleet: Fleet, levels: Uint8Array, palette: Palette, byState: PaintOf): Painter {
  const steps = palette.ramp.map((_, step) => levelPaint(step, palette));
  const unknown = statePaint("unknown", palette);
  const nobody = nobodyPaint(palette);
  const [free, unhealthy] = [STATES.indexOf("free"), STATES.indexOf("unhealthy")];
  return {
    frame: palette.mine,
    levelOf: (device) => levels[device] as number,
    paintOf: (device) => {
      if (fleet.state[device] === unhealthy) {
        return byState(device);
      }
      if (fleet.state[device] === free) {
        // So that what is held without being used stands out.
        return nobody;
      }
      const level = levels[device] as number;
      return level === NOT_MEASURED ? unknown : (steps[stepOf(level, steps.length)] as Paint);
    },
  };
}

/** Which of so many equal steps a percentage is in. */
export function stepOf(percent: number, steps: number): number {
  return Math.min(steps - 1, Math.floor((percent * steps) / 100));
}

function byOwner(fleet: Fleet, palette: Palette, byState: PaintOf): Painter {
  const nobody = nobodyPaint(palette);
  const notKnown = statePaint("unknown", palette);
  const several = severalPaint(palette);
  const people = new Map<number, Paint>();
  const ofUser = (owner: number) => {
    const user = fleet.users[owner - 1] ?? "";
    const paint = people.get(owner) ?? userPaint(user, fleet.viewer, palette);
    people.set(owner, paint);
    return paint;
  };
  return {
    // One's own squares have the frame's usual colour themselves.
    frame: palette.text,
    levelOf: () => NOT_MEASURED,
    paintOf: (device) => {
      const owner = fleet.owner[device] as number;
      if (owner === SEVERAL) {
        return several;
      }
      if (owner !== NOBODY) {
        return ofUser(owner);
      }
      const state = STATES[fleet.state[device] as number];
      if (state === "free") {
        return nobody;
      }
      return state === "used" ? notKnown : byState(device);
    },
  };
}
