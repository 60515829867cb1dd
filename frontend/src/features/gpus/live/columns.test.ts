import { afterEach, describe, expect, it, vi } from "vitest";
import { bytesOf, wordsOf } from "./columns";

afterEach(() => vi.unstubAllGlobals());

describe("columns", () => {
  it("are bytes, and pairs of bytes with the lower first", () => {
    expect(Array.from(bytesOf("AAEC/w=="))).toEqual([0, 1, 2, 255]);
    expect(Array.from(wordsOf("AQAAAf//"))).toEqual([1, 256, 65_535]);
    expect(Array.from(wordsOf(""))).toEqual([]);
  });

  it("are read by the browser itself where it can", () => {
    const native = vi.fn(() => new Uint8Array([7]));
    vi.stubGlobal("Uint8Array", Object.assign(Uint8Array.bind(null), { fromBase64: native }));
    expect(Array.from(bytesOf("Bw=="))).toEqual([7]);
    expect(native).toHaveBeenCalledWith("Bw==");
  });
});
