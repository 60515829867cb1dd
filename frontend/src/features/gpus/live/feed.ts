/**
 * Keeps the fleet up to date: by the stream, and while that does not come through (a proxy that holds answers back, a
 * server that is full) by asking again and again. Outside of React, because one node's change must cost one node: it
 * is written into the fleet's arrays, and whoever draws is told once a frame which nodes look different.
 */
import type { ApiClient } from "../../../api/client";
import { ApiError } from "../../../api/errors";
import { fetchOverview, openOverviewStream } from "../../../api/overview";
import type { ColumnarOverview, GpuNode, OverviewChange } from "../../../api/types";
import { pause } from "../../../lib/pause";
import { eventsOf, type StreamEvent } from "../../../lib/serverEvents";
import { applyChange, applySnapshot } from "../change";
import { type Fleet, fleetOf } from "../model";
import { markOwnShared } from "./shared";

export const POLL_INTERVAL = 2_000;
/** A heartbeat comes every 15 s: after two and a half of them the connection is dead, whatever the browser thinks. */
export const SILENCE = 38_000;
/** A stream that has not begun by then is held back on its way. */
export const FIRST_WORD = 6_000;
/** As long may one answer take to what is asked for again and again: a large fleet over a slow line. */
export const PATIENCE = 30_000;
/** Snapshots may come every second; who shares a card changes seldom. */
const SHARED_INTERVAL = 30_000;
const LONGEST_BREAK = 60_000;
/** Nodes often come and go together. */
const RESYNC_BREAK = 500;

export interface FeedState {
  /** Stays the same object while its devices stay where they are; see `revision`. */
  fleet: Fleet | null;
  /** Grows with every change that can be seen. */
  revision: number;
  connection: "connecting" | "live" | "polling" | "lost";
  /** When the server was last heard of, by this machine's clock. */
  heardAt: number;
  /** Why the connection is lost. */
  error: unknown;
}

/** Told which of the fleet's nodes look different, by their indexes. */
export type FrameListener = (nodes: ReadonlySet<number>) => void;

export interface FeedOptions {
  api: ApiClient;
  /** userIdentifier of who looks; null: somebody without login. */
  viewer: string | null;
  onNodes: (nodes: GpuNode[]) => void;
  onSessionEnd: () => void;
  nextFrame?: (run: () => void) => void;
}

export class OverviewFeed {
  #state: FeedState = { fleet: null, revision: 0, connection: "connecting", heardAt: 0, error: null };
  readonly #options: FeedOptions;
  readonly #subscribers = new Set<() => void>();
  readonly #frames = new Set<FrameListener>();
  #touched = new Set<number>();
  #frameAsked = false;
  #stop: AbortController | null = null;
  #lastEventId = "";
  #etag: string | null = null;
  #sharedAskedAt = 0;

  constructor(options: FeedOptions) {
    this.#options = options;
  }

  readonly state = (): FeedState => this.#state;

  /** Connects with the first subscriber and hangs up after the last. */
  readonly subscribe = (subscriber: () => void): (() => void) => {
    this.#subscribers.add(subscriber);
    if (this.#stop === null) {
      this.#state = { ...this.#state, connection: "connecting" };
      this.#begin();
    }
    return () => {
      this.#subscribers.delete(subscriber);
      if (this.#subscribers.size === 0) {
        this.#stop?.abort();
        this.#stop = null;
      }
    };
  };

  /** Connects anew at once, whatever is being waited for. Why it was lost stays known until there is an answer. */
  readonly retry = (): void => {
    if (this.#stop !== null) {
      this.#stop.abort();
      this.#begin();
      this.#publish({ connection: "connecting" });
    }
  };

  readonly onFrame = (listener: FrameListener): (() => void) => {
    this.#frames.add(listener);
    return () => this.#frames.delete(listener);
  };

