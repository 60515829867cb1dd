/** A sample square of a state, painted by the same code as the map. */

import { useEffect, useRef } from "react";
import type { SlotStatus } from "../../../api/types";
import { drawState } from "./draw";
import { usePalette, usePixelRatio } from "./screen";

const SIZE = 14;
/** How full a used sample is, so that the sample shows that squares fill up. */
const SAMPLE_UTILIZATION = 65;

export function StateMark({ state }: { state: SlotStatus }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const palette = usePalette();
  const pixelRatio = usePixelRatio();
  useEffect(() => {
    const surface = canvas.current?.getContext("2d");
    if (surface) {
      surface.setTransform(pixelRatio, 0, 0, pixelRatio, 0, 0);
      drawState(surface, state, [{ x: 0, y: 0, utilization: SAMPLE_UTILIZATION }], SIZE, palette);
    }
  }, [state, palette, pixelRatio]);
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
