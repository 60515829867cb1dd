import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createClient } from "../../../api/client";
import type { ColumnarOverview } from "../../../api/types";
import { deviceOf } from "../model";
import { changeOf, columnarOf, podsOf, slotOf } from "../testing";
import { FIRST_WORD, OverviewFeed, PATIENCE, POLL_INTERVAL, SILENCE } from "./feed";

const before = { a: [1, 1] };
const after = { a: [1, [slotOf(0, "used", { pods: podsOf("ann") })]] };

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(Math, "random").mockReturnValue(0);
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** A server whose streams are written to by hand. */
function start() {
  const streams: { request: Request; say: (text: string) => void; end: () => void }[] = [];
  const polls: Request[] = [];
  let answer = async (): Promise<Response> => Promise.reject(new TypeError("Failed to fetch"));
  let refusal: Response | null = null;
  let others = (_url: string): unknown => ({});
  const onNodes = vi.fn();
  const onSessionEnd = vi.fn();
  const feed = new OverviewFeed({
    api: createClient({
      devUser: null,
      fetch: async (request) => {
        if (!request.url.includes("gpu-overview")) {
          return Response.json(others(request.url));
        }
        if (!request.url.includes("/stream")) {
          polls.push(request);
          return answer();
        }
        if (refusal) {
          return refusal.clone();
        }
        const body = new ReadableStream<Uint8Array>({
          start(controller) {
            request.signal.addEventListener("abort", () => controller.error(request.signal.reason));
            streams.push({
              request,
              say: (text) => controller.enqueue(new TextEncoder().encode(text)),
              end: () => controller.close(),
            });
          },
        });
        return new Response(body, { headers: { "Content-Type": "text/event-stream" } });
      },
    }),
    viewer: "ann",
    onNodes,
    onSessionEnd,
    nextFrame: (run) => setTimeout(run, 16),
  });
  const seen = vi.fn();
  const drawn = vi.fn();
  feed.onFrame((nodes) => drawn([...nodes]));
  return {
    feed,
    streams,
    polls,
    onNodes,
    onSessionEnd,
    seen,
    drawn,
    hangUp: feed.subscribe(seen),
    answerWith: (next: typeof answer) => {
      answer = next;
    },
    answerOthersWith: (next: typeof others) => {
      others = next;
    },
    refuseWith: (next: Response | null) => {
      refusal = next;
    },
  };
}

const pass = (milliseconds: number) => vi.advanceTimersByTimeAsync(milliseconds);
const event = (type: string, data: unknown, id = "one.1.member") =>
  `event: ${type}\nid: ${id}\ndata: ${JSON.stringify(data)}\n\n`;
const polled = (overview: ColumnarOverview) => async () =>
  Response.json(overview, { headers: { ETag: '"e"' } });

