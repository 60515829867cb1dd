/** The map of all GPUs: one canvas, drawn when the data changes; the outline and the tooltip move without drawing. */
import { Text } from "@mantine/core";
import { useElementSize } from "@mantine/hooks";
import { type KeyboardEvent, type PointerEvent, useEffect, useMemo, useRef } from "react";
import { useLanguage } from "../../../i18n/language";
import { type Filter, matches, shownGroups } from "../filter";
import type { Device, Fleet } from "../model";
import { DeviceCard } from "./DeviceCard";
import { drawFleet } from "./draw";
import classes from "./Heatmap.module.css";
import { cellOrigin, type Direction, deviceAt, firstDevice, layoutFleet, neighbour } from "./layout";
import { usePalette, usePixelRatio } from "./screen";

export interface HeatmapProps {
  fleet: Fleet;
  filter: Filter;
  /** The outlined GPU; shared with the table. */
  active: number | null;
  /** Whether to say what is known about it; the table says so itself. */
  described: boolean;
  onActive: (device: number | null) => void;
  onChoose: (device: Device) => void;
  /** What choosing a GPU does, in words; null where it does nothing. */
  hint: (device: Device, byTouch: boolean) => string | null;
}

/** Browsers refuse canvases beyond about this many pixels a side; a denser screen then gets a coarser picture. */
const MAX_SIDE = 16_000;
/** Room around the map for the frames of squares at its edge. */
const MARGIN = 3;

export function Heatmap({ fleet, filter, active, described, onActive, onChoose, hint }: HeatmapProps) {
  const { text, locale } = useLanguage();
  const { ref, width } = useElementSize();
  const canvas = useRef<HTMLCanvasElement>(null);
  const outline = useRef<HTMLDivElement>(null);
  /** What moved the outline last, as far as it was moved here. */
  const tool = useRef<"mouse" | "touch" | "keys">("mouse");
  const palette = usePalette();
  const pixelRatio = usePixelRatio();
  const layout = useMemo(() => layoutFleet(fleet, shownGroups(fleet, filter), width), [fleet, filter, width]);

  useEffect(() => {
    const element = canvas.current;
    const surface = element?.getContext("2d");
    if (!element || !surface || layout.width === 0) {
      return;
    }
    const width = layout.width + 2 * MARGIN;
    const height = layout.height + 2 * MARGIN;
    const scale = Math.min(pixelRatio, MAX_SIDE / Math.max(width, height));
    // Setting the size also clears the canvas.
    element.width = Math.round(width * scale);
    element.height = Math.round(height * scale);
    surface.setTransform(scale, 0, 0, scale, MARGIN * scale, MARGIN * scale);
    drawFleet(surface, fleet, layout, palette, (device) => matches(fleet, filter, device));
  }, [fleet, filter, layout, palette, pixelRatio]);

  useEffect(() => {
    // Only a key scrolls: the pointer is in sight, and new data must not pull back somebody who scrolled away.
    if (active !== null && described && tool.current === "keys") {
      outline.current?.scrollIntoView({ block: "nearest", inline: "nearest" });
    }
  }, [active, described]);

  const under = (event: PointerEvent | React.MouseEvent) => {
    const corner = event.currentTarget.getBoundingClientRect();
    return deviceAt(layout, fleet, {
      x: event.clientX - corner.left - MARGIN,
      y: event.clientY - corner.top - MARGIN,
    });
  };
  const hover = (event: PointerEvent) => {
    tool.current = event.pointerType === "touch" ? "touch" : "mouse";
    if (tool.current === "mouse") {
      onActive(under(event));
    }
  };
  const click = (event: React.MouseEvent) => {
    const device = under(event);
    // A finger has no hover: its first tap shows the GPU, the second chooses it.
    if (device !== null && (tool.current !== "touch" || device === active)) {
      onChoose(fleet.device(device));
    } else {
      onActive(device);
    }
  };
  const press = (event: KeyboardEvent) => {
    if (event.key.startsWith("Arrow")) {
      event.preventDefault();
      tool.current = "keys";
      onActive(
        active === null
          ? firstDevice(layout, fleet)
          : neighbour(layout, fleet, active, event.key as Direction),
      );
    } else if (event.key === "Enter" && active !== null) {
      onChoose(fleet.device(active));
    } else if (event.key === "Escape") {
      onActive(null);
    }
  };

  const origin = active === null ? null : cellOrigin(layout, fleet, active);
  const device = active === null || origin === null ? null : fleet.device(active);
  const number = new Intl.NumberFormat(locale);
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
      {layout.boxes.map((box) => {
        const group = fleet.groups[box.group];
        return (
          group && (
            <div
              key={group.type}
              className={classes.heading}
              style={{ top: box.top, left: box.x, width: box.width }}
            >
              <Text component="h2" fw={600} size="sm" lineClamp={2} className={classes.label}>
                {group.label}
              </Text>
              <Text c="dimmed" size="sm" className={classes.count}>
                {text.gpus.groupCount(number.format(group.counts.free), number.format(group.counts.total))}
              </Text>
            </div>
          )
        );
      })}
      <canvas
        ref={canvas}
        data-testid="heatmap"
        role="img"
        aria-label={text.gpus.mapSummary(
          number.format(fleet.counts.free),
          number.format(fleet.counts.used),
          number.format(fleet.counts.total),
        )}
        className={classes.canvas}
        style={{
          inset: -MARGIN,
          width: layout.width + 2 * MARGIN,
          height: layout.height + 2 * MARGIN,
          cursor: device ? "pointer" : "default",
        }}
        onPointerDown={hover}
        onPointerMove={hover}
        onPointerLeave={() => tool.current === "mouse" && onActive(null)}
        onClick={click}
      />
      <div aria-live="polite">
        {device && origin && (
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
                device={device}
                hint={hint(device, tool.current === "touch")}
                at={{ x: origin.x, y: origin.y, size: layout.density.cell, width: layout.width }}
              />
            )}
          </>
        )}
      </div>
    </div>
  );
}
