/** Overviews for tests: small, and like what the API sends. */
import type { GpuOverview, Slot, SlotStatus } from "../../api/types";

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

/** Groups by type; each number is a node with as many free GPUs, each list a node with those slots. */
export function overviewOf(groups: Record<string, (number | Slot[])[]>): GpuOverview {
  const source = { state: "ok" as const, message: null, checkedAt: "2026-01-01T00:00:00Z" };
  const acceleratorGroups = Object.entries(groups).map(([type, members]) => {
    const nodes = members.map((member, nth) => {
      const slots = typeof member === "number" ? Array.from({ length: member }, (_, i) => slotOf(i)) : member;
      return {
        nodeName: `${type}-${nth}`,
        nodeIP: null,
        deviceType: null,
        totalDevices: slots.length,
        usedDevices: usedOf(slots),
        slots,
        timeSharingEnabled: false,
        ready: true,
        schedulable: true,
      };
    });
    const slots = nodes.flatMap((node) => node.slots);
    return {
      type,
      label: type.toUpperCase(),
      resourceName: "nvidia.com/gpu",
      nodes,
      totalDevices: slots.length,
      usedDevices: usedOf(slots),
    };
  });
  const slotsOf = (group: (typeof acceleratorGroups)[number]) => group.nodes.flatMap((node) => node.slots);
  return {
    acceleratorGroups,
    summary: {
      ...summaryOf(acceleratorGroups.flatMap(slotsOf)),
      byType: Object.fromEntries(acceleratorGroups.map((group) => [group.type, summaryOf(slotsOf(group))])),
    },
    updatedAt: "2026-01-01T00:00:00Z",
    prometheusEnabled: true,
    sources: { kubernetes: source, prometheus: source, dra: source },
  };
}

function usedOf(slots: Slot[]): number {
  return slots.filter(({ status }) => status === "used").length;
}

function summaryOf(slots: Slot[]) {
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
