import { describe, expect, it } from "vitest";
import { fleetWith } from "../testing";
import { cellOrigin, deviceAt, firstDevice, layoutFleet, nameAt, neighbour } from "./layout";

const fleet = fleetWith({ a: [8, 3, 16], b: [1, 1, 4] });
const devices = Array.from(fleet.state.keys());

describe.each([200, 262, 320, 800, 1600])("a layout %i px wide", (width) => {
  const layout = layoutFleet(fleet, [0, 1], width);

  it("gives back every GPU at the middle of its square", () => {
    const half = layout.density.cell / 2;
    const found = devices.map((device) => {
      const { x, y } = cellOrigin(layout, fleet, device) ?? { x: -1, y: -1 };
      return deviceAt(layout, fleet, { x: x + half, y: y + half });
    });
    expect(found).toEqual(devices);
  });

  it("keeps every square inside", () => {
    for (const device of devices) {
      const origin = cellOrigin(layout, fleet, device);
      expect(origin?.x).toBeGreaterThanOrEqual(0);
      expect((origin?.x ?? 0) + layout.density.cell).toBeLessThanOrEqual(width);
      expect((origin?.y ?? 0) + layout.density.cell).toBeLessThanOrEqual(layout.height);
    }
  });
});

describe("deviceAt", () => {
  const layout = layoutFleet(fleet, [0, 1], 1600);
  const at = (device: number) => cellOrigin(layout, fleet, device) ?? { x: 0, y: 0 };
  const { cell, gap, label } = layout.density;

  it("counts the gap after a square as its own, so that the outline does not flicker", () => {
    const { x, y } = at(0);
    expect(deviceAt(layout, fleet, { x: x + cell + gap / 2, y })).toBe(0);
    expect(deviceAt(layout, fleet, { x: x + cell + gap, y })).toBe(1);
  });

  it("finds nothing on headings, names, between blocks, in missing places and outside", () => {
    const { x, y } = at(0);
    const last = at(7);
    const third = at(10);
    expect(deviceAt(layout, fleet, { x, y: 0 })).toBeNull();
    expect(deviceAt(layout, fleet, { x, y: y - label / 2 })).toBeNull();
    expect(deviceAt(layout, fleet, { x: last.x + cell + gap, y })).toBeNull();
    expect(deviceAt(layout, fleet, { x: third.x + cell + gap, y })).toBeNull();
    expect(deviceAt(layout, fleet, { x: -1, y })).toBeNull();
    expect(deviceAt(layout, fleet, { x: 1599, y })).toBeNull();
    expect(deviceAt(layout, fleet, { x, y: layout.height + 1 })).toBeNull();
  });
});

describe("nameAt", () => {
  it("is the node whose name is there, and none on its squares or beside it", () => {
    const layout = layoutFleet(fleet, [0, 1], 1600);
    const { x, y } = cellOrigin(layout, fleet, 8) ?? { x: 0, y: 0 };
    expect(nameAt(layout, fleet, { x: x + 4, y: y - layout.density.label / 2 })?.name).toBe("a-1");
    expect(nameAt(layout, fleet, { x, y })).toBeNull();
    expect(nameAt(layout, fleet, { x, y: 0 })).toBeNull();
  });
});

describe("a layout of some groups", () => {
  const layout = layoutFleet(fleet, [1], 800);

  it("has no place for the others", () => {
    expect(cellOrigin(layout, fleet, 0)).toBeNull();
    expect(firstDevice(layout, fleet)).toBe(27);
  });
});

describe("neighbour", () => {
  const layout = layoutFleet(fleet, [0, 1], 400);

  it("goes along the nodes and stops at both ends", () => {
    expect(neighbour(layout, fleet, 7, "ArrowRight")).toBe(8);
    expect(neighbour(layout, fleet, 8, "ArrowLeft")).toBe(7);
    expect(neighbour(layout, fleet, 0, "ArrowLeft")).toBe(0);
    expect(neighbour(layout, fleet, devices.length - 1, "ArrowRight")).toBe(devices.length - 1);
  });

  it("goes up and down within a node and across groups", () => {
    expect(neighbour(layout, fleet, 11, "ArrowDown")).toBe(19);
    expect(neighbour(layout, fleet, 19, "ArrowUp")).toBe(11);
    expect(neighbour(layout, fleet, 0, "ArrowDown")).toBe(8);
    expect(neighbour(layout, fleet, 19, "ArrowDown")).toBe(27);
    expect(neighbour(layout, fleet, 27, "ArrowUp")).toBe(19);
    expect(neighbour(layout, fleet, 0, "ArrowUp")).toBe(0);
  });
});

describe("small groups", () => {
  it("share a line where there is room", () => {
    const tops = (width: number) => layoutFleet(fleet, [0, 1], width).boxes.map(({ top }) => top);
    expect(new Set(tops(1600)).size).toBe(1);
    expect(new Set(tops(400)).size).toBe(2);
  });
});

describe("density", () => {
  it("grows with the fleet: large squares for a lab, no names for a data centre", () => {
    const lab = layoutFleet(fleet, [0, 1], 1200);
    const centre = fleetWith({ a: Array.from({ length: 5000 }, () => 8) });
    const dense = layoutFleet(centre, [0], 1200);
    expect(lab.density.cell).toBeGreaterThan(30);
    expect(dense.density.label).toBe(0);
    expect(dense.height).toBeLessThan(2_500);
    expect(deviceAt(dense, centre, cellOrigin(dense, centre, 39_999) ?? { x: 0, y: 0 })).toBe(39_999);
  });
});
