import { describe, expect, it } from "vitest";
import { eventsOf } from "./serverEvents";

/** What comes out when the answer arrives in these pieces. */
async function read(...pieces: string[]) {
  const body = new Response(
    new ReadableStream({
      start(controller) {
        for (const piece of pieces) {
          controller.enqueue(new TextEncoder().encode(piece));
        }
        controller.close();
      },
    }),
  ).body as ReadableStream<Uint8Array<ArrayBuffer>>;
  const events = [];
  for await (const event of eventsOf(body)) {
    events.push(event);
  }
  return events;
}

describe("eventsOf", () => {
  it("gives type, data and id, however the answer is cut", async () => {
    const whole = 'retry: 2000\n\nevent: snapshot\nid: a.1.m\ndata: {"v":1}\n\n:\n\nevent: auth\ndata:\n\n';
    const expected = [
      { type: "snapshot", data: '{"v":1}', id: "a.1.m" },
      { type: "comment", data: "", id: "a.1.m" },
      { type: "auth", data: "", id: "a.1.m" },
    ];
    expect(await read(whole)).toEqual(expected);
    expect(await read(...whole)).toEqual(expected);
    expect(await read(whole.replaceAll("\n", "\r\n"))).toEqual(expected);
  });

  it("joins lines of data, and gives nothing that was not finished", async () => {
    expect(await read("data: a\ndata: b\n\ndata: c\n")).toEqual([{ type: "message", data: "a\nb", id: "" }]);
  });
});
