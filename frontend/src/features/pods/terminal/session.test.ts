import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type SessionState, TerminalSession } from "./session";

/** The other end of a connection, in the test's hands. */
class Line {
  readyState: number = WebSocket.CONNECTING;
  binaryType = "blob";
  sent: (string | Uint8Array)[] = [];
  onopen: () => void = () => {};
  onmessage: (event: { data: unknown }) => void = () => {};
  onclose: (event: { code: number }) => void = () => {};
  constructor(readonly url: string) {}
  send(data: string | Uint8Array) {
    this.sent.push(typeof data === "string" ? data : Uint8Array.from(data));
  }
  close() {
    this.hangUp(1000);
  }
  pickUp() {
    this.readyState = WebSocket.OPEN;
    this.onopen();
  }
  say(data: unknown) {
    this.onmessage({ data: typeof data === "string" ? data : Uint8Array.from(data as number[]).buffer });
  }
  hangUp(code: number) {
    this.readyState = WebSocket.CLOSED;
    this.onclose({ code });
  }
}

function open(size = { cols: 80, rows: 24 }) {
  const lines: Line[] = [];
  const states: SessionState[] = [];
  const bytes: number[] = [];
  const session = new TerminalSession({
    path: "/api/pods/pod-a/terminal",
    query: { user: "ann" },
    size,
    onBytes: (piece) => bytes.push(...piece),
    onState: (state) => states.push(state),
    connect: (url) => {
      const line = new Line(url);
      lines.push(line);
      return line as unknown as WebSocket;
    },
  });
  const last = () => lines[lines.length - 1] as Line;
  return { session, lines, last, states, bytes, state: () => states[states.length - 1] };
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("a terminal's session", () => {
  it("asks for a shell of the window's size, as the same person", () => {
    const { last } = open();
    const url = new URL(last().url);
    expect(url.pathname).toBe("/api/pods/pod-a/terminal");
    expect(Object.fromEntries(url.searchParams)).toEqual({ user: "ann", cols: "80", rows: "24" });
  });

  it("carries bytes both ways, as they are", () => {
    const { session, last, bytes } = open();
    last().pickUp();
    session.type("é\r");
    session.typeBinary("\x1b\xff");
    last().say([0xe4, 0xbd]);
    last().say([0xa0]);
    expect(last().sent).toEqual([Uint8Array.from([0xc3, 0xa9, 0x0d]), Uint8Array.from([0x1b, 0xff])]);
    expect(bytes).toEqual([0xe4, 0xbd, 0xa0]);
  });

  it("sends a large paste in pieces and in order", () => {
    const { session, last } = open();
    last().pickUp();
    const paste = Array.from({ length: 100_000 }, (_, index) => String.fromCharCode(97 + (index % 26))).join(
      "",
    );
    session.type(paste);
    const pieces = last().sent as Uint8Array[];
    expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThanOrEqual(32 * 1024);
    expect(pieces.map((piece) => new TextDecoder().decode(piece)).join("")).toBe(paste);
  });

  it("tells the shell of a new size, also of one from before it was there", () => {
    const { session, last } = open();
    session.resize({ cols: 100, rows: 30 });
    last().pickUp();
    session.resize({ cols: 100, rows: 30 });
    session.resize({ cols: 120, rows: 40 });
    expect(last().sent.map((text) => JSON.parse(text as string))).toEqual([
      { type: "resize", cols: 100, rows: 30 },
      { type: "resize", cols: 120, rows: 40 },
    ]);
  });

  it.each([1001, 1006, 1012, 4503])("asks for a new shell when the connection breaks (%i)", (code) => {
    const { last, lines, state } = open();
    last().pickUp();
    last().hangUp(code);
    expect(state()).toEqual({ phase: "reconnecting" });
    vi.advanceTimersByTime(500);
    expect(lines).toHaveLength(2);
    last().pickUp();
    expect(state()).toEqual({ phase: "open" });
  });

  it("gives up after a while", () => {
    const { last, lines, state } = open();
    for (let attempt = 0; attempt < 20; attempt += 1) {
      if (state()?.phase !== "ended") {
        last().hangUp(1006);
        vi.advanceTimersByTime(10_000);
      }
    }
    expect(state()).toEqual({ phase: "ended", reason: "lost" });
    expect(lines).toHaveLength(9);
  });

  it.each([
    [4401, { reason: "unauthenticated" }],
    [4404, { reason: "gone" }],
    [4408, { reason: "idle" }],
    [4409, { reason: "error", code: "not_running" }],
    [4429, { reason: "error", code: "rate_limited" }],
    [1000, { reason: "exit", code: null }],
  ])("is over where the server says so (%i)", (code, ending) => {
    const { last, lines, state } = open();
    last().pickUp();
    last().hangUp(code);
    vi.advanceTimersByTime(60_000);
    expect(state()).toEqual({ phase: "ended", ...ending });
    expect(lines).toHaveLength(1);
  });

  it.each([
    ['{"type":"exit","code":3}', { reason: "exit", code: 3 }],
    ['{"type":"error","code":"not_running"}', { reason: "error", code: "not_running" }],
  ])("is over when the shell is (%s)", (said, ending) => {
    const { last, state } = open();
    last().pickUp();
    last().say(said);
    last().hangUp(1006);
    expect(state()).toEqual({ phase: "ended", ...ending });
  });

  it("ends with the page, and says no more", () => {
    const { session, last, lines, states } = open();
    last().pickUp();
    const before = states.length;
    session.close();
    vi.advanceTimersByTime(60_000);
    expect(lines).toHaveLength(1);
    expect(states).toHaveLength(before);
  });
});
