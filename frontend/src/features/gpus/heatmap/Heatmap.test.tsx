import { cleanup, fireEvent, screen } from "@testing-library/react";
import { useState } from "react";
import { afterEach, describe, expect, it, vi } from "vitest";
import { renderWith } from "../../../testing";
import { type Device, fleetFromObjects } from "../model";
import { overviewOf, slotOf } from "../testing";
import { Heatmap } from "./Heatmap";

afterEach(cleanup);

const holders = [{ name: "pod-bob-b-train", namespace: "user-bob-b", user: "bob-b", startedAt: null }];
const fleet = fleetFromObjects(
  overviewOf({ a: [[slotOf(0), slotOf(1, "used", { pods: holders, utilization: 63 })]] }),
  null,
);
const filter = { type: null, state: null, mine: false };

function Held({ onChoose }: { onChoose: (device: Device) => void }) {
  const [active, setActive] = useState<number | null>(null);
  return (
    <Heatmap
      fleet={fleet}
      filter={filter}
      active={active}
      described
      onActive={setActive}
      onChoose={onChoose}
      hint={() => null}
    />
  );
}

function show() {
  const onChoose = vi.fn<(device: Device) => void>();
  renderWith(async () => Response.error(), <Held onChoose={onChoose} />);
  return { map: screen.getByRole("application"), canvas: screen.getByTestId("heatmap"), onChoose };
}

describe("the heatmap", () => {
  it("says in words what it shows", () => {
    const { canvas } = show();
    expect(canvas.getAttribute("aria-label")).toBe("2 GPUs: 1 free, 1 used.");
  });

  it("is walked with the arrow keys, and Enter chooses", () => {
    const { map, onChoose } = show();
    fireEvent.keyDown(map, { key: "ArrowRight" });
    expect(screen.getByTestId("gpu-card").textContent).toContain("a-0 · GPU 0");
    fireEvent.keyDown(map, { key: "ArrowRight" });
    const card = screen.getByTestId("gpu-card").textContent;
    expect(card).toContain("a-0 · GPU 1");
    expect(card).toContain("bob-b");
    expect(card).toContain("63 %");
    fireEvent.keyDown(map, { key: "Enter" });
    expect(onChoose.mock.calls[0]?.[0].index).toBe(1);
    fireEvent.keyDown(map, { key: "Escape" });
    expect(screen.queryByTestId("gpu-card")).toBeNull();
  });

  it("chooses on a click with the mouse, on a second tap with a finger", () => {
    const { canvas, onChoose } = show();
    // Nothing is laid out here, so the map is 0 px wide and its squares are the smallest.
    const at = { clientX: 5, clientY: 45 };
    fireEvent.pointerMove(canvas, { ...at, pointerType: "mouse" });
    fireEvent.click(canvas, at);
    expect(onChoose).toHaveBeenCalledTimes(1);
    fireEvent.pointerLeave(canvas);
    fireEvent.pointerDown(canvas, { ...at, pointerType: "touch" });
    fireEvent.click(canvas, at);
    expect(onChoose).toHaveBeenCalledTimes(1);
    fireEvent.click(canvas, at);
    expect(onChoose).toHaveBeenCalledTimes(2);
  });
});
