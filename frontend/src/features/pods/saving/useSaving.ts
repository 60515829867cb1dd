/** Saving a pod as an image: beginning it, and how far it is. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { unwrap } from "../../../api/errors";
import { useSession } from "../../../api/session";
import type { CommitStatus } from "../../../api/types";

/** While it goes on; at rest only somebody else, or a command line, can begin one. */
const LIVELY = 2_000;
const CALM = 10_000;

export function useSaving(id: string) {
  const { api } = useSession();
  return useQuery({
    queryKey: key(id),
    queryFn: ({ signal }) =>
      unwrap(api.GET("/api/pods/{pod_id}/commit/status", { params: { path: { pod_id: id } }, signal })),
    refetchInterval: ({ state: { data } }) => (data && isGoingOn(data) ? LIVELY : CALM),
    staleTime: 0,
    retry: false,
  });
}

export function useSave(id: string) {
  const { api } = useSession();
  const client = useQueryClient();
  return useMutation({
    mutationFn: (image: string) =>
      unwrap(api.POST("/api/pods/{pod_id}/commit", { params: { path: { pod_id: id } }, body: { image } })),
    // Also when refused: somebody else may have begun.
    onSettled: () => client.invalidateQueries({ queryKey: key(id) }),
  });
}

export function isGoingOn({ status }: CommitStatus): boolean {
  return status === "pending" || status === "running";
}

function key(id: string) {
  return ["saving", id] as const;
}
