/** What of the fleet to look at; lives in the page's URL, so that a view can be sent to a colleague. */
import type { SlotStatus } from "../../api/types";
import { type Fleet, STATES } from "./model";

export interface Filter {
  type: string | null;
  state: SlotStatus | null;
  mine: boolean;
}

export function filterFromSearch(search: URLSearchParams): Filter {
  const state = search.get("state");
  return {
    type: search.get("type"),
    state: STATES.find((known) => known === state) ?? null,
    mine: search.get("mine") === "1",
  };
}

/** The search parameters with the filter in them; others are kept. */
export function searchWithFilter(search: URLSearchParams, filter: Filter): URLSearchParams {
  const next = new URLSearchParams(search);
  const values = { type: filter.type, state: filter.state, mine: filter.mine ? "1" : null };
  for (const [name, value] of Object.entries(values)) {
    if (value === null) {
      next.delete(name);
    } else {
      next.set(name, value);
    }
  }
  return next;
}

/** Groups to show; all of them when the type wished for is not there (any more). */
export function shownGroups({ groups }: Fleet, { type }: Filter): number[] {
  const all = groups.map((_, index) => index);
  const chosen = all.filter((index) => groups[index]?.type === type);
  return chosen.length > 0 ? chosen : all;
}

/** Whether a GPU stands out: the others of its group are drawn faintly, and left out of the table. */
export function matches(fleet: Fleet, { state, mine }: Filter, device: number): boolean {
  const stateFits = state === null || STATES[fleet.state[device] as number] === state;
  return stateFits && (!mine || fleet.mine[device] === 1);
}
