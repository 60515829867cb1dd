/** The two ways to the overview in its columnar form: asked for once, and streamed. */
import type { ApiClient } from "./client";
import { reached, toApiError } from "./errors";
import type { ColumnarOverview } from "./types";

export interface OverviewAnswer {
  /** null: it is as it was when the ETag was given. */
  overview: ColumnarOverview | null;
  etag: string | null;
  updatedAt: string | null;
}

export async function fetchOverview(
  api: ApiClient,
  etag: string | null,
  signal: AbortSignal,
): Promise<OverviewAnswer> {
  const { data, error, response } = await reached(
    api.GET("/api/cluster/gpu-overview", {
      params: { query: { format: "columnar" } },
      headers: { ...(etag && { "If-None-Match": etag }) },
      signal,
    }),
  );
  if (response.status !== 304 && !data) {
    throw toApiError(response.status, error);
  }
  return {
    overview: (data as ColumnarOverview | undefined) ?? null,
    etag: response.headers.get("ETag"),
    updatedAt: response.headers.get("Genet-Updated-At"),
  };
}

/** `lastEventId`: "" begins with a snapshot, else the stream goes on from there where it can. */
export async function openOverviewStream(
  api: ApiClient,
  lastEventId: string,
  signal: AbortSignal,
): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
  const { data, error, response } = await reached(
    api.GET("/api/cluster/gpu-overview/stream", {
      params: { query: { format: "columnar" } },
      headers: { Accept: "text/event-stream", ...(lastEventId && { "Last-Event-ID": lastEventId }) },
      parseAs: "stream",
      signal,
    }),
  );
  if (!response.ok || !data) {
    throw toApiError(response.status, error);
  }
  return data as ReadableStream<Uint8Array<ArrayBuffer>>;
}
