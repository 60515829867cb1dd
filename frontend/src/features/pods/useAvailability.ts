/** How many GPUs of each type a new pod could get now. */
import { useQuery } from "@tanstack/react-query";
import { unwrap } from "../../api/errors";
import { useSession } from "../../api/session";
import type { Availability } from "../../api/types";

const INTERVAL = 3_000;

/** By type; empty while it is not known. */
export function useAvailability(): Map<string, Availability> {
  const { api } = useSession();
  const { data } = useQuery({
    queryKey: ["availability"],
    queryFn: ({ signal }) => unwrap(api.GET("/api/cluster/availability", { signal })),
    refetchInterval: INTERVAL,
    retry: false,
  });
  return new Map(data?.types.map((available) => [available.type, available]));
}
