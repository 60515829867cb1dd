/** A pod's log as it grows: the stream, opened again where it broke, with nothing lost and nothing said twice. */
import type { ApiClient } from "../../../api/client";
import { ApiError, reached, toApiError } from "../../../api/errors";
import { pause } from "../../../lib/pause";
import { eventsOf } from "../../../lib/serverEvents";
import { plainLine } from "./lines";

/** Lines from before that are shown at first. */
export const TAIL_LINES = 1_000;
/** Ends behind which the log goes on. */
const PASSING = new Set(["slow", "unavailable"]);
/** A heartbeat comes every 15 s: after two and a half of them the connection is dead. */
const SILENCE = 38_000;
/** A busy log would draw the page with each line. */
const FRAME = 100;
const LONGEST_BREAK = 15_000;

export type FollowState =
  | { phase: "connecting" }
  | { phase: "following" }
  | { phase: "broken"; error: unknown }
  | { phase: "ended"; reason: string }
  /** The server refuses, and will again. */
  | { phase: "refused"; error: unknown };

/** What is said between the lines. */
export interface Remarks {
  restarted: (exitCode: number | null) => string;
  gap: string;
}

export interface FollowOptions {
  api: ApiClient;
  id: string;
  container: string | null;
  remarks: Remarks;
  signal: AbortSignal;
  onLines: (lines: string[]) => void;
  onState: (state: FollowState) => void;
  onSessionEnd: () => void;
}

/** Until the log ends, the server refuses, or nobody wants it any more. */
export async function followLog(options: FollowOptions): Promise<void> {
  const { signal, onState } = options;
  const place = { id: "" };
  onState({ phase: "connecting" });
  for (let failures = 0; !signal.aborted; failures += 1) {
    try {
      const reason = await listen(options, place, () => {
        failures = 0;
        onState({ phase: "following" });
      });
      if (reason !== null && !PASSING.has(reason)) {
        onState({ phase: "ended", reason });
        return;
      }
    } catch (error) {
      if (signal.aborted) {
        return;
      }
      if (error instanceof ApiError && error.status >= 400 && error.status < 500) {
        onState({ phase: "refused", error });
        return;
      }
      onState({ phase: "broken", error });
    }
    await pause(Math.min(LONGEST_BREAK, 500 * 2 ** failures), signal);
  }
}

/** One stream; why it ended, or null where it broke off. */
async function listen(
  { api, id, container, remarks, signal: parent, onLines, onSessionEnd }: FollowOptions,
  place: { id: string },
  onOpen: () => void,
): Promise<string | null> {
  const ending = new AbortController();
  const signal = AbortSignal.any([parent, ending.signal]);
  let watchdog = setTimeout(() => ending.abort(), SILENCE);
  const waiting: string[] = [];
  let frame: ReturnType<typeof setTimeout> | undefined;
  const say = (line: string) => {
    waiting.push(line);
    frame ??= setTimeout(show, FRAME);
  };
  const show = () => {
    frame = undefined;
    if (waiting.length > 0 && !parent.aborted) {
      onLines(waiting.splice(0));
    }
  };
  try {
    const { data, error, response } = await reached(
      api.GET("/api/pods/{pod_id}/logs", {
        params: {
          path: { pod_id: id },
          query: { follow: true, tailLines: TAIL_LINES, ...(container !== null && { container }) },
        },
        headers: { Accept: "text/event-stream", ...(place.id && { "Last-Event-ID": place.id }) },
        parseAs: "stream",
        signal,
      }),
    );
    if (!response.ok || !data) {
      throw toApiError(response.status, error);
    }
    onOpen();
    for await (const event of eventsOf(data as ReadableStream<Uint8Array<ArrayBuffer>>)) {
      clearTimeout(watchdog);
      watchdog = setTimeout(() => ending.abort(), SILENCE);
      place.id = event.id || place.id;
      if (event.type === "log") {
        say(plainLine((JSON.parse(event.data) as { line: string }).line));
      } else if (event.type === "restarted") {
        say(remarks.restarted((JSON.parse(event.data) as { exitCode: number | null }).exitCode));
      } else if (event.type === "gap") {
        say(remarks.gap);
      } else if (event.type === "end") {
        return (JSON.parse(event.data) as { reason: string }).reason;
      } else if (event.type === "auth") {
        onSessionEnd();
      }
    }
    return null;
  } finally {
    clearTimeout(watchdog);
    clearTimeout(frame);
    show();
    ending.abort();
  }
}
