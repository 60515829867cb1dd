import { describe, expect, it } from "vitest";
import { fleetFromObjects, meanUtilization, NOT_MEASURED } from "./model";
import { overviewOf, slotOf } from "./testing";

const pods = [{ name: "pod-ann-a-train", namespace: "user-ann-a", user: "ann-a", startedAt: null }];
const overview = overviewOf({
  a: [[slotOf(0, "used", { pods, utilization: 80 }), slotOf(1, "used", { utilization: 0 })], 2],
  b: [[slotOf(0, "external", { utilization: 100 }), slotOf(1, "unhealthy")]],
});

describe("fleetFromObjects", () => {
  it("keeps devices in the order of the answer and knows the node and group of each", () => {
    const fleet = fleetFromObjects(overview, null);
    expect(Array.from(fleet.state)).toEqual([1, 1, 0, 0, 4, 3]);
    expect(fleet.device(3)).toMatchObject({ index: 1, node: { name: "a-1" }, group: { type: "a" } });
    expect(fleet.device(4)).toMatchObject({ index: 0, node: { name: "b-0" }, group: { type: "b" } });
  });

  it("takes what was not measured for unknown, not for zero", () => {
    expect(Array.from(fleetFromObjects(overview, null).utilization)).toEqual([
      80,
      0,
      NOT_MEASURED,
      NOT_MEASURED,
      100,
      NOT_MEASURED,
    ]);
  });

  it("marks the viewer's GPUs, and none for a stranger or without login", () => {
    expect(Array.from(fleetFromObjects(overview, "ann-a").mine)).toEqual([1, 0, 0, 0, 0, 0]);
    expect(fleetFromObjects(overview, "bob-b").mine).not.toContain(1);
    expect(fleetFromObjects(overview, null).mine).not.toContain(1);
  });

  it("counts per group", () => {
    expect(fleetFromObjects(overview, null).groups.map(({ counts }) => [counts.free, counts.total])).toEqual([
      [2, 4],
      [0, 2],
    ]);
  });
});

describe("the label of a group", () => {
  it("names the resource where one model comes in several cuts", () => {
    const twice = overviewOf({ a: [1], b: [1], c: [1] });
    for (const [nth, resourceName] of ["nvidia.com/mig-1g.10gb", "nvidia.com/mig-2g.20gb"].entries()) {
      Object.assign(twice.acceleratorGroups[nth] ?? {}, { label: "A100", resourceName });
    }
    expect(fleetFromObjects(twice, null).groups.map(({ label }) => label)).toEqual([
      "A100 · nvidia.com/mig-1g.10gb",
      "A100 · nvidia.com/mig-2g.20gb",
      "C",
    ]);
  });
});

describe("meanUtilization", () => {
  it("is over measured used GPUs, and null where nothing was measured", () => {
    expect(meanUtilization(fleetFromObjects(overview, null))).toBe(40);
    expect(meanUtilization(fleetFromObjects(overviewOf({ a: [[slotOf(0, "used")]] }), null))).toBeNull();
  });
});
