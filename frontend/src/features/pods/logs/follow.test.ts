import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createClient } from "../../../api/client";
import { ApiError } from "../../../api/errors";
import { type FollowState, followLog } from "./follow";

/** What one stream says; it breaks off behind that. */
function stream(...events: string[]): Response {
  return new Response(events.join(""), { headers: { "Content-Type": "text/event-stream" } });
}

const log = (id: string, line: string) =>
  `id: ${id}\nevent: log\ndata: ${JSON.stringify({ time: "2026-01-01T00:00:00Z", line })}\n\n`;
const end = (reason: string) => `event: end\ndata: ${JSON.stringify({ reason })}\n\n`;

async function followed(answers: (() => Response)[]) {
  const asked: Request[] = [];
  const lines: string[] = [];
  const states: FollowState[] = [];
  const onSessionEnd = vi.fn();
  const api = createClient({
    devUser: null,
    fetch: async (request) => {
      asked.push(request);
      const answer = answers.shift();
      if (!answer) {
        throw new TypeError("nobody there");
      }
      return answer();
    },
  });
  const stop = new AbortController();
  const following = followLog({
    api,
    id: "pod-a",
    container: null,
    remarks: { restarted: (exitCode) => `[restarted ${exitCode}]`, gap: "[gap]" },
    signal: stop.signal,
    onLines: (more) => lines.push(...more),
    onState: (state) => states.push(state),
    onSessionEnd,
  });
  await vi.advanceTimersByTimeAsync(20_000);
  stop.abort();
  await following;
  return { asked, lines, states, onSessionEnd, phases: states.map(({ phase }) => phase) };
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("following a log", () => {
  it("shows the lines in order, and says why it ended", async () => {
    const { lines, states } = await followed([
      () => stream(log("1", "a"), ": beat\n\n", log("2", "b"), end("deleted")),
    ]);
    expect(lines).toEqual(["a", "b"]);
    expect(states.at(-1)).toEqual({ phase: "ended", reason: "deleted" });
  });

  it("goes on behind the last line where the connection broke", async () => {
    const { asked, lines, phases } = await followed([
      () => stream(log("1", "a")),
      () => {
        throw new TypeError("cut");
      },
      () => stream(log("2", "b"), end("completed")),
    ]);
    expect(lines).toEqual(["a", "b"]);
    expect(asked.map(({ headers }) => headers.get("Last-Event-ID"))).toEqual([null, "1", "1"]);
    expect(phases).toEqual(["connecting", "following", "broken", "following", "ended"]);
  });

  it("says where the program was started again, and where lines are missing", async () => {
    const { lines } = await followed([
      () =>
        stream(
          log("1", "a"),
          'event: restarted\ndata: {"restarts":1,"exitCode":3,"reason":"Error"}\n\n',
          log("2", "b"),
        ),
      () => stream("event: gap\ndata: {}\n\n", log("3", "c"), end("finished")),
    ]);
    expect(lines).toEqual(["a", "[restarted 3]", "b", "[gap]", "c"]);
  });

  it("goes on after an end that passes", async () => {
    const { lines, phases } = await followed([
      () => stream(log("1", "a"), end("slow")),
      () => stream(log("2", "b"), end("deleted")),
    ]);
    expect(lines).toEqual(["a", "b"]);
    expect(phases.at(-1)).toBe("ended");
  });

  it("does not ask again where it was refused", async () => {
    const { asked, states } = await followed([
      () => Response.json({ code: "not_running", detail: "it has not started" }, { status: 409 }),
    ]);
    expect(asked).toHaveLength(1);
    const last = states.at(-1);
    expect(last?.phase === "refused" && last.error instanceof ApiError && last.error.code).toBe(
      "not_running",
    );
  });

  it("says when the session ended", async () => {
    const { onSessionEnd } = await followed([() => stream("event: auth\ndata: {}\n\n", end("auth"))]);
    expect(onSessionEnd).toHaveBeenCalledOnce();
  });
});
