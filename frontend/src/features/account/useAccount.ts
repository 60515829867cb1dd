/** API tokens and grants of the one who is logged in, and the kubeconfig. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { unwrap } from "../../api/errors";
import { useSession } from "../../api/session";
import type { NewKey, NewToken } from "../../api/types";

const TOKENS = ["tokens"] as const;
const GRANTS = ["grants"] as const;
const KEYS = ["ssh-keys"] as const;

export type Plugin = "genet" | "kubelogin";

export function useTokens() {
  const { api } = useSession();
  return useQuery({
    queryKey: TOKENS,
    queryFn: ({ signal }) => unwrap(api.GET("/api/tokens", { signal })),
    retry: false,
  });
}

/** Its answer holds the token itself, which is nowhere else: it is never kept in the cache of queries. */
export function useCreateToken() {
  const { api } = useSession();
  const client = useQueryClient();
  return useMutation({
    mutationFn: (body: NewToken) => unwrap(api.POST("/api/tokens", { body })),
    onSuccess: () => client.invalidateQueries({ queryKey: TOKENS }),
    gcTime: 0,
  });
}

export function useRevokeToken() {
  const { api } = useSession();
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: string) =>
      unwrap(api.DELETE("/api/tokens/{token_id}", { params: { path: { token_id: id } } })),
    onSuccess: () => client.invalidateQueries({ queryKey: TOKENS }),
  });
}

export function useKeys() {
  const { api } = useSession();
  return useQuery({
    queryKey: KEYS,
    queryFn: ({ signal }) => unwrap(api.GET("/api/profile/ssh-keys", { signal })),
    retry: false,
  });
}

export function useAddKey() {
  const { api } = useSession();
  const client = useQueryClient();
  return useMutation({
    mutationFn: (body: NewKey) => unwrap(api.POST("/api/profile/ssh-keys", { body })),
    onSuccess: () => client.invalidateQueries({ queryKey: KEYS }),
  });
}

export function useRemoveKey() {
  const { api } = useSession();
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: string) =>
      unwrap(api.DELETE("/api/profile/ssh-keys/{key_id}", { params: { path: { key_id: id } } })),
    onSuccess: () => client.invalidateQueries({ queryKey: KEYS }),
  });
}

export function useGrants() {
  const { api } = useSession();
  return useQuery({
    queryKey: GRANTS,
    queryFn: ({ signal }) => unwrap(api.GET("/api/grants", { signal })),
    retry: false,
  });
}

export function useRevokeGrant() {
  const { api } = useSession();
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: string) =>
      unwrap(api.DELETE("/api/grants/{grant_id}", { params: { path: { grant_id: id } } })),
    onSuccess: () => client.invalidateQueries({ queryKey: GRANTS }),
  });
}

export function useKubeconfig(plugin: Plugin, { enabled }: { enabled: boolean }) {
  const { api } = useSession();
  return useQuery({
    queryKey: ["kubeconfig", plugin],
    queryFn: ({ signal }) =>
      unwrap(api.GET("/api/kubeconfig", { params: { query: { form: "exec", plugin } }, signal })),
    enabled,
    retry: false,
    staleTime: Number.POSITIVE_INFINITY,
  });
}

/** A certificate and its key, which the server does not keep: the answer is all there is. */
export function useIssueKubeconfig() {
  const { api } = useSession();
  return useMutation({
    mutationFn: () => unwrap(api.POST("/api/kubeconfig", {})),
    gcTime: 0,
  });
}
