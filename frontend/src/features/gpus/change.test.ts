import { describe, expect, it } from "vitest";
import { applyChange, applySnapshot } from "./change";
import { deviceOf, type Fleet } from "./model";
import { changeOf, columnarOf, fleetWith, podsOf, slotOf } from "./testing";

const before = { a: [2, 2], b: [[slotOf(0, "used", { pods: podsOf("bob") })]] };
const taken = slotOf(1, "used", {
  pods: podsOf("ann"),
  utilization: 64,
  memoryUsed: 500,
  memoryTotal: 1000,
});
const after = { ...before, a: [2, [slotOf(0), taken]] };
const contentOf = ({ state, utilization, memory, owner, mine, counts, users }: Fleet) => ({
  columns: [state, utilization, memory, owner, mine].map((column) => Array.from(column)),
  counts,
  users: users.toSorted(),
});

describe("a change of one node", () => {
  it("is written in place, with its holder and the sums", () => {
    const fleet = fleetWith(before);
    const { state } = fleet;
    expect(applyChange(fleet, changeOf(after, ["a-1"]))).toEqual([1]);
    expect(fleet.state).toBe(state);
    expect(deviceOf(fleet, 3)).toMatchObject({
      status: "used",
      user: "ann",
      mine: true,
      utilization: 64,
      memory: 50,
    });
    expect(deviceOf(fleet, 4).user).toBe("bob");
    expect(fleet.counts).toMatchObject({ free: 3, used: 2 });
    expect(fleet.groups[0]?.counts).toMatchObject({ free: 3, total: 4 });
  });

  it("knows several holders, and the viewer among them", () => {
    const shared = { ...before, a: [2, [slotOf(0, "used", { pods: podsOf("eve", "ann") }), slotOf(1)]] };
    const fleet = fleetWith(before);
    applyChange(fleet, changeOf(shared, ["a-1"]));
    expect(deviceOf(fleet, 2)).toMatchObject({ shared: true, user: null, mine: true });
    // A later snapshot does not know who shares a card, and takes nothing back.
    applySnapshot(fleet, columnarOf(shared));
    expect(deviceOf(fleet, 2)).toMatchObject({ shared: true, mine: true });
  });

  it("finds each part of a node with devices of two types", () => {
    const fleet = fleetWith(before);
    for (const node of fleet.nodes) {
      node.name = node.name === "b-0" ? "a-1" : node.name;
    }
    const change = changeOf({ ...after, b: [[slotOf(0)]] }, ["a-1", "b-0"]);
    change.nodes[1] = { ...change.nodes[1], nodeName: "a-1" } as (typeof change.nodes)[1];
    expect(applyChange(fleet, change)).toEqual([1, 2]);
    expect(deviceOf(fleet, 4).status).toBe("free");
  });

  it.each([
    ["comes", { a: [2, 2, 1], b: before.b }, ["a-2"]],
    ["has more devices", { a: [2, 3], b: before.b }, ["a-1"]],
  ])("is not written where it %s", (_, groups, names) => {
    const fleet = fleetWith(before);
    const untouched = contentOf(fleet);
    expect(applyChange(fleet, changeOf(groups, names))).toBeNull();
    expect(contentOf(fleet)).toEqual(untouched);
  });

  it("is not written where one goes", () => {
    const change = { ...changeOf(before, []), removed: ["a-0"] };
    expect(applyChange(fleetWith(before), change)).toBeNull();
  });
});

describe("a snapshot of the same devices", () => {
  it("is written in place, and says which nodes look different", () => {
    const fleet = fleetWith(before);
    expect(applySnapshot(fleet, columnarOf(before))).toEqual([]);
    expect(applySnapshot(fleet, columnarOf(after))).toEqual([1]);
    expect(contentOf(fleet)).toEqual({
      ...contentOf(fleetWith(after)),
      // Users keep their numbers, so that whoever is new comes last.
      columns: contentOf(fleetWith(after)).columns.map((column, nth) =>
        nth === 3 ? [0, 0, 0, 2, 1] : column,
      ),
    });
    expect(deviceOf(fleet, 3).user).toBe("ann");
    expect(deviceOf(fleet, 4).user).toBe("bob");
  });

  it("is not written where nodes came, went or changed places", () => {
    const fleet = fleetWith(before);
    const swapped = columnarOf(before);
    swapped.nodes.name = ["a-1", "a-0", "b-0"];
    for (const other of [
      columnarOf({ a: [2], b: before.b }),
      columnarOf({ a: [2, 3], b: before.b }),
      swapped,
    ]) {
      expect(applySnapshot(fleet, other)).toBeNull();
    }
  });
});
