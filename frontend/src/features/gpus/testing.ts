/** Fleets for tests, small, and like what the API sends. */
import type { ColumnarOverview, GpuNode, OverviewChange, Slot, SlotStatus } from "../../api/types";
import { type Fleet, fleetOf, NOT_MEASURED, SEVERAL, STATES } from "./model";

export function slotOf(index: number, status: SlotStatus = "free", part: Partial<Slot> = {}): Slot {
  return {
    index,
    uuid: null,
    status,
    attribution: null,
    reason: null,
    utilization: null,
    memoryUsed: null,
    memoryTotal: null,
    power: null,
    temperature: null,
    pod: null,
    pods: [],
    slices: [],
    replicas: null,
    idleSince: null,
    ...part,
  };
}

/** A pod of each of these users. */
export function podsOf(...users: string[]): Slot["pods"] {
  return users.map((user) => ({
    name: `pod-${user}-train`,
    namespace: `user-${user}`,
    user,
    startedAt: "2026-01-01T00:00:00Z",
  }));
}

/** Groups by type; each number is a node with as many free GPUs, each list a node with those slots. */
export type Groups = Record<string, (number | Slot[])[]>;

export function nodeOf(nodeName: string, slots: Slot[], part: Partial<GpuNode> = {}): GpuNode {
  return {
    nodeName,
    nodeIP: null,
    deviceType: null,
    totalDevices: slots.length,
    usedDevices: slots.filter(({ status }) => status === "used").length,
    slots,
    timeSharingEnabled: false,
    ready: true,
    schedulable: true,
    ...part,
  };
}

/** The fleet that a viewer sees who is "ann" unless said otherwise. */
export function fleetWith(groups: Groups, viewer: string | null = "ann"): Fleet {
  return fleetOf(columnarOf(groups), viewer);
}

export function columnarOf(groups: Groups): ColumnarOverview {
  const nodes = Object.entries(groups).flatMap(([type, members], group) =>
    members.map((member, nth) => ({ name: `${type}-${nth}`, group, slots: slotsOf(member) })),
  );
  const slots = nodes.flatMap((node) => node.slots);
  const holders = slots.map(({ pods }) => [...new Set(pods.flatMap(({ user }) => user ?? []))]);
  const users = [...new Set(holders.flat())].sort();
  const owners = holders.map(([user, ...others]) => {
    if (user === undefined) {
      return 0;
    }
    return others.length > 0 ? SEVERAL : users.indexOf(user) + 1;
  });
  return {
    v: 1,
    groups: Object.keys(groups).map((type) => ({
      type,
      label: type.toUpperCase(),
      resourceName: "nvidia.com/gpu",
    })),
    nodes: {
      name: nodes.map(({ name }) => name),
      group: nodes.map(({ group }) => group),
      devices: nodes.map((node) => node.slots.length),
      ready: nodes.map(() => 1),
      schedulable: nodes.map(() => 1),
    },
    users,
    state: base64(slots.map(({ status }) => STATES.indexOf(status))),
    util: base64(slots.map(({ utilization }) => utilization ?? NOT_MEASURED)),
    mem: base64(
      slots.map(({ memoryUsed, memoryTotal }) =>
        memoryUsed === null || !memoryTotal ? NOT_MEASURED : Math.round((100 * memoryUsed) / memoryTotal),
      ),
    ),
    owner: base64(owners.flatMap((owner) => [owner & 0xff, owner >> 8])),
    ...aroundOf(groups),
  };
}

/** What the stream says when these nodes look like this; `groups` is all of the fleet afterwards. */
export function changeOf(groups: Groups, names: string[]): OverviewChange {
  const all = Object.entries(groups).flatMap(([type, members]) =>
    members.map((member, nth) => ({ type, node: nodeOf(`${type}-${nth}`, slotsOf(member)) })),
  );
  const changed = all.filter(({ node }) => names.includes(node.nodeName));
  return {
    nodes: changed.map(({ node }) => node),
    types: changed.map(({ type }) => type),
    removed: [],
    ...aroundOf(groups),
  };
}

function aroundOf(groups: Groups) {
  const source = { state: "ok" as const, message: null, checkedAt: "2026-01-01T00:00:00Z" };
  const byType = Object.entries(groups).map(([type, members]) => [type, sumsOf(members.flatMap(slotsOf))]);
  return {
    summary: {
      ...sumsOf(Object.values(groups).flat().flatMap(slotsOf)),
      byType: Object.fromEntries(byType) as ColumnarOverview["summary"]["byType"],
    },
    sources: { kubernetes: source, prometheus: source, dra: source },
    updatedAt: "2026-01-01T00:00:00Z",
  };
}

function slotsOf(member: number | Slot[]): Slot[] {
  return typeof member === "number" ? Array.from({ length: member }, (_, index) => slotOf(index)) : member;
}

function sumsOf(slots: Slot[]) {
  const count = (wanted: SlotStatus) => slots.filter(({ status }) => status === wanted).length;
  return {
    totalDevices: slots.length,
    usedDevices: count("used"),
    freeDevices: count("free"),
    unknownDevices: count("unknown"),
    unhealthyDevices: count("unhealthy"),
    externalDevices: count("external"),
  };
}

function base64(bytes: number[]): string {
  return btoa(String.fromCharCode(...bytes));
}
