import { describe, expect, it } from "vitest";
import { bytesText, coresText, memoryText } from "./readings";

describe("readings", () => {
  it("of memory are in GiB, whatever they are measured in", () => {
    expect(memoryText(12_698, 81_920, "en")).toBe("12.4 / 80 GiB");
    expect(memoryText(null, 81_920, "en")).toBe("80 GiB");
    expect(memoryText(1, null, "en")).toBeNull();
    expect(bytesText(3.1 * 1024 ** 3, 16 * 1024 ** 3, "en")).toBe("3.1 / 16 GiB");
    expect(bytesText(1024 ** 3, null, "en")).toBe("1 GiB");
  });

  it("of cores have two places", () => {
    expect(coresText(1.504, 4, "en")).toBe("1.5 / 4");
    expect(coresText(0.5, null, "en")).toBe("0.5");
  });
});
