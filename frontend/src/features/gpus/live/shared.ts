/**
 * Which of the cards that several people share are the viewer's too. The columns say "several" and no more, so the
 * nodes of the viewer's own pods are asked for: they are few, whatever the size of the fleet.
 */
import type { ApiClient } from "../../../api/client";
import { unwrap } from "../../../api/errors";
import type { Slot } from "../../../api/types";
import { type Fleet, SEVERAL } from "../model";

/** Marks them in the fleet; returns the indexes of the nodes that look different now. */
export async function markOwnShared(api: ApiClient, fleet: Fleet, signal: AbortSignal): Promise<number[]> {
  if (fleet.viewer === null || !fleet.owner.includes(SEVERAL)) {
    return [];
  }
  const { pods } = await unwrap(api.GET("/api/pods", { signal }));
  const names = new Set(pods.flatMap(({ nodeName }) => nodeName ?? []));
  const touched: number[] = [];
  for (const name of names) {
    const parts = [...fleet.nodes.entries()].filter(([, node]) => node.name === name);
    const isShared = parts.some(([, { firstDevice, deviceCount }]) =>
      fleet.owner.subarray(firstDevice, firstDevice + deviceCount).includes(SEVERAL),
    );
    if (isShared) {
      const { slots } = await unwrap(
        api.GET("/api/cluster/nodes/{node_name}", { params: { path: { node_name: name } }, signal }),
      );
      touched.push(...parts.filter(([index]) => markNode(fleet, index, slots)).map(([index]) => index));
    }
  }
  return touched;
}

/** `slots`: of all types that the node has. */
function markNode(fleet: Fleet, index: number, slots: Slot[]): boolean {
  const { firstDevice = 0, deviceCount = 0, offset = 0 } = fleet.nodes[index] ?? {};
  let isTouched = false;
  for (let place = 0; place < deviceCount; place += 1) {
    const device = firstDevice + place;
    if (fleet.owner[device] === SEVERAL) {
      const isOwn = slots[offset + place]?.pods.some(({ user }) => user === fleet.viewer) ? 1 : 0;
      isTouched ||= fleet.mine[device] !== isOwn;
      fleet.mine[device] = isOwn;
    }
  }
  return isTouched;
}
