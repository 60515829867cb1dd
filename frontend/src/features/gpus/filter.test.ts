import { describe, expect, it } from "vitest";
import { filterFromSearch, matches, searchWithFilter, shownGroups } from "./filter";
import { fleetFromObjects } from "./model";
import { overviewOf, slotOf } from "./testing";

const fleet = fleetFromObjects(overviewOf({ a: [2], b: [[slotOf(0, "used")]] }), null);
const everything = { type: null, state: null, mine: false };

describe("the filter in the URL", () => {
  it("survives the way there and back, and leaves other parameters alone", () => {
    const filter = { type: "nvidia.com/gpu/L4", state: "free" as const, mine: true };
    const search = searchWithFilter(new URLSearchParams("user=ann"), filter);
    expect(filterFromSearch(search)).toEqual(filter);
    expect(search.get("user")).toBe("ann");
    expect(searchWithFilter(search, everything).toString()).toBe("user=ann");
  });

  it("takes no state that there is not", () => {
    expect(filterFromSearch(new URLSearchParams("state=broken&mine=yes"))).toEqual(everything);
  });
});

describe("what is shown", () => {
  it("is the type's groups, or all where the type is not there", () => {
    expect(shownGroups(fleet, { ...everything, type: "b" })).toEqual([1]);
    expect(shownGroups(fleet, { ...everything, type: "gone" })).toEqual([0, 1]);
  });

  it("stands out by state and by holder", () => {
    expect(matches(fleet, everything, 2)).toBe(true);
    expect(matches(fleet, { ...everything, state: "free" }, 2)).toBe(false);
    expect(matches(fleet, { ...everything, mine: true }, 2)).toBe(false);
  });
});
