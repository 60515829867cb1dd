/** What choosing a GPU does: one's own leads to its pod, a free one to the dialog, any other to its node. */
import { useQueryClient } from "@tanstack/react-query";
import { useCallback } from "react";
import { nodeQuery, slotAt } from "../../api/nodes";
import { useSession } from "../../api/session";
import type { SlotPod } from "../../api/types";
import { useText } from "../../i18n/language";
import { type Device, deviceOf, type Fleet } from "./model";

/** Where a pod was asked for. */
export interface Place {
  type: string;
  nodeName: string;
  /** The card's number on the node. */
  index: number;
}

export interface ChoiceActions {
  onTake: (place: Place) => void;
  /** Gives the id of one of the viewer's own pods. */
  onOpenPod: (id: string) => void;
  onNode: (name: string) => void;
}

export function useChoice(fleet: Fleet, { onTake, onOpenPod, onNode }: ChoiceActions) {
  const text = useText();
  const { api, auth, config } = useSession();
  const client = useQueryClient();
  const offered = useCallback(
    ({ group }: Device) => config.gpuTypes.some(({ name }) => name === group.type),
    [config],
  );

  const choose = async (index: number) => {
    const device = deviceOf(fleet, index);
    const { name } = device.node;
    if (device.mine) {
      const detail = await client.fetchQuery(nodeQuery(api, name)).catch(() => null);
      const own = detail && ownPod(slotAt(detail, device)?.pods ?? [], auth.userIdentifier);
      if (own) {
        onOpenPod(own.name);
        return;
      }
    } else if (canTake(device) && offered(device)) {
      onTake({ type: device.group.type, nodeName: name, index: device.place });
      return;
    }
    onNode(name);
  };

  const hint = (device: Device, byTouch: boolean): string => {
    if (device.mine) {
      return text.gpus.openPod;
    }
    if (!device.node.ready) {
      return text.gpus.nodeNotReady;
    }
    if (!device.node.schedulable) {
      return text.gpus.nodeCordoned;
    }
    if (!canTake(device)) {
      return byTouch ? text.gpus.openNodeByTouch : text.gpus.openNode;
    }
    if (!offered(device)) {
      return text.gpus.notOffered;
    }
    if (!auth.authenticated) {
      return text.gpus.logInToTake;
    }
    return byTouch ? text.gpus.takeByTouch : text.gpus.take;
  };
  return { choose, hint };
}

export function ownPod(pods: SlotPod[], viewer: string | null): SlotPod | undefined {
  return pods.find(({ user }) => user !== null && user === viewer);
}

function canTake({ status, node }: Device): boolean {
  return status === "free" && node.ready && node.schedulable;
}
