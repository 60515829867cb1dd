import { describe, expect, it } from "vitest";
import { applyChange } from "./change";
import {
  anyMatches,
  colouringFromSearch,
  devicesThatMatch,
  EVERYTHING,
  filterFromSearch,
  searchWithFilter,
  shownGroups,
} from "./filter";
import { changeOf, fleetWith, podsOf, slotOf } from "./testing";

const groups = { a: [2], b: [[slotOf(0, "used", { pods: podsOf("bob") })]] };
const fleet = fleetWith(groups);

describe("the filter in the URL", () => {
  it("survives the way there and back, and leaves other parameters alone", () => {
    const filter = { type: "nvidia.com/gpu/L4", state: "free" as const, holder: "bob", mine: true };
    const search = searchWithFilter(new URLSearchParams("user=ann"), filter);
    expect(filterFromSearch(search)).toEqual(filter);
    expect(search.get("user")).toBe("ann");
    expect(searchWithFilter(search, EVERYTHING).toString()).toBe("user=ann");
  });

  it("takes no state and no colouring that there is not", () => {
    expect(filterFromSearch(new URLSearchParams("state=broken&mine=yes"))).toEqual(EVERYTHING);
    expect(colouringFromSearch(new URLSearchParams("colour=pink"))).toBe("state");
    expect(colouringFromSearch(new URLSearchParams("colour=owner"))).toBe("owner");
  });
});

describe("what is shown", () => {
  it("is the type's groups, or all where the type is not there", () => {
    expect(shownGroups(fleet, { ...EVERYTHING, type: "b" })).toEqual([1]);
    expect(shownGroups(fleet, { ...EVERYTHING, type: "gone" })).toEqual([0, 1]);
  });

  it("stands out by state and by holder", () => {
    const matching = (part: object) => devicesThatMatch(fleet, { ...EVERYTHING, ...part });
    expect(matching({})).toEqual([0, 1, 2]);
    expect(matching({ type: "b" })).toEqual([2]);
    expect(matching({ state: "free" })).toEqual([0, 1]);
    expect(matching({ holder: "bob" })).toEqual([2]);
    expect(matching({ holder: "eve" })).toEqual([]);
    expect(matching({ mine: true })).toEqual([]);
  });

  it("includes somebody who came later", () => {
    const changed = fleetWith(groups);
    const filter = { ...EVERYTHING, holder: "eve" };
    expect(anyMatches(changed, filter)).toBe(false);
    applyChange(
      changed,
      changeOf({ ...groups, a: [[slotOf(0, "used", { pods: podsOf("eve") }), slotOf(1)]] }, ["a-0"]),
    );
    expect(anyMatches(changed, filter)).toBe(true);
  });
});
