import { describe, expect, it } from "vitest";
import { STATES } from "../model";
import { fleetWith, podsOf, slotOf } from "../testing";
import { drawFleet, drawPaint, redrawNodes, type Scene, type Surface, shortName } from "./draw";
import { cellOrigin, layoutFleet } from "./layout";
import { painterOf, statePaint } from "./paint";
import { LIGHT } from "./palette";

/** Writes down what is drawn; drawing itself is the browser's business. */
class Recorder implements Surface {
  fillStyle: Surface["fillStyle"] = "";
  strokeStyle: Surface["strokeStyle"] = "";
  lineWidth = 1;
  globalAlpha = 1;
  font = "";
  textBaseline: CanvasTextBaseline = "top";
  rects: { style: string; alpha: number; box: [number, number, number, number] }[] = [];
  texts: string[] = [];
  lines: number[][] = [];
  frames: number[][] = [];
  cleared: number[][] = [];

  clearRect(...box: [number, number, number, number]) {
    this.cleared.push(box);
  }
  fillRect(...box: [number, number, number, number]) {
    this.rects.push({ style: String(this.fillStyle), alpha: this.globalAlpha, box });
  }
  fillText(text: string) {
    this.texts.push(text);
  }
  lineTo(...point: [number, number]) {
    this.lines.push(point);
  }
  rect(...box: [number, number, number, number]) {
    this.frames.push(box);
  }
  beginPath() {}
  moveTo() {}
  stroke() {}
}

const slots = [
  slotOf(0, "free"),
  slotOf(1, "used", { utilization: 50, pods: podsOf("ann") }),
  slotOf(2, "used"),
  slotOf(3, "unhealthy"),
];
const fleet = fleetWith({ a: [slots, 4] });
const layout = layoutFleet(fleet, [0], 800);
const { cell } = layout.density;

function sceneOf(standsOut: Scene["standsOut"] = () => true): Scene {
  return { fleet, layout, palette: LIGHT, painter: painterOf(fleet, "state", LIGHT), standsOut };
}

function draw(standsOut?: Scene["standsOut"]): Recorder {
  const recorder = new Recorder();
  drawFleet(recorder, sceneOf(standsOut));
  return recorder;
}

describe("drawFleet", () => {
  it("fills each GPU's square in its state's colour", () => {
    const { rects } = draw();
    slots.forEach(({ status }, device) => {
      const { x, y } = cellOrigin(layout, fleet, device) ?? { x: -1, y: -1 };
      expect(rects).toContainEqual({ style: LIGHT.states[status].fill, alpha: 1, box: [x, y, cell, cell] });
    });
  });

  it("fills a used square up to its utilization, and wholly when that is not known", () => {
    const { mark } = LIGHT.states.used;
    const heights = draw()
      .rects.filter(({ style }) => style === mark)
      .map(({ box }) => box[3]);
    expect(heights).toEqual([cell / 2, cell]);
  });

  it("groups by colour: every colour is set in one run", () => {
    const runs = draw()
      .rects.map(({ style }) => style)
      .filter((style, at, all) => style !== all[at - 1]);
    expect(new Set(runs).size).toBe(runs.length);
  });

  it("draws faintly what does not stand out", () => {
    const { rects } = draw((device) => device === 0);
    const alphas = (state: "free" | "used") =>
      rects.filter(({ style }) => style === LIGHT.states[state].fill).map(({ alpha }) => alpha);
    expect(alphas("free").filter((alpha) => alpha === 1)).toHaveLength(1);
    expect(Math.max(...alphas("used"))).toBeLessThan(0.5);
  });

  it("frames the viewer's own GPUs only, and names the nodes", () => {
    const { frames, texts } = draw();
    expect(frames).toHaveLength(1);
    expect(texts).toEqual(["a-0", "a-1"]);
  });
});

describe("redrawNodes", () => {
  it("paints the nodes that changed and nothing of the others", () => {
    const recorder = new Recorder();
    redrawNodes(recorder, sceneOf(), [1]);
    expect(recorder.texts).toEqual(["a-1"]);
    expect(recorder.frames).toEqual([]);
    const { x, y } = cellOrigin(layout, fleet, 4) ?? { x: -1, y: -1 };
    const [left, top, width, height] = recorder.cleared[0] as [number, number, number, number];
    expect(recorder.cleared).toHaveLength(1);
    for (const { box } of recorder.rects) {
      expect(box[0]).toBeGreaterThanOrEqual(x);
      expect(box[0] + box[2]).toBeLessThanOrEqual(left + width);
      expect(box[1]).toBeGreaterThanOrEqual(y);
      expect(box[1] + box[3]).toBeLessThanOrEqual(top + height);
    }
    // What is cleared is no square of the node before it.
    const before = cellOrigin(layout, fleet, 3) ?? { x: 0, y: 0 };
    expect(before.x + cell).toBeLessThanOrEqual(left);
  });

  it("paints a node as drawing all of them does", () => {
    const recorder = new Recorder();
    redrawNodes(recorder, sceneOf(), [0]);
    for (const rect of recorder.rects) {
      expect(draw().rects).toContainEqual(rect);
    }
  });

  it("leaves out nodes that are not shown", () => {
    const recorder = new Recorder();
    redrawNodes(recorder, { ...sceneOf(), layout: layoutFleet(fleet, [], 800) }, [0, 1]);
    expect([recorder.rects, recorder.cleared]).toEqual([[], []]);
  });
});

describe("drawPaint", () => {
  it("gives every state a shape of its own", () => {
    const shapes = STATES.map((state) => {
      const recorder = new Recorder();
      drawPaint(recorder, statePaint(state, LIGHT), [{ x: 0, y: 0, level: 50 }], 20);
      return JSON.stringify([recorder.rects.map(({ box }) => box), recorder.lines]);
    });
    expect(new Set(shapes).size).toBe(STATES.length);
  });
});

describe("shortName", () => {
  it("keeps what fits, else the end, which tells nodes apart", () => {
    expect(shortName("gpu-01", 100)).toBe("gpu-01");
    expect(shortName("datacentre-rack-12-gpu-01", 60)).toMatch(/^….*gpu-01$/);
  });
});
