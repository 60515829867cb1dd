/**
 * Server-sent events out of a streamed answer. The browser's own EventSource would do without this, but hides what a
 * refusal said (that the session has ended, that there are too many streams) and when it will try again.
 */

export interface StreamEvent {
  type: string;
  data: string;
  /** The last id that was sent, with this event or before; "" before the first. */
  id: string;
}

/** Events as they arrive; "comment" stands for a heartbeat. Ends with the stream, throws where that fails. */
export async function* eventsOf(body: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<StreamEvent> {
  let id = "";
  let type = "";
  let data: string[] = [];
  for await (const line of linesOf(body)) {
    const colon = line.indexOf(":");
    if (line === "") {
      if (data.length > 0) {
        yield { type: type || "message", data: data.join("\n"), id };
      }
      type = "";
      data = [];
    } else if (colon === 0) {
      yield { type: "comment", data: "", id };
    } else {
      const field = colon < 0 ? line : line.slice(0, colon);
      const value = colon < 0 ? "" : line.slice(line[colon + 1] === " " ? colon + 2 : colon + 1);
      if (field === "event") {
        type = value;
      } else if (field === "data") {
        data.push(value);
      } else if (field === "id") {
        id = value;
      }
    }
  }
}

async function* linesOf(body: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<string> {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  // A snapshot of a large fleet is one line in many pieces: they are joined once, when its end is there.
  let pieces: string[] = [];
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) {
        return;
      }
      const lines = value.split("\n");
      const last = lines.pop() ?? "";
      for (const line of lines) {
        pieces.push(line);
        yield pieces.join("").replace(/\r$/, "");
        pieces = [];
      }
      pieces.push(last);
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}
