/** What of the fleet to look at; lives in the page's URL, so that a view can be sent to a colleague. */
import type { SlotStatus } from "../../api/types";
import { searchWith } from "../../lib/search";
import { COLOURINGS, type Colouring } from "./heatmap/paint";
import { type Fleet, STATES } from "./model";

export interface Filter {
  type: string | null;
  state: SlotStatus | null;
  /** userIdentifier. */
  holder: string | null;
  mine: boolean;
}

export const EVERYTHING: Filter = { type: null, state: null, holder: null, mine: false };

export function filterFromSearch(search: URLSearchParams): Filter {
  const state = search.get("state");
  return {
    type: search.get("type"),
    state: STATES.find((known) => known === state) ?? null,
    holder: search.get("holder"),
    mine: search.get("mine") === "1",
  };
}

/** What the colours say; by state, where the URL says nothing. */
export function colouringFromSearch(search: URLSearchParams): Colouring {
  const wished = search.get("colour");
  return COLOURINGS.find((known) => known === wished) ?? "state";
}

/** The search parameters with the filter in them; others are kept. */
export function searchWithFilter(search: URLSearchParams, filter: Filter): URLSearchParams {
  return searchWith(search, { ...filter, mine: filter.mine ? "1" : null });
}

/** Groups to show; all of them when the type wished for is not there (any more). */
export function shownGroups({ groups }: Fleet, { type }: Filter): number[] {
  const all = groups.map((_, index) => index);
  const chosen = all.filter((index) => groups[index]?.type === type);
  return chosen.length > 0 ? chosen : all;
}

/** Whether a GPU stands out, as a test for many: the others are drawn faintly, and left out of the table. */
export function matcher(fleet: Fleet, { state, holder, mine }: Filter): (device: number) => boolean {
  const wishedState = state === null ? null : STATES.indexOf(state);
  // Users come while the fleet is shown, so their number is looked up late.
  let usersSeen = -1;
  let wishedOwner = 0;
  return (device) => {
    if (wishedState !== null && fleet.state[device] !== wishedState) {
      return false;
    }
    if (mine && fleet.mine[device] !== 1) {
      return false;
    }
    if (holder === null) {
      return true;
    }
    if (fleet.users.length !== usersSeen) {
      usersSeen = fleet.users.length;
      wishedOwner = fleet.users.indexOf(holder) + 1;
    }
    const isOwner = wishedOwner > 0 && fleet.owner[device] === wishedOwner;
    return isOwner || (holder === fleet.viewer && fleet.mine[device] === 1);
  };
}

/** The GPUs of the groups that are shown, in the map's order. */
export function* shownDevices(fleet: Fleet, filter: Filter): Generator<number> {
  for (const group of shownGroups(fleet, filter)) {
    const { firstNode = 0, nodeCount = 0 } = fleet.groups[group] ?? {};
    for (let index = firstNode; index < firstNode + nodeCount; index += 1) {
      const { firstDevice = 0, deviceCount = 0 } = fleet.nodes[index] ?? {};
      for (let device = firstDevice; device < firstDevice + deviceCount; device += 1) {
        yield device;
      }
    }
  }
}

/** Whether the filter leaves any. */
export function anyMatches(fleet: Fleet, filter: Filter): boolean {
  const stands = matcher(fleet, filter);
  for (const device of shownDevices(fleet, filter)) {
    if (stands(device)) {
      return true;
    }
  }
  return false;
}

/** The GPUs that the filter leaves, in the map's order. */
export function devicesThatMatch(fleet: Fleet, filter: Filter): number[] {
  return Array.from(shownDevices(fleet, filter)).filter(matcher(fleet, filter));
}
