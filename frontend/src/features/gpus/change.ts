/**
 * Writes what is new into the fleet's arrays, so that what one node costs does not depend on how many there are. What
 * moves devices (a node comes, goes, or has another number of them) is not written: then there is another fleet.
 */
import type { ColumnarOverview, GpuNode, OverviewChange, Slot } from "../../api/types";
import {
  countsOf,
  countsOfTypes,
  type Fleet,
  type FleetGroup,
  fleetOf,
  NOBODY,
  NOT_MEASURED,
  SEVERAL,
  STATES,
} from "./model";

const PERCENT = 100;

/** Indexes of the nodes that look different now; null where the change moves devices. */
export function applyChange(fleet: Fleet, change: OverviewChange): number[] | null {
  const placed = change.removed.length === 0 ? placesOf(fleet, change) : null;
  if (placed === null) {
    return null;
  }
  for (const [index, node] of placed) {
    writeNode(fleet, index, node);
  }
  writeSums(fleet, change);
  return placed.map(([index]) => index);
}

/** The same for a whole new picture, which is what the stream sends when much has changed at once. */
export function applySnapshot(fleet: Fleet, overview: ColumnarOverview): number[] | null {
  const { name, group, devices } = overview.nodes;
  const isSame =
    overview.groups.length === fleet.groups.length &&
    name.length === fleet.nodes.length &&
    overview.groups.every(({ type }, nth) => type === fleet.groups[nth]?.type) &&
    fleet.nodes.every(
      (node, nth) =>
        node.name === name[nth] && node.group === group[nth] && node.deviceCount === devices[nth],
    );
  if (!isSame) {
    return null;
  }
  const next = fleetOf(overview, fleet.viewer);
  // The users of a snapshot are numbered anew.
  const numbers = Uint16Array.from([NOBODY, ...next.users.map((user) => numberOf(fleet, user))]);
  const touched: number[] = [];
  for (const [index, node] of fleet.nodes.entries()) {
    const { ready, schedulable } = next.nodes[index] ?? node;
    let isTouched = node.ready !== ready || node.schedulable !== schedulable;
    Object.assign(node, { ready, schedulable });
    for (let device = node.firstDevice; device < node.firstDevice + node.deviceCount; device += 1) {
      const owner = next.owner[device] as number;
      next.owner[device] = owner === SEVERAL ? SEVERAL : (numbers[owner] as number);
      if (owner === SEVERAL && fleet.owner[device] === SEVERAL) {
        // The columns do not say who shares a card; what was heard of it since may.
        next.mine[device] = fleet.mine[device] as number;
      }
      for (const column of COLUMNS) {
        const value = next[column][device] as number;
        isTouched ||= fleet[column][device] !== value;
        fleet[column][device] = value;
      }
    }
    if (isTouched) {
      touched.push(index);
    }
  }
  writeSums(fleet, overview);
  return touched;
}

const COLUMNS = ["state", "utilization", "memory", "owner", "mine"] as const;

function writeSums(fleet: Fleet, { summary, sources, updatedAt }: OverviewChange | ColumnarOverview): void {
  fleet.counts = countsOf(summary);
  fleet.countsByType = countsOfTypes(summary);
  for (const group of fleet.groups as FleetGroup[]) {
    group.counts = fleet.countsByType[group.type] ?? group.counts;
  }
  fleet.sources = sources;
  fleet.updatedAt = updatedAt;
}

/** Where each node of a change stands in the fleet; a node with devices of two types stands there twice. */
function placesOf(fleet: Fleet, { nodes, types }: OverviewChange): [number, GpuNode][] | null {
  const names = new Set(nodes.map(({ nodeName }) => nodeName));
  const parts = new Map(nodes.map((node, nth) => [`${types[nth]} ${node.nodeName}`, node]));
  const placed: [number, GpuNode][] = [];
  for (const [index, { name, group, deviceCount }] of fleet.nodes.entries()) {
    if (names.has(name)) {
      const node = parts.get(`${fleet.groups[group]?.type} ${name}`);
      if (node?.slots.length !== deviceCount) {
        return null;
      }
      placed.push([index, node]);
    }
  }
  return placed.length === nodes.length ? placed : null;
}

function writeNode(fleet: Fleet, index: number, { slots, ready, schedulable }: GpuNode): void {
  const node = fleet.nodes[index];
  if (node === undefined) {
    return;
  }
  node.ready = ready;
  node.schedulable = schedulable;
  slots.forEach((slot, place) => {
    const device = node.firstDevice + place;
    fleet.state[device] = STATES.indexOf(slot.status);
    fleet.utilization[device] = slot.utilization ?? NOT_MEASURED;
    fleet.memory[device] = memoryPercent(slot);
    fleet.owner[device] = ownerOf(fleet, slot);
    fleet.mine[device] = slot.pods.some(({ user }) => user !== null && user === fleet.viewer) ? 1 : 0;
  });
}

function memoryPercent({ memoryUsed, memoryTotal }: Slot): number {
  return memoryUsed === null || !memoryTotal
    ? NOT_MEASURED
    : Math.min(PERCENT, Math.round((memoryUsed / memoryTotal) * PERCENT));
}

function ownerOf(fleet: Fleet, { pods }: Slot): number {
  const [user, ...others] = new Set(pods.flatMap((pod) => pod.user ?? []));
  if (user === undefined) {
    return NOBODY;
  }
  return others.length > 0 ? SEVERAL : numberOf(fleet, user);
}

function numberOf({ users }: Fleet, user: string): number {
  const known = users.indexOf(user) + 1;
  return known > 0 ? known : users.push(user);
}
