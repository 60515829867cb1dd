/** Which of a node's cards, or slices of them, a pod holds. */
import type { NodeDetail, Pod, SlotPod } from "../../api/types";
import type { Values } from "../../lib/series";

export interface HeldCard {
  /** The card's number on the node. */
  index: number;
  /** Profile or name of the slice; null: the whole card, or a share of it. */
  slice: string | null;
  utilization: number | null;
  memoryUsed: number | null;
  memoryTotal: number | null;
  idleSince: string | null;
  history: Values;
}

export function cardsOf({ slots, history }: NodeDetail, { id, namespace }: Pod): HeldCard[] {
  const isHeld = (pods: readonly SlotPod[]) =>
    pods.some((pod) => pod.name === id && pod.namespace === namespace);
  return slots.flatMap((slot, nth): HeldCard[] => {
    const { index, utilization, memoryUsed, memoryTotal, idleSince } = slot;
    const card = {
      index,
      utilization,
      memoryUsed,
      memoryTotal,
      idleSince,
      history: history.series[nth]?.utilization ?? [],
    };
    const slices = slot.slices.filter(({ pods }) => isHeld(pods));
    if (slices.length > 0) {
      return slices.map(({ id: name, profile }) => ({ ...card, slice: profile ?? name }));
    }
    return isHeld(slot.pods) ? [{ ...card, slice: null }] : [];
  });
}
