import { cleanup, fireEvent, screen } from "@testing-library/react";
import { useState } from "react";
import { afterEach, describe, expect, it, vi } from "vitest";
import { renderWith } from "../../../testing";
import { EVERYTHING } from "../filter";
import { FeedContext } from "../live/OverviewProvider";
import { fleetWith, nodeOf, podsOf, slotOf } from "../testing";
import { Heatmap } from "./Heatmap";

afterEach(cleanup);

const slots = [
  slotOf(0),
  slotOf(1, "used", {
    pods: podsOf("bob"),
    utilization: 63,
    memoryUsed: 40_960,
    memoryTotal: 81_920,
    power: 301,
  }),
];
const fleet = fleetWith({ a: [slots] });
const still = { fleet, revision: 0, connection: "live", heardAt: 0, error: null } as const;
const feed = { state: () => still, subscribe: () => () => {}, onFrame: () => () => {}, retry: () => {} };
const node = {
  ...nodeOf("a-0", slots),
  history: { step: 300, from: "2026-01-01T00:00:00Z", series: [] },
  events: [],
  labels: {},
};

type Chosen = (what: number | string) => void;

function Held({ onChoose, onNode }: { onChoose: Chosen; onNode: Chosen }) {
  const [active, setActive] = useState<number | null>(null);
  return (
    <FeedContext value={feed}>
      <Heatmap
        fleet={fleet}
        filter={EVERYTHING}
        colouring="state"
        active={active}
        described
        onActive={setActive}
        onChoose={onChoose}
        onNode={onNode}
        hint={() => "Click to see this node"}
      />
    </FeedContext>
  );
}

function show() {
  const onChoose = vi.fn<Chosen>();
  const onNode = vi.fn<Chosen>();
  renderWith(async () => Response.json(node), <Held onChoose={onChoose} onNode={onNode} />);
  return { map: screen.getByRole("application"), canvas: screen.getByTestId("heatmap"), onChoose, onNode };
}

describe("the heatmap", () => {
  it("says in words what it shows", () => {
    show();
    expect(screen.getByRole("img", { name: "2 GPUs: 1 free, 1 used." })).toBe(screen.getByTestId("heatmap"));
  });

  it("is walked with the arrow keys, and Enter chooses", () => {
    const { map, onChoose, onNode } = show();
    fireEvent.keyDown(map, { key: "ArrowRight" });
    expect(screen.getByTestId("gpu-card").textContent).toContain("a-0 · GPU 0");
    fireEvent.keyDown(map, { key: "ArrowRight" });
    const card = screen.getByTestId("gpu-card").textContent;
    expect(card).toContain("a-0 · GPU 1");
    expect(card).toContain("bob");
    expect(card).toContain("63 %");
    fireEvent.keyDown(map, { key: "Enter" });
    expect(onChoose).toHaveBeenCalledWith(1);
    fireEvent.keyDown(map, { key: " " });
    expect(onNode).toHaveBeenCalledWith("a-0");
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

  it("fills the card in with what the node's call brings, without another line", async () => {
    const { map } = show();
    fireEvent.keyDown(map, { key: "ArrowRight" });
    fireEvent.keyDown(map, { key: "ArrowRight" });
    const card = screen.getByTestId("gpu-card");
    const names = Array.from(card.querySelectorAll("dt"), ({ textContent }) => textContent);
    expect(card.textContent).not.toContain("pod-bob-train");
    expect(await screen.findByText("pod-bob-train")).toBeTruthy();
    expect(card.textContent).toContain("40 / 80 GiB");
    expect(card.textContent).toContain("301 W");
    expect(Array.from(card.querySelectorAll("dt"), ({ textContent }) => textContent)).toEqual(names);
  });
});
