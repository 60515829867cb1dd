/** The usage of a time that ends now. */
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { unwrap } from "../../api/errors";
import { useSession } from "../../api/session";
import type { UsageBy } from "../../api/types";

export const RANGES = { "24h": 24, "7d": 7 * 24, "30d": 30 * 24 } as const;
export type Range = keyof typeof RANGES;
export const KEYS = ["user", "type", "namespace"] as const satisfies UsageBy[];

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

export function useUsage(by: UsageBy, range: Range) {
  const { api, auth } = useSession();
  return useQuery({
    queryKey: ["usage", by, range],
    queryFn: ({ signal }) =>
      unwrap(
        api.GET("/api/cluster/usage", {
          params: { query: { by, ...boundsOf(range, Date.now()) } },
          signal,
        }),
      ),
    enabled: auth.authenticated,
    refetchInterval: MINUTE,
    placeholderData: keepPreviousData,
    retry: false,
  });
}

/** Whole minutes, so that all who ask within one ask the same. */
export function boundsOf(range: Range, now: number): { from: string; to: string } {
  const end = Math.floor(now / MINUTE) * MINUTE;
  const text = (moment: number) => new Date(moment).toISOString().replace(".000Z", "Z");
  return { from: text(end - RANGES[range] * HOUR), to: text(end) };
}

export function usageFromSearch(search: URLSearchParams): { by: UsageBy; range: Range } {
  const by = search.get("by");
  const range = search.get("range");
  return {
    by: KEYS.find((known) => known === by) ?? "user",
    range: (Object.keys(RANGES) as Range[]).find((known) => known === range) ?? "7d",
  };
}

/** Hours that gaps take together. */
export function gapHours(gaps: readonly { from: string; to: string }[]): number {
  return gaps.reduce((sum, { from, to }) => sum + (Date.parse(to) - Date.parse(from)) / HOUR, 0);
}
