/** The user's pods and what can be done to them. Every change is shown from its answer, without waiting for the next poll. */
import { type QueryClient, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { unwrap } from "../../api/errors";
import { useSession } from "../../api/session";
import type { Pod, PodList, PodRequest } from "../../api/types";

const PODS = ["pods"] as const;
const VOLUMES = ["volumes"] as const;
const HISTORY = ["history"] as const;
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
    onSuccess: () => Promise.all([PODS, HISTORY].map((queryKey) => client.invalidateQueries({ queryKey }))),
  });
}

export function useRestartPod() {
  const { api } = useSession();
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ id, avoidNode }: { id: string; avoidNode: boolean }) =>
      unwrap(
        api.POST("/api/pods/{pod_id}/restart", { params: { path: { pod_id: id }, query: { avoidNode } } }),
      ),
    onSuccess: (pod) => showPod(client, pod),
  });
}

/** What the pod is made of and why it does not run. */
export function useDescription(id: string) {
  const { api } = useSession();
  return useQuery({
    queryKey: ["describe", id],
    queryFn: ({ signal }) =>
      unwrap(api.GET("/api/pods/{pod_id}/describe", { params: { path: { pod_id: id } }, signal })),
    refetchInterval: INTERVAL,
    retry: false,
  });
}

export function useMetrics(id: string) {
  const { api } = useSession();
  return useQuery({
    queryKey: ["metrics", id],
    queryFn: ({ signal }) =>
      unwrap(api.GET("/api/pods/{pod_id}/metrics", { params: { path: { pod_id: id } }, signal })),
    refetchInterval: 5_000,
    retry: false,
  });
}

/** What deleting and restarting it would cost; asked anew each time the question is put. */
export function useConsequences(id: string) {
  const { api } = useSession();
  return useQuery({
    queryKey: ["consequences", id],
    queryFn: ({ signal }) =>
      unwrap(api.GET("/api/pods/{pod_id}/consequences", { params: { path: { pod_id: id } }, signal })),
    staleTime: 0,
    retry: false,
  });
}

/** What stays when pods go. */
export function useVolumes() {
  const { api } = useSession();
  return useQuery({
    queryKey: VOLUMES,
    queryFn: ({ signal }) => unwrap(api.GET("/api/volumes", { signal })),
    refetchInterval: 10_000,
    retry: false,
  });
}

/** What was deleted in the last days, and why. */
export function useHistory() {
  const { api } = useSession();
  return useQuery({
    queryKey: HISTORY,
    queryFn: ({ signal }) => unwrap(api.GET("/api/history", { signal })),
    refetchInterval: 60_000,
    retry: false,
  });
}

export function useResizeVolume() {
  const { api } = useSession();
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ name, size }: { name: string; size: string }) =>
      unwrap(api.POST("/api/volumes/{name}/resize", { params: { path: { name } }, body: { size } })),
    onSuccess: () => client.invalidateQueries({ queryKey: VOLUMES }),
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
