/** One node in full; kept in Query, shared by everybody who shows something of it. */
import { type QueryClient, queryOptions, useQueries, useQuery } from "@tanstack/react-query";
import type { ApiClient } from "./client";
import { unwrap } from "./errors";
import { useSession } from "./session";
import type { GpuNode, NodeDetail, Slot } from "./types";

/** History and events come with no stream. */
const INTERVAL = 30_000;
const FRESH = 10_000;

const nodeKey = (name: string) => ["node", name] as const;

export function nodeQuery(api: ApiClient, name: string) {
  return queryOptions<NodeDetail>({
    queryKey: nodeKey(name),
    queryFn: ({ signal }) =>
      unwrap(api.GET("/api/cluster/nodes/{node_name}", { params: { path: { node_name: name } }, signal })),
    staleTime: FRESH,
    refetchInterval: INTERVAL,
    retry: false,
  });
}

/**
 * null asks for nothing.
 *
 * `every`: milliseconds after which it is asked for again, where no stream says what is new.
 */
export function useNode(name: string | null, { every = INTERVAL } = {}) {
  const { api } = useSession();
  return useQuery({ ...nodeQuery(api, name ?? ""), enabled: name !== null, refetchInterval: every });
}

/** By name, as far as the answers are there. */
export function useNodes(names: string[]): Map<string, NodeDetail> {
  const { api } = useSession();
  return useQueries({
    queries: names.map((name) => nodeQuery(api, name)),
    combine: (answers) => new Map(answers.flatMap(({ data }) => (data ? [[data.nodeName, data]] : []))),
  });
}

/** The nth of a node's devices over all its types. */
export function slotAt({ slots }: NodeDetail, { nth }: { nth: number }): Slot | undefined {
  return slots[nth];
}

/** What the stream says of nodes, into what somebody has asked for; history and events are left as they are. */
export function writeNodes(client: QueryClient, nodes: GpuNode[]): void {
  const parts = new Map<string, GpuNode[]>();
  for (const node of nodes) {
    parts.set(node.nodeName, [...(parts.get(node.nodeName) ?? []), node]);
  }
  for (const [name, own] of parts) {
    client.setQueryData<NodeDetail>(
      nodeKey(name),
      (old) => old && { ...old, ...own[0], slots: own.flatMap(({ slots }) => slots) },
    );
  }
}
