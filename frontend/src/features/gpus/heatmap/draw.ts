/**
 * Paints the fleet. Squares of one colour are filled together, since every change of fillStyle costs more than a
 * rectangle. Marks differ by shape: free is hollow, used fills up with its utilization, unknown has a dash, unhealthy a
 * cross, external stripes.
 */
import type { SlotStatus } from "../../../api/types";
import { type Fleet, NOT_MEASURED, STATES } from "../model";
import { blockOrigin, cellOffset, type Layout, nodesOf } from "./layout";
import type { Palette } from "./palette";

/** The part of a 2D context that is used here. */
export type Surface = Pick<
  CanvasRenderingContext2D,
  | "fillStyle"
  | "strokeStyle"
  | "lineWidth"
  | "globalAlpha"
  | "font"
  | "textBaseline"
  | "fillRect"
  | "fillText"
  | "beginPath"
  | "moveTo"
  | "lineTo"
  | "rect"
  | "stroke"
>;

interface Cell {
  x: number;
  y: number;
  utilization: number;
}

const FAINT = 0.16;
const NAME_SIZE = 11;
/** A monospaced letter is this many times as wide as its font is high: names are cut by arithmetic, not measured. */
const LETTER = 0.61;

export function drawFleet(
  surface: Surface,
  fleet: Fleet,
  layout: Layout,
  palette: Palette,
  standsOut: (device: number) => boolean,
): void {
  const bright = emptyBuckets();
  const faint = emptyBuckets();
  const mine: Cell[] = [];
  for (const box of layout.boxes) {
    nodesOf(fleet, box.group).forEach((node, nth) => {
      const block = blockOrigin(layout, box, nth);
      for (let index = 0; index < node.deviceCount; index += 1) {
        const device = node.firstDevice + index;
        const offset = cellOffset(layout, box, index);
        const cell = {
          x: block.x + offset.x,
          y: block.y + offset.y,
          utilization: fleet.utilization[device] as number,
        };
        (standsOut(device) ? bright : faint)[fleet.state[device] as number]?.push(cell);
        if (fleet.mine[device] === 1) {
          mine.push(cell);
        }
      }
    });
  }

  for (const [buckets, alpha] of [
    [faint, FAINT],
    [bright, 1],
  ] as const) {
    surface.globalAlpha = alpha;
    STATES.forEach((state, index) => {
      drawState(surface, state, buckets[index] ?? [], layout.density.cell, palette);
    });
  }
  surface.globalAlpha = 1;
  drawFrames(surface, mine, layout, palette.mine);
  drawNames(surface, fleet, layout, palette);
}

/** One state's squares with their marks; the legend draws its samples with it as well. */
export function drawState(
  surface: Surface,
  state: SlotStatus,
  cells: Cell[],
  size: number,
  palette: Palette,
): void {
  if (cells.length === 0) {
    return;
  }
  const { fill, mark } = palette.states[state];
  surface.fillStyle = fill;
  for (const { x, y } of cells) {
    surface.fillRect(x, y, size, size);
  }
  surface.fillStyle = mark;
  surface.strokeStyle = mark;
  const inset = (share: number) => Math.max(1, Math.round(size * share));
  if (state === "free") {
    const edge = Math.ceil(size * 0.34);
    fillEach(surface, cells, () => [edge, edge, size - 2 * edge, size - 2 * edge]);
  } else if (state === "used") {
    fillEach(surface, cells, ({ utilization }) => {
      const share = utilization === NOT_MEASURED ? 1 : utilization / 100;
      const height = Math.round(size * share);
      return [0, size - height, size, height];
    });
  } else if (state === "unknown") {
    const edge = inset(0.24);
    const height = inset(0.2);
    fillEach(surface, cells, () => [edge, Math.floor((size - height) / 2), size - 2 * edge, height]);
  } else if (state === "external") {
    const stripe = inset(0.14);
    fillEach(surface, cells, () => [0, Math.round(size * 0.25), size, stripe]);
    fillEach(surface, cells, () => [0, Math.round(size * 0.62), size, stripe]);
  } else {
    drawCrosses(surface, cells, size);
  }
}

/** The name, or its end: names of one cluster mostly begin alike. */
export function shortName(name: string, width: number): string {
  const letters = Math.max(1, Math.floor(width / (NAME_SIZE * LETTER)));
  return name.length <= letters ? name : `…${name.slice(name.length - letters + 1)}`;
}

function emptyBuckets(): Cell[][] {
  return STATES.map(() => []);
}

function fillEach(
  surface: Surface,
  cells: Cell[],
  box: (cell: Cell) => [number, number, number, number],
): void {
  for (const cell of cells) {
    const [x, y, width, height] = box(cell);
    surface.fillRect(cell.x + x, cell.y + y, width, height);
  }
}

function drawCrosses(surface: Surface, cells: Cell[], size: number): void {
  const edge = size * 0.24;
  surface.lineWidth = Math.max(1, size * 0.12);
  surface.beginPath();
  for (const { x, y } of cells) {
    surface.moveTo(x + edge, y + edge);
    surface.lineTo(x + size - edge, y + size - edge);
    surface.moveTo(x + size - edge, y + edge);
    surface.lineTo(x + edge, y + size - edge);
  }
  surface.stroke();
}

function drawFrames(surface: Surface, cells: Cell[], { density }: Layout, colour: string): void {
  const width = density.gap > 1 ? 2 : 1;
  surface.strokeStyle = colour;
  surface.lineWidth = width;
  surface.beginPath();
  for (const { x, y } of cells) {
    surface.rect(x - width / 2, y - width / 2, density.cell + width, density.cell + width);
  }
  surface.stroke();
}

function drawNames(surface: Surface, fleet: Fleet, layout: Layout, palette: Palette): void {
  if (layout.density.label === 0) {
    return;
  }
  surface.font = `${NAME_SIZE}px ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace`;
  surface.textBaseline = "top";
  for (const box of layout.boxes) {
    nodesOf(fleet, box.group).forEach(({ name, ready, schedulable }, nth) => {
      const { x, y } = blockOrigin(layout, box, nth);
      const sound = ready && schedulable;
      surface.fillStyle = sound ? palette.muted : palette.warning;
      surface.fillText(shortName(sound ? name : `${name} ${ready ? "⊘" : "⚠"}`, box.blockWidth), x, y + 2);
    });
  }
}
