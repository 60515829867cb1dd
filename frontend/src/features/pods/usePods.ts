/** The user's pods and what can be done to them. Every change is shown from its answer, without waiting for the next poll. */
import { type QueryClient, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { unwrap } from "../../api/errors";
import { useSession } from "../../api/session";
import type { Pod, PodList, PodRequest } from "../../api/types";

const PODS = ["pods"] as const;
const INTERVAL = 3_000;

export function usePods() {
  const { api, auth } = useSession();
  return useQuery({
    queryKey: PODS,
    queryFn: ({ signal }) => unwrap(api.GET("/api/pods", { signal })),
    enabled: auth.authenticated,
    refetchInterval: INTERVAL,
    retry: false,
  });
}

export function useCreatePod() {
  const { api } = useSession();
  const client = useQueryClient();
  return useMutation({
    mutationFn: (body: PodRequest) => unwrap(api.POST("/api/pods", { body })),
    onSuccess: (pod) => showPod(client, pod),
  });
}

export function useExtendPod() {
  const { api } = useSession();
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ id, hours }: { id: string; hours: number }) =>
      unwrap(api.POST("/api/pods/{pod_id}/extend", { params: { path: { pod_id: id } }, body: { hours } })),
    onSuccess: (pod) => showPod(client, pod),
  });
}

export function useDeletePod() {
  const { api } = useSession();
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: string) =>
      unwrap(api.DELETE("/api/pods/{pod_id}", { params: { path: { pod_id: id } } })),
    onSuccess: () => client.invalidateQueries({ queryKey: PODS }),
  });
}

async function showPod(client: QueryClient, pod: Pod): Promise<void> {
  await client.cancelQueries({ queryKey: PODS });
  client.setQueryData<PodList>(
    PODS,
    (list) => list && { ...list, pods: [...list.pods.filter(({ id }) => id !== pod.id), pod] },
  );
  await client.invalidateQueries({ queryKey: PODS });
}
