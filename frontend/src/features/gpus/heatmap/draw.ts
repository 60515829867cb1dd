/**
 * Paints the fleet. Squares of one paint are filled together, since every change of fillStyle costs more than a
 * rectangle. A node's block can be painted anew without the others.
 */
import { type Fleet, NOT_MEASURED } from "../model";
import { blockOrigin, boxOf, cellOffset, type Layout } from "./layout";
import type { Paint, Painter } from "./paint";
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
  | "clearRect"
  | "fillRect"
  | "fillText"
  | "beginPath"
  | "moveTo"
  | "lineTo"
  | "rect"
  | "stroke"
>;

export interface Scene {
  fleet: Fleet;
  layout: Layout;
  palette: Palette;
  painter: Painter;
  /** The others are drawn faintly. */
  standsOut: (device: number) => boolean;
}

interface Cell {
  x: number;
  y: number;
  level: number;
}

const FAINT = 0.16;
const NAME_SIZE = 11;
/** A monospaced letter is this many times as wide as its font is high: names are cut by arithmetic, not measured. */
const LETTER = 0.61;
const FRAME = 2;

/** Draws all nodes on a clear surface. */
export function drawFleet(surface: Surface, scene: Scene): void {
  draw(surface, scene, scene.fleet.nodes.keys());
}

/** Draws some nodes anew, by their indexes. */
export function redrawNodes(surface: Surface, scene: Scene, nodes: Iterable<number>): void {
  const { layout, fleet } = scene;
  const shown: number[] = [];
  for (const index of nodes) {
    const box = boxOf(layout, fleet, index);
    if (box) {
      const { x, y } = blockOrigin(layout, fleet, box, index);
      surface.clearRect(x - FRAME, y - FRAME, box.blockWidth + 2 * FRAME, box.blockHeight + 2 * FRAME);
      shown.push(index);
    }
  }
  draw(surface, scene, shown);
}

function draw(surface: Surface, scene: Scene, nodes: Iterable<number>): void {
  const { fleet, layout, palette, painter, standsOut } = scene;
  const bright = new Map<Paint, Cell[]>();
  const faint = new Map<Paint, Cell[]>();
  const mine: Cell[] = [];
  const names: [number, number, number, string][] = [];
  for (const index of nodes) {
    const node = fleet.nodes[index];
    const box = boxOf(layout, fleet, index);
    if (!node || !box) {
      continue;
    }
    const block = blockOrigin(layout, fleet, box, index);
    for (let place = 0; place < node.deviceCount; place += 1) {
      const device = node.firstDevice + place;
      const offset = cellOffset(layout, box, place);
      const cell = { x: block.x + offset.x, y: block.y + offset.y, level: painter.levelOf(device) };
      put(standsOut(device) ? bright : faint, painter.paintOf(device), cell);
      if (fleet.mine[device] === 1) {
        mine.push(cell);
      }
    }
    if (layout.density.label > 0) {
      names.push([index, block.x, block.y, shortName(marked(node), box.blockWidth)]);
    }
  }

  const size = layout.density.cell;
  surface.globalAlpha = FAINT;
  for (const [paint, cells] of faint) {
    drawPaint(surface, paint, cells, size);
  }
  surface.globalAlpha = 1;
  for (const [paint, cells] of bright) {
    drawPaint(surface, paint, cells, size);
  }
  drawFrames(surface, mine, layout, painter.frame);
  surface.font = `${NAME_SIZE}px ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace`;
  surface.textBaseline = "top";
  for (const [index, x, y, name] of names) {
    const node = fleet.nodes[index];
    surface.fillStyle = node?.ready && node.schedulable ? palette.muted : palette.warning;
    surface.fillText(name, x, y + 2);
  }
}

/** Squares of one paint with their marks; the legend draws its samples with it as well. */
export function drawPaint(surface: Surface, { fill, mark, shape }: Paint, cells: Cell[], size: number): void {
  surface.fillStyle = fill;
  for (const { x, y } of cells) {
    surface.fillRect(x, y, size, size);
  }
  surface.fillStyle = mark;
  surface.strokeStyle = mark;
  const inset = (share: number) => Math.max(1, Math.round(size * share));
  if (shape === "hollow") {
    const edge = Math.ceil(size * 0.34);
    fillEach(surface, cells, () => [edge, edge, size - 2 * edge, size - 2 * edge]);
  } else if (shape === "level") {
    fillEach(surface, cells, ({ level }) => {
      const height = Math.round(size * (level === NOT_MEASURED ? 1 : level / 100));
      return [0, size - height, size, height];
    });
  } else if (shape === "dash") {
    const edge = inset(0.24);
    const height = inset(0.2);
    fillEach(surface, cells, () => [edge, Math.floor((size - height) / 2), size - 2 * edge, height]);
  } else if (shape === "stripes") {
    const stripe = inset(0.14);
    fillEach(surface, cells, () => [0, Math.round(size * 0.25), size, stripe]);
    fillEach(surface, cells, () => [0, Math.round(size * 0.62), size, stripe]);
  } else if (shape === "cross") {
    drawCrosses(surface, cells, size);
  }
}

/** The name, or its end: names of one cluster mostly begin alike. */
export function shortName(name: string, width: number): string {
  const letters = Math.max(1, Math.floor(width / (NAME_SIZE * LETTER)));
  return name.length <= letters ? name : `…${name.slice(name.length - letters + 1)}`;
}

function marked({
  name,
  ready,
  schedulable,
}: {
  name: string;
  ready: boolean;
  schedulable: boolean;
}): string {
  if (!ready) {
    return `${name} ⚠`;
  }
  return schedulable ? name : `${name} ⊘`;
}

function put(buckets: Map<Paint, Cell[]>, paint: Paint, cell: Cell): void {
  const cells = buckets.get(paint);
  if (cells) {
    cells.push(cell);
  } else {
    buckets.set(paint, [cell]);
  }
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
  const width = density.gap > 1 ? FRAME : 1;
  surface.strokeStyle = colour;
  surface.lineWidth = width;
  surface.beginPath();
  for (const { x, y } of cells) {
    surface.rect(x - width / 2, y - width / 2, density.cell + width, density.cell + width);
  }
  surface.stroke();
}
