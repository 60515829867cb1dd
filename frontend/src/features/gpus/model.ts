/**
 * The fleet as the page needs it: flat arrays for what is drawn for every GPU, a function for what is shown for one.
 * Only `fleetFromObjects` knows the wire form; another form needs another function and nothing else.
 */
import type { GpuOverview, Slot, SlotPod, SlotStatus, Sources } from "../../api/types";

/** In the order of the wire's state bytes. */
export const STATES = ["free", "used", "unknown", "unhealthy", "external"] as const satisfies SlotStatus[];

/** A percentage that nobody measured, in `Fleet.utilization`. */
export const NOT_MEASURED = 255;

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
  ready: boolean;
  schedulable: boolean;
}

export interface Fleet {
  groups: FleetGroup[];
  nodes: FleetNode[];
  /** Per device: index into STATES. */
  state: Uint8Array;
  /** Per device: percent, or NOT_MEASURED. */
  utilization: Uint8Array;
  /** Per device: 1 where a pod of the viewer holds it. */
  mine: Uint8Array;
  /** Per device: index into nodes. */
  nodeOf: Uint32Array;
  counts: Counts;
  countsByType: Record<string, Counts>;
  sources: Sources;
  device: (device: number) => Device;
}

export interface Device extends Omit<Slot, "pod" | "slices"> {
  node: FleetNode;
  group: FleetGroup;
  mine: boolean;
  pods: SlotPod[];
}

export function fleetFromObjects(overview: GpuOverview, viewer: string | null): Fleet {
  const groups: FleetGroup[] = [];
  const nodes: FleetNode[] = [];
  const slots: Slot[] = [];
  const labels = overview.acceleratorGroups.map(({ label }) => label);
  for (const { type, label, resourceName, nodes: members } of overview.acceleratorGroups) {
    const firstDevice = slots.length;
    const firstNode = nodes.length;
    for (const { nodeName, ready, schedulable, slots: devices } of members) {
      nodes.push({
        name: nodeName,
        group: groups.length,
        firstDevice: slots.length,
        deviceCount: devices.length,
        ready,
        schedulable,
      });
      for (const slot of devices) {
        slots.push(slot);
      }
    }
    const counts = countStates(slots.slice(firstDevice));
    // One model may be offered in several cuts, each under a resource name of its own.
    const ambiguous = labels.indexOf(label) !== labels.lastIndexOf(label);
    groups.push({
      type,
      label: ambiguous ? `${label} · ${resourceName}` : label,
      firstNode,
      nodeCount: members.length,
      counts,
    });
  }

  const holdsAny = (slot: Slot) => viewer !== null && slot.pods.some(({ user }) => user === viewer);
  const nodeOf = new Uint32Array(slots.length);
  nodes.forEach((node, index) => {
    nodeOf.fill(index, node.firstDevice, node.firstDevice + node.deviceCount);
  });
  const mine = Uint8Array.from(slots, (slot) => (holdsAny(slot) ? 1 : 0));
  return {
    groups,
    nodes,
    state: Uint8Array.from(slots, ({ status }) => STATES.indexOf(status)),
    utilization: Uint8Array.from(slots, ({ utilization }) => utilization ?? NOT_MEASURED),
    mine,
    nodeOf,
    counts: fromSummary(overview.summary),
    countsByType: Object.fromEntries(
      Object.entries(overview.summary.byType).map(([type, summary]) => [type, fromSummary(summary)]),
    ),
    sources: overview.sources,
    device: (device) => {
      const slot = slots[device] as Slot;
      const node = nodes[nodeOf[device] as number] as FleetNode;
      const group = groups[node.group] as FleetGroup;
      return { ...slot, node, group, mine: mine[device] === 1 };
    },
  };
}

/** The mean of what is measured on used GPUs, in percent; null where nothing is. */
export function meanUtilization({ state, utilization }: Fleet): number | null {
  const used = STATES.indexOf("used");
  let sum = 0;
  let measured = 0;
  utilization.forEach((percent, device) => {
    if (percent !== NOT_MEASURED && state[device] === used) {
      sum += percent;
      measured += 1;
    }
  });
  return measured === 0 ? null : sum / measured;
}

function countStates(slots: Slot[]): Counts {
  const counts: Counts = { total: slots.length, free: 0, used: 0, unknown: 0, unhealthy: 0, external: 0 };
  for (const { status } of slots) {
    counts[status] += 1;
  }
  return counts;
}

function fromSummary(summary: Omit<GpuOverview["summary"], "byType">): Counts {
  return {
    total: summary.totalDevices,
    free: summary.freeDevices,
    used: summary.usedDevices,
    unknown: summary.unknownDevices,
    unhealthy: summary.unhealthyDevices,
    external: summary.externalDevices,
  };
}
