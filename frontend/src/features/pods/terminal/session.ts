/**
 * One shell in a pod over a WebSocket (`genet.terminal.v1`): bytes both ways, and what became of it. It knows nothing
 * of the screen. A connection that breaks is made again, with a new shell: the old one died with it, and that is said.
 */

const PROTOCOL = "genet.terminal.v1";
/** Larger pastes go in pieces, or one message would pass what the server takes at once. */
const PIECE = 32 * 1024;
/** Breaks between attempts: 0.5 s, then twice as long each time, and at most this (ms). */
const LONGEST_BREAK = 10_000;
const FIRST_BREAK = 500;
const ATTEMPTS = 8;

/** Close codes of the server: what an HTTP answer would say, and 4000. */
const UNAUTHENTICATED = 4401;
const NOT_FOUND = 4404;
const IDLE = 4408;
const REFUSALS: Record<number, string> = {
  4400: "malformed_json",
  4403: "forbidden",
  4409: "not_running",
  4422: "invalid",
  4429: "rate_limited",
};

export interface Size {
  cols: number;
  rows: number;
}

export type Ending =
  | { reason: "exit"; code: number | null }
  | { reason: "error"; code: string }
  | { reason: "unauthenticated" | "gone" | "idle" | "lost" };

export type SessionState =
  | { phase: "connecting" }
  | { phase: "open" }
  /** The connection broke; the shell is gone with it, and a new one is being asked for. */
  | { phase: "reconnecting" }
  | ({ phase: "ended" } & Ending);

export interface SessionOptions {
  /** Of the terminal, without scheme and host. */
  path: string;
  /** Its parameters besides the size. */
  query: Record<string, string>;
  size: Size;
  onBytes: (bytes: Uint8Array) => void;
  onState: (state: SessionState) => void;
  connect?: (url: string) => WebSocket;
}

export class TerminalSession {
  readonly #options: SessionOptions;
  readonly #encoder = new TextEncoder();
  #size: Size;
  #socket: WebSocket | null = null;
  #ending: Ending | null = null;
  #attempt = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isClosed = false;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#size = options.size;
    this.#connect({ phase: "connecting" });
  }

  /** What was typed or pasted; lost while there is no connection, as nobody knows which shell it was meant for. */
  type(text: string): void {
    this.#sendBytes(this.#encoder.encode(text));
  }

  /** Bytes that are no text, such as reports of the mouse: one byte for each character. */
  typeBinary(text: string): void {
    this.#sendBytes(Uint8Array.from(text, (character) => character.charCodeAt(0) & 0xff));
  }

  resize(size: Size): void {
    if (size.cols === this.#size.cols && size.rows === this.#size.rows) {
      return;
    }
    this.#size = size;
    if (this.#socket?.readyState === WebSocket.OPEN) {
      this.#socket.send(JSON.stringify({ type: "resize", ...size }));
    }
  }

  /** Ends the shell. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#socket?.close();
  }

  #sendBytes(bytes: Uint8Array<ArrayBuffer>): void {
    if (this.#socket?.readyState !== WebSocket.OPEN) {
      return;
    }
    for (let at = 0; at < bytes.length; at += PIECE) {
      this.#socket.send(bytes.subarray(at, at + PIECE));
    }
  }

  #connect(state: SessionState): void {
    this.#options.onState(state);
    const { path, query, connect = (url) => new WebSocket(url, PROTOCOL) } = this.#options;
    const { cols, rows } = this.#size;
    const search = new URLSearchParams({ ...query, cols: String(cols), rows: String(rows) });
    const scheme = window.location.protocol === "https:" ? "wss" : "ws";
    const socket = connect(`${scheme}://${window.location.host}${path}?${search}`);
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      this.#attempt = 0;
      this.#options.onState({ phase: "open" });
      // The window may have changed its size on the way.
      if (this.#size.cols !== cols || this.#size.rows !== rows) {
        socket.send(JSON.stringify({ type: "resize", ...this.#size }));
      }
    };
    socket.onmessage = ({ data }: MessageEvent<ArrayBuffer | string>) => {
      if (typeof data === "string") {
        this.#ending = endingOf(data) ?? this.#ending;
      } else {
        this.#options.onBytes(new Uint8Array(data));
      }
    };
    socket.onclose = ({ code }) => {
      if (!this.#isClosed) {
        this.#closed(code);
      }
    };
    this.#socket = socket;
  }

  #closed(code: number): void {
    const ending = this.#ending ?? endingOfCode(code);
    if (ending === null && this.#attempt < ATTEMPTS) {
      const rest = Math.min(LONGEST_BREAK, FIRST_BREAK * 2 ** this.#attempt);
      this.#attempt += 1;
      this.#options.onState({ phase: "reconnecting" });
      this.#timer = setTimeout(() => this.#connect({ phase: "reconnecting" }), rest);
      return;
    }
    this.#options.onState({ phase: "ended", ...(ending ?? { reason: "lost" }) });
  }
}

/** What the server said in words; null: nothing that ends the shell. */
function endingOf(data: string): Ending | null {
  const said: unknown = JSON.parse(data);
  if (typeof said !== "object" || said === null || !("type" in said) || !("code" in said)) {
    return null;
  }
  if (said.type === "exit") {
    return { reason: "exit", code: typeof said.code === "number" ? said.code : null };
  }
  return said.type === "error" ? { reason: "error", code: String(said.code) } : null;
}

/** What the number alone says; null: the connection broke, or the server is being replaced. */
function endingOfCode(code: number): Ending | null {
  switch (code) {
    case UNAUTHENTICATED:
      return { reason: "unauthenticated" };
    case NOT_FOUND:
      return { reason: "gone" };
    case IDLE:
      return { reason: "idle" };
    case 1000:
      return { reason: "exit", code: null };
    default: {
      const refusal = REFUSALS[code];
      return refusal === undefined ? null : { reason: "error", code: refusal };
    }
  }
}