describe("the feed", () => {
  it("shows a snapshot, and writes changes into it once a frame", async () => {
    const { feed, streams, seen, drawn, onNodes } = start();
    await pass(0);
    streams[0]?.say(event("snapshot", columnarOf(before)));
    await pass(0);
    const { fleet } = feed.state();
    expect(feed.state()).toMatchObject({ connection: "live" });
    seen.mockClear();
    streams[0]?.say(event("change", changeOf(after, ["a-1"])));
    streams[0]?.say(event("change", changeOf(before, ["a-0"])));
    await pass(0);
    expect(seen).not.toHaveBeenCalled();
    await pass(16);
    expect(seen).toHaveBeenCalledTimes(1);
    expect(drawn.mock.calls).toEqual([[[1, 0]]]);
    expect(feed.state().fleet).toBe(fleet);
    expect(fleet && deviceOf(fleet, 1)).toMatchObject({ status: "used", mine: true });
    expect(onNodes.mock.calls[0]?.[0]).toMatchObject([{ nodeName: "a-1" }]);
  });

  it("keeps the fleet when a snapshot has the same devices", async () => {
    const { feed, streams, drawn } = start();
    await pass(0);
    streams[0]?.say(event("snapshot", columnarOf(before)));
    await pass(0);
    const { fleet } = feed.state();
    streams[0]?.say(event("snapshot", columnarOf(after)));
    await pass(16);
    expect(feed.state().fleet).toBe(fleet);
    expect(drawn.mock.calls).toEqual([[[1]]]);
  });

  it("finds out which shared cards are the viewer's too, from the nodes of their pods", async () => {
    const shared = slotOf(0, "used", { pods: podsOf("ann", "bob") });
    const others = slotOf(0, "used", { pods: podsOf("bob", "eve") });
    const { feed, streams, drawn, answerOthersWith } = start();
    const asked: string[] = [];
    answerOthersWith((url) => {
      asked.push(new URL(url).pathname);
      return url.endsWith("/pods")
        ? { pods: [{ nodeName: "a-0" }, { nodeName: null }] }
        : { slots: [shared] };
    });
    await pass(0);
    streams[0]?.say(event("snapshot", columnarOf({ a: [[shared], [others]] })));
    await pass(100);
    expect(asked).toEqual(["/api/pods", "/api/cluster/nodes/a-0"]);
    expect(Array.from(feed.state().fleet?.mine ?? [])).toEqual([1, 0]);
    expect(drawn.mock.calls).toEqual([[[0]]]);
  });

  it("asks for a new snapshot when devices move", async () => {
    const { feed, streams } = start();
    await pass(0);
    streams[0]?.say(event("snapshot", columnarOf(before)));
    streams[0]?.say(event("change", changeOf({ a: [1, 1, 1] }, ["a-2"])));
    await pass(1_000);
    expect(streams).toHaveLength(2);
    expect(streams[1]?.request.headers.get("Last-Event-ID")).toBeNull();
    streams[1]?.say(event("snapshot", columnarOf({ a: [1, 1, 1] })));
    await pass(0);
    expect(feed.state().fleet?.nodes).toHaveLength(3);
  });

  it("goes on where a stream ended, or says that nobody answers", async () => {
    const { feed, streams, answerWith } = start();
    await pass(0);
    streams[0]?.say(event("snapshot", columnarOf(before), "one.7.member"));
    await pass(0);
    streams[0]?.end();
    await pass(0);
    expect(feed.state()).toMatchObject({ connection: "lost", error: { code: "network" } });
    await pass(2_000);
    expect(streams[1]?.request.headers.get("Last-Event-ID")).toBe("one.7.member");
    streams[1]?.say(":\n\n");
    await pass(0);
    expect(feed.state()).toMatchObject({ connection: "live", error: null });
    // And after an answer that was asked for, the place in the stream is none any more.
    answerWith(polled(columnarOf(after)));
    streams[1]?.end();
    await pass(3_000);
    expect(feed.state().fleet?.counts.used).toBe(1);
    expect(streams[2]?.request.headers.get("Last-Event-ID")).toBeNull();
  });

  it("asks again and again where streams are refused or held back, and only for what is new", async () => {
    const { feed, polls, streams, refuseWith, answerWith } = start();
    // The first stream was open already, and says nothing.
    refuseWith(Response.json({ status: 429, code: "rate_limited", detail: "too many" }, { status: 429 }));
    answerWith(polled(columnarOf(before)));
    await pass(0);
    await pass(FIRST_WORD);
    await pass(POLL_INTERVAL);
    expect(feed.state()).toMatchObject({ connection: "polling" });
    answerWith(
      async () =>
        new Response(null, { status: 304, headers: { "Genet-Updated-At": "2026-01-01T00:00:09Z" } }),
    );
    await pass(3 * POLL_INTERVAL);
    expect(polls.at(-1)?.headers.get("If-None-Match")).toBe('"e"');
    expect(feed.state().fleet?.updatedAt).toBe("2026-01-01T00:00:09Z");
    expect(streams).toHaveLength(1);
  });

  it("does not trust a stream that falls silent", async () => {
    const { feed, streams } = start();
    await pass(0);
    streams[0]?.say(event("snapshot", columnarOf(before)));
    await pass(SILENCE - 1);
    expect(feed.state().connection).toBe("live");
    await pass(10);
    expect(feed.state().connection).toBe("lost");
  });

  it("calls it lost when an answer does not come at all, and asks anew", async () => {
    const { feed, polls, refuseWith, answerWith } = start();
    refuseWith(new Response(null, { status: 502 }));
    answerWith(async () => {
      const { signal } = polls.at(-1) as Request;
      return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    });
    await pass(FIRST_WORD);
    await pass(PATIENCE - 1);
    expect(feed.state().connection).toBe("connecting");
    await pass(1);
    expect(feed.state()).toMatchObject({ connection: "lost", error: { code: "network" } });
    await pass(POLL_INTERVAL);
    expect(polls.length).toBeGreaterThan(1);
  });

  it("tries at once when it is told to, and says why it was lost until there is an answer", async () => {
    const { feed, streams, refuseWith, seen, hangUp } = start();
    refuseWith(Response.json({ status: 503, code: "unavailable", detail: "Kubernetes" }, { status: 503 }));
    await pass(0);
    streams[0]?.end();
    await pass(0);
    expect(feed.state()).toMatchObject({ connection: "lost", fleet: null });
    refuseWith(null);
    seen.mockClear();
    feed.retry();
    expect(feed.state()).toMatchObject({ connection: "connecting", error: { code: "network" } });
    expect(seen).toHaveBeenCalledTimes(1);
    await pass(0);
    expect(streams).toHaveLength(2);
    streams[1]?.say(event("snapshot", columnarOf(before)));
    await pass(0);
    expect(feed.state()).toMatchObject({ connection: "live", error: null });
    // What was under way before is given up, and nobody connects for people who have left.
    await pass(POLL_INTERVAL);
    expect(streams).toHaveLength(2);
    hangUp();
    feed.retry();
    await pass(POLL_INTERVAL);
    expect(streams).toHaveLength(2);
  });

  it("says when the session has ended, and hangs up after the last who looks", async () => {
    const { streams, onSessionEnd, hangUp } = start();
    await pass(0);
    streams[0]?.say(event("auth", {}));
    await pass(0);
    expect(onSessionEnd).toHaveBeenCalledTimes(1);
    hangUp();
    await pass(600_000);
    expect(streams[0]?.request.signal.aborted).toBe(true);
    expect(streams).toHaveLength(1);
  });
});
