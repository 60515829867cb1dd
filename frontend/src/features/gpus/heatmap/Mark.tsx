/** A sample square, painted by the same code as the map. */
import { useEffect, useRef } from "react";
import type { SlotStatus } from "../../../api/types";
import { drawPaint } from "./draw";
import { type Paint, statePaint } from "./paint";
import { usePalette, usePixelRatio } from "./screen";

const SIZE = 14;
/** How full a used sample is, so that the sample shows that squares fill up. */
const SAMPLE_LEVEL = 65;

export function StateMark({ state }: { state: SlotStatus }) {
  const palette = usePalette();
  return <Mark paint={statePaint(state, palette)} />;
}

export function Mark({ paint, level = SAMPLE_LEVEL }: { paint: Paint; level?: number }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const pixelRatio = usePixelRatio();
  const { fill, mark, shape } = paint;
  useEffect(() => {
    const surface = canvas.current?.getContext("2d");
    if (surface) {
      surface.setTransform(pixelRatio, 0, 0, pixelRatio, 0, 0);
      drawPaint(surface, { fill, mark, shape }, [{ x: 0, y: 0, level }], SIZE);
    }
  }, [fill, mark, shape, level, pixelRatio]);
  return (
    <canvas
      ref={canvas}
      aria-hidden
      width={Math.round(SIZE * pixelRatio)}
      height={Math.round(SIZE * pixelRatio)}
      style={{ width: SIZE, height: SIZE, flex: "none" }}
    />
  );
}
