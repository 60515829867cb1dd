/**
 * Where every GPU stands: plain arithmetic on a grid of node blocks per group. All blocks of a group have one size, so
 * that finding the GPU under the pointer takes no search, however many there are. Small groups share a line.
 */
import type { Fleet, FleetNode } from "../model";

export interface Density {
  /** Side of a GPU's square, in CSS pixels like everything here. */
  cell: number;
  gap: number;
  blockGap: number;
  /** Height kept for a node's name; 0 where names would not be legible. */
  label: number;
  minBlockWidth: number;
}

export interface GroupBox {
  group: number;
  x: number;
  /** Room for the heading and the blocks. */
  width: number;
  /** Where the group's heading begins. */
  top: number;
  /** Where its first node block begins. */
  y: number;
  blockColumns: number;
  cellColumns: number;
  blockWidth: number;
  blockHeight: number;
  height: number;
}

export interface Layout {
  density: Density;
  width: number;
  height: number;
  boxes: GroupBox[];
}

export interface Point {
  x: number;
  y: number;
}

/** From roomy to dense; the first that fits HEIGHT_BUDGET and the width is taken, else the last. */
const DENSITIES: readonly [Density, ...Density[]] = [
  { cell: 34, gap: 4, blockGap: 24, label: 20, minBlockWidth: 124 },
  { cell: 26, gap: 4, blockGap: 20, label: 20, minBlockWidth: 116 },
  { cell: 18, gap: 3, blockGap: 16, label: 18, minBlockWidth: 104 },
  { cell: 12, gap: 2, blockGap: 12, label: 16, minBlockWidth: 96 },
  { cell: 8, gap: 1, blockGap: 6, label: 0, minBlockWidth: 0 },
  { cell: 5, gap: 1, blockGap: 4, label: 0, minBlockWidth: 0 },
];
const HEIGHT_BUDGET = 1_600;
const CELLS_PER_ROW = 8;
export const HEADING = 40;
const GROUP_GAP = 20;
const GROUP_GAP_SIDEWAYS = 40;
/** Room for a heading, by guess: so much a letter of the label, and the count after it. */
const HEADING_LETTER = 8.5;
const HEADING_COUNT = 130;

export function layoutFleet(fleet: Fleet, groups: number[], width: number): Layout {
  let layout = layoutAt(DENSITIES[0], fleet, groups, width);
  for (const density of DENSITIES.slice(1)) {
    if (layout.height <= HEIGHT_BUDGET && layout.boxes.every(({ blockWidth }) => blockWidth <= width)) {
      break;
    }
    layout = layoutAt(density, fleet, groups, width);
  }
  return layout;
}

function layoutAt(density: Density, fleet: Fleet, groups: number[], width: number): Layout {
  const { cell, gap, blockGap, label, minBlockWidth } = density;
  const boxes: GroupBox[] = [];
  let top = 0;
  let lineHeight = 0;
  let x = 0;
  for (const group of groups) {
    const members = nodesOf(fleet, group);
    const most = members.reduce((count, node) => Math.max(count, node.deviceCount), 1);
    const cellColumns = Math.min(most, CELLS_PER_ROW);
    const cellRows = Math.ceil(most / cellColumns);
    const blockWidth = Math.max(minBlockWidth, cellColumns * (cell + gap) - gap);
    const blockHeight = label + cellRows * (cell + gap) - gap;
    const blockColumns = Math.max(1, Math.floor((width + blockGap) / (blockWidth + blockGap)));
    const blockRows = Math.ceil(members.length / blockColumns);
    const height = Math.max(0, blockRows * (blockHeight + blockGap) - blockGap);
    const heading = Math.ceil(HEADING_COUNT + HEADING_LETTER * (fleet.groups[group]?.label.length ?? 0));
    const wished = Math.max(heading, members.length * (blockWidth + blockGap) - blockGap);
    const boxWidth = Math.max(blockWidth, Math.min(width, wished));
    if (x > 0 && x + boxWidth > width) {
      top += lineHeight + GROUP_GAP;
      lineHeight = 0;
      x = 0;
    }
    const y = top + HEADING;
    boxes.push({
      group,
      x,
      width: boxWidth,
      top,
      y,
      blockColumns,
      cellColumns,
      blockWidth,
      blockHeight,
      height,
    });
    lineHeight = Math.max(lineHeight, HEADING + height);
    x += boxWidth + GROUP_GAP_SIDEWAYS;
  }
  return { density, width, height: top + lineHeight, boxes };
}

export function nodesOf({ groups, nodes }: Fleet, group: number): FleetNode[] {
  const { firstNode = 0, nodeCount = 0 } = groups[group] ?? {};
  return nodes.slice(firstNode, firstNode + nodeCount);
}