  #begin(): void {
    this.#stop = new AbortController();
    void this.#run(this.#stop.signal);
  }

  async #run(signal: AbortSignal): Promise<void> {
    // A place in the stream is of no use when what was seen since is not kept.
    this.#lastEventId = "";
    for (let failures = 0; !signal.aborted; ) {
      const began = Date.now();
      const error = await this.#listen(signal);
      failures = this.#state.heardAt > began && this.#state.connection === "live" ? 0 : failures + 1;
      if (error === RESYNC) {
        await pause(RESYNC_BREAK, signal);
      } else if (!signal.aborted) {
        const rest = Math.min(LONGEST_BREAK, 1_000 * 2 ** failures) * (0.5 + Math.random() / 2);
        await this.#poll(Date.now() + rest, signal);
      }
    }
  }

  /** One stream from its beginning to its end; returns why it ended. */
  async #listen(parent: AbortSignal): Promise<unknown> {
    const ending = new AbortController();
    const signal = AbortSignal.any([parent, ending.signal]);
    let watchdog = setTimeout(() => ending.abort(), FIRST_WORD);
    try {
      const body = await openOverviewStream(this.#options.api, this.#lastEventId, signal);
      for await (const event of eventsOf(body)) {
        clearTimeout(watchdog);
        watchdog = setTimeout(() => ending.abort(), SILENCE);
        if (!this.#take(event)) {
          return RESYNC;
        }
      }
      return null;
    } catch (error) {
      return error;
    } finally {
      clearTimeout(watchdog);
      ending.abort();
    }
  }

  /** False when a new snapshot is needed. */
  #take({ type, data, id }: StreamEvent): boolean {
    if (type === "snapshot") {
      this.#show(JSON.parse(data) as ColumnarOverview, "live");
    } else if (type === "change" && this.#state.fleet) {
      const change = JSON.parse(data) as OverviewChange;
      const touched = applyChange(this.#state.fleet, change);
      if (touched === null) {
        this.#lastEventId = "";
        return false;
      }
      this.#options.onNodes(change.nodes);
      this.#touch(touched);
    } else if (type === "auth") {
      this.#options.onSessionEnd();
    }
    this.#lastEventId = id;
    this.#heard("live");
    return true;
  }

  /** Asks again and again, until it is time to try the stream once more. */
  async #poll(until: number, signal: AbortSignal): Promise<void> {
    do {
      const asking = new AbortController();
      const watchdog = setTimeout(() => asking.abort(new Error("no answer")), PATIENCE);
      try {
        const both = AbortSignal.any([signal, asking.signal]);
        const answer = await fetchOverview(this.#options.api, this.#etag, both);
        if (answer.overview) {
          this.#show(answer.overview, "polling");
        } else if (this.#state.fleet) {
          this.#state.fleet.updatedAt = answer.updatedAt ?? this.#state.fleet.updatedAt;
          this.#touch([]);
        }
        this.#etag = answer.etag ?? this.#etag;
        this.#lastEventId = "";
        this.#heard("polling");
      } catch (error) {
        if (signal.aborted) {
          return;
        }
        this.#publish({ connection: "lost", error: error instanceof ApiError ? error : null });
      } finally {
        clearTimeout(watchdog);
      }
      await pause(Math.min(POLL_INTERVAL, Math.max(0, until - Date.now())), signal);
    } while (Date.now() < until && !signal.aborted);
  }

  #show(overview: ColumnarOverview, connection: "live" | "polling"): void {
    // What was asked for before is not what is shown now.
    this.#etag = null;
    const touched = this.#state.fleet && applySnapshot(this.#state.fleet, overview);
    if (touched) {
      this.#touch(touched);
      if (Date.now() - this.#sharedAskedAt > SHARED_INTERVAL) {
        void this.#askShared();
      }
      return;
    }
    this.#touched = new Set();
    const { viewer } = this.#options;
    this.#publish({
      fleet: fleetOf(overview, viewer),
      revision: this.#state.revision + 1,
      connection,
      heardAt: Date.now(),
      error: null,
    });
    void this.#askShared();
  }

  async #askShared(): Promise<void> {
    const { fleet } = this.#state;
    const signal = this.#stop?.signal;
    this.#sharedAskedAt = Date.now();
    if (fleet && signal) {
      // A frame less is all that it costs when this fails, and the next snapshot tries again.
      const touched = await markOwnShared(this.#options.api, fleet, signal).catch(() => []);
      if (touched.length > 0 && fleet === this.#state.fleet) {
        this.#touch(touched);
      }
    }
  }

  #heard(connection: "live" | "polling"): void {
    // Not worth a word to anybody, unless it was lost before.
    this.#state.heardAt = Date.now();
    if (this.#state.connection !== connection) {
      this.#publish({ connection, error: null });
    }
  }

  #touch(nodes: number[]): void {
    for (const node of nodes) {
      this.#touched.add(node);
    }
    if (!this.#frameAsked) {
      this.#frameAsked = true;
      (this.#options.nextFrame ?? requestAnimationFrame)(() => {
        this.#frameAsked = false;
        const touched = this.#touched;
        this.#touched = new Set();
        for (const listener of this.#frames) {
          listener(touched);
        }
        this.#publish({ revision: this.#state.revision + 1 });
      });
    }
  }

  #publish(part: Partial<FeedState>): void {
    this.#state = { ...this.#state, ...part };
    for (const subscriber of this.#subscribers) {
      subscriber();
    }
  }
}

const RESYNC = Symbol("a new snapshot is needed");
