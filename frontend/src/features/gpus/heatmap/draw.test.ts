import { describe, expect, it } from "vitest";
import { fleetFromObjects, STATES } from "../model";
import { overviewOf, slotOf } from "../testing";
import { drawFleet, drawState, type Surface, shortName } from "./draw";
import { cellOrigin, layoutFleet } from "./layout";
import { LIGHT } from "./palette";

/** Writes down what is drawn; drawing itself is the browser's business. */
class Recorder implements Surface {
  fillStyle: Surface["fillStyle"] = "";
  strokeStyle: Surface["strokeStyle"] = "";
  lineWidth = 1;
  globalAlpha = 1;
  font = "";
  textBaseline: CanvasTextBaseline = "top";
  rects: { style: string; alpha: number; box: number[] }[] = [];
  texts: string[] = [];
  lines: number[][] = [];
  frames: number[][] = [];

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
  slotOf(1, "used", {
    utilization: 50,
    pods: [{ name: "p", namespace: "user-ann-a", user: "ann-a", startedAt: null }],
  }),
  slotOf(2, "used"),
  slotOf(3, "unhealthy"),
];
const fleet = fleetFromObjects(overviewOf({ a: [slots] }), "ann-a");
const layout = layoutFleet(fleet, [0], 800);
const { cell } = layout.density;

function draw(standsOut: (device: number) => boolean = () => true): Recorder {
  const recorder = new Recorder();
  drawFleet(recorder, fleet, layout, LIGHT, standsOut);
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
    expect(rects.find(({ style }) => style === LIGHT.states.free.fill)?.alpha).toBe(1);
    expect(rects.find(({ style }) => style === LIGHT.states.used.fill)?.alpha).toBeLessThan(0.5);
  });

  it("frames the viewer's own GPUs only, and names the nodes", () => {
    const { frames, texts } = draw();
    expect(frames).toHaveLength(1);
    expect(texts).toEqual(["a-0"]);
  });
});

describe("drawState", () => {
  it("gives every state a shape of its own", () => {
    const shapes = STATES.map((state) => {
      const recorder = new Recorder();
      drawState(recorder, state, [{ x: 0, y: 0, utilization: 50 }], 20, LIGHT);
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
