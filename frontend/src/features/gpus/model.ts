/**
 * The fleet as the page needs it: flat arrays for what is drawn for every GPU, an object for what is shown for one.
 * Only `fleetOf` knows the wire's form of a whole fleet, and `change.ts` that of a change.
 */
import type { ColumnarOverview, SlotStatus, Sources, Summary } from "../../api/types";
import { bytesOf, wordsOf } from "./live/columns";

/** In the order of the wire's state bytes. */
export const STATES = ["free", "used", "unknown", "unhealthy", "external"] as const satisfies SlotStatus[];

/** A percentage that nobody measured, in `Fleet.utilization` and `Fleet.memory`. */
export const NOT_MEASURED = 255;
/** In `Fleet.owner`: held by nobody, or by nobody one may know. */
export const NOBODY = 0;
/** In `Fleet.owner`: held by more than one user. */
export const SEVERAL = 65_535;

export type Counts = Record<SlotStatus, number> & { total: number };

export interface FleetGroup {
  type: string;
  label: string;
  firstNode: number;
  nodeCount: number;
  counts: Counts;
}

export interface FleetNode {
  name: string;
  group: number;
  firstDevice: number;
  deviceCount: number;
  /** How many devices of other types the node has before these. */
  offset: number;
  ready: boolean;
  schedulable: boolean;
}

/** Changes in place while its devices stay where they are; another fleet takes its place when they do not. */
export interface Fleet {
  readonly groups: readonly FleetGroup[];
  readonly nodes: readonly FleetNode[];
  /** Per device: index into STATES. */
  readonly state: Uint8Array;
  /** Per device: percent, or NOT_MEASURED. */
  readonly utilization: Uint8Array;
  /** Per device: percent of its memory in use, or NOT_MEASURED. */
  readonly memory: Uint8Array;
  /** Per device: NOBODY, SEVERAL, or an index into `users` plus one. */
  readonly owner: Uint16Array;
  /** Per device: 1 where a pod of the viewer holds it. */
  readonly mine: Uint8Array;
  /** Per device: index into nodes. */
  readonly nodeOf: Uint32Array;
  /** userIdentifiers; only ever grows. */
  readonly users: string[];
  readonly viewer: string | null;
  counts: Counts;
  countsByType: Record<string, Counts>;
  sources: Sources;
  updatedAt: string;
}

/** What the columns say of one device. */
export interface Device {
  /** Its place on the node, counted from 0; its number there where the node's devices are of one kind. */
  place: number;
  /** Its place among the node's devices of all types. */
  nth: number;
  status: SlotStatus;
  utilization: number | null;
  memory: number | null;
  /** userIdentifier; null: nobody, several, or not known. */
  user: string | null;
  shared: boolean;
  mine: boolean;
  node: FleetNode;
  group: FleetGroup;
}

export function fleetOf(overview: ColumnarOverview, viewer: string | null): Fleet {
  const { nodes: columns, users } = overview;
  const countsByType = countsOfTypes(overview.summary);
  const labels = overview.groups.map(({ label }) => label);
  const groups = overview.groups.map(({ type, label, resourceName }) => ({
    type,
    // One model may be offered in several cuts, each under a resource name of its own.
    label: labels.indexOf(label) === labels.lastIndexOf(label) ? label : `${label} · ${resourceName}`,
    firstNode: 0,
    nodeCount: 0,
    counts: countsByType[type] ?? NO_COUNTS,
  }));
  let devices = 0;
  const offsets = new Map<string, number>();
  const nodes = columns.name.map((name, nth): FleetNode => {
    const group = columns.group[nth] as number;
    const deviceCount = columns.devices[nth] as number;
    const firstDevice = devices;
    devices += deviceCount;
    const offset = offsets.get(name) ?? 0;
    offsets.set(name, offset + deviceCount);
    const { ready, schedulable } = columns;
    return {
      name,
      group,
      firstDevice,
      deviceCount,
      offset,
      ready: ready[nth] === 1,
      schedulable: schedulable[nth] === 1,
    };
  });
  nodes.forEach(({ group: index }, nth) => {
    const group = groups[index];
    if (group) {
      group.firstNode = group.nodeCount === 0 ? nth : group.firstNode;
      group.nodeCount += 1;
    }
  });
  const nodeOf = new Uint32Array(devices);
  nodes.forEach(({ firstDevice, deviceCount }, nth) => {
    nodeOf.fill(nth, firstDevice, firstDevice + deviceCount);
  });
  const owner = overview.owner === null ? new Uint16Array(devices) : wordsOf(overview.owner);
  const self = viewer === null ? NOBODY : users.indexOf(viewer) + 1;
  return {
    groups,
    nodes,
    state: bytesOf(overview.state),
    utilization: bytesOf(overview.util),
    memory: bytesOf(overview.mem),
    owner,
    mine: Uint8Array.from(owner, (index) => (index !== NOBODY && index === self ? 1 : 0)),
    nodeOf,
    users: [...users],
    viewer,
    counts: countsOf(overview.summary),
    countsByType,
    sources: overview.sources,
    updatedAt: overview.updatedAt,
  };
}

export function deviceOf(fleet: Fleet, device: number): Device {
  const node = fleet.nodes[fleet.nodeOf[device] as number] as FleetNode;
  const owner = fleet.owner[device] as number;
  return {
    place: device - node.firstDevice,
    nth: node.offset + device - node.firstDevice,
    status: STATES[fleet.state[device] as number] ?? "unknown",
    utilization: measured(fleet.utilization[device]),
    memory: measured(fleet.memory[device]),
    user: fleet.users[owner - 1] ?? null,
    shared: owner === SEVERAL,
    mine: fleet.mine[device] === 1,
    node,
    group: fleet.groups[node.group] as FleetGroup,
  };
}

export function countsOfTypes({ byType }: Summary): Record<string, Counts> {
  return Object.fromEntries(Object.entries(byType).map(([type, summary]) => [type, countsOf(summary)]));
}

export function countsOf(summary: Omit<Summary, "byType">): Counts {
  return {
    total: summary.totalDevices,
    free: summary.freeDevices,
    used: summary.usedDevices,
    unknown: summary.unknownDevices,
    unhealthy: summary.unhealthyDevices,
    external: summary.externalDevices,
  };
}

/** The mean of what is measured on used GPUs, in percent; null where nothing is. */
export function meanUtilization({ state, utilization }: Fleet): number | null {
  const used = STATES.indexOf("used");
  let sum = 0;
  let count = 0;
  for (let device = 0; device < state.length; device += 1) {
    const percent = utilization[device] as number;
    if (percent !== NOT_MEASURED && state[device] === used) {
      sum += percent;
      count += 1;
    }
  }
  return count === 0 ? null : sum / count;
}

/** Users with the most devices first, with how many; those who share one are not counted for it. */
export function topUsers({ owner, users }: Fleet, most: number): { user: string; devices: number }[] {
  const counts = new Uint32Array(users.length + 1);
  for (const index of owner) {
    if (index !== SEVERAL) {
      counts[index] = (counts[index] as number) + 1;
    }
  }
  return users
    .map((user, nth) => ({ user, devices: counts[nth + 1] as number }))
    .filter(({ devices }) => devices > 0)
    .sort((a, b) => b.devices - a.devices || a.user.localeCompare(b.user))
    .slice(0, most);
}

const NO_COUNTS: Counts = { total: 0, free: 0, used: 0, unknown: 0, unhealthy: 0, external: 0 };

function measured(percent: number | undefined): number | null {
  return percent === undefined || percent === NOT_MEASURED ? null : percent;
}