/** The box of a node's group; undefined when it is not shown. */
export function boxOf({ boxes }: Layout, { nodes }: Fleet, node: number): GroupBox | undefined {
  const group = nodes[node]?.group;
  return boxes.find((box) => box.group === group);
}

/** Top left corner of a node's block. */
export function blockOrigin({ density }: Layout, { groups }: Fleet, box: GroupBox, node: number): Point {
  const nth = node - (groups[box.group]?.firstNode ?? 0);
  return {
    x: box.x + (nth % box.blockColumns) * (box.blockWidth + density.blockGap),
    y: box.y + Math.floor(nth / box.blockColumns) * (box.blockHeight + density.blockGap),
  };
}

/** Top left corner of the nth cell in a block, from the block's own corner. */
export function cellOffset({ density }: Layout, box: GroupBox, nth: number): Point {
  const pitch = density.cell + density.gap;
  return {
    x: (nth % box.cellColumns) * pitch,
    y: density.label + Math.floor(nth / box.cellColumns) * pitch,
  };
}

/** Top left corner of a GPU's square; null when its group is not shown. */
export function cellOrigin(layout: Layout, fleet: Fleet, device: number): Point | null {
  const index = fleet.nodeOf[device];
  const node = index === undefined ? undefined : fleet.nodes[index];
  const box = index === undefined ? undefined : boxOf(layout, fleet, index);
  if (index === undefined || !node || !box) {
    return null;
  }
  const block = blockOrigin(layout, fleet, box, index);
  const cell = cellOffset(layout, box, device - node.firstDevice);
  return { x: block.x + cell.x, y: block.y + cell.y };
}

/** The GPU at a point, the gap after a square counted as its own; null between blocks. */
export function deviceAt(layout: Layout, fleet: Fleet, point: Point): number | null {
  const found = blockAt(layout, fleet, point);
  if (!found) {
    return null;
  }
  const { box, node, x, y } = found;
  const { cell, gap, label } = layout.density;
  const cellColumn = Math.floor(x / (cell + gap));
  const cellRow = Math.floor((y - label) / (cell + gap));
  const index = cellRow * box.cellColumns + cellColumn;
  const inside = cellColumn < box.cellColumns && cellRow >= 0 && index < node.deviceCount;
  return inside ? node.firstDevice + index : null;
}

/** The node whose name is at a point. */
export function nameAt(layout: Layout, fleet: Fleet, point: Point): FleetNode | null {
  const found = blockAt(layout, fleet, point);
  return found && found.y < layout.density.label && found.x < found.box.blockWidth ? found.node : null;
}

/** The block at a point, the gap after it counted as its own, and the point's place in it. */
function blockAt(
  { boxes, density: { blockGap } }: Layout,
  fleet: Fleet,
  { x, y }: Point,
): ({ box: GroupBox; node: FleetNode } & Point) | null {
  const box = boxes.find(
    (candidate) =>
      x >= candidate.x &&
      x < candidate.x + candidate.width &&
      y >= candidate.y &&
      y < candidate.y + candidate.height,
  );
  if (!box) {
    return null;
  }
  const pitchX = box.blockWidth + blockGap;
  const pitchY = box.blockHeight + blockGap;
  const column = Math.floor((x - box.x) / pitchX);
  const row = Math.floor((y - box.y) / pitchY);
  const nth = row * box.blockColumns + column;
  const group = fleet.groups[box.group];
  const node =
    column < box.blockColumns && group && nth < group.nodeCount && fleet.nodes[group.firstNode + nth];
  return node ? { box, node, x: x - box.x - column * pitchX, y: y - box.y - row * pitchY } : null;
}

export type Direction = "ArrowLeft" | "ArrowRight" | "ArrowUp" | "ArrowDown";

/** The next GPU in a direction; the same one at the edge. */
export function neighbour(layout: Layout, fleet: Fleet, device: number, direction: Direction): number {
  if (direction === "ArrowLeft" || direction === "ArrowRight") {
    const next = device + (direction === "ArrowRight" ? 1 : -1);
    return cellOrigin(layout, fleet, next) ? next : device;
  }
  const origin = cellOrigin(layout, fleet, device);
  if (!origin) {
    return device;
  }
  const { cell } = layout.density;
  // A step as long as a square leaves out no row, and from the middle of one it always leads out of it.
  const step = direction === "ArrowDown" ? cell : -cell;
  const x = origin.x + cell / 2;
  for (let y = origin.y + cell / 2 + step; y >= 0 && y <= layout.height; y += step) {
    const found = deviceAt(layout, fleet, { x, y });
    if (found !== null) {
      return found;
    }
  }
  return device;
}

/** The first GPU that is shown. */
export function firstDevice({ boxes }: Layout, fleet: Fleet): number | null {
  for (const { group } of boxes) {
    const node = nodesOf(fleet, group).find(({ deviceCount }) => deviceCount > 0);
    if (node) {
      return node.firstDevice;
    }
  }
  return null;
}
