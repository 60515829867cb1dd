/**
 * The map of all GPUs: one canvas, drawn whole when there is another fleet or another way to look at it, and node by
 * node when the fleet changes. Outline and card move without drawing; a change renders nothing of this component anew.
 */
import { useElementSize } from "@mantine/hooks";
import { type KeyboardEvent, type PointerEvent, useEffect, useMemo, useRef, useState } from "react";
import { useLanguage } from "../../../i18n/language";
import { type Filter, matcher, shownGroups } from "../filter";
import { useFeed } from "../live/OverviewProvider";
import type { Device, Fleet } from "../model";
import { DeviceCard } from "./DeviceCard";
import { drawFleet, redrawNodes, type Scene } from "./draw";
import { GroupHeadings, MapSummary } from "./GroupHeadings";
import classes from "./Heatmap.module.css";
import {
  cellOrigin,
  type Direction,
  deviceAt,
  firstDevice,
  type Layout,
  layoutFleet,
  nameAt,
  neighbour,
} from "./layout";
import { type Colouring, painterOf } from "./paint";
import { usePalette, usePixelRatio } from "./screen";

export interface HeatmapProps {
  fleet: Fleet;
  filter: Filter;
  colouring: Colouring;
  /** The outlined GPU; shared with the table. */
  active: number | null;
  /** Whether to say what is known about it; the table says so itself. */
  described: boolean;
  onActive: (device: number | null) => void;
  onChoose: (device: number) => void;
  onNode: (name: string) => void;
  /** What choosing a GPU does, in words; null where it does nothing. */
  hint: (device: Device, byTouch: boolean) => string | null;
}

/** Browsers refuse canvases beyond about this many pixels a side; a denser screen then gets a coarser picture. */
const MAX_SIDE = 16_000;
/** Room around the map for the frames of squares at its edge. */
const MARGIN = 3;
const SUMMARY = "gpu-map-summary";

export function Heatmap(props: HeatmapProps) {
  const { fleet, filter, colouring, active, described, onActive, onChoose, onNode, hint } = props;
  const { text } = useLanguage();
  const { ref, width } = useElementSize();
  const outline = useRef<HTMLDivElement>(null);
  /** What moved the outline last, as far as it was moved here. */
  const tool = useRef<"mouse" | "touch" | "keys">("mouse");
  /** Where the keys were last, to go on from there after a look at something else. */
  const place = useRef<number | null>(null);
  const [overName, setOverName] = useState(false);
  const palette = usePalette();
  const scene = useMemo<Scene>(
    () => ({
      fleet,
      layout: layoutFleet(fleet, shownGroups(fleet, filter), width),
      palette,
      painter: painterOf(fleet, colouring, palette),
      standsOut: matcher(fleet, filter),
    }),
    [fleet, filter, width, palette, colouring],
  );
  const { layout } = scene;
  const canvas = useDrawn(scene);

  useEffect(() => {
    // Only a key scrolls: the pointer is in sight, and new data must not pull back somebody who scrolled away.
    if (active !== null && described && tool.current === "keys") {
      outline.current?.scrollIntoView({ block: "nearest", inline: "nearest" });
    }
  }, [active, described]);

  const pointOf = (event: PointerEvent | React.MouseEvent) => {
    const corner = event.currentTarget.getBoundingClientRect();
    return { x: event.clientX - corner.left - MARGIN, y: event.clientY - corner.top - MARGIN };
  };
  const hover = (event: PointerEvent) => {
    tool.current = event.pointerType === "touch" ? "touch" : "mouse";
    if (tool.current === "mouse") {
      const point = pointOf(event);
      onActive(deviceAt(layout, fleet, point));
      setOverName(nameAt(layout, fleet, point) !== null);
    }
  };
  const click = (event: React.MouseEvent) => {
    const point = pointOf(event);
    const device = deviceAt(layout, fleet, point);
    const node = nameAt(layout, fleet, point);
    if (node) {
      onNode(node.name);
    } else if (device !== null && (tool.current !== "touch" || device === active)) {
      // A finger has no hover: its first tap shows the GPU, the second chooses it.
      onChoose(device);
    } else {
      onActive(device);
    }
  };
  const press = (event: KeyboardEvent) => {
    if (event.key.startsWith("Arrow")) {
      event.preventDefault();
      tool.current = "keys";
      place.current =
        active === null
          ? placeOn(layout, fleet, place.current)
          : neighbour(layout, fleet, active, event.key as Direction);
      onActive(place.current);
    } else if (event.key === "Enter" && active !== null) {
      onChoose(active);
    } else if (event.key === " " && active !== null) {
      event.preventDefault();
      onNode(fleet.nodes[fleet.nodeOf[active] as number]?.name ?? "");
    } else if (event.key === "Escape") {
      onActive(null);
    }
  };

  const origin = active === null ? null : cellOrigin(layout, fleet, active);
  return (
    <div
      ref={ref}
      className={classes.map}
      style={{ height: layout.height }}
      role="application"
      aria-label={text.gpus.mapLabel}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: an application takes the keyboard
      tabIndex={0}
      onKeyDown={press}
      onBlur={() => onActive(null)}
    >
      <GroupHeadings fleet={fleet} layout={layout} />
      <MapSummary id={SUMMARY} fleet={fleet} />
      <canvas
        ref={canvas}
        data-testid="heatmap"
        role="img"
        aria-labelledby={SUMMARY}
        className={classes.canvas}
        style={{
          inset: -MARGIN,
          width: layout.width + 2 * MARGIN,
          height: layout.height + 2 * MARGIN,
          cursor: origin || overName ? "pointer" : "default",
        }}
        onPointerDown={hover}
        onPointerMove={hover}
        onPointerLeave={() => tool.current === "mouse" && onActive(null)}
        onClick={click}
      />
      <div aria-live="polite">
        {active !== null && origin && (
          <>
            <div
              ref={outline}
              className={classes.outline}
              style={{
                transform: `translate(${origin.x}px, ${origin.y}px)`,
                width: layout.density.cell,
                height: layout.density.cell,
              }}
            />
            {described && (
              <DeviceCard
                fleet={fleet}
                active={active}
                hint={(device) => hint(device, tool.current === "touch")}
                at={{ x: origin.x, y: origin.y, size: layout.density.cell, width: layout.width }}
              />
            )}
          </>
        )}
      </div>
    </div>
  );
}

/** Where one was, if that is on the map still, else its beginning. */
function placeOn(layout: Layout, fleet: Fleet, last: number | null): number | null {
  return last !== null && cellOrigin(layout, fleet, last) !== null ? last : firstDevice(layout, fleet);
}

/** A canvas that shows the scene and what becomes of it. */
function useDrawn(scene: Scene) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const pixelRatio = usePixelRatio();
  const { onFrame } = useFeed();
  useEffect(() => {
    const element = canvas.current;
    const surface = element?.getContext("2d");
    if (!element || !surface || scene.layout.width === 0) {
      return;
    }
    const width = scene.layout.width + 2 * MARGIN;
    const height = scene.layout.height + 2 * MARGIN;
    const scale = Math.min(pixelRatio, MAX_SIDE / Math.max(width, height));
    // Setting the size also clears the canvas.
    element.width = Math.round(width * scale);
    element.height = Math.round(height * scale);
    surface.setTransform(scale, 0, 0, scale, MARGIN * scale, MARGIN * scale);
    drawFleet(surface, scene);
    return onFrame((nodes) => redrawNodes(surface, scene, nodes));
  }, [scene, pixelRatio, onFrame]);
  return canvas;
}
