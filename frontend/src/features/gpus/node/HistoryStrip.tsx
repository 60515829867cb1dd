/** The last day of a node's cards, a line each: the darker the busier. What was not measured is left out, not white. */
import { Text } from "@mantine/core";
import { useEffect, useRef } from "react";
import type { History, Source } from "../../../api/types";
import { useLanguage } from "../../../i18n/language";
import { percentText } from "../../../lib/readings";
import { meanOf } from "../../../lib/series";
import { formatHour } from "../../../lib/time";
import { stepOf } from "../heatmap/paint";
import { usePalette, usePixelRatio } from "../heatmap/screen";
import classes from "./node.module.css";

const ROW = 8;
const GAP = 1;
const STEP = 2;
const TICKS = 5;

export function HistoryStrip({ history, source }: { history: History; source: Source }) {
  const { text, locale } = useLanguage();
  const { series, from, step } = history;
  const steps = series[0]?.utilization.length ?? 0;
  if (steps === 0) {
    return (
      <Text size="sm" c="dimmed">
        {[text.node.noHistory, source.message].filter(Boolean).join(": ")}
      </Text>
    );
  }
  const mean = meanOf(series.flatMap(({ utilization }) => utilization));
  const begin = Date.parse(from);
  const moments = Array.from({ length: TICKS }, (_, nth) =>
    new Date(begin + (nth / (TICKS - 1)) * steps * step * 1_000).toISOString(),
  );
  return (
    <figure className={classes.history}>
      <figcaption>
        <Text size="xs" c="dimmed">
          {text.node.history}
          {mean !== null && ` · ${text.node.mean} ${percentText(mean)}`}
        </Text>
      </figcaption>
      <Strip history={history} />
      <div className={classes.ticks} aria-hidden>
        {moments.map((moment) => (
          <span key={moment}>{formatHour(moment, locale)}</span>
        ))}
      </div>
    </figure>
  );
}

function Strip({ history: { series } }: { history: History }) {
  const { text } = useLanguage();
  const canvas = useRef<HTMLCanvasElement>(null);
  const palette = usePalette();
  const pixelRatio = usePixelRatio();
  const width = (series[0]?.utilization.length ?? 0) * STEP;
  const height = series.length * (ROW + GAP) - GAP;
  useEffect(() => {
    const surface = canvas.current?.getContext("2d");
    if (!surface) {
      return;
    }
    surface.setTransform(pixelRatio, 0, 0, pixelRatio, 0, 0);
    surface.clearRect(0, 0, width, height);
    const colours = [palette.track, ...palette.ramp];
    series.forEach(({ utilization }, row) => {
      utilization.forEach((percent, nth) => {
        if (percent !== null) {
          // Nothing at all has a colour of its own, apart from little.
          surface.fillStyle = colours[percent < 1 ? 0 : 1 + stepOf(percent, palette.ramp.length)] ?? "";
          surface.fillRect(nth * STEP, row * (ROW + GAP), STEP, ROW);
        }
      });
    });
  }, [series, palette, pixelRatio, width, height]);
  return (
    <canvas
      ref={canvas}
      role="img"
      aria-label={text.node.history}
      className={classes.strip}
      width={Math.round(width * pixelRatio)}
      height={Math.round(height * pixelRatio)}
      style={{ aspectRatio: `${width} / ${height}`, maxHeight: height * 2 }}
    />
  );
}
