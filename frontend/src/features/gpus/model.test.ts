import { describe, expect, it } from "vitest";
import { deviceOf, fleetOf, meanUtilization, NOT_MEASURED, topUsers } from "./model";
import { columnarOf, fleetWith, podsOf, slotOf } from "./testing";

const groups = {
  a: [
    [slotOf(0, "used", { pods: podsOf("ann"), utilization: 80 }), slotOf(1, "used", { utilization: 0 })],
    2,
  ],
  b: [
    [
      slotOf(0, "external", { utilization: 100, memoryUsed: 300, memoryTotal: 1000 }),
      slotOf(1, "used", { pods: podsOf("ann", "bob") }),
    ],
  ],
};

describe("fleetOf", () => {
  it("keeps devices in the order of the answer and knows the node and group of each", () => {
    const fleet = fleetWith(groups);
    expect(Array.from(fleet.state)).toEqual([1, 1, 0, 0, 4, 1]);
    expect(deviceOf(fleet, 3)).toMatchObject({ place: 1, node: { name: "a-1" }, group: { type: "a" } });
    expect(deviceOf(fleet, 4)).toMatchObject({ place: 0, node: { name: "b-0" }, group: { type: "b" } });
  });

  it("takes what was not measured for unknown, not for zero", () => {
    const { utilization, memory } = fleetWith(groups);
    const no = NOT_MEASURED;
    expect(Array.from(utilization)).toEqual([80, 0, no, no, 100, no]);
    expect(Array.from(memory)).toEqual([no, no, no, no, 30, no]);
    expect(deviceOf(fleetWith(groups), 2)).toMatchObject({ utilization: null, memory: null });
  });

  it("names the holder where there is one, and says where there are several", () => {
    const fleet = fleetWith(groups);
    expect(deviceOf(fleet, 0)).toMatchObject({ user: "ann", shared: false });
    expect(deviceOf(fleet, 1)).toMatchObject({ user: null, shared: false });
    expect(deviceOf(fleet, 5)).toMatchObject({ user: null, shared: true });
  });

  it("marks the viewer's GPUs, and none for a stranger or without login", () => {
    expect(Array.from(fleetWith(groups, "ann").mine)).toEqual([1, 0, 0, 0, 0, 0]);
    expect(fleetWith(groups, "eve").mine).not.toContain(1);
    expect(fleetOf({ ...columnarOf(groups), owner: null, users: [] }, null).mine).not.toContain(1);
  });

  it("counts per group", () => {
    expect(fleetWith(groups).groups.map(({ counts }) => [counts.free, counts.total])).toEqual([
      [2, 4],
      [0, 2],
    ]);
  });

  it("knows how many devices of other types a node has before these", () => {
    const overview = columnarOf({ a: [2], b: [3] });
    overview.nodes.name = ["one", "one"];
    const fleet = fleetOf(overview, null);
    expect(deviceOf(fleet, 4)).toMatchObject({ place: 2, nth: 4 });
  });
});

describe("the label of a group", () => {
  it("names the resource where one model comes in several cuts", () => {
    const overview = columnarOf({ a: [1], b: [1], c: [1] });
    for (const [nth, resourceName] of ["nvidia.com/mig-1g.10gb", "nvidia.com/mig-2g.20gb"].entries()) {
      Object.assign(overview.groups[nth] ?? {}, { label: "A100", resourceName });
    }
    expect(fleetOf(overview, null).groups.map(({ label }) => label)).toEqual([
      "A100 · nvidia.com/mig-1g.10gb",
      "A100 · nvidia.com/mig-2g.20gb",
      "C",
    ]);
  });
});

describe("sums", () => {
  it("are over measured used GPUs, and null where nothing was measured", () => {
    expect(meanUtilization(fleetWith(groups))).toBe(40);
    expect(meanUtilization(fleetWith({ a: [[slotOf(0, "used")]] }))).toBeNull();
  });

  it("name those with the most GPUs first", () => {
    const held = (...users: string[]) =>
      users.map((user, nth) => slotOf(nth, "used", { pods: podsOf(user) }));
    const fleet = fleetWith({ a: [held("bob", "eve", "bob", "ann"), held("bob", "eve")] });
    expect(topUsers(fleet, 2)).toEqual([
      { user: "bob", devices: 3 },
      { user: "eve", devices: 2 },
    ]);
  });
});
