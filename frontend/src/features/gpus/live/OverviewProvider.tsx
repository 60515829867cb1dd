/** One connection for all who look at the fleet; it is open while anybody does. */
import { useQueryClient } from "@tanstack/react-query";
import { createContext, type ReactNode, useContext, useMemo, useSyncExternalStore } from "react";
import { writeNodes } from "../../../api/nodes";
import { useSession } from "../../../api/session";
import { type FeedState, OverviewFeed } from "./feed";

type Feed = Pick<OverviewFeed, "state" | "subscribe" | "onFrame" | "retry">;

export const FeedContext = createContext<Feed | null>(null);

export function OverviewProvider({ children }: { children: ReactNode }) {
  const { api, auth } = useSession();
  const client = useQueryClient();
  const viewer = auth.userIdentifier;
  const feed = useMemo(
    () =>
      new OverviewFeed({
        api,
        viewer,
        onNodes: (nodes) => writeNodes(client, nodes),
        onSessionEnd: () => void client.invalidateQueries({ queryKey: ["auth"] }),
      }),
    [api, viewer, client],
  );
  return <FeedContext value={feed}>{children}</FeedContext>;
}

export function useFeed(): Feed {
  const feed = useContext(FeedContext);
  if (feed === null) {
    throw new Error("useFeed needs an OverviewProvider above it");
  }
  return feed;
}

/** A part of the feed's state; whoever asks for it is rendered again when that part is another. */
export function useOverview<Part>(part: (state: FeedState) => Part): Part {
  const feed = useFeed();
  return useSyncExternalStore(feed.subscribe, () => part(feed.state()));
}

/** Renders again with every change of the fleet; for small components that show sums or single devices. */
export function useRevision(): number {
  return useOverview(({ revision }) => revision);
}
