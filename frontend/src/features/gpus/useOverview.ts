/** The overview, asked for every two seconds; an answer that has not changed is neither sent nor drawn again. */
import { useQuery } from "@tanstack/react-query";
import type { ApiClient } from "../../api/client";
import { reached, toApiError } from "../../api/errors";
import { useSession } from "../../api/session";
import { type Fleet, fleetFromObjects } from "./model";

const INTERVAL = 2_000;

export interface Snapshot {
  fleet: Fleet;
  etag: string | null;
  updatedAt: string;
}

export function useOverview() {
  const { api, auth } = useSession();
  return useQuery<Snapshot>({
    queryKey: ["overview"],
    queryFn: ({ client, queryKey, signal }) =>
      fetchSnapshot(api, auth.userIdentifier, client.getQueryData<Snapshot>(queryKey), signal),
    refetchInterval: INTERVAL,
    // Comparing tens of thousands of devices by value would cost more than drawing them.
    structuralSharing: false,
    retry: false,
  });
}

/** A 304 keeps the fleet's identity, which is what tells the heatmap that there is nothing to draw. */
export async function fetchSnapshot(
  api: ApiClient,
  viewer: string | null,
  previous: Snapshot | undefined,
  signal?: AbortSignal,
): Promise<Snapshot> {
  const { data, error, response } = await reached(
    api.GET("/api/cluster/gpu-overview", {
      ...(previous?.etag && { headers: { "If-None-Match": previous.etag } }),
      ...(signal && { signal }),
    }),
  );
  if (response.status === 304 && previous) {
    return { ...previous, updatedAt: response.headers.get("Genet-Updated-At") ?? previous.updatedAt };
  }
  if (!data) {
    throw toApiError(response.status, error);
  }
  return {
    fleet: fleetFromObjects(data, viewer),
    etag: response.headers.get("ETag"),
    updatedAt: data.updatedAt,
  };
}
