import { describe, expect, it } from "vitest";
import { NOT_MEASURED } from "../model";
import { fleetWith, podsOf, slotOf } from "../testing";
import { painterOf, stepOf, userPaint } from "./paint";
import { DARK, LIGHT } from "./palette";

const fleet = fleetWith({
  a: [
    [
      slotOf(0, "used", { pods: podsOf("ann"), utilization: 7, memoryUsed: 99, memoryTotal: 100 }),
      slotOf(1, "used", { pods: podsOf("bob") }),
      slotOf(2, "used", { pods: podsOf("bob", "eve") }),
      slotOf(3, "used", { attribution: "count" }),
      slotOf(4),
      slotOf(5, "unhealthy", { utilization: 0 }),
      slotOf(6, "external"),
    ],
  ],
});
const shapes = (colouring: Parameters<typeof painterOf>[1]) => {
  const { paintOf } = painterOf(fleet, colouring, LIGHT);
  return Array.from(fleet.state.keys(), (device) => paintOf(device).shape);
};

describe("a painter", () => {
  it("fills squares by what is measured on those that are not free, and says where nothing is", () => {
    expect(shapes("utilization")).toEqual(["level", "dash", "dash", "dash", "hollow", "cross", "dash"]);
    const [utilization, memory] = [painterOf(fleet, "utilization", LIGHT), painterOf(fleet, "memory", LIGHT)];
    expect([utilization.levelOf(0), memory.levelOf(0), memory.levelOf(1)]).toEqual([7, 99, NOT_MEASURED]);
    expect(utilization.paintOf(0).mark).toBe(LIGHT.ramp[0]);
    expect(memory.paintOf(0).mark).toBe(LIGHT.ramp.at(-1));
  });

  it("tells holders apart from each other, from several and from nobody", () => {
    expect(shapes("owner")).toEqual(["solid", "solid", "stripes", "dash", "hollow", "cross", "stripes"]);
    const { paintOf } = painterOf(fleet, "owner", LIGHT);
    expect(paintOf(0).fill).toBe(LIGHT.mine);
    expect(paintOf(1)).toEqual(userPaint("bob", "ann", LIGHT));
    expect(paintOf(2)).not.toEqual(paintOf(6));
  });
});

describe("somebody's colour", () => {
  it("is theirs alone among a few, and the same for everybody who looks", () => {
    const people = ["alice-alice", "bob-bob", "carol-carol", "dave-dave", "erin-erin"];
    for (const palette of [LIGHT, DARK]) {
      expect(new Set(people.map((user) => userPaint(user, null, palette).fill)).size).toBe(people.length);
    }
    expect(userPaint("bob", "ann", LIGHT)).toEqual(userPaint("bob", "eve", LIGHT));
  });
});

describe("stepOf", () => {
  it.each([
    [0, 0],
    [19, 0],
    [20, 1],
    [99, 4],
    [100, 4],
  ])("of %i %% is %i", (percent, step) => {
    expect(stepOf(percent, 5)).toBe(step);
  });
});
